"""Two callers who each wait in a dial of their own, and whom a phone that they both talk to leaves with each other."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from callwright.calls.call import Call
from callwright.calls.control import DialRecording, NumberTarget, Target
from callwright.calls.elastic import Elastic, Transfers
from callwright.calls.status import CallStatus, Direction
from tests.calls.dialling import BOB, Dialling
from tests.calls.fakes import Room
from tests.calls.jumping import after, turns
from tests.calls.test_bridge import REFER, ZOE, asks, edges, permitted, reports, talking, warnings
from tests.calls.test_bridge import Scripts as Scripts
from tests.calls.test_bridge import scripts as scripts  # a fixture


@dataclass
class Pair:
    """Two calls whose callers talk with each other.

    Attributes:
        left, right: the legs that the phone had of them.
    """

    room: Room
    first: Dialling
    second: Dialling
    left: int
    right: int

    @property
    def joined(self) -> bool:
        """Whether the callers hear each other, and nobody else."""
        one, other = self.first.leg, self.second.leg
        return edges(self.room, one, other, self.left, self.right) == {(one, other), (other, one)}

    @property
    def silent(self) -> bool:
        """Whether nobody hears anybody."""
        return edges(self.room, self.first.leg, self.second.leg, self.left, self.right) == set()


async def joined(room: Room, *, referring: str = "left", refer: Any = None, **plan: Any) -> Pair:
    """A phone that two dials have called has joined their callers.

    Args:
        referring: the leg that its REFER comes on.
    """
    first, one, left = await dialled(room, refer=refer, **plan)
    second, other, right = await dialled(room, refer=refer, **plan)
    asks(room, left if referring == "left" else right, replaced=right if referring == "left" else left)
    await turns()
    assert reports(room) == [(900, 200)]
    assert await one.ended is await other.ended is CallStatus.COMPLETED
    pair = Pair(room, first, second, left, right)
    assert pair.joined
    return pair


async def dialled(room: Room, targets: Sequence[Target] = (BOB,), **plan: Any) -> tuple[Dialling, Call, int]:
    """A caller who talks with whom it has dialled."""
    count = len(room.engine.of("originate"))
    dialling = await Dialling.begin(room, targets, **plan)
    leg = await room.engine.called(count + 1)
    room.engine.answer_of(leg)
    await room.engine.until("permit", leg)
    return dialling, dialling.children[0], leg


@pytest.mark.parametrize("referring", ["left", "right"])
async def test_two_callers_talk_until_one_hangs_up(room: Room, referring: str) -> None:
    """Both dials go on, with nothing of the phone; who is left goes on with its document."""
    pair = await joined(room, referring=referring)
    assert not pair.first.task.done() and not pair.second.task.done()
    room.engine.digit(pair.first.leg, "5")
    assert (await room.engine.until("send_digits", pair.second.leg)).values["digits"] == "5"
    room.engine.digit(pair.second.leg, "6")
    assert (await room.engine.until("send_digits", pair.first.leg)).values["digits"] == "6"
    room.engine.end(pair.second.leg)
    dialled = await pair.first.task
    assert (dialled.status, dialled.bridged, dialled.hung_up) == ("completed", True, False)
    assert (await pair.second.task).hung_up
    assert pair.silent and room.exchange.bridges == {}
    assert pair.first.call.status is CallStatus.IN_PROGRESS
    assert room.engine.of("hangup", pair.first.leg) == []


async def test_the_dials_last_as_long_as_the_talk(room: Room) -> None:
    """DialCallDuration is from the answer of who was dialled to the end, whoever talked meanwhile."""
    pair = await joined(room)
    await after(30)
    room.engine.end(pair.first.leg)
    durations = [(await one.task).duration for one in (pair.first, pair.second)]
    assert all(duration is not None and 30 <= duration <= 32 for duration in durations)


async def test_a_star_of_either_ends_the_talk_of_both(room: Room) -> None:
    """And both go on."""
    pair = await joined(room, hangup_on_star=True)
    room.engine.digit(pair.second.leg, "*")
    for one in (pair.first, pair.second):
        dialled = await one.task
        assert (dialled.status, dialled.hung_up) == ("completed", False)
    assert pair.silent and room.engine.of("send_digits", pair.first.leg) == []


async def test_the_shorter_time_limit_counts(room: Room) -> None:
    """From the answer in its own dial; a caller's own call goes on."""
    first, _, left = await dialled(room, time_limit=60)
    second, _, right = await dialled(room, time_limit=600)
    asks(room, left, replaced=right)
    await turns()
    loop = asyncio.get_running_loop()
    began = loop.time()
    results = [await first.task, await second.task]
    assert 55 <= loop.time() - began <= 61
    assert [one.hung_up for one in results] == [False, False]
    assert first.call.status is second.call.status is CallStatus.IN_PROGRESS


