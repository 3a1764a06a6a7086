"""The table of states and failures, walked: each row for itself, and every way through it to its end.

`tests/apps/test_walk.py` walks the same rows with an application server that fails in each way.
"""

import pytest

from callwright.apps.failure import FACTS, Failure
from callwright.apps.states import ENDED, STATUS_CALLBACK_FAILED, STEPS, TABLE, State, decide
from callwright.calls.alerts import Level

ASKING = set(State) - ENDED
PRIMARY = {State.PRIMARY, State.RETRY}
SECONDARY = {State.SECONDARY, State.SECONDARY_RETRY}
DELIVERING = {State.DELIVERY, State.REDELIVERY}


def test_the_table_is_whole() -> None:
    assert set(TABLE) == {(state, failure) for state in ASKING for failure in Failure}


@pytest.mark.parametrize(("state", "failure"), TABLE, ids=lambda value: value.name.lower())
def test_each_row(state: State, failure: Failure) -> None:
    row, facts = TABLE[state, failure], FACTS[failure]
    repeated = {State.PRIMARY: State.RETRY, State.SECONDARY: State.SECONDARY_RETRY, State.DELIVERY: State.REDELIVERY}
    again = repeated.get(state, state)
    if state in DELIVERING:
        assert (row.code, row.level) == (STATUS_CALLBACK_FAILED, Level.WARNING)
        assert row.again == (again if facts.later else None)
    else:
        assert (row.code, row.level) == (facts.code, Level.ERROR)
        assert row.again == (again if facts.policy else None)
    assert row.onward is (State.SECONDARY if state in PRIMARY else State.GIVEN_UP)
    assert row.end is State.GIVEN_UP
    for may_repeat in (False, True):
        for has_secondary in (False, True):
            found = decide(state, failure, 11200, may_repeat=may_repeat, has_secondary=has_secondary)
            if may_repeat and row.again is not None:
                assert (found.state, found.level) == (row.again, Level.WARNING)
            else:
                assert (found.state, found.level) == (row.onward if has_secondary else row.end, row.level)
            assert found.code == (row.code or 11200)
            assert found.state in STEPS


def test_nothing_is_asked_for_ever() -> None:
    """Without another attempt left, each way ends after the secondary URI at the latest."""
    for start in (State.PRIMARY, State.RETRY, *SECONDARY, *DELIVERING):
        for failure in Failure:
            for has_secondary in (False, True):
                way = [start]
                while way[-1] not in ENDED:
                    way.append(decide(way[-1], failure, 1, has_secondary=has_secondary).state)
                expected = [State.SECONDARY] if start in PRIMARY and has_secondary else []
                assert way == [start, *expected, State.GIVEN_UP]
