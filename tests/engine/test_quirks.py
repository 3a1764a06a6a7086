"""What some peers do not bear, or need, on the wire: of calls to them, and of those from a prefix."""

from collections.abc import Awaitable, Callable

import pytest

from callwright.engine import EventKind
from tests.engine.station import CALLER, Station
from tests.harness import PhoneCall
from tests.harness.call import How
from tests.harness.sip import Phone

Phones = Callable[..., Awaitable[Phone]]

TIMED = [("Supported", "timer"), ("Session-Expires", "300")]


def wants(station: Station, *quirks: str) -> None:
    """INVITEs from loopback are those of a peer with these."""
    station.engine.admit(["127.0.0.0/8"], policies=[("127.0.0.0/8", [], "", "", quirks)])


async def called(station: Station, phone: Phone, *quirks: str) -> tuple[PhoneCall, int]:
    """A call to a phone, which rings."""
    leg = station.engine.originate(phone.uri, local_uri=CALLER, quirks=quirks)
    return await phone.incoming(), leg


async def test_no_session_timer_to_a_called_party(station: Station, phones: Phones) -> None:
    """Nothing of RFC 4028 in the INVITE; the next call has it again."""
    phone = await phones("called")
    call, _ = await called(station, phone, "no-session-timer")
    headers = call.invite.headers
    assert "Session-Expires" not in headers and "Min-SE" not in headers
    assert "timer" not in headers["Supported"] and "100rel" in headers["Supported"]
    await call.refuse()
    other, _ = await called(station, phone)
    assert "timer" in other.invite.headers["Supported"] and "Session-Expires" in other.invite.headers
    await other.refuse()


async def test_no_session_timer_to_a_caller(station: Station, phones: Phones) -> None:
    """Also when he offers one."""
    for quirks, agreed in ((["no-session-timer"], False), ([], True)):
        wants(station, *quirks)
        call, event = await station.invited(await phones("caller"), headers=TIMED)
        station.engine.answer(event.id, 200)
        response = await call.answered()
        assert ("Session-Expires" in response.headers) is agreed
        assert ("timer" in response.headers.get("Supported", "")) is agreed
        await call.hangup()


async def test_the_port_that_a_called_partys_responses_come_from(station: Station, phones: Phones) -> None:
    """ACK and BYE go there: its Contact names a place where somebody else is."""
    phone, elsewhere = await phones("called"), await phones("elsewhere")
    phone.shown = elsewhere.uri
    call, leg = await called(station, phone, "symmetric-port")
    await call.ring()
    await call.answer()
    await station.event(EventKind.ESTABLISHED, leg)
    await call.expect("ACK")
    station.engine.hangup(leg)
    assert (await call.until_ended()).how is How.BYE_RECEIVED
    assert elsewhere.trace.entries == []


async def test_the_port_that_a_caller_calls_from(station: Station, phones: Phones) -> None:
    wants(station, "symmetric-port")
    phone, elsewhere = await phones("caller"), await phones("elsewhere")
    phone.shown = elsewhere.uri
    call, leg = await station.answered(phone)
    station.engine.hangup(leg)
    assert (await call.until_ended()).how is How.BYE_RECEIVED
    assert elsewhere.trace.entries == []


@pytest.mark.parametrize("quirks", [(), ("dtmf-without-marker",)], ids=["plain", "quirk"])
async def test_marker_of_an_event(station: Station, phones: Phones, quirks: tuple[str, ...]) -> None:
    """Without it all digits are heard; what else is sent keeps its own."""
    call, leg = await called(station, await phones("called"), *quirks)
    await call.answer()
    await station.event(EventKind.MEDIA, leg)
    await call.media.received(5)
    station.engine.send_digits(leg, "15#", 100)
    await call.media.heard_digits("15#")
    station.engine.hangup(leg)
    await call.until_ended()
    arrivals = call.media.heard.arrivals
    marked = [len(one.pcm) == 0 for one in arrivals if one.packet.marker]
    assert marked.count(True) == (0 if quirks else 3)
    assert any(len(one.pcm) == 0 for one in arrivals)


async def test_several_at_once(station: Station, phones: Phones) -> None:
    quirks = ("no-session-timer", "symmetric-port", "dtmf-without-marker")
    call, leg = await called(station, await phones("called"), *quirks)
    assert "timer" not in call.invite.headers["Supported"]
    await call.answer()
    await station.event(EventKind.ESTABLISHED, leg)
    station.engine.hangup(leg)
    await call.until_ended()


def test_one_that_is_not_known(station: Station) -> None:
    with pytest.raises(ValueError, match='quirks: "haste" is none of "no-session-timer", "symmetric-port"'):
        station.engine.originate("sip:a@127.0.0.1", local_uri=CALLER, quirks=["haste"])
    with pytest.raises(ValueError, match='quirks: "speed" is none of'):
        station.engine.admit([], policies=[("127.0.0.1", [], "", "", ["speed"])])
