"""What phones ask for while they talk: transfers, and calls that take a place (call-control reference §1.10)."""

from collections.abc import Awaitable, Callable, Mapping

import pytest

from callwright.calls.application import Hook
from callwright.calls.call import Call
from callwright.calls.control import SipTarget
from callwright.calls.conversation import join
from callwright.calls.elastic import Elastic, Transfers
from callwright.calls.status import CallStatus, Direction
from callwright.engine import EventKind
from callwright.errors import RestError
from callwright.sip.events.dialogs import RECIPIENT
from tests.calls.dialling import BOB, EVE, Dialling
from tests.calls.fakes import OTHER_SID, OTHERS_NUMBER, SETTINGS, Room
from tests.calls.jumping import turns

REFER = Hook("http://app.example/refer")
ZOE = "sip:zoe@host.example"


class Scripts:
    """Runs a coroutine of the test in place of an application's documents, as the switchboard would."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self.served: list[Call] = []
        self.work: Callable[[Call], Awaitable[None]] = self.waits

    async def waits(self, call: Call) -> None:
        await call.ended

    async def screen(self, call: Call, hook: Hook, params: Mapping[str, str]) -> bool:
        raise AssertionError("nobody is screened here")

    async def serve(self, call: Call) -> None:
        self.served.append(call)
        self.room.script = self.work
        await self.room.switchboard.serve(call)


@pytest.fixture
def scripts(room: Room) -> Scripts:
    made = Scripts(room)
    object.__setattr__(room.exchange, "scripts", made)
    return made


async def talking(room: Room, refer: Hook | None = REFER) -> tuple[Dialling, Call, int]:
    """A caller who talks with whom it has dialled, the child, and its leg."""
    count = len(room.engine.of("originate"))
    dialling = await Dialling.begin(room, [BOB], refer=refer)
    leg = await room.engine.called(count + 1)
    room.engine.answer_of(leg)
    await room.engine.until("permit", leg)
    assert dialling.connected(dialling.leg, leg)
    return dialling, dialling.children[0], leg


def asks(room: Room, leg: int, *, replaced: int = 0, code: int = 202, transfer: int = 900, target: str = ZOE) -> None:
    """A party's phone sends a REFER."""
    facts = {"transfer": transfer, "attended": replaced > 0, "replaced": replaced, "referred_by": ""}
    room.engine.happen(EventKind.REFER, leg, code, target, **facts)


def reports(room: Room) -> list[tuple[int, int]]:
    return [(one.node, one.values["code"]) for one in room.engine.of("notify")]


def permitted(room: Room, leg: int) -> dict[str, bool]:
    """What a phone may ask for now."""
    return room.engine.of("permit", leg)[-1].values


def warnings(room: Room, call: Call) -> list[object]:
    return [data.get("code") for kind, data in room.rows.steps(call.sid) if kind == "warning"]


def edges(room: Room, *legs: int) -> set[tuple[int, int]]:
    """Who of these hears whom."""
    return {(one, other) for one, other in room.engine.edges() if one in legs and other in legs}


# to somebody else


async def test_the_callee_transfers_the_caller(room: Room) -> None:
    dialling, child, leg = await talking(room)
    asks(room, leg)
    dialled = await dialling.task
    assert (dialled.transferred_to, dialled.status, dialled.bridged) == (ZOE, "completed", True)
    assert not dialled.hung_up and child.status is CallStatus.COMPLETED
    assert reports(room) == [(900, 200)]
    assert edges(room, dialling.leg, leg) == set() and room.exchange.bridges == {}
    assert permitted(room, dialling.leg) == {"blind": False, "attended": False}


async def test_the_caller_transfers_the_callee(room: Room, scripts: Scripts) -> None:
    dialling, child, leg = await talking(room)
    asks(room, dialling.leg)
    dialled = await dialling.task
    assert dialled.hung_up and dialled.transferred_to == ""
    assert dialling.call.status is CallStatus.COMPLETED
    assert scripts.served == [child] and child.status is CallStatus.IN_PROGRESS
    assert child.application.voice == REFER
    assert child.application.told == {"ReferTransferTarget": ZOE}
    assert reports(room) == [(900, 200)]
    assert edges(room, dialling.leg, leg) == set()


async def test_nobody_may_without_a_refer_url(room: Room) -> None:
    dialling, _, leg = await talking(room, refer=None)
    assert permitted(room, leg) == permitted(room, dialling.leg) == {"blind": False, "attended": True}
    asks(room, leg, code=603, transfer=0)
    asks(room, dialling.leg, code=400, transfer=0)
    await turns()
    children = dialling.children
    assert warnings(room, children[0]) == [13802] and warnings(room, dialling.call) == [32218]
    assert dialling.connected(dialling.leg, leg) and reports(room) == []