async def test_one_is_taken_out_by_a_redirect(room: Room) -> None:
    """Its dial is cancelled: the other one's is over, and nothing is left of the talk."""
    pair = await joined(room)
    pair.first.task.cancel()
    dialled = await pair.second.task
    assert (dialled.status, dialled.hung_up) == ("completed", False)
    assert pair.silent and room.exchange.bridges == {}


def taken_out_at_once(room: Room, task: "asyncio.Task[Any]") -> None:
    """A request takes a call away after its transfer has been done, and before its dial has heard of that."""
    notify, loop = room.engine.notify, asyncio.get_running_loop()

    def told(transfer: int, code: int, **options: Any) -> None:
        loop.call_soon(task.cancel)
        notify(transfer, code, **options)

    room.engine.notify = told  # type: ignore[method-assign]  # for this test


async def test_one_is_taken_out_at_the_same_moment(room: Room) -> None:
    """Before its dial has gone on: the other one does not wait for it."""
    first, _, left = await dialled(room)
    second, _, right = await dialled(room)
    taken_out_at_once(room, first.task)
    asks(room, left, replaced=right)
    await turns()
    assert first.task.cancelled() and second.task.done()
    assert (await second.task).status == "completed"
    assert edges(room, first.leg, second.leg, left, right) == set() and room.exchange.bridges == {}


async def test_who_is_given_to_one_who_is_taken_out_leaves(room: Room) -> None:
    """He has nobody else."""
    first, _, left = await dialled(room)
    second, other, right = await dialled(room)
    taken_out_at_once(room, first.task)
    asks(room, left, replaced=second.leg)
    await turns()
    assert other.status is CallStatus.COMPLETED
    assert first.task.cancelled() and (await second.task).hung_up
    assert edges(room, first.leg, right) == set()


async def test_one_hangs_up_at_the_same_moment(room: Room) -> None:
    """The one goes on with its document, and the other one is over."""
    first, _, left = await dialled(room)
    second, _, right = await dialled(room)
    asks(room, left, replaced=right)
    room.engine.end(second.leg)
    dialled_ = await first.task
    assert (dialled_.status, dialled_.hung_up) == ("completed", False)
    assert (await second.task).hung_up
    assert edges(room, first.leg, second.leg, left, right) == set()


async def test_one_has_hung_up_before(room: Room) -> None:
    """There is nobody to talk with: the phone keeps the call that it has."""
    first, _, left = await dialled(room)
    second, _, right = await dialled(room)
    room.engine.end(second.leg)
    asks(room, left, replaced=right)
    await turns()
    assert reports(room) == [(900, 481)]
    assert first.connected(first.leg, left)
    assert (await second.task).hung_up


async def test_both_refers_at_once(room: Room) -> None:
    """The first counts."""
    first, _, left = await dialled(room)
    second, _, right = await dialled(room)
    asks(room, left, replaced=right)
    asks(room, right, replaced=left, transfer=901)
    await turns()
    assert reports(room) == [(900, 200), (901, 480)]
    assert Pair(room, first, second, left, right).joined


async def test_the_recordings_go_on(room: Room) -> None:
    """Each is of its own caller, who is there before and after."""
    first, _, left = await dialled(room, recording=DialRecording())
    second, _, right = await dialled(room)
    asks(room, left, replaced=right)
    await turns()
    assert len(first.call.recordings) == 1 and room.engine.of("finish") == []
    room.engine.end(second.leg)
    assert (await first.task).recording is not None
    assert (await second.task).recording is None and first.call.recordings == {}


# what their phones ask for then


async def test_one_transfers_the_other_one(room: Room) -> None:
    """To whom the other one's dial allows; who transfers leaves."""
    pair = await joined(room, refer=REFER)
    assert permitted(room, pair.second.leg) == {"blind": True, "attended": True}
    asks(room, pair.second.leg, transfer=901)
    assert (await pair.first.task).transferred_to == ZOE
    assert (await pair.second.task).hung_up
    assert reports(room)[1:] == [(901, 200)] and pair.silent


