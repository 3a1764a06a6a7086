"""A colleague picks up a call that rings (RFC 3891 §3): what takes its place, and what must not."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import pytest

from callwright.calls.status import CallStatus
from callwright.engine import EventKind
from callwright.sip.users import User
from tests.calls.dialling import BOB, EVE, Dialling
from tests.calls.fakes import ACCOUNT_SID, OTHER_SID, Room
from tests.calls.jumping import turns

ELSEWHERE = [("Reason", 'SIP;cause=200;text="Call completed elsewhere"')]
REALM = "127.0.0.1"


@pytest.fixture
async def room(rooms: Callable[..., Room]) -> Room:
    """Alice is a user of the account, without an application of her own; Zoe is another account's."""
    alice = {"name": "alice", "account": ACCOUNT_SID, "password": "a", "codecs": ["PCMA"]}
    room = rooms(user=[alice, {"name": "zoe", "account": OTHER_SID, "password": "z"}])
    room.endpoint.moved = room.exchange.dialogs.moved
    return room


def invites(room: Room, replaced: int, *, user: str = "alice", **detail: Any) -> int:
    """A user's phone sends an INVITE with Replaces; "" for a trunk's."""
    realm = REALM if user else ""
    facts = {"source_host": "192.0.2.7", "from_": user, "from_uri": f"sip:{user}@{REALM}", "early_only": True}
    return room.engine.incoming(to="bob", user=user, realm=realm, replaced=replaced, **(facts | detail))


async def ringing(room: Room, **plan: Any) -> tuple[Dialling, int]:
    """A dial whose callee's phone rings, and that leg."""
    dialling = await Dialling.begin(room, [BOB], **plan)
    leg = await room.engine.called()
    room.engine.progress(leg)
    await turns()
    return dialling, leg


async def refused(room: Room, leg: int) -> int:
    """How an INVITE was refused."""
    return int((await room.engine.until("hangup", leg)).values["code"])


def steps(room: Room, sid: str) -> list[str]:
    return [kind for kind, _ in room.rows.steps(sid)]


async def test_it_is_the_dialled_call(room: Room) -> None:
    """The same CallSid, another leg; who rang is told that the call is not missed."""
    dialling, leg = await ringing(room)
    (child,) = dialling.children
    newcomer = invites(room, leg)
    answer = await room.engine.until("answer", newcomer)
    assert answer.values == {"code": 200, "codecs": ["PCMA"]}
    await turns()
    assert room.engine.of("hangup") == [] and child.status is CallStatus.RINGING, "until the ACK"
    room.engine.media(newcomer, telephone_event=False)
    room.engine.answer_of(newcomer)
    await room.engine.until("permit", newcomer)
    cancelled = room.engine.of("hangup")
    assert [(one.node, one.values["headers"]) for one in cancelled] == [(leg, ELSEWHERE)]
    assert dialling.connected(dialling.leg, newcomer)
    assert child.status is CallStatus.IN_PROGRESS and list(room.exchange.live) == [dialling.call.sid, child.sid]
    assert child.require_leg().keypad.inband, "keys go as its phone has agreed"
    assert [one.direction for one in room.exchange.dialogs.of("alice@127.0.0.1")] == ["initiator"]
    room.engine.end(newcomer)
    dialled = await dialling.task
    assert (dialled.status, dialled.call_sid, dialled.bridged) == ("completed", child.sid, True)
    assert dialled.sip_call_id == f"call-{newcomer}"
    assert room.rows.row("calls", child.sid)["sip_call_id"] == f"call-{newcomer}"
    assert steps(room, child.sid) == ["initiated", "ringing", "picked up", "answered", "completed"]
    assert dict(room.rows.steps(child.sid))["picked up"] == {"by": "alice@127.0.0.1", "source": "192.0.2.7:5090"}
    assert len(room.exchange.dialogs) == 0


async def test_others_who_ring_are_cancelled(room: Room) -> None:
    """A dial of two: whose call is picked up has won."""
    dialling = await Dialling.begin(room, [BOB, EVE])
    one, other = await room.engine.called(1), await room.engine.called(2)
    for leg in (one, other):
        room.engine.progress(leg)
    await turns()
    children = dialling.children
    newcomer = invites(room, other)
    room.engine.answer_of(newcomer)
    await room.engine.until("permit", newcomer)
    assert await children[0].ended is CallStatus.CANCELED
    assert children[1].status is CallStatus.IN_PROGRESS and dialling.connected(dialling.leg, newcomer)


