"""What a leg's media does: hold, digits both ways, bridging by node ids, statistics, RTP ports."""

import asyncio
import json
from collections.abc import Awaitable, Callable

import pytest

from callwright.engine import EventKind
from tests.engine.station import CALLER, Station
from tests.harness.call import PhoneCall
from tests.harness.sdp import PCMA, PCMU
from tests.harness.sip import Phone
from tests.harness.waiting import NotInTime

Phones = Callable[..., Awaitable[Phone]]


async def digits(station: Station, leg: int, count: int) -> str:
    return "".join([(await station.event(EventKind.DIGIT, leg)).text for _ in range(count)])


async def test_the_peer_holds_and_resumes(station: Station, phones: Phones) -> None:
    call, leg = await station.answered(await phones("caller"))
    assert (await station.event(EventKind.MEDIA, leg)).detail["hold"] == "none"
    assert (await call.hold()).status == 200
    held = await station.event(EventKind.MEDIA, leg)
    assert (held.code, held.detail["hold"]) == (1, "remote")
    assert call.remote_sdp is not None and call.remote_sdp.direction == "recvonly"
    assert (await call.resume()).status == 200
    assert (await station.event(EventKind.MEDIA, leg)).detail["hold"] == "none"
    await call.media.received(5)
    await call.hangup()


async def test_we_hold_and_resume(station: Station, phones: Phones) -> None:
    call, leg = await station.placed(await phones("called"))
    await station.event(EventKind.MEDIA, leg)
    station.engine.hold(leg, True)
    held = await station.event(EventKind.MEDIA, leg)
    assert (held.code, held.detail["hold"]) == (1, "local")
    assert call.remote_sdp is not None and call.remote_sdp.direction == "sendonly"
    station.engine.hold(leg, False)
    assert (await station.event(EventKind.MEDIA, leg)).detail["hold"] == "none"
    assert call.remote_sdp.direction == "sendrecv"
    await call.media.received(5)
    station.engine.hangup(leg)
    await call.until_ended()


async def test_hold_of_a_leg_that_is_not_established_fails(station: Station, phones: Phones) -> None:
    call, event = await station.invited(await phones("caller"))
    station.engine.hold(event.id, True)
    assert "hold" in (await station.event(EventKind.FAILED, event.id)).text
    await call.cancel()


async def test_digits_by_rtp(station: Station, phones: Phones) -> None:
    call, leg = await station.answered(await phones("caller"))
    await call.media.send_digits("1597*#ABCD", duration=0.06, gap=0.04)
    assert await digits(station, leg, 10) == "1597*#ABCD"
    assert {e.detail["method"] for e in station.events if e.kind is EventKind.DIGIT} == {"rfc4733"}
    await call.hangup()


async def test_every_press_is_reported_once_whatever_is_lost(station: Station, phones: Phones) -> None:
    """Repeated digits, lost first packets, and ends that never come (RFC 4733 section 2.5.1.4)."""
    call, leg = await station.answered(await phones("caller"))
    await call.media.send_digits("55", duration=0.06, gap=0.04)
    await call.media.send_digits("5", duration=0.1, gap=0.04, lost=[0, 1])
    await call.media.send_digits("6", duration=0.1, gap=0.04, end_packets=0)
    await call.media.send_digits("66", duration=0.16, gap=0.04, end_packets=0)
    assert await digits(station, leg, 6) == "555666"
    await call.hangup()
    await station.event(EventKind.ENDED, leg)
    assert station.of(leg).count(EventKind.DIGIT) == 6


@pytest.mark.parametrize("plain", [False, True])
async def test_digits_by_info(station: Station, phones: Phones, plain: bool) -> None:
    call, leg = await station.answered(await phones("caller"))
    for digit in "7*D":
        assert (await call.info_dtmf(digit, 200, plain=plain)).status == 200
    assert await digits(station, leg, 3) == "7*D"
    details = [e.detail for e in station.events if e.kind is EventKind.DIGIT]
    assert {detail["method"] for detail in details} == {"info"}
    assert {detail["duration"] for detail in details} == {250 if plain else 200}
    await call.hangup()


