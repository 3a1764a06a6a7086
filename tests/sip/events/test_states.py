"""Documents are made once for all watchers."""

from callwright.sip.events.dialogs import INITIATOR
from tests.sip.events.watching import Board
from tests.sip.registering import ALICE, BOB


async def test_made_once_and_anew_after_a_change(board: Board) -> None:
    states = board.notifier._states
    before = {name: states.document(name, BOB.aor) for name in ("presence", "dialog", "reg")}
    other = states.document("presence", ALICE.aor)
    assert all(states.document(name, BOB.aor) is made for name, made in before.items())
    board.dialogs.begin(BOB.aor, 1, direction=INITIATOR, remote="sip:x@y")
    assert "on-the-phone" in states.document("presence", BOB.aor).text
    assert states.document("dialog", BOB.aor) is not before["dialog"]
    assert states.document("presence", ALICE.aor) is other
