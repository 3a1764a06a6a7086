"""The packets of digits that we send: what RFC 4733 asks of them, and room between two for receivers that need it."""

import itertools
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from callwright.engine import Event, EventKind
from tests.engine.station import CALLER, Station
from tests.harness.hearing import Arrival, signed32
from tests.harness.message import Message
from tests.harness.packet import TelephoneEvent
from tests.harness.sdp import PCMU, Sdp
from tests.harness.sip import Phone

Phones = Callable[..., Awaitable[Phone]]

FRAME = 160
"""20 ms in units of the timestamp."""


def is_digit(arrival: Arrival) -> bool:
    return not len(arrival.pcm)


@pytest.mark.parametrize("duration", [50, 100, 160, 1000])
async def test_events_and_the_sound_around_them_share_one_time_line(
    station: Station, phones: Phones, duration: int
) -> None:
    """Each packet stands for the moment at which it is sent, an event's packets for its beginning (RFC 4733 §2.5.1)."""
    call, leg = await station.placed(await phones("called"))
    await station.event(EventKind.MEDIA, leg)
    await call.media.received(10)
    station.engine.send_digits(leg, "442#", duration)
    await call.media.heard_digits("442#", timeout=5 + 4 * (duration + 80) / 1000)
    await call.media.received(5)
    station.engine.hangup(leg)
    await call.until_ended()

    arrivals = call.media.heard.arrivals
    first = next(at for at, arrival in enumerate(arrivals) if is_digit(arrival)) - 5
    arrivals = arrivals[first:]
    start = arrivals[0].packet
    runs = [(kind, list(run)) for kind, run in itertools.groupby(arrivals, is_digit)]
    events = [run for kind, run in runs if kind]
    for run in (run for kind, run in runs if not kind):
        for packet in (arrival.packet for arrival in run):
            steps = packet.sequence - start.sequence & 0xFFFF
            assert signed32(packet.timestamp - start.timestamp) == steps * FRAME
    assert len(events) == 4
    for packets in ([arrival.packet for arrival in run] for run in events):
        steps = packets[0].sequence - start.sequence & 0xFFFF
        assert {signed32(packet.timestamp - start.timestamp) for packet in packets} == {steps * FRAME}
        assert [packet.marker for packet in packets] == [True] + [False] * (len(packets) - 1)
        payloads = [TelephoneEvent.parse(packet.payload) for packet in packets]
        updates, ends = [e for e in payloads if not e.end], [e for e in payloads if e.end]
        assert payloads == updates + ends and len(ends) == 3
        assert [event.duration for event in updates] == [(n + 1) * FRAME for n in range(len(updates))]
        assert {event.duration for event in ends} == {duration * 8}


@pytest.mark.parametrize(("ptime", "gap", "frames"), [(10, 80, 6), (20, 80, 2), (30, 110, 1), (40, 120, 1)])
async def test_sound_parts_two_digits(station: Station, phones: Phones, ptime: int, gap: int, frames: int) -> None:
    """At least 80 ms lie between two digits, of which two packets repeat the end and the others are sound.

    3GPP TS 26.114 G.2 asks for 65 ms. A receiver that looks at an event only when the payload type changes finds each
    digit by the sound before it. 30 ms do not divide the digit of 160: its last packet reaches 20 ms beyond it.
    """
    phone = await phones("called")
    leg = station.engine.originate(phone.uri, local_uri=CALLER)
    call = await phone.incoming()
    assert call.remote_sdp is not None
    mine = Sdp.offer(call.media.address, call.media.port).answer_to(call.remote_sdp)
    await call.answer(sdp=replace(mine, ptime=ptime))
    await station.event(EventKind.MEDIA, leg)
    await call.media.received(3)
    station.engine.send_digits(leg, "1123", 160)
    digits = await call.media.heard_digits("1123")
    station.engine.hangup(leg)
    await call.until_ended()
    assert [digit.duration_ms for digit in digits] == [160] * 4
    gaps = [signed32(b.timestamp - a.timestamp) / 8 - 160 for a, b in itertools.pairwise(digits)]
    assert gaps == [gap] * 3
    sounds = [len(list(run)) for kind, run in itertools.groupby(call.media.heard.arrivals, is_digit) if not kind]
    assert sounds[1:4] == [frames] * 3


@pytest.mark.parametrize("ptime", [20, 60])
async def test_it_is_told_when_they_are_sent(station: Station, phones: Phones, ptime: int) -> None:
    """Once for each command, when the last end packet and the pause after it are over, not sooner."""
    phone = await phones("called")
    leg = station.engine.originate(phone.uri, local_uri=CALLER)
    call = await phone.incoming()
    assert call.remote_sdp is not None
    mine = Sdp.offer(call.media.address, call.media.port).answer_to(call.remote_sdp)
    await call.answer(sdp=replace(mine, ptime=ptime))
    assert (await station.event(EventKind.MEDIA, leg)).detail["telephone_event"] is True
    heard: list[int] = []

    def note(event: Event) -> None:
        if event.kind is EventKind.DIGITS_SENT:
            heard.append(sum(digit.end_packets for digit in call.media.heard.digits))

    station.listeners.append(note)
    station.engine.send_digits(leg, "12", 160)
    station.engine.send_digits(leg, "3", 160)
    for _ in range(2):
        await station.event(EventKind.DIGITS_SENT, leg)
    await call.media.heard_digits("123")
    assert heard == [6, 9]
    station.engine.hangup(leg)
    await call.until_ended()
    await station.event(EventKind.ENDED, leg)
    assert station.of(leg).count(EventKind.DIGITS_SENT) == 2


async def test_info_requests_wait_for_one_another(station: Station, phones: Phones) -> None:
    """Over UDP the second would overtake a first that is lost; and one that is refused holds nothing up."""
    call, leg = await station.placed(await phones("called"))
    await station.event(EventKind.MEDIA, leg)
    station.engine.send_digits(leg, "4", method="info")
    station.engine.send_digits(leg, "2#", method="info")
    await station.event(EventKind.DIGITS_SENT, leg)
    await station.event(EventKind.DIGITS_SENT, leg)
    assert call.info_digits == "42#" and call.media.heard.digits == []
    assert [entry.sent for entry in call.phone.trace.entries if is_info(entry.message)] == [False, True] * 3
    station.engine.hangup(leg)
    await call.until_ended()


async def test_digits_that_cannot_be_sent(station: Station, phones: Phones) -> None:
    phone = await phones("called")
    leg = station.engine.originate(phone.uri, local_uri=CALLER)
    call = await phone.incoming()
    call.negotiation.codecs = (PCMU,)
    await call.answer()
    assert (await station.event(EventKind.MEDIA, leg)).detail["telephone_event"] is False
    station.engine.send_digits(leg, "1", method="rfc4733")
    assert "telephone-event" in (await station.event(EventKind.FAILED, leg)).text
    station.engine.send_digits(leg, "1" * 129)
    assert "too many" in (await station.event(EventKind.FAILED, leg)).text
    for digits, method in (("", ""), ("1", "pulse"), ("1x", "")):
        with pytest.raises(ValueError):
            station.engine.send_digits(leg, digits, method=method)
    station.engine.hangup(leg)
    await call.until_ended()


def is_info(message: Message | None) -> bool:
    return message is not None and message.headers["CSeq"].endswith("INFO")
