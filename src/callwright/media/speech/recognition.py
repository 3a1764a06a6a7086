"""The seam to a speech recogniser: the embedded one, or another that stands behind the same two protocols."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Listening:
    """What is listened for.

    Attributes:
        language: BCP-47.
        hints: phrases that are expected (call-control reference §1.4); a recogniser may understand nothing else.
        commands: numbers and short commands are expected.
    """

    language: str = "en-US"
    hints: tuple[str, ...] = ()
    commands: bool = False


@dataclass(frozen=True, slots=True)
class Heard:
    """What was understood.

    Attributes:
        text: "" when nothing was.
        confidence: 0 to 1.
        left_out: hints that could not be listened for, because nobody knows how they are spoken.
    """

    text: str = ""
    confidence: float = 0.0
    left_out: tuple[str, ...] = ()


class Hearing(Protocol):
    """One utterance on its way to a recogniser. `close` it, whatever becomes of it."""

    def feed(self, samples: bytes) -> None:
        """Appends int16 little-endian mono samples. Never blocks; what is too long for an utterance is dropped."""
        ...

    async def finish(self) -> Heard:
        """No sample follows: what was said.

        Raises:
            MediaError: 13340: the recogniser failed or took too long.
        """
        ...

    def close(self) -> None:
        """Nobody wants to know any more. Idempotent."""
        ...


class Recognition(Protocol):
    """Understands speech."""

    def knows(self, language: str) -> bool:
        """Whether speech in a language (BCP-47) can be understood."""
        ...

    def hear(self, listening: Listening, rate: int, on_partial: Callable[[str], None] | None = None) -> Hearing:
        """Begins an utterance.

        Args:
            rate: of its samples, Hz.
            on_partial: told on the event loop of what was understood so far, whenever that changes.
        """
        ...

    async def close(self) -> None:
        """Ends every process and thread; hearings under way fail."""
        ...
