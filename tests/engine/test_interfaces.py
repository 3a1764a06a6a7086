"""A machine in several networks: each call's media is at the address of its signalling, and so are its ports."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from callwright.engine import EventKind
from tests.engine.station import CALLER, Station, running_engine
from tests.engine.users import REALM, Account, guard, serve
from tests.harness.call import PhoneCall
from tests.harness.message import Message
from tests.harness.ports import daemon_address, next_address, other_address
from tests.harness.sip import Phone, bracketed

Phones = Callable[..., Awaitable[Phone]]
Stations = Callable[..., Station]
ONE, OTHER = daemon_address(), other_address(1)
LISTEN = [(transport, host, 0) for host in (ONE, OTHER) for transport in ("udp", "tcp")]
NAMED = {"media": [("", ""), ("", ""), (OTHER, ""), (OTHER, "")]}
FOLLOWING = {"media_address": "0.0.0.0"}


def told(message: Message) -> set[str]:
    """The addresses that a description names."""
    lines = message.body.decode().splitlines()
    return {line.split()[-1] for line in lines if line.startswith(("o=", "c=", "a=rtcp:"))}


def uri(station: Station, host: str, transport: str = "udp") -> str:
    """A SIP URI of one of an engine's listeners."""
    port = next(port for name, one, port in station.engine.addresses if (name, one) == (transport, host))
    return f"sip:service@{bracketed(host)}:{port}" + ("" if transport == "udp" else f";transport={transport}")


async def called(
    station: Station, phone: Phone, host: str, *, transport: str = "udp"
) -> tuple[PhoneCall, int, Message]:
    """An established call to a listener, its leg, and the answer."""
    call = await phone.invite(uri(station, host, transport))
    leg = (await station.event(EventKind.INCOMING)).id
    station.engine.answer(leg, 200)
    answer = await call.answered()
    await station.event(EventKind.ESTABLISHED, leg)
    return call, leg, answer


async def heard_by_each_other(station: Station, one: tuple[PhoneCall, int], other: tuple[PhoneCall, int]) -> None:
    """Two legs are joined, and each phone hears the other's tone."""
    station.engine.connect(one[1], other[1])
    station.engine.connect(other[1], one[1])
    one[0].media.tone(500)
    other[0].media.tone(700)
    await asyncio.gather(one[0].media.heard_tone(700), other[0].media.heard_tone(500))


def taken(station: Station) -> dict[str, int]:
    """Pairs of ports in use, by address."""
    return {address: used for address, _, used in station.engine.media_addresses()}


@pytest.mark.parametrize("options", [NAMED, FOLLOWING], ids=["named", "following"])
async def test_calls_of_two_networks_are_joined(stations: Stations, phones: Phones, options: dict[str, Any]) -> None:
    """Packet by packet: both talk G.711."""
    station = stations(listen=LISTEN, **options)
    near, far = await phones("near"), await phones("far", address=other_address())
    call, leg, answer = await called(station, near, ONE)
    distant, distant_leg, distant_answer = await called(station, far, OTHER)
    assert (told(answer), told(distant_answer)) == ({ONE}, {OTHER})
    assert distant_answer.headers["Contact"] == uri(station, OTHER).join("<>").replace("service@", "")
    await heard_by_each_other(station, (call, leg), (distant, distant_leg))
    assert taken(station) == {ONE: 1, OTHER: 1}
    assert station.engine.media_counts()["relay"] == 2
    station.engine.hold(distant_leg, True)  # a later offer is told the same
    assert told(await distant.expect("INVITE")) == {OTHER}
    await call.hangup()
    await distant.hangup()