async def test_a_digit_that_comes_both_ways_is_one_digit(station: Station, phones: Phones) -> None:
    call, leg = await station.answered(await phones("caller"))
    for digit in "1122":
        await asyncio.gather(call.media.send_digits(digit, duration=0.06, gap=0.02), call.info_dtmf(digit))
    await call.info_dtmf("3")
    assert await digits(station, leg, 5) == "11223"
    await call.hangup()
    await station.event(EventKind.ENDED, leg)
    assert station.of(leg).count(EventKind.DIGIT) == 5


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("application/dtmf-relay", "Signal=10\r\nDuration=100\r\n", 200),
        ("application/dtmf-relay", "Duration=100\r\n", 400),
        ("application/dtmf-relay", "Signal", 400),
        ("application/dtmf", "99", 400),
        ("application/octet-stream", "x", 415),
        ("application/dtmf", "", 200),
    ],
)
async def test_info_bodies(station: Station, phones: Phones, kind: str, body: str, status: int) -> None:
    call, leg = await station.answered(await phones("caller"))
    headers = [("Content-Type", kind)] if body else []
    assert (await call.request("INFO", headers=headers, body=body.encode())).status == status
    if body.startswith("Signal=10"):
        assert await digits(station, leg, 1) == "*"
    await call.hangup()
    await station.event(EventKind.ENDED, leg)
    assert (EventKind.DIGIT in station.of(leg)) == body.startswith("Signal=10")


async def test_other_requests_inside_the_dialog_are_answered(station: Station, phones: Phones) -> None:
    call, _ = await station.answered(await phones("caller"))
    options = await call.request("OPTIONS")
    assert options.status == 200
    assert "INVITE" in options.headers["Allow"]
    unknown = await call.request("FROBNICATE")
    assert unknown.status == 501
    assert "INVITE" in unknown.headers["Allow"]
    assert (await call.request("REGISTER")).status == 405
    assert (await call.refer("<sip:elsewhere@127.0.0.1>")).status == 603
    await call.media.received(3)
    await call.hangup()


async def test_we_send_digits_by_rtp(station: Station, phones: Phones) -> None:
    call, leg = await station.placed(await phones("called"))
    await station.event(EventKind.MEDIA, leg)
    text = "0123456789*#ABCD" * 3  # more than a stream queues
    station.engine.send_digits(leg, text, 40)
    heard = await call.media.heard_digits(text, timeout=15)
    assert all(30 <= digit.duration_ms <= 60 for digit in heard)
    station.engine.hangup(leg)
    await call.until_ended()


async def test_we_send_digits_by_info_when_the_peer_has_no_events(station: Station, phones: Phones) -> None:
    phone = await phones("called")
    leg = station.engine.originate(phone.uri, local_uri=CALLER)
    call = await phone.incoming()
    call.negotiation.codecs = (PCMU, PCMA)
    await call.answer()
    await station.event(EventKind.MEDIA, leg)
    station.engine.send_digits(leg, "42#", 100)
    for _ in range(3):
        await call.expect("INFO")
    assert call.info_digits == "42#"
    station.engine.hangup(leg)
    await call.until_ended()


async def test_two_legs_hear_each_other(station: Station, phones: Phones) -> None:
    caller, called = await phones("caller"), await phones("called")
    inbound, event = await station.invited(caller)
    outbound_leg = station.engine.originate(called.uri, local_uri=CALLER)
    station.engine.connect(event.id, outbound_leg)  # remembered until both have media
    station.engine.connect(outbound_leg, event.id)
    outbound = await called.incoming()
    await outbound.answer()
    station.engine.answer(event.id, 200)
    await inbound.answered()
    inbound.media.tone(440)
    outbound.media.tone(1000)
    await outbound.media.heard_tone(440)
    await inbound.media.heard_tone(1000)

    await inbound.hold()  # the stream is made anew: the connection is kept
    await inbound.resume()
    await outbound.media.heard_tone(440)
    await inbound.media.heard_tone(1000)

    station.engine.disconnect(event.id, outbound_leg)
    await outbound.media.silence_heard()
    await inbound.media.heard_tone(1000)
    await inbound.hangup()
    await outbound.hangup()


