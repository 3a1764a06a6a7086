"""The states of a call."""

import pytest

from callwright.calls.status import FINAL, TRANSITIONS, CallStatus, Direction, status_for_sip


def test_every_state_has_its_row_and_final_ones_lead_nowhere() -> None:
    assert set(TRANSITIONS) == set(CallStatus)
    assert all(not TRANSITIONS[status] for status in FINAL)
    assert all(status.final == (status in FINAL) for status in CallStatus)


def test_every_state_reaches_an_end() -> None:
    for status in set(CallStatus) - FINAL:
        seen, todo = {status}, [status]
        while todo:
            further = TRANSITIONS[todo.pop()] - seen
            seen |= further
            todo += further
        assert seen & FINAL


def test_only_an_answered_call_is_completed() -> None:
    assert {status for status, following in TRANSITIONS.items() if CallStatus.COMPLETED in following} == {
        CallStatus.IN_PROGRESS
    }
    unanswered = FINAL - {CallStatus.COMPLETED}
    for status in (CallStatus.QUEUED, CallStatus.INITIATED, CallStatus.RINGING):
        assert unanswered <= TRANSITIONS[status]


def test_an_answered_call_can_only_be_completed() -> None:
    assert TRANSITIONS[CallStatus.IN_PROGRESS] == {CallStatus.COMPLETED}


@pytest.mark.parametrize(
    ("code", "rang", "status"),
    [
        (486, True, "busy"),
        (600, False, "busy"),
        (603, True, "no-answer"),
        (480, True, "no-answer"),
        (430, False, "no-answer"),
        (487, True, "no-answer"),
        (408, True, "no-answer"),
        (408, False, "failed"),
        (404, False, "failed"),
        (403, False, "failed"),
        (488, False, "failed"),
        (503, True, "failed"),
    ],
)
def test_final_code_to_status(code: int, rang: bool, status: str) -> None:
    assert status_for_sip(code, rang=rang) == status


def test_directions() -> None:
    """What came in by an INVITE; of these, who calls from a PBX is nobody whom a callee may see unasked."""
    assert {one for one in Direction if one.inward} == {"inbound", "trunking-originating", "trunking-terminating"}
    assert {one for one in Direction if one.called} == {"inbound", "trunking-originating"}
