"""A library on a loopback server, with a clock that tests turn."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from callwright import signing
from callwright.account import Account
from callwright.errors import MediaError
from callwright.media.library import Library
from callwright.media.limits import MediaLimits
from callwright.media.speech.protocol import Synthesis
from callwright.outbound import Outbound
from callwright.sections import OutboundHttp
from tests.harness import tones
from tests.media import sounds
from tests.media.fileserver import FileServer, file_server

ACCOUNT = Account("AC" + "1" * 32, "secret-of-one")
OTHER = Account("AC" + "2" * 32, "secret-of-two")


WAV = tones.wav_bytes(tones.tone(1000, 0.5, rate=16000), 16000)


class Sound:
    """What the tests' factory makes: it keeps the samples, and counts those that are alive."""

    def __init__(self, samples: bytes, rate: int) -> None:
        self.samples = samples
        self.rate = rate


def pitch(sound: Sound) -> float:
    """The strongest frequency of a sound, Hz."""
    return tones.frequencies(sounds.heard(sound.samples), sound.rate)[0].hz


async def code_of(library: Library[Sound], url: str) -> int:
    """The code that a URL fails with."""
    with pytest.raises(MediaError) as raised:
        await library.file(url, ACCOUNT)
    return raised.value.code


@dataclass
class Clock:
    """Seconds since the epoch, turned by hand; it begins at the servers' own time."""

    at: float = field(default_factory=time.time)

    def __call__(self) -> float:
        return self.at


@pytest.fixture
async def server() -> AsyncIterator[FileServer]:
    async with file_server() as running:
        yield running


@pytest.fixture
async def outbound() -> AsyncIterator[Outbound]:
    made = Outbound(OutboundHttp(allow_private=True))
    await made.start()
    yield made
    await made.close()


@pytest.fixture
def now() -> Clock:
    return Clock()


Opener = Callable[..., Any]


@pytest.fixture
async def opened(tmp_path: Path, outbound: Outbound, now: Clock) -> AsyncIterator[Opener]:
    """A function that opens a library; every one of the same `folder` shares one disk cache, as after a restart."""
    async with AsyncExitStack() as stack:

        async def open_(
            *,
            limits: MediaLimits | None = None,
            synthesis: Synthesis | None = None,
            via: Outbound = outbound,
            folder: str = "cache",
            rate: int = 16000,
        ) -> Library[Sound]:
            library = Library(
                outbound=via,
                directory=tmp_path / folder,
                clock_rate=rate,
                make=Sound,
                synthesis=synthesis,
                sign=signing.signature,
                limits=limits,
                now=now,
            )
            await library.start()
            stack.push_async_callback(library.close)
            return library

        yield open_


@pytest.fixture
async def library(opened: Opener) -> Library[Sound]:
    made: Library[Sound] = await opened()
    return made