async def test_statistics_while_the_leg_lives_and_at_its_end(station: Station, phones: Phones) -> None:
    call, leg = await station.answered(await phones("caller"))
    await call.media.received(25)
    now = json.loads(station.engine.request_statistics(leg))
    assert now["codec"] == "PCMU"
    assert now["tx"]["packets"] >= 20
    await call.hangup()
    ended = json.loads((await station.event(EventKind.ENDED, leg)).detail["statistics"])
    assert ended["rx"]["packets"] >= now["rx"]["packets"] > 0
    assert ended["rx"]["bytes"] == ended["rx"]["packets"] * 160
    assert (ended["rx"]["lost"], ended["rx"]["discarded"]) == (0, 0)
    assert ended["rx"].keys() >= {"packets", "bytes", "lost", "discarded", "reordered", "duplicated", "jitter_ms"}
    assert ended["rx"].keys() >= {"foreign", "malformed", "unexpected", "early", "forged", "jumps", "source", "digits"}
    assert ended["tx"].keys() >= {"packets", "bytes", "lost", "jitter_ms", "refused", "destination"}
    assert ended.keys() >= {"codec", "rtt_ms", "relayed", "verdict", "mos", "jitter_buffer"}
    assert ended["verdict"] == ""
    assert station.engine.request_statistics(leg) == ""


async def test_statistics_add_up_over_renegotiations(station: Station, phones: Phones) -> None:
    call, leg = await station.answered(await phones("caller"))
    await call.media.received(10)
    before = json.loads(station.engine.request_statistics(leg))["tx"]["packets"]
    await call.hold()
    await call.resume()
    await call.media.received(10)
    assert json.loads(station.engine.request_statistics(leg))["tx"]["packets"] >= before + 10
    await call.hangup()


async def _answered_again(station: Station, phone: Phone) -> PhoneCall:
    """The sockets of a leg that has ended are closed a moment later, by another thread: until then it is refused."""
    async with asyncio.timeout(5):
        while True:
            call = await phone.invite(station.uri())
            try:
                leg = (await station.event(EventKind.INCOMING, timeout=0.3)).id
            except NotInTime:
                assert (await call.refused()).status == 503
                continue
            station.engine.answer(leg, 200)
            await call.answered()
            return call


async def test_rtp_ports_run_out_and_come_back(
    stations: Callable[..., Station], media_ports: tuple[int, int], phones: Phones
) -> None:
    first, _ = media_ports
    station = stations(rtp_ports=(first, first + 3))
    phone = await phones("caller")
    one, leg = await station.answered(phone)
    two, _ = await station.answered(phone)
    assert {call.remote_sdp.port for call in (one, two) if call.remote_sdp} == {first, first + 2}
    refused = await phone.invite(station.uri())
    refusal = await refused.refused()
    assert refusal.status == 503
    assert int(refusal.headers["Retry-After"]) > 0
    assert refused.provisional == []
    outbound = station.engine.originate(phone.uri, local_uri=CALLER)
    assert (await station.event(EventKind.ENDED, outbound)).code == 503
    assert station.engine.counters()["refused_full"] == 1

    await one.hangup()
    await station.event(EventKind.ENDED, leg)
    three = await _answered_again(station, phone)
    assert three.remote_sdp is not None and one.remote_sdp is not None
    assert three.remote_sdp.port == one.remote_sdp.port
    await two.hangup()
    await three.hangup()


async def test_a_port_rests_as_long_as_others_are_free(station: Station, phones: Phones) -> None:
    phone = await phones("caller")
    used = []
    for _ in range(5):
        call, leg = await station.answered(phone)
        assert call.remote_sdp is not None
        used.append(call.remote_sdp.port)
        await call.hangup()
        await station.event(EventKind.ENDED, leg)
    assert len(set(used)) == len(used)
