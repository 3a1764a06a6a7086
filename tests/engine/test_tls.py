"""TLS: calls both ways, who must prove what to whom, and a certificate that changes while connections live."""

import asyncio
import contextlib
import errno
import socket
import ssl
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from callwright.engine import EventKind
from tests.engine.station import CALLER, Station, running_engine
from tests.harness.call import How
from tests.harness.certificates import Authority, Certificate
from tests.harness.ports import daemon_address, next_address
from tests.harness.sip import Phone
from tests.harness.waiting import within

Phones = Callable[..., Awaitable[Phone]]
Stations = Callable[..., Station]

AUTHORITY = Authority()
STRANGER = Authority("Nobody whom we know")


def options(
    mine: Certificate | None = None, ca: str = AUTHORITY.certificate, verify_client: bool = False, **more: Any
) -> dict[str, Any]:
    """Those of an engine with UDP and TLS."""
    host = daemon_address()
    shown = mine or AUTHORITY.issue("sip.callwright.test", host)
    return {
        "listen": [("udp", host, 0), ("tls", host, 0)],
        "tls": [(shown.certificate, shown.private_key, ca, verify_client)],
        **more,
    }


async def caller(phones: Phones, **tls: Any) -> Phone:
    """A phone that speaks TLS and has a certificate for its address, to which requests of a dialog come."""
    address = next_address()
    return await phones("caller", address=address, transport="tls", tls=AUTHORITY.tls(address, **tls))


async def certificate_of(station: Station) -> bytes:
    """What the engine shows to a new connection."""
    context = ssl.create_default_context(cadata=AUTHORITY.certificate)
    context.check_hostname = False
    address = station.host, station.port("tls")
    _, writer = await within(asyncio.open_connection(*address, ssl=context), 5, "a TLS connection")
    shown: bytes = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    await writer.wait_closed()
    return shown


def leaf_of(certificate: Certificate) -> bytes:
    return ssl.PEM_cert_to_DER_cert(certificate.certificate.split("-----END")[0] + "-----END CERTIFICATE-----\n")


@pytest.mark.parametrize("scheme", ["sip", "sips"])
async def test_a_call_comes_in(stations: Stations, phones: Phones, scheme: str) -> None:
    station = stations(**options())
    phone = await caller(phones, server_name="sip.callwright.test", verify=True)
    phone.scheme = scheme
    call = await phone.invite(f"{scheme}:service@{station.host}:{station.port('tls')};transport=tls")
    event = await station.event(EventKind.INCOMING)
    assert (event.detail["transport"], event.detail["source_host"]) == ("TLS", phone.address)
    station.engine.answer(event.id, 200)
    response = await call.answered()
    contact = response.headers["Contact"]
    assert contact.startswith(f"<{scheme}:") and "transport=tls" in contact.lower()
    await call.media.received(5)
    station.engine.hangup(event.id)
    assert (await call.until_ended()).how is How.BYE_RECEIVED


@pytest.mark.parametrize("scheme", ["sip", "sips"])
async def test_a_call_goes_out_to_a_name(stations: Stations, phones: Phones, scheme: str) -> None:
    station = stations(**options())
    phone = await phones("called", transport="tls", tls=AUTHORITY.tls("gateway.test"))
    if scheme == "sips":
        phone.scheme = "sips"
    leg = station.engine.originate(
        f"{scheme}:called@gateway.test;transport=tls",
        local_uri=CALLER,
        next_hop=f"sip:{phone.place};transport=tls",
    )
    call = await phone.incoming()
    assert phone.server_names == ["gateway.test"]
    assert call.invite.via.transport == "TLS"
    assert call.invite.headers["Contact"].startswith(f"<{scheme}:")
    await call.answer()
    await station.event(EventKind.ESTABLISHED, leg)
    await call.media.received(5)
    station.engine.hangup(leg)
    assert (await call.until_ended()).how is How.BYE_RECEIVED
    assert len(phone.connections) == 1


@pytest.mark.parametrize(
    ("authority", "name"), [(STRANGER, "gateway.test"), (AUTHORITY, "other.test")], ids=["stranger", "other-name"]
)
async def test_a_server_that_proves_nothing_gets_no_invite(
    stations: Stations, phones: Phones, authority: Authority, name: str
) -> None:
    station = stations(**options())
    phone = await phones("called", transport="tls", tls=authority.tls(name))
    leg = station.engine.originate(
        "sip:called@gateway.test;transport=tls", local_uri=CALLER, next_hop=f"sip:{phone.place};transport=tls"
    )
    ended = await station.event(EventKind.ENDED, leg)
    assert (ended.code, station.of(leg)) == (503, [EventKind.ENDED])
    assert phone.calls == []


async def test_a_server_need_not_prove_itself_when_that_is_configured(stations: Stations, phones: Phones) -> None:
    station = stations(**options(verify_server=False))
    phone = await phones("called", transport="tls", tls=STRANGER.tls("other.test"))
    leg = station.engine.originate(phone.uri, local_uri=CALLER)
    call = await phone.incoming()
    await call.answer()
    await station.event(EventKind.ESTABLISHED, leg)


