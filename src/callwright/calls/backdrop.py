"""What somebody hears who waits: nothing, hold music, or an application's documents.

Documents come as programmes: what is to be heard, one document after the other. Whoever plays them stands below the
layer that reads documents, and knows of them only this (call-control reference §1.6, waitUrl).
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Protocol

from callwright.account import Account
from callwright.calls.application import Hook
from callwright.calls.control import File, Keys, Prompt, Silence, Speech
from callwright.engine import Sound
from callwright.errors import CallwrightError, MediaError

if TYPE_CHECKING:
    from callwright.calls.call import Call
    from callwright.calls.exchange import Exchange


class Backdrop(Enum):
    """What is heard when no application is asked."""

    SILENCE = "silence"
    MUSIC = "music"


Heard = Backdrop | Hook
"""What is heard: of our own, or the documents of a URL."""


@dataclass(frozen=True, slots=True)
class Programme:
    """What one document has to be heard. `endless`: a sound file in place of a document, played until it is stopped."""

    prompts: tuple[Prompt, ...]
    endless: bool = False


class Programmes(Protocol):
    """Where programmes come from."""

    def follow(
        self, hook: Hook, params: dict[str, str], *, account: Account, call: "Call | None"
    ) -> AsyncGenerator[Programme, None]:
        """The programme of a URL, then those that it redirects to, each when the one before has been heard.

        Args:
            call: in whose session it is fetched, and which is told of its faults; None for nobody's.

        Raises:
            ApplicationError: a document cannot be had or run.
        """
        ...

    async def perform(self, call: "Call", hook: Hook, params: Callable[[], dict[str, str]], *, endless: bool) -> None:
        """Carries out the documents of a URL on a call that waits in a queue.

        Args:
            params: asked anew for each request of the URL.
            endless: what a queue allows, and the URL again at the end of each document, until this is cancelled;
                else what may be said to a queued caller before he is connected, once.

        Raises:
            ApplicationError: a document cannot be had or run.
            LegGone: the caller hung up.
        """
        ...


class Music(Protocol):
    """Hold music of our own, to be played in a loop."""

    async def sound(self) -> Sound: ...


class Loudspeaker:
    """Plays to one node: a leg, or a bus that many hear. Whoever plays cancels it when the node goes."""

    def __init__(self, exchange: "Exchange", account: Account, node: int) -> None:
        self._exchange = exchange
        self._account = account
        self._node = node

    async def music(self) -> None:
        """Plays hold music until it is cancelled."""
        sound = await self._exchange.rooms.music.sound()
        await self._exchange.endpoint.play_into(self._node, [sound], loop=0)

    async def documents(
        self, hook: Hook, params: dict[str, str], *, call: "Call | None" = None, endless: bool = True
    ) -> None:
        """Plays the documents of a URL to their end.

        Args:
            endless: a sound file in place of a document is played until this is cancelled, else once.

        Raises:
            ApplicationError: a document cannot be had or run.
            MediaError: a sound cannot be had.
        """
        programmes = self._exchange.rooms.programmes.follow(hook, params, account=self._account, call=call)
        async with aclosing(programmes) as following:
            async for programme in following:
                await self.play(programme.prompts, loop=0 if programme.endless and endless else None)

    async def play(self, prompts: Sequence[Prompt], *, loop: int | None = None) -> None:
        """Plays prompts one after the other. Keys are for one leg's network, not for the ear: they are left out.

        Args:
            loop: how often each sound is played in place of what it says itself; 0: without end.

        Raises:
            MediaError: a sound cannot be had.
        """
        for prompt in prompts:
            match prompt:
                case Silence(seconds):
                    await asyncio.sleep(seconds)
                case File() | Speech():
                    times = prompt.loop if loop is None else loop
                    await self._exchange.endpoint.play_into(self._node, [await self._sound(prompt)], loop=times)
                case Keys():
                    continue

    async def _sound(self, prompt: File | Speech) -> Sound:
        sounds = self._exchange.sounds
        try:
            if isinstance(prompt, File):
                return await sounds.file(prompt.url, self._account)
            return await sounds.speech(prompt.text, voice=prompt.voice, language=prompt.language, ssml=prompt.ssml)
        except CallwrightError as error:
            raise MediaError(error.message, code=error.code) from error