@pytest.mark.parametrize("user", ["zoe", "", "mallory"])
async def test_S7_nobody_of_another_account(room: Room, user: str, caplog: pytest.LogCaptureFixture) -> None:
    """Nor a trunk: for them there is no such dialog."""
    dialling, leg = await ringing(room)
    for early_only in (True, False):
        assert await refused(room, invites(room, leg, user=user, early_only=early_only)) == 481
    assert f"pickup by {user or 'nobody'} from 192.0.2.7:5090 refused" in caplog.text
    room.engine.answer_of(leg)
    await room.engine.until("permit", leg)
    assert dialling.connected(dialling.leg, leg)


async def test_who_is_of_a_secure_domain(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """488 without TLS; without SRTP it comes to nothing, then or later."""
    users = room.exchange.registrar.users
    proven = users.proven
    monkeypatch.setattr(users, "proven", lambda *who: replace(cast(User, proven(*who)), secure=True))
    dialling, leg = await ringing(room)
    assert await refused(room, invites(room, leg, transport="UDP")) == 488
    newcomer = invites(room, leg, transport="TLS")
    await room.engine.until("answer", newcomer)
    room.engine.media(newcomer, telephone_event=True, srtp="sdes")
    room.engine.answer_of(newcomer)
    await room.engine.until("permit", newcomer)
    room.engine.media(newcomer, telephone_event=True)  # a later offer is plain
    assert await refused(room, newcomer) == 488
    room.engine.end(newcomer)
    await dialling.task


async def test_a_call_that_is_given_up(room: Room) -> None:
    """Its CANCEL is on the way: nobody can have it any more."""
    dialling, leg = await ringing(room)
    room.engine.slow = True
    dialling.children[0].cancel(CallStatus.CANCELED)
    assert await refused(room, invites(room, leg)) == 603
    room.engine.end(leg, 487)
    assert (await dialling.task).status == "canceled"


async def test_early_only_is_not_for_one_that_talks(rooms: Callable[..., Room]) -> None:
    """486 to who may know of it, 481 to anybody else; without early-only the place is taken."""
    room = rooms(user=[{"name": "alice", "account": ACCOUNT_SID, "password": "a", "voice_url": "http://app.example/a"}])
    dialling, leg = await ringing(room)
    room.engine.answer_of(leg)
    await room.engine.until("permit", leg)
    assert await refused(room, invites(room, leg)) == 486
    assert await refused(room, invites(room, dialling.leg)) == 486
    assert await refused(room, invites(room, 4711)) == 481
    dialling.children[0].account = room.accounts[OTHER_SID]
    assert await refused(room, invites(room, leg)) == 481
    dialling.children[0].account = room.account
    newcomer = invites(room, leg, early_only=False)
    await room.engine.until("answer", newcomer)
    await turns()
    assert dialling.connected(dialling.leg, newcomer)


async def test_who_is_called_is_quicker(room: Room) -> None:
    """His 200 comes before the ACK: he has the call, and who wanted to have it gets a BYE."""
    dialling, leg = await ringing(room)
    newcomer = invites(room, leg)
    await room.engine.until("answer", newcomer)
    room.engine.answer_of(leg)
    room.engine.answer_of(newcomer)
    assert (await room.engine.until("hangup")).node == newcomer
    await room.engine.until("permit", leg)
    assert dialling.connected(dialling.leg, leg) and not dialling.connected(dialling.leg, newcomer)
    await turns()
    assert newcomer not in room.endpoint.legs


async def test_a_phone_that_comes_to_nothing(room: Room) -> None:
    """No codec of its user's, or no ACK: it rings on where it rang."""
    dialling, leg = await ringing(room)
    newcomer = invites(room, leg)
    await room.engine.until("answer", newcomer)
    room.engine.end(newcomer, 488, by="local")
    await turns()
    assert room.engine.of("hangup") == [] and len(room.exchange.dialogs) == 0
    room.engine.answer_of(leg)
    await room.engine.until("permit", leg)
    assert dialling.connected(dialling.leg, leg)


async def test_the_caller_leaves_before_the_ack(room: Room) -> None:
    """The call has been given up by then: a BYE to who has picked it up."""
    dialling, leg = await ringing(room)
    newcomer = invites(room, leg)
    await room.engine.until("answer", newcomer)
    room.engine.slow = True
    (child,) = dialling.children
    room.engine.end(dialling.leg, 487)
    room.engine.happen(EventKind.ESTABLISHED, newcomer, 200, headers=[], call_id="x")
    assert (await room.engine.until("hangup", newcomer)).values["code"] == 0
    room.engine.slow = False
    room.engine.end(leg, 487, by="local")
    room.engine.end(newcomer, by="local")
    assert (await dialling.task).status == "canceled"
    assert await child.ended is CallStatus.CANCELED
