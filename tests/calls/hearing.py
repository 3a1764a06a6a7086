"""A recogniser that understands what the test says."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from callwright.errors import MediaError
from callwright.media.speech.recognition import Heard, Listening


@dataclass
class FakeHearing:
    """An utterance at `FakeRecognition`."""

    owner: "FakeRecognition"
    listening: Listening
    rate: int
    on_partial: Callable[[str], None] | None
    samples: bytes = b""
    closed: bool = False

    def feed(self, samples: bytes) -> None:
        self.samples += samples

    async def finish(self) -> Heard:
        if self.owner.held is not None:
            await self.owner.held.wait()
        answer = self.owner.answers.pop(0)
        if isinstance(answer, MediaError):
            raise answer
        return answer

    def close(self) -> None:
        self.closed = True


class FakeRecognition:
    """Understands what the test says.

    Attributes:
        answers: of the utterances to come, in order.
        hearings: those that were begun.
        held: utterances are understood when it is set.
    """

    def __init__(self) -> None:
        self.answers: list[Heard | MediaError] = []
        self.hearings: list[FakeHearing] = []
        self.held: asyncio.Event | None = None

    def knows(self, language: str) -> bool:
        return language.startswith("en")

    def hear(self, listening: Listening, rate: int, on_partial: Callable[[str], None] | None = None) -> FakeHearing:
        self.hearings.append(FakeHearing(self, listening, rate, on_partial))
        return self.hearings[-1]

    async def close(self) -> None:
        return None
