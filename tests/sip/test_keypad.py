"""How digits go to a leg, one run after the other, on a fake engine."""

import asyncio

import pytest

from callwright.engine import EventKind
from callwright.errors import LegGone
from callwright.sip.keypad import MOST_RUNS, RUN
from callwright.sip.leg import Digit, Leg
from tests.calls.fakes import Room
from tests.calls.jumping import turns


def leg_of(room: Room, method: str = "auto") -> Leg:
    room.engine.slow_keys = True
    return room.endpoint.originate("sip:x@y", local_uri="<sip:a@b>", dtmf=method)


@pytest.mark.parametrize(
    ("method", "agreed", "how"),
    [
        ("auto", True, ""),
        ("auto", False, "tones"),
        ("rfc4733", True, "rfc4733"),
        ("rfc4733", False, "rfc4733"),
        ("info", True, "info"),
        ("info", False, "info"),
        ("inband", True, "tones"),
        ("inband", False, "tones"),
    ],
)
async def test_how_digits_are_sent_and_listened_for(room: Room, method: str, agreed: bool, how: str) -> None:
    leg = leg_of(room, method)
    room.engine.media(leg.node, telephone_event=agreed)
    await turns()
    leg.send_digits("12", 100)
    if how == "tones":
        tone = room.engine.of("dtmf_tone")[0].values
        assert (tone["digits"], tone["sink"], tone["on"]) == ("12", leg.node, 100)
    else:
        sent = room.engine.of("send_digits", leg.node)[0].values
        assert (sent["digits"], sent["duration"], sent["method"]) == ("12", 100, how)
    assert bool(room.engine.of("detect_digits")) == (how == "tones")


async def test_one_run_after_the_other(room: Room) -> None:
    leg = leg_of(room)
    first, second = leg.send_digits("1"), leg.send_digits("23")
    assert [one.values["digits"] for one in room.engine.of("send_digits")] == ["1"]
    room.engine.happen(EventKind.DIGITS_SENT, leg.node)
    await first
    assert [one.values["digits"] for one in room.engine.of("send_digits")] == ["1", "23"] and not second.done()
    room.engine.happen(EventKind.DIGITS_SENT, leg.node)
    await second


async def test_a_long_run_is_cut(room: Room) -> None:
    leg = leg_of(room)
    sent = leg.send_digits("7" * (2 * RUN + 1))
    for _ in range(3):
        assert not sent.done()
        room.engine.happen(EventKind.DIGITS_SENT, leg.node)
        await turns()
    await sent
    assert [len(one.values["digits"]) for one in room.engine.of("send_digits")] == [RUN, RUN, 1]


async def test_tones_wait_for_one_another(room: Room) -> None:
    leg = leg_of(room, "inband")
    first, second = leg.send_digits("1"), leg.send_digits("2")
    assert len(room.engine.of("dtmf_tone")) == 1
    room.engine.played(room.engine.of("dtmf_tone")[0].node)
    await first
    room.engine.played((await room.engine.until("dtmf_tone", count=2)).node)
    await second


@pytest.mark.parametrize("method", ["info", "inband"])
async def test_what_fails_stops_nothing(room: Room, method: str) -> None:
    leg = leg_of(room, method)
    first, second = leg.send_digits("1"), leg.send_digits("2")
    command = "dtmf_tone" if method == "inband" else "send_digits"
    node = room.engine.of(command)[0].node
    room.engine.happen(EventKind.FAILED, node, text="send_digits: the INFO request cannot be sent")
    await first
    assert len(room.engine.of(command)) == 2 and not second.done()


async def test_the_leg_ends(room: Room) -> None:
    for method in ("info", "inband"):
        leg = leg_of(room, method)
        sending = [leg.send_digits("1"), leg.send_digits("2")]
        room.engine.end(leg.node)
        for one in sending:
            with pytest.raises(LegGone):
                await one
        await turns()
        with pytest.raises(LegGone):
            leg.send_digits("3")
    assert len(room.engine.of("send_digits")) == len(room.engine.of("dtmf_tone")) == 1


async def test_who_gives_up_waiting_stops_nothing(room: Room) -> None:
    leg = leg_of(room)
    first, second = leg.send_digits("1"), leg.send_digits("2")
    first.cancel()
    room.engine.happen(EventKind.DIGITS_SENT, leg.node)
    room.engine.happen(EventKind.DIGITS_SENT, leg.node)
    async with asyncio.timeout(5):
        await second


async def test_tones_are_listened_for_as_long_as_nothing_else_comes(room: Room) -> None:
    leg = leg_of(room)
    for agreed in (False, False, True, False):
        room.engine.media(leg.node, telephone_event=agreed)
        await turns()
    detectors = [one.node for one in room.engine.of("detect_digits")]
    assert len(detectors) == 2
    assert [one.node for one in room.engine.of("stop")] == detectors[:1]


async def test_a_tone_that_the_audio_brings_is_not_sent_again(room: Room) -> None:
    """It would be two digits; to a leg with RFC 4733 it is sent, for that leg listens to nothing else."""
    by_tones, by_events = leg_of(room, "inband"), leg_of(room)
    for leg in (by_tones, by_events):
        leg.relay(Digit("5", 40, "inband"))
        leg.relay(Digit("6", 40, "rfc4733"))
    assert [one.values["digits"] for one in room.engine.of("dtmf_tone")] == ["6"]
    assert [one.values["digits"] for one in room.engine.of("send_digits", by_events.node)] == ["5"]


async def test_keys_that_come_faster_than_they_go_are_bounded(room: Room) -> None:
    leg = leg_of(room)
    for _ in range(3 * MOST_RUNS):
        leg.relay(Digit("1", 40, "rfc4733"))
    for _ in range(3 * MOST_RUNS):
        room.engine.happen(EventKind.DIGITS_SENT, leg.node)
    await turns()
    assert len(room.engine.of("send_digits", leg.node)) == MOST_RUNS


@pytest.mark.parametrize("digits", ["", "1w", "E", "+1"])
async def test_what_is_no_digit_is_refused_and_stops_nothing(room: Room, digits: str) -> None:
    leg = leg_of(room)
    with pytest.raises(ValueError, match="not digits"):
        leg.send_digits(digits)
    leg.send_digits("7")
    assert len(room.engine.of("send_digits", leg.node)) == 1
