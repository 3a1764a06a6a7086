"""Prompts: sounds, speech, pauses and keys, loaded early and played in order to a call's leg."""

import asyncio
import itertools
import re
import weakref
from collections.abc import Sequence
from typing import TYPE_CHECKING

from callwright.calls.control import File, Keys, Prompt, Silence, Speech
from callwright.engine import Sound
from callwright.errors import CallwrightError, LegGone, MediaError
from callwright.sip.leg import Leg

if TYPE_CHECKING:
    from callwright.calls.call import Call

KEY_MS = 160
PAUSES = {"w": 0.5, "W": 1.0}
AHEAD = 32


class Prompter:
    """Loads and plays one call's prompts. It is the call's, and does not keep the call alive."""

    def __init__(self, call: "Call") -> None:
        self._owner = weakref.ref(call)
        self._loading: dict[Prompt, Sound | asyncio.Task[Sound]] = {}

    @property
    def _call(self) -> "Call":
        if (call := self._owner()) is None:
            raise LegGone("the call is over")
        return call

    def prefetch(self, prompts: Sequence[Prompt]) -> None:
        """Starts to load what a document will play, in place of what the last one has not played."""
        wanted = frozenset(prompts)
        for prompt in tuple(self._loading.keys() - wanted):
            _abandon(self._loading.pop(prompt))
        self._load_ahead(prompts)

    def _load_ahead(self, prompts: Sequence[Prompt]) -> None:
        """At most `AHEAD` sounds are under way."""
        for prompt in prompts:
            if isinstance(prompt, File | Speech) and prompt not in self._loading and len(self._loading) < AHEAD:
                self._loading[prompt] = self._at_hand(prompt) or asyncio.create_task(self._load(prompt))

    def close(self) -> None:
        """Stops loading; the call is over."""
        for loading in self._loading.values():
            _abandon(loading)
        self._loading.clear()

    def _at_hand(self, prompt: File | Speech) -> Sound | None:
        """Most prompts have been played before: no task, and no turn of the loop, is needed for those."""
        call = self._call
        return call.exchange.sounds.at_hand(prompt.url, call.account) if isinstance(prompt, File) else None

    async def _load(self, prompt: File | Speech) -> Sound:
        sounds = self._call.exchange.sounds
        if isinstance(prompt, File):
            return await sounds.file(prompt.url, self._call.account)
        return await sounds.speech(prompt.text, voice=prompt.voice, language=prompt.language, ssml=prompt.ssml)

    async def _sound(self, prompt: File | Speech, leg: Leg) -> Sound:
        """The sound of a prompt, as long as there is somebody to hear it."""
        self._load_ahead([prompt])
        loading = self._loading.pop(prompt, None) or asyncio.create_task(self._load(prompt))
        if not isinstance(loading, asyncio.Task):
            return loading
        try:
            return loading.result() if loading.done() else await leg.during(loading)
        except LegGone:
            raise
        except CallwrightError as error:
            raise MediaError(error.message, code=error.code) from error

    async def play(self, prompts: Sequence[Prompt], *, interruptible: bool = False) -> None:
        """Plays prompts in order, the next ones loading meanwhile.

        Args:
            interruptible: the caller's first digit stops the prompt that is playing, natively.

        Raises:
            LegGone: the caller hung up.
            MediaError: a sound cannot be had.
        """
        self._load_ahead(prompts)
        endpoint = self._call.exchange.endpoint
        for prompt in prompts:
            leg = self._call.require_leg()
            match prompt:
                case Silence(seconds):
                    await leg.sleep(seconds)
                case Keys():
                    await self._send(prompt)
                case File() | Speech():
                    sound = await self._sound(prompt, leg)
                    await endpoint.play(leg, [sound], loop=prompt.loop, interruptible=interruptible)

    async def _send(self, keys: Keys) -> None:
        for _ in range(keys.loop) if keys.loop else itertools.count():
            await send_keys(self._call, keys.digits)


def _abandon(loading: "Sound | asyncio.Task[Sound]") -> None:
    """A prompt that will not be played: it is of no consequence whether it could have been."""
    if not isinstance(loading, asyncio.Task):
        return
    if loading.done() and not loading.cancelled():
        loading.exception()
    loading.cancel()


async def send_keys(call: "Call", digits: str) -> None:
    """Sends DTMF, with "w" and "W" as pauses; returns when the last key has been heard.

    Raises:
        LegGone: the leg ended.
    """
    leg = call.require_leg()
    for run in re.findall(r"[wW]|[^wW]+", digits):
        if run in PAUSES:
            await leg.sleep(PAUSES[run])
        else:
            await leg.send_digits(run, KEY_MS)
