"""What every verb is: a value that was parsed, and what it does to a call."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Self

from callwright.calls.control import CallControl, Prompt
from callwright.twiml.attribute import Attribute
from callwright.twiml.outcome import Step
from callwright.twiml.reading import Element, Reading


class Verb(ABC):
    """One instruction of a document."""

    __slots__ = ()

    name: ClassVar[str]
    attributes: ClassVar[tuple[Attribute[Any], ...]] = ()

    @classmethod
    @abstractmethod
    def parse(cls, element: Element, reading: Reading) -> Self | None:
        """The verb at an element; None, with a warning in the reading, when it cannot be carried out."""

    @abstractmethod
    async def execute(self, control: CallControl) -> Step:
        """Carries it out.

        Raises:
            LegGone: the caller hung up meanwhile.
            MediaError: a sound could not be had; the call goes on with the next verb.
        """

    def prompts(self) -> tuple[Prompt, ...]:
        """The sounds that it will play, to be loaded ahead."""
        return ()