async def test_a_transfer_and_a_hang_up_that_cross(room: Room) -> None:
    dialling, _, leg = await talking(room)
    asks(room, leg)
    asks(room, dialling.leg, transfer=901)
    await dialling.task
    assert reports(room) == [(900, 200), (901, 480)]


async def test_the_pbx_of_a_trunk_transfers_and_nobody_else(room: Room) -> None:
    """As far as the trunk allows it; a refusal is not its last word."""
    trunk = Elastic("TK1", "acme.example", Direction.TRUNKING_ORIGINATING, pbx="callee", transfer="sip-only")
    dialling = await Dialling.begin(room, [BOB], transfers=Transfers(trunk))
    leg = await room.engine.called()
    room.engine.answer_of(leg)
    await room.engine.until("permit", leg)
    sip_only = {"blind": True, "attended": False}
    assert permitted(room, leg) == sip_only and permitted(room, dialling.leg) == {"blind": False, "attended": False}
    asks(room, leg, target="tel:+15558880000")
    await room.engine.until("permit", leg, 2)
    assert reports(room) == [(900, 603)] and permitted(room, leg) == sip_only
    assert warnings(room, dialling.children[0]) == [32218] and dialling.connected(dialling.leg, leg)
    asks(room, leg, transfer=901)
    dialled = await dialling.task
    assert (dialled.transferred_to, reports(room)) == (ZOE, [(900, 603), (901, 200)])
    moved = dialling.call.application.elastic
    assert moved is not None and moved.targets == (SipTarget(ZOE),)


async def test_whom_the_pbx_of_a_trunk_has_called_is_transferred(room: Room, scripts: Scripts) -> None:
    trunk = Elastic("TK1", "acme.example", Direction.TRUNKING_TERMINATING, pbx="caller", transfer="enable-all")
    dialling = await Dialling.begin(room, [BOB], transfers=Transfers(trunk))
    leg = await room.engine.called()
    room.engine.answer_of(leg)
    await room.engine.until("permit", leg)
    (child,) = dialling.children
    asks(room, dialling.leg)
    assert (await dialling.task).hung_up
    third = await room.engine.called(2)
    assert scripts.served == [child] and reports(room) == [(900, 200)]
    room.engine.end(third, 486)
    assert await child.ended is CallStatus.COMPLETED, "nobody talks with it any more"


# to each other's other calls


async def test_both_were_called_by_who_transfers(room: Room) -> None:
    """They talk on, and nobody else is there any more."""
    first, one, left = await talking(room)
    second, other, right = await talking(room)
    asks(room, first.leg, replaced=second.leg)
    assert (await first.task).hung_up and (await second.task).hung_up
    await turns()
    assert edges(room, left, right, first.leg, second.leg) == {(left, right), (right, left)}
    assert reports(room) == [(900, 200)]
    room.engine.digit(left, "5")
    assert (await room.engine.until("send_digits", right)).values["digits"] == "5"
    for call in (one, other):
        with pytest.raises(RestError):
            await room.switchboard.redirect(call.sid, hook=REFER, twiml=None)
    room.engine.end(left)
    assert await one.ended is await other.ended is CallStatus.COMPLETED


async def test_the_caller_stays_and_talks_with_who_was_called(room: Room) -> None:
    """A receptionist: called by one, calls another, and joins them. The caller's dial goes on."""
    first, child, reception = await talking(room, refer=None)
    second, other, right = await talking(room, refer=None)
    asks(room, reception, replaced=second.leg)
    assert (await second.task).hung_up
    await turns()
    assert edges(room, first.leg, right, reception) == {(first.leg, right), (right, first.leg)}
    assert child.status is CallStatus.COMPLETED and not first.task.done()
    assert permitted(room, first.leg) == permitted(room, right) == {"blind": False, "attended": True}
    room.engine.end(right)
    dialled = await first.task
    assert (dialled.status, dialled.call_sid, dialled.hung_up) == ("completed", child.sid, False)
    assert await other.ended is CallStatus.COMPLETED


async def test_the_other_way_round(room: Room) -> None:
    """The REFER comes on the call that the receptionist has made, and names the one that it was called by."""
    first, _, reception = await talking(room)
    second, other, right = await talking(room)
    asks(room, second.leg, replaced=reception)
    assert (await second.task).hung_up
    await turns()
    assert edges(room, first.leg, right) == {(first.leg, right), (right, first.leg)}
    room.engine.end(first.leg)
    assert (await first.task).hung_up
    assert await other.ended is CallStatus.COMPLETED, "who was given to the caller leaves with it"


