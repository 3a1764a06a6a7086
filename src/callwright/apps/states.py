"""The machine that every request of a session, and every callback, runs through: `TABLE`, state by state and failure
by failure.

    PRIMARY ----> RETRY ------+           a failure that asking again at once may mend
       |            |         |
       |            v         v
       +-------> SECONDARY --> SECONDARY_RETRY     any other failure, or one too many
       |            |             |
       v            v             v
    ANSWERED, or GIVEN_UP when nobody is left to ask

    DELIVERY ---> REDELIVERY              a callback's failure that some time may mend
       |              |
       v              v
    ANSWERED, or GIVEN_UP

A failure is one of transport, of HTTP, or of the document itself: what cannot be parsed is as good as not answered.
A search whose caller leaves is ABANDONED from any state. Source: call-control reference §2.6.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from callwright.apps.failure import FACTS, Failure
from callwright.calls.alerts import Level


class State(StrEnum):
    """Who is being asked, or how the search ended."""

    PRIMARY = "primary"
    RETRY = "retry"
    SECONDARY = "secondary"
    SECONDARY_RETRY = "secondary_retry"
    DELIVERY = "delivery"
    REDELIVERY = "redelivery"
    ANSWERED = "answered"
    GIVEN_UP = "given_up"
    ABANDONED = "abandoned"


ENDED = frozenset({State.ANSWERED, State.GIVEN_UP, State.ABANDONED})
STATUS_CALLBACK_FAILED = 15003

STEPS: Mapping[State, str] = MappingProxyType(
    {
        State.RETRY: "retry",
        State.SECONDARY: "fallback",
        State.SECONDARY_RETRY: "retry",
        State.REDELIVERY: "retry",
        State.GIVEN_UP: "given_up",
        State.ABANDONED: "abandoned",
    }
)
"""The kind of the step that the call's event log has when a state is entered."""


@dataclass(frozen=True, slots=True)
class Row:
    """A failure in a state: where it leads, and how it is told.

    Attributes:
        again: while the same URI may be asked once more; None when this failure is not one for that.
        onward: when it is not, and the session has a secondary URI that was not asked yet.
        end: when it is not, and there is none.
        code: of the alert; 0: that of the error itself.
        level: of the alert, unless the URI is asked again: that is a warning.
    """

    again: State | None
    onward: State
    end: State
    code: int
    level: Level


def _asking(failure: Failure, again: State, onward: State) -> Row:
    facts = FACTS[failure]
    return Row(again if facts.policy else None, onward, State.GIVEN_UP, facts.code, Level.ERROR)


def _delivering(failure: Failure) -> Row:
    again = State.REDELIVERY if FACTS[failure].later else None
    return Row(again, State.GIVEN_UP, State.GIVEN_UP, STATUS_CALLBACK_FAILED, Level.WARNING)


TABLE: Mapping[tuple[State, Failure], Row] = MappingProxyType(
    {(State.PRIMARY, failure): _asking(failure, State.RETRY, State.SECONDARY) for failure in Failure}
    | {(State.RETRY, failure): _asking(failure, State.RETRY, State.SECONDARY) for failure in Failure}
    | {(State.SECONDARY, failure): _asking(failure, State.SECONDARY_RETRY, State.GIVEN_UP) for failure in Failure}
    | {(State.SECONDARY_RETRY, failure): _asking(failure, State.SECONDARY_RETRY, State.GIVEN_UP) for failure in Failure}
    | {(State.DELIVERY, failure): _delivering(failure) for failure in Failure}
    | {(State.REDELIVERY, failure): _delivering(failure) for failure in Failure}
)
"""Every failure in every state that asks."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What follows a failure: the next state, and how the failure is told."""

    state: State
    code: int
    level: Level


def decide(
    state: State, failure: Failure, code: int, *, may_repeat: bool = False, has_secondary: bool = False
) -> Decision:
    """What follows a failure.

    Args:
        code: that of the error.
        may_repeat: the URL's overrides, or the callback's pauses, leave another attempt.
        has_secondary: the session has a secondary URI.
    """
    row = TABLE[state, failure]
    if may_repeat and row.again is not None:
        return Decision(row.again, row.code or code, Level.WARNING)
    return Decision(row.onward if has_secondary else row.end, row.code or code, row.level)
