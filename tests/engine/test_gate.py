"""Admission: source prefixes, the rate limit, the backlog limit and the leg limit, all before any event is made."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from callwright.engine import EventKind
from tests.engine.station import Station
from tests.harness.sip import Phone
from tests.harness.waiting import NotInTime

Phones = Callable[..., Awaitable[Phone]]
UNLIMITED = 1_000_000


async def test_nobody_is_admitted_by_default(station: Station, phones: Phones) -> None:
    station.engine.admit([])
    phone = await phones("stranger")
    call = await phone.invite(station.uri())
    assert (await call.refused()).status == 403
    assert [event for event in station.events if event.kind is not EventKind.LOG] == []
    counters = station.engine.counters()
    assert (counters["invites"], counters["refused_source"]) == (1, 1)


async def test_S7_without_users_a_stranger_may_ask_what_we_can_do(station: Station, phones: Phones) -> None:
    """And nothing else: OPTIONS is answered, all other methods are refused before there is a transaction."""
    station.engine.admit([])
    phone = await phones("stranger")
    assert (await phone.request("OPTIONS", station.uri())).status == 200
    for method in ("REGISTER", "SUBSCRIBE", "MESSAGE", "PUBLISH", "REFER", "NOTIFY", "INFO", "FOO"):
        headers = [("Event", "presence"), ("Refer-To", "<sip:x@127.0.0.1>")]
        assert (await phone.request(method, station.uri(), headers=headers)).status == 403
    assert [event for event in station.events if event.kind is not EventKind.LOG] == []


async def test_S4_what_strangers_ask_takes_nothing_from_trunks(station: Station, phones: Phones) -> None:
    """Without users too: they have as many requests a second as the trunks, and no more."""
    friend, stranger = await phones("friend", transport="tcp"), await phones("stranger", transport="tcp")
    station.engine.admit([friend.address])
    station.engine.gate(requests_per_second=1, burst=5, backlog=UNLIMITED)
    uri = station.uri(transport="tcp")
    asked = [(await stranger.request("OPTIONS", uri)).status for _ in range(30)]
    assert set(asked) == {200, 503} and asked[:5] == [200] * 5
    assert [(await friend.request("OPTIONS", uri)).status for _ in range(5)] == [200] * 5
    counters = station.engine.counters()
    assert (counters["refused_rate"], counters["refused_strangers"] > 10) == (0, True)


@pytest.mark.parametrize(
    ("source", "prefixes", "admitted"),
    [
        ("127.0.9.20", ["127.0.9.20"], True),
        ("127.0.9.21", ["127.0.9.20"], False),
        ("127.0.9.21", ["127.0.9.20/31"], True),
        ("127.0.9.22", ["127.0.9.20/31"], False),
        ("127.0.9.255", ["127.0.9.128/25"], True),
        ("127.0.9.127", ["127.0.9.128/25"], False),
        ("127.0.9.20", ["::1", "10.0.0.0/8", "0.0.0.0/0"], True),
        ("127.0.9.20", ["::/0"], False),
    ],
)
async def test_prefixes(station: Station, phones: Phones, source: str, prefixes: list[str], admitted: bool) -> None:
    station.engine.admit(prefixes)
    phone = await phones("caller", address=source)
    call = await phone.invite(station.uri())
    if not admitted:
        assert (await call.refused()).status == 403
        return
    await station.event(EventKind.INCOMING)
    await call.cancel()


async def test_ipv6(stations: Callable[..., Station]) -> None:
    station = stations(listen=[("udp", "::1", 0)], media_address="::1")
    assert station.engine.addresses[0][:2] == ("udp", "::1")
    station.engine.admit(["::1"])
    transport, answers = await udp_client("::1", station.port())
    transport.sendto(invite("::1", station.port(), "branch-1"))
    assert (await answers.get()).startswith(b"SIP/2.0 100")
    event = await station.event(EventKind.INCOMING)
    assert (event.detail["source_host"], event.detail["local_host"]) == ("::1", "::1")
    station.engine.hangup(event.id, code=404)
    assert (await answers.get()).startswith(b"SIP/2.0 404")
    station.engine.admit(["::2"])
    transport.sendto(invite("::1", station.port(), "branch-2"))
    statuses = set()
    while b"SIP/2.0 403 Forbidden" not in statuses:
        statuses.add((await answers.get()).split(b"\r\n")[0])
    transport.close()


@pytest.mark.parametrize("wrong", ["", "localhost", "127.0.0.1/33", "127.0.0.1/", "127.0.0.1/-1", "::1/129", "1.2.3"])
def test_not_a_prefix(station: Station, wrong: str) -> None:
    with pytest.raises(ValueError, match="not an address or prefix"):
        station.engine.admit(["127.0.0.1", wrong])


async def test_rate_limit_over_tcp_answers_503(station: Station, phones: Phones) -> None:
    station.engine.gate(requests_per_second=1, burst=2, backlog=UNLIMITED)
    phone = await phones("caller", transport="tcp")
    calls = [(await station.invited(phone))[0] for _ in range(2)]
    refused = await phone.invite(station.uri(transport="tcp"))
    response = await refused.refused()
    assert response.status == 503
    assert int(response.headers["Retry-After"]) > 0
    assert station.engine.counters()["refused_rate"] == 1
    for call in calls:  # a CANCEL needs no token
        assert (await call.cancel()).status == 487


async def test_rate_limit_over_udp_is_silent_and_repeats_are_judged_again(station: Station, phones: Phones) -> None:
    station.engine.gate(requests_per_second=3, burst=1, backlog=UNLIMITED)
    phone = await phones("caller")
    first, _ = await station.invited(phone)
    second, _ = await station.invited(phone)  # its first INVITE finds the bucket empty, a retransmission does not
    assert phone.trace.messages(503) == []
    assert len(phone.trace.messages("INVITE", sent=True)) >= 3
    assert station.engine.counters()["refused_rate"] >= 1
    await first.cancel()
    await second.cancel()


async def test_retransmissions_of_an_admitted_invite_cost_nothing(station: Station, phones: Phones) -> None:
    station.engine.gate(requests_per_second=1, burst=1, backlog=UNLIMITED)
    phone = await phones("caller")
    call, event = await station.invited(phone)
    for _ in range(20):
        phone.send(call.invite, phone.hop(station.uri()))
    station.engine.answer(event.id, 200)
    await call.answered()
    counters = station.engine.counters()
    assert (counters["invites"], counters["refused_rate"]) == (1, 0)
    assert station.of(event.id).count(EventKind.INCOMING) == 1
    await call.hangup()


async def test_requests_inside_a_dialog_always_pass(station: Station, phones: Phones) -> None:
    phone = await phones("caller", transport="tcp")
    call, leg = await station.answered(phone)
    station.engine.gate(requests_per_second=1, burst=1, backlog=UNLIMITED)
    for _ in range(5):
        assert (await call.info_dtmf("1")).status == 200
    assert (await call.hold()).status == 200
    await call.hangup()
    await station.event(EventKind.ENDED, leg)
    assert station.engine.counters()["refused_rate"] == 0


async def test_backlog_limit(stations: Callable[..., Station], phones: Phones) -> None:
    """While nobody drains, only so many events pile up; then new requests are refused."""
    station = stations()
    asyncio.get_running_loop().remove_reader(station.engine.event_fd)
    station.engine.gate(requests_per_second=UNLIMITED, burst=UNLIMITED, backlog=3)
    phone = await phones("caller", transport="tcp")
    calls = [await phone.invite(station.uri(transport="tcp")) for _ in range(8)]
    refused = [await call.refused() for call in calls[4:]]
    assert {response.status for response in refused} == {503}
    assert station.engine.counts()["events"] == 4
    assert station.engine.counters()["refused_backlog"] == 4
    asyncio.get_running_loop().add_reader(station.engine.event_fd, station.drain)
    for call in calls[:4]:
        await call.cancel()


async def test_leg_limit(stations: Callable[..., Station], phones: Phones) -> None:
    station = stations(max_legs=2)
    phone = await phones("caller")
    one, _ = await station.answered(phone)
    two, _ = await station.answered(phone)
    refused = await phone.invite(station.uri())
    response = await refused.refused()
    assert (response.status, "Retry-After" in response.headers) == (503, True)
    leg = station.engine.originate(phone.uri, local_uri="sip:a@127.0.0.1")
    ended = await station.event(EventKind.ENDED, leg)
    assert ended.code == 503
    await one.hangup()
    await station.until_counts(legs=1)
    three, _ = await station.answered(phone)
    await two.hangup()
    await three.hangup()


async def test_options_are_answered_and_limited(station: Station, phones: Phones) -> None:
    phone = await phones("monitor", transport="tcp")
    assert (await phone.request("OPTIONS", station.uri(transport="tcp"))).status == 200
    station.engine.gate(requests_per_second=1, burst=1, backlog=UNLIMITED)
    statuses = [(await phone.request("OPTIONS", station.uri(transport="tcp"))).status for _ in range(4)]
    assert (statuses[0], statuses[-1]) == (200, 503)


async def test_an_ack_of_nothing_is_not_answered(station: Station, phones: Phones) -> None:
    phone = await phones("caller")
    for to in ("<sip:a@127.0.0.1>", "<sip:a@127.0.0.1>;tag=unknown"):
        text = (
            f"ACK {station.uri()} SIP/2.0\r\nVia: SIP/2.0/UDP {phone.address}:{phone.port};branch=z9hG4bKstray\r\n"
            f"From: <sip:b@127.0.0.1>;tag=1\r\nTo: {to}\r\nCall-ID: stray\r\nCSeq: 1 ACK\r\nContent-Length: 0\r\n\r\n"
        )
        phone.send_raw(text.encode(), station.uri())
    assert (await phone.request("OPTIONS", station.uri())).status == 200
    assert [entry.title() for entry in phone.trace.entries if not entry.sent] == ["200 OK (CSeq 1 OPTIONS)"]


async def test_S4_flood(station: Station, phones: Phones) -> None:
    """2,000 INVITEs at once from a stranger and beyond the rate: a call that is up does not notice."""
    friend, stranger = await phones("friend"), await phones("stranger")
    station.engine.admit([friend.address])
    call, leg = await station.answered(friend)
    await call.media.received(10)
    mark = call.media.mark()
    template = invite(stranger.address, stranger.port, "flood-NUMBER")
    for number in range(2000):
        stranger.send_raw(template.replace(b"NUMBER", b"%d" % number), station.uri())
    await call.media.received(25, since=mark)
    assert call.media.heard.statistics().max_gap_ms < 500
    assert (await call.info_dtmf("5")).status == 200
    await call.hangup()
    await station.event(EventKind.ENDED, leg)
    assert station.engine.counters()["refused_source"] > 100
    assert station.engine.counts()["events"] <= 1
    stranger.faults.clear()


async def test_silence_over_udp_stays_silent(station: Station, phones: Phones) -> None:
    station.engine.gate(requests_per_second=1, burst=1, backlog=UNLIMITED)
    phone = await phones("monitor")
    phone.behaviour.repeats = False
    assert (await phone.request("OPTIONS", station.uri())).status == 200
    with pytest.raises(NotInTime):
        await phone.request("OPTIONS", station.uri(), timeout=0.3)


def invite(host: str, port: int, branch: str) -> bytes:
    host = f"[{host}]" if ":" in host else host
    return (
        f"INVITE sip:a@{host}:{port} SIP/2.0\r\nVia: SIP/2.0/UDP {host};rport;branch=z9hG4bK{branch}\r\n"
        f"From: <sip:b@{host}>;tag=1\r\nTo: <sip:a@{host}>\r\nCall-ID: {branch}\r\nCSeq: 1 INVITE\r\n"
        f"Contact: <sip:b@{host}>\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
    ).encode()


async def udp_client(host: str, port: int) -> tuple[asyncio.DatagramTransport, "asyncio.Queue[bytes]"]:
    answers: asyncio.Queue[bytes] = asyncio.Queue()

    class Client(asyncio.DatagramProtocol):
        def datagram_received(self, data: bytes, addr: object) -> None:
            answers.put_nowait(data)

    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(Client, remote_addr=(host, port))
    return transport, answers