async def test_a_late_offer(stations: Stations, phones: Phones) -> None:
    station = stations(listen=LISTEN, **NAMED)
    far = await phones("far", address=other_address())
    call = await far.invite(uri(station, OTHER), offer=False)
    leg = (await station.event(EventKind.INCOMING)).id
    station.engine.answer(leg, 200)
    assert told(await call.answered()) == {OTHER}
    station.engine.connect(leg, leg)
    call.media.tone(600)
    await call.media.heard_tone(600)


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_a_user_is_called_from_where_he_was_heard(stations: Stations, phones: Phones, transport: str) -> None:
    """A NAT lets nothing else in, and another network's address may lead nowhere. Requests too."""
    station = stations(listen=LISTEN, **NAMED)
    alice = Account()
    guard(station, alice)
    serve(station)
    far = await phones("alice", address=other_address(), transport=transport, credentials=alice.phone())
    place = uri(station, OTHER, transport)
    headers = [("Contact", far.contact)]
    assert (await far.request("REGISTER", place, headers=headers, from_uri=f"sip:alice@{REALM}")).status == 200
    source = (await station.event(EventKind.REQUEST)).detail
    hop = f"sip:{source['source_host']}:{source['source_port']};transport={transport}"
    leg = station.engine.originate(f"sip:alice@{REALM}", next_hop=hop, local_uri=CALLER, keep_hop=True)
    call = await far.incoming()
    assert told(call.invite) == {OTHER}
    assert OTHER in call.invite.headers["Contact"] and OTHER in call.invite.headers["Via"]
    await call.answer()
    await station.event(EventKind.ESTABLISHED, leg)
    station.engine.connect(leg, leg)
    call.media.tone(600)
    await call.media.heard_tone(600)
    station.engine.request("OPTIONS", f"sip:alice@{REALM}", next_hop=hop)
    asked = await far.expect("OPTIONS")
    assert asked.headers["Contact"].startswith(uri(station, OTHER, transport).replace("service@", "").join("<>")[:-1])
    await call.hangup()


async def test_a_stranger_is_called_from_where_the_route_begins(stations: Stations, phones: Phones) -> None:
    """The loopback's begins at 127.0.0.1, whatever address of it is called: no listener is there, and the first is
    taken."""
    station = stations(listen=[("udp", other_address(251), 0), ("udp", OTHER, 0)], **FOLLOWING)
    far = await phones("far", address=other_address())
    station.engine.originate(far.uri, local_uri=CALLER)
    assert told((await far.incoming()).invite) == {other_address(251)}


async def test_a_listener_at_the_beginning_of_the_route(stations: Stations, phones: Phones) -> None:
    station = stations(listen=[("udp", OTHER, 0), ("udp", "127.0.0.1", 0)], **FOLLOWING)
    far = await phones("far", address=other_address())
    station.engine.originate(far.uri, local_uri=CALLER)
    call = await far.incoming()
    assert told(call.invite) == {"127.0.0.1"}
    assert call.invite.headers["Contact"] == f"<sip:127.0.0.1:{station.engine.addresses[1][2]}>"


async def test_wildcards_everywhere(stations: Stations, phones: Phones) -> None:
    """The address of the route to the peer, as in Contact."""
    station = stations(listen=[("udp", "0.0.0.0", 0), ("udp", "::", 0)], media_address="0.0.0.0", media_address6="::")
    narrow, wide = await phones("four"), await phones("six", address="::1")
    for phone, host in ((narrow, "127.0.0.1"), (wide, "::1")):
        port = station.engine.addresses[":" in host][2]
        call = await phone.invite(f"sip:service@{bracketed(host)}:{port}")
        leg = (await station.event(EventKind.INCOMING)).id
        station.engine.answer(leg, 200)
        assert told(await call.answered()) == {host}
        station.engine.connect(leg, leg)
        call.media.tone(600)
        await call.media.heard_tone(600)
        outbound = station.engine.originate(phone.uri, local_uri=CALLER)
        assert told((await phone.incoming()).invite) == {host}
        station.engine.hangup(outbound)
    assert {"127.0.0.1", "::1"} <= set(taken(station))


async def test_an_offer_of_the_other_family_is_asked_for_its_way(stations: Stations, phones: Phones) -> None:
    station = stations(listen=[("udp", ONE, 0)], media_address="0.0.0.0", media_address6="::")
    phone = await phones("four")
    phone.media_address = "::1"
    call, _, answer = await called(station, phone, ONE)
    assert told(answer) == {"::1"}
    await call.media.received(5)


