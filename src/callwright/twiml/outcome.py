"""What a verb leaves behind: nothing (the next verb runs), another document, or the end of the call."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from callwright.calls.application import Hook


@dataclass(frozen=True, slots=True)
class Next:
    """Another document replaces this one (the "action" pattern, call-control reference §1.1).

    Attributes:
        params: sent besides the standard parameters.
        final: the caller has left: the request is made and its answer discarded.
    """

    hook: Hook
    params: Mapping[str, str] = field(default_factory=dict)
    final: bool = False


@dataclass(frozen=True, slots=True)
class Finish:
    """The call ends.

    Attributes:
        hung_up: its leg has already ended.
        ordered: a verb said so; otherwise the document has run out of verbs.
    """

    hung_up: bool = False
    ordered: bool = False


Step = Next | Finish | None
