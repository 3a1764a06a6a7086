"""The library of sounds that fake calls are played from."""

import asyncio

from callwright.calls.application import Account
from callwright.engine import Sound
from callwright.errors import MediaError


class Sounds:
    """A sound for every URL and text.

    Attributes:
        missing: URLs and texts that cannot be had.
        held: URLs and texts that wait for their event.
        asked: what was loaded, in order.
        near: URLs whose sound is at hand.
    """

    def __init__(self) -> None:
        self.near: dict[str, Sound] = {}
        self.missing: set[str] = set()
        self.held: dict[str, asyncio.Event] = {}
        self.asked: list[str] = []

    def at_hand(self, url: str, account: Account) -> Sound | None:
        return self.near.get(url)

    async def file(self, url: str, account: Account) -> Sound:
        return await self._load(url)

    async def speech(self, text: str, *, voice: str, language: str, ssml: bool) -> Sound:
        return await self._load(text)

    async def _load(self, what: str) -> Sound:
        self.asked.append(what)
        if what in self.held:
            await self.held[what].wait()
        if what in self.missing:
            raise MediaError(f"{what} is missing", code=11200)
        return Sound(b"\0\0" * 160, 16000)