async def test_the_ports_of_an_address_run_out(
    stations: Stations, phones: Phones, media_ports: tuple[int, int]
) -> None:
    """Those of the other one do not, and nothing rings without."""
    first, _ = media_ports
    station = stations(listen=LISTEN, rtp_ports=(first, first + 1), **NAMED)
    near, far = await phones("near"), await phones("far", address=other_address())
    call, _, _ = await called(station, near, ONE)
    refused = await (await near.invite(uri(station, ONE))).refused()
    assert (refused.status, int(refused.headers["Retry-After"]) > 0) == (503, True)
    distant, leg, _ = await called(station, far, OTHER)
    assert call.remote_sdp is not None and distant.remote_sdp is not None
    assert call.remote_sdp.port == distant.remote_sdp.port == first
    counts, counters = station.engine.media_counts(), station.engine.counters()
    assert (counts["rtp_pairs"], counts["rtp_pairs_taken"], counters["refused_full"]) == (2, 2, 1)
    assert sorted(station.engine.media_addresses()) == sorted([(ONE, 1, 1), (OTHER, 1, 1)])
    await distant.hangup()
    await station.event(EventKind.ENDED, leg)
    assert taken(station) == {ONE: 1, OTHER: 0}


async def test_a_port_rests_on_its_own_address(stations: Stations, phones: Phones) -> None:
    station = stations(listen=LISTEN, **NAMED)
    near, far = await phones("near"), await phones("far", address=other_address())
    used: dict[str, list[int]] = {ONE: [], OTHER: []}
    for phone, host in ((near, ONE), (far, OTHER), (near, ONE), (far, OTHER)):
        call, leg, _ = await called(station, phone, host)
        assert call.remote_sdp is not None
        used[host].append(call.remote_sdp.port)
        await call.hangup()
        await station.event(EventKind.ENDED, leg)
    assert used[ONE] == used[OTHER] and len(set(used[ONE])) == 2


async def test_each_address_has_its_public_one(stations: Stations, phones: Phones) -> None:
    """What an entry advertises goes before what all media do; who is inside is told neither."""
    near, far, beside = await phones("near"), await phones("far", address=other_address()), await phones("beside")
    public, second = next_address(), other_address()  # nobody is there
    station = stations(
        listen=LISTEN,
        media=[("", ""), ("", ""), (OTHER, second), (OTHER, "")],
        advertised_address=public,
        inside=[beside.address],
    )
    assert told((await called(station, near, ONE))[2]) == {public}
    assert told((await called(station, far, OTHER))[2]) == {second}
    assert told((await called(station, beside, OTHER))[2]) == {OTHER}
    wire = await phones("wire", address=other_address(), transport="tcp")
    assert told((await called(station, wire, OTHER, transport="tcp"))[2]) == {OTHER}


@pytest.mark.parametrize(
    "options",
    [
        {"media": [(OTHER, "")]},
        {"media": [("here", ""), ("", "")]},
        {"media": [("::1", ""), ("", "")]},
        {"media": [("0.0.0.0", ""), ("", "")]},
        {"media": [("", "there"), ("", "")]},
    ],
)
def test_settings_that_are_none(media_ports: tuple[int, int], options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="media"), running_engine(media_ports, **options):
        raise AssertionError("it started")


async def test_an_address_that_is_gone(stations: Stations, phones: Phones) -> None:
    """Its interface is down: calls there fail, both ways and before anything rings; others do not."""
    station = stations(listen=[("udp", ONE, 0), ("udp", OTHER, 0)], media=[("", ""), ("192.0.2.1", "")])
    near, far = await phones("near"), await phones("far", address=other_address())
    refused = await far.invite(uri(station, OTHER))
    assert (await refused.refused()).status == 500
    assert refused.provisional == []
    call, _, answer = await called(station, near, ONE)
    assert told(answer) == {ONE}
    await call.hangup()
    assert ("192.0.2.1", 20, 0) in station.engine.media_addresses()