async def test_one_is_joined_once_more(room: Room) -> None:
    """A chain: the second caller is a phone that has called somebody, and leaves the first one with him."""
    pair = await joined(room)
    third, child, leg = await talking(room)
    asks(room, pair.second.leg, replaced=third.leg, transfer=901)
    await turns()
    assert (await pair.second.task).hung_up and (await third.task).hung_up
    assert edges(room, pair.first.leg, pair.second.leg, leg) == {(pair.first.leg, leg), (leg, pair.first.leg)}
    room.engine.end(leg)
    assert (await pair.first.task).status == "completed"
    assert await child.ended is CallStatus.COMPLETED


async def test_one_is_joined_with_a_third_caller(room: Room) -> None:
    """A chain: the second caller is a phone that was called once more, by a dial."""
    pair = await joined(room)
    third, child, leg = await dialled(room)
    asks(room, leg, replaced=pair.second.leg, transfer=901)
    await turns()
    assert (await pair.second.task).hung_up and await child.ended is CallStatus.COMPLETED
    assert edges(room, pair.first.leg, pair.second.leg, third.leg, leg) == {
        (pair.first.leg, third.leg),
        (third.leg, pair.first.leg),
    }
    room.engine.end(third.leg)
    assert (await pair.first.task).status == "completed"


async def test_they_cannot_be_joined_with_each_other_again(room: Room) -> None:
    pair = await joined(room)
    asks(room, pair.first.leg, replaced=pair.second.leg, transfer=901)
    asks(room, pair.first.leg, replaced=pair.first.leg, transfer=902)
    await turns()
    assert reports(room)[1:] == [(901, 481), (902, 481)] and pair.joined


async def test_a_call_takes_the_place_of_one(room: Room) -> None:
    """Who is replaced leaves, and his dial is over."""
    pair = await joined(room)
    newcomer = room.engine.incoming(replaced=pair.second.leg)
    assert (await pair.second.task).hung_up
    await room.engine.until("answer", newcomer)
    await turns()
    one = pair.first.leg
    assert edges(room, one, pair.second.leg, newcomer) == {(one, newcomer), (newcomer, one)}
    room.engine.end(newcomer)
    assert (await pair.first.task).status == "completed"


# trunks


async def test_the_pbx_of_a_trunk_joins_two_who_called_it(room: Room) -> None:
    """Neither of them is the PBX: neither may transfer anybody."""
    trunk = Elastic("TK1", "acme.example", Direction.TRUNKING_ORIGINATING, pbx="callee", transfer="enable-all")
    pair = await joined(room, transfers=Transfers(trunk))
    nothing = {"blind": False, "attended": False}
    assert permitted(room, pair.first.leg) == permitted(room, pair.second.leg) == nothing


async def test_S8_a_trunk_that_allows_no_transfer_keeps_its_call(room: Room) -> None:
    """Whatever the other one allows."""
    trunk = Elastic("TK1", "acme.example", Direction.TRUNKING_ORIGINATING, pbx="callee", transfer="enable-all")
    first, child, left = await dialled(room, transfers=Transfers(trunk))
    second, _, right = await dialled(room, transfers=Transfers(replace(trunk, transfer="sip-only")))
    asks(room, left, replaced=right)
    await turns()
    assert reports(room) == [(900, 603)] and warnings(room, child) == [32218]
    assert first.connected(first.leg, left) and second.connected(second.leg, right)


async def test_S8_who_was_called_by_a_trunks_pbx_is_no_pbx(room: Room) -> None:
    """He was lent to a caller of the trunk, and may not do there what the PBX may."""
    trunk = Elastic("TK1", "acme.example", Direction.TRUNKING_ORIGINATING, pbx="callee", transfer="enable-all")
    first, _, left = await dialled(room, transfers=Transfers(trunk))
    second, _, right = await dialled(room, [NumberTarget("+15558880000")])
    asks(room, left, replaced=second.leg)
    await turns()
    assert first.connected(first.leg, right)
    assert permitted(room, right) == {"blind": False, "attended": False}


async def test_S8_two_who_were_called_by_a_trunks_pbx_are_no_pbx(room: Room) -> None:
    """It has left them with each other, and they transfer nobody."""
    trunk = Elastic("TK1", "acme.example", Direction.TRUNKING_TERMINATING, pbx="caller", transfer="enable-all")
    first, _, left = await dialled(room, transfers=Transfers(trunk))
    second, _, right = await dialled(room, transfers=Transfers(trunk))
    asks(room, first.leg, replaced=second.leg)
    assert (await first.task).hung_up and (await second.task).hung_up
    await turns()
    assert edges(room, left, right) == {(left, right), (right, left)}
    assert permitted(room, left) == permitted(room, right) == {"blind": False, "attended": False}
