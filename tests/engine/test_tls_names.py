"""Names that clients call (SNI): several certificates at one port."""

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from callwright.engine import EventKind
from tests.engine.station import Station
from tests.engine.test_tls import AUTHORITY, STRANGER, caller, leaf_of, options
from tests.harness.certificates import Certificate
from tests.harness.sip import Phone
from tests.harness.waiting import within

Phones = Callable[..., Awaitable[Phone]]
Stations = Callable[..., Station]

OWN = AUTHORITY.issue("sip.callwright.test")
ONE, TWO = AUTHORITY.issue("one.example"), AUTHORITY.issue("two.example", "*.two.example")


def named(name: str, certificate: Certificate) -> tuple[str, str, str]:
    """As `certify_names` takes it."""
    return name, certificate.certificate, certificate.private_key


NAMES = [named("One.Example", ONE), named("pbx.example", TWO)]


async def shown(station: Station, name: str, *, check: bool = False, newest: bool = True) -> bytes:
    """The certificate that a client gets; name "": it calls none.

    Args:
        check: whether the client demands that it is the name's.
        newest: TLS 1.3, else 1.2.
    """
    context = ssl.create_default_context(cadata=AUTHORITY.certificate)
    context.check_hostname = check
    context.maximum_version = ssl.TLSVersion.TLSv1_3 if newest else ssl.TLSVersion.TLSv1_2
    address = station.host, station.port("tls")
    # without a name asyncio calls the host, which is an address: no name goes out
    opened = asyncio.open_connection(*address, ssl=context, server_hostname=name or None)
    _, writer = await within(opened, 5, "a TLS connection")
    certificate: bytes = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    await writer.wait_closed()
    return certificate


@pytest.mark.parametrize("newest", [True, False], ids=["TLS1.3", "TLS1.2"])
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("one.example", ONE),
        ("ONE.example", ONE),
        ("pbx.example", TWO),
        ("two.example", TWO),
        ("sip.two.example", TWO),
        ("a.b.two.example", OWN),
        ("example", OWN),
        ("sip.callwright.test", OWN),
        ("unknown.example", OWN),
        ("", OWN),
    ],
)
async def test_each_name_gets_its_own(stations: Stations, name: str, expected: Certificate, newest: bool) -> None:
    """What is declared for it, else what is issued for it; any other, and whoever calls none, the listener's."""
    station = stations(**options(OWN))
    assert await shown(station, name, newest=newest) == leaf_of(OWN)
    station.engine.certify_names(NAMES)
    assert await shown(station, name, newest=newest) == leaf_of(expected)


async def test_clients_that_check_the_name(stations: Stations) -> None:
    station = stations(**options(OWN))
    with pytest.raises(ssl.SSLCertVerificationError, match=r"one\.example"):
        await shown(station, "one.example", check=True)
    station.engine.certify_names(NAMES)
    assert await shown(station, "one.example", check=True) == leaf_of(ONE)


async def test_a_key_of_another_kind(stations: Stations) -> None:
    """A listener's certificate on P-256 does not come before the name's on RSA."""
    station = stations(**options(OWN))
    key = rsa.generate_private_key(65537, 2048)
    certificate = AUTHORITY.issue_for(key.public_key(), "rsa.example")
    pem = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    station.engine.certify_names([("rsa.example", certificate, key.private_bytes(*pem).decode())])
    for newest in (True, False):
        assert await shown(station, "rsa.example", newest=newest) == leaf_of(Certificate(certificate, ""))


async def test_clients_prove_themselves_whatever_they_call(stations: Stations, phones: Phones) -> None:
    """The listener's authorities hold for each name."""
    station = stations(**options(OWN, verify_client=True))
    station.engine.certify_names(NAMES)
    known = await phones(
        "known", transport="tls", tls=AUTHORITY.tls("known.test", server_name="one.example", verify=True)
    )
    call = await known.invite(f"sip:service@{station.host}:{station.port('tls')};transport=tls")
    event = await station.event(EventKind.INCOMING)
    station.engine.answer(event.id, 200)
    await call.answered()
    await call.hangup()
    context = STRANGER.tls("known.test").client
    address = station.host, station.port("tls")
    opened = asyncio.open_connection(*address, ssl=context, server_hostname="one.example")
    reader, writer = await within(opened, 5, "a TLS connection")
    with contextlib.suppress(OSError):  # the alert, or just the end
        assert await within(reader.read(), 5, "the end") == b""
    writer.transport.abort()


async def test_p10_a_new_one_drops_no_connection(stations: Stations, phones: Phones) -> None:
    station = stations(**options(OWN))
    station.engine.certify_names(NAMES)
    phone = await caller(phones, server_name="one.example", verify=True)
    call = await phone.invite(f"sip:service@{station.host}:{station.port('tls')};transport=tls")
    event = await station.event(EventKind.INCOMING)
    station.engine.answer(event.id, 200)
    await call.answered()
    before = phone.connections
    second = AUTHORITY.issue("one.example")
    station.engine.certify_names([named("one.example", second)])
    assert await shown(station, "one.example") == leaf_of(second)
    assert await shown(station, "pbx.example") == leaf_of(OWN)
    assert set(phone.connections) >= set(before)
    assert (await call.reinvite()).status == 200
    await call.hangup()


async def test_a_bad_one_leaves_the_old_ones(stations: Stations) -> None:
    station = stations(**options(OWN))
    station.engine.certify_names(NAMES)
    for one, fault in (
        (("one.example", "nonsense", TWO.private_key), "certificate: "),
        (("one.example", TWO.certificate, "nonsense"), "private_key: "),
        (("one.example", TWO.certificate, ONE.private_key), "private_key: "),
        (("one.example", TWO.certificate, ""), "go together"),
        (("one.example", "", ""), "a name and its certificate"),
        (("", TWO.certificate, TWO.private_key), "a name and its certificate"),
    ):
        with pytest.raises(ValueError, match=fault):
            station.engine.certify_names([named("one.example", TWO), one])
    assert await shown(station, "one.example") == leaf_of(ONE)
    station.engine.certify_names([])
    assert await shown(station, "one.example") == leaf_of(OWN)


@pytest.mark.parametrize("verify_client", [True, False])
async def test_what_else_is_said(stations: Stations, tmp_path: Path, verify_client: bool) -> None:
    """The chain goes along; a client is asked for a certificate where one is wanted, and nowhere else: some phones ask
    their users for it."""
    station = stations(**options(OWN, verify_client=verify_client))
    station.engine.certify_names(NAMES)
    (tmp_path / "ca.pem").write_text(AUTHORITY.certificate)
    process = await asyncio.create_subprocess_exec(
        *("openssl", "s_client", "-connect", f"{station.host}:{station.port('tls')}", "-servername", "one.example"),
        *("-showcerts", "-CAfile", str(tmp_path / "ca.pem")),
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await within(process.communicate(), 10, "openssl ends")
    assert b" 1 s:" in said, said.decode()
    assert b"Verify return code: 0" in said or b"Verification: OK" in said
    assert (b"Acceptable client certificate CA names" in said) == verify_client