async def test_who_was_called_has_not_answered_yet(room: Room) -> None:
    """The transfer waits for it, and the caller with the phone that transfers him."""
    first, _, reception = await talking(room, refer=None)
    second = await Dialling.begin(room, [EVE])
    right = await room.engine.called(2)
    asks(room, reception, replaced=second.leg)
    await turns()
    assert reports(room) == [(900, 180)] and first.connected(first.leg, reception)
    room.engine.answer_of(right)
    assert (await second.task).hung_up
    await turns()
    assert reports(room) == [(900, 180), (900, 200)]
    assert edges(room, first.leg, right, reception) == {(first.leg, right), (right, first.leg)}
    room.engine.end(right)
    assert (await first.task).status == "completed"
    assert len(room.exchange.unanswered) == 0


async def test_who_was_called_does_not_answer(room: Room) -> None:
    """The phone keeps its caller, and may ask for something else."""
    first, _, reception = await talking(room, refer=None)
    second = await Dialling.begin(room, [EVE])
    right = await room.engine.called(2)
    asks(room, reception, replaced=second.leg)
    await turns()
    room.engine.end(right, 486)
    assert (await second.task).status == "busy"
    await turns()
    assert reports(room) == [(900, 180), (900, 481)] and first.connected(first.leg, reception)
    assert permitted(room, reception) == {"blind": False, "attended": True}


async def test_the_caller_does_not_wait_for_the_answer(room: Room) -> None:
    first, _, reception = await talking(room, refer=None)
    second = await Dialling.begin(room, [EVE])
    right = await room.engine.called(2)
    asks(room, reception, replaced=second.leg)
    await turns()
    room.engine.end(first.leg)
    assert (await first.task).hung_up
    room.engine.answer_of(right)
    await turns()
    assert reports(room) == [(900, 180), (900, 480)] and second.connected(second.leg, right)


async def test_S7_no_transfer_out_of_the_account(room: Room) -> None:
    """Neither to what is nobody's nor to what is another account's, and the one like the other."""
    first, child, left = await talking(room, refer=None)
    second, other, right = await talking(room)
    asks(room, left, replaced=4711)
    for one in (second.call, other):
        one.account = room.accounts[OTHER_SID]
    asks(room, left, replaced=right, transfer=901)
    await turns()
    for one in (second.call, other):
        one.account = room.account
    assert reports(room) == [(900, 481), (901, 481)] and warnings(room, child) == [32218, 32218]
    assert first.connected(first.leg, left) and second.connected(second.leg, right)
    assert permitted(room, left) == {"blind": False, "attended": True}, "he may ask for something else"


async def test_S7_another_accounts_dialog_may_be_anybodys(room: Room) -> None:
    """Who may transfer to anybody transfers to who is named: what exists elsewhere is not told."""
    first, _, left = await talking(room)
    second, other, right = await talking(room)
    for one in (second.call, other):
        one.account = room.accounts[OTHER_SID]
    asks(room, left, replaced=right, target=f"{ZOE}?Replaces=x")
    assert (await first.task).transferred_to == f"{ZOE}?Replaces=x"
    assert second.connected(second.leg, right)
    for one in (second.call, other):
        one.account = room.account


async def test_S7_nobody_transfers_the_calls_of_others(room: Room) -> None:
    """Of one account, but of two users."""
    first, _, left = await talking(room)
    second, _, right = await talking(room)
    dialogs = room.exchange.dialogs
    for aor, node in (("alice@host.example", left), ("bob@host.example", right)):
        dialogs.begin(aor, node, direction=RECIPIENT, remote=ZOE)
    asks(room, left, replaced=right)
    await turns()
    assert reports(room) == [(900, 481)]
    assert first.connected(first.leg, left) and second.connected(second.leg, right)


# calls that take a place


async def test_a_call_takes_the_callees_place(room: Room) -> None:
    dialling, child, leg = await talking(room)
    newcomer = room.engine.incoming(replaced=leg)
    await room.engine.until("answer", newcomer)
    await turns()
    assert child.status is CallStatus.COMPLETED
    assert edges(room, dialling.leg, leg, newcomer) == {(dialling.leg, newcomer), (newcomer, dialling.leg)}
    assert len(room.sessions) == 1, "it runs no application"
    asks(room, newcomer)
    assert (await dialling.task).transferred_to == ZOE