async def test_clients_must_prove_themselves(stations: Stations, phones: Phones) -> None:
    station = stations(**options(verify_client=True))
    uri = f"sip:service@{station.host}:{station.port('tls')};transport=tls"
    known = await phones("known", transport="tls", tls=AUTHORITY.tls("known.test"))
    call = await known.invite(uri)
    event = await station.event(EventKind.INCOMING)
    station.engine.answer(event.id, 200)
    await call.answered()
    await call.hangup()

    context = STRANGER.tls("known.test").client
    reader, writer = await within(asyncio.open_connection(station.host, station.port("tls"), ssl=context), 5, "TLS")
    with contextlib.suppress(OSError):  # the alert, or just the end
        assert await within(reader.read(), 5, "the end") == b""
    writer.transport.abort()
    await known.close()
    assert station.of(event.id) == [EventKind.INCOMING, EventKind.MEDIA, EventKind.ESTABLISHED, EventKind.ENDED]


async def test_old_protocols_are_refused(stations: Stations) -> None:
    station = stations(**options())
    context = ssl.create_default_context(cadata=AUTHORITY.certificate)
    context.check_hostname = False
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(OSError):
        await within(asyncio.open_connection(station.host, station.port("tls"), ssl=context), 5, "the refusal")


async def test_p10_a_new_certificate_drops_no_connection(stations: Stations, phones: Phones) -> None:
    first, second = (AUTHORITY.issue("sip.callwright.test") for _ in range(2))
    station = stations(**options(first))
    phone = await caller(phones)
    call = await phone.invite(f"sip:service@{station.host}:{station.port('tls')};transport=tls")
    event = await station.event(EventKind.INCOMING)
    station.engine.answer(event.id, 200)
    await call.answered()
    before = phone.connections
    assert await certificate_of(station) == leaf_of(first)

    station.engine.certify(0, certificate=second.certificate, private_key=second.private_key, ca=AUTHORITY.certificate)
    assert await certificate_of(station) == leaf_of(second)
    assert phone.connections == before
    assert (await call.reinvite()).status == 200
    station.engine.hangup(event.id)
    assert (await call.until_ended()).how is How.BYE_RECEIVED
    assert set(phone.connections) >= set(before)


async def test_a_bad_certificate_leaves_the_old_one(stations: Stations) -> None:
    first, second = (AUTHORITY.issue("sip.callwright.test") for _ in range(2))
    station = stations(**options(first))
    for certificate, key, fault in (
        ("nonsense", second.private_key, "certificate: "),
        (second.certificate, "nonsense", "private_key: "),
        (second.certificate, first.private_key, "private_key: "),
        (second.certificate, "", "tls: certificate and private_key go together"),
    ):
        with pytest.raises(ValueError, match=fault):
            station.engine.certify(0, certificate=certificate, private_key=key, ca=AUTHORITY.certificate)
    with pytest.raises(ValueError, match="no such"):
        station.engine.certify(1, certificate=second.certificate, private_key=second.private_key)
    assert await certificate_of(station) == leaf_of(first)


async def test_a_silent_connection_does_no_harm(stations: Stations, phones: Phones) -> None:
    station = stations(**options())
    _, silent = await asyncio.open_connection(station.host, station.port("tls"))
    _, garbage = await asyncio.open_connection(station.host, station.port("tls"))
    garbage.write(b"INVITE sip:x SIP/2.0\r\n\r\n" * 10)
    phone = await caller(phones)
    call = await phone.invite(f"sip:service@{station.host}:{station.port('tls')};transport=tls")
    event = await station.event(EventKind.INCOMING)
    station.engine.answer(event.id, 200)
    await call.answered()
    await call.hangup()
    for writer in (silent, garbage):
        writer.close()


@pytest.mark.parametrize(
    ("tls", "fault"),
    [
        ([], "one entry for each"),
        ([("", "", "", False)], "needs a certificate"),
        ([("x", "y", "", False)], "certificate: "),
        ([("c", "k", "", True)], "verify_client needs a ca"),
    ],
    ids=["none", "empty", "no-pem", "no-ca"],
)
def test_settings_that_are_none(media_ports: tuple[int, int], tls: list[Any], fault: str) -> None:
    listen = [("tls", daemon_address(), 0)]
    with pytest.raises(ValueError, match=fault), running_engine(media_ports, listen=listen, tls=tls):
        raise AssertionError("it started")


def test_a_port_that_is_taken(media_ports: tuple[int, int]) -> None:
    with socket.create_server((daemon_address(), 0)) as taken:
        place = ("tls", daemon_address(), taken.getsockname()[1])
        with (
            pytest.raises(OSError, match=f"tls:{place[1]}:{place[2]}") as caught,
            running_engine(media_ports, **{**options(), "listen": [place]}),
        ):
            raise AssertionError("it started")
    assert caught.value.errno == errno.EADDRINUSE
