"""The seam to a speech synthesiser: an embedded one, a program, or a service stands behind it."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Utterance:
    """Spoken text: int16 little-endian mono samples and their rate in Hz."""

    samples: bytes
    rate: int


class Synthesis(Protocol):
    """Speaks text."""

    @property
    def identity(self) -> str:
        """Provider, version and settings: everything beside the arguments that the samples depend on.

        It is part of the cache's key, so a new version of a voice is heard at once.
        """
        ...

    async def synthesise(self, text: str, *, voice: str, language: str, ssml: bool) -> Utterance:
        """The text, spoken.

        Args:
            voice: as in the document: man, woman, alice, `Polly.*`, `Google.*` (call-control reference §1.2); "" for
                the default.
            language: BCP-47; "" for the voice's own.
            ssml: `text` is an XML fragment with SSML elements (§1.3), else plain characters.

        Raises:
            MediaError: 13511 no such voice; 13512 a language that cannot be spoken; 13520 nothing to speak; 12400 the
                synthesiser failed, took too long, or spoke too long.
        """
        ...