async def test_a_call_takes_the_callers_place(room: Room) -> None:
    dialling, child, leg = await talking(room)
    newcomer = room.engine.incoming(replaced=dialling.leg)
    assert (await dialling.task).hung_up
    await room.engine.until("answer", newcomer)
    assert edges(room, dialling.leg, leg, newcomer) == {(leg, newcomer), (newcomer, leg)}
    assert child.status is CallStatus.IN_PROGRESS
    room.engine.end(newcomer)
    assert await child.ended is CallStatus.COMPLETED


async def test_S7_no_place_is_taken_from_another_account(rooms: Callable[..., Room]) -> None:
    foreign = {"name": "foreign", "account": OTHER_SID, "allow": ["10.0.0.0/8"], "targets": ["sip:gw.example"]}
    room = rooms(trunk=[*SETTINGS["trunk"], foreign])
    dialling, _, leg = await talking(room)
    for replaced in (leg, 4711):
        newcomer = room.engine.incoming(to=OTHERS_NUMBER, source_host="10.0.0.1", replaced=replaced)
        assert (await room.engine.until("hangup", newcomer)).values["code"] == 481
    assert dialling.connected(dialling.leg, leg)
    assert len(room.exchange.live) == 2, "and no call is made of it"


async def test_the_place_of_one_who_talks_with_somebody_lent(room: Room) -> None:
    """The callee's own dial has ended with its caller; he goes on with whoever has this one's place."""
    first, _, reception = await talking(room)
    second, other, right = await talking(room)
    asks(room, reception, replaced=second.leg)
    await second.task
    newcomer = room.engine.incoming(replaced=first.leg)
    await room.engine.until("answer", newcomer)
    assert (await first.task).hung_up
    await turns()
    assert edges(room, first.leg, right, newcomer) == {(newcomer, right), (right, newcomer)}
    room.engine.end(newcomer)
    assert await other.ended is CallStatus.COMPLETED


async def test_somebody_lent_transfers_the_caller(room: Room) -> None:
    first, _, reception = await talking(room)
    second, other, right = await talking(room)
    asks(room, reception, replaced=second.leg)
    await second.task
    asks(room, right, transfer=901)
    assert (await first.task).transferred_to == ZOE
    assert await other.ended is CallStatus.COMPLETED


async def test_somebody_lent_is_transferred(room: Room, scripts: Scripts) -> None:
    """By the caller that he was lent to: what the caller's dial says runs on him."""
    first, _, reception = await talking(room)
    second, other, right = await talking(room)
    asks(room, reception, replaced=second.leg)
    await second.task
    asks(room, first.leg, transfer=901)
    assert (await first.task).hung_up
    assert scripts.served == [other] and other.status is CallStatus.IN_PROGRESS
    assert other.application.told == {"ReferTransferTarget": ZOE}
    assert edges(room, first.leg, right) == set()


async def test_somebody_lent_is_given_to_the_next_one(room: Room) -> None:
    """A chain: the caller is a phone too, has somebody else called by now, and leaves the two with each other."""
    first, _, reception = await talking(room)
    second, other, right = await talking(room)
    asks(room, reception, replaced=second.leg)
    await second.task
    third, one, left = await talking(room)
    asks(room, third.leg, replaced=first.leg, transfer=901)
    assert (await first.task).hung_up and (await third.task).hung_up
    await turns()
    assert reports(room)[1:] == [(901, 200)]
    assert edges(room, first.leg, third.leg, left, right) == {(left, right), (right, left)}
    room.engine.end(right)
    assert await other.ended is await one.ended is CallStatus.COMPLETED


async def test_who_was_left_with_another_one_is_joined_with_a_caller(room: Room) -> None:
    """Two whom a phone has called talk; one is a phone, called by a third one, whom it leaves with the other."""
    first, one, left = await talking(room)
    second, other, right = await talking(room)
    asks(room, first.leg, replaced=second.leg)
    await turns()
    third, desk, called = await talking(room)
    asks(room, left, replaced=called, transfer=901)
    await turns()
    assert await one.ended is await desk.ended is CallStatus.COMPLETED
    assert edges(room, left, right, called, third.leg) == {(third.leg, right), (right, third.leg)}
    room.engine.end(right)
    assert (await third.task).status == "completed" and await other.ended is CallStatus.COMPLETED


async def test_one_of_two_that_are_joined_is_gone_already(room: Room) -> None:
    dialling = await Dialling.begin(room, [EVE])
    leg = await room.engine.called()
    room.engine.answer_of(leg)
    await room.engine.until("permit", leg)
    child = dialling.children[0]
    gone, other = await room.inbound()
    await gone.answer()
    room.engine.end(other)
    await gone.ended
    await join(child, gone)
    assert await child.ended is CallStatus.COMPLETED
