"""Several domains at one TLS port: each shows its own certificate to the phones that call it by name."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.harness import Phone
from tests.harness.certificates import Authority, Certificate
from tests.harness.digest import Credentials
from tests.harness.ports import daemon_address, free_port, next_address
from tests.harness.srtp import Sdes
from tests.harness.waiting import within

from .commands import callwright
from .house import PASSWORD
from .site import Site
from .test_bad_input_start import good, served, written

pytestmark = pytest.mark.integration

AUTHORITY = Authority()
ONE, TWO = "one.example", "two.example"


def table(directory: Path, name: str, certificate: Certificate) -> dict[str, str]:
    """A [[domain]] with a certificate, whose files are written there."""
    directory.mkdir(exist_ok=True)
    certificate.write(directory)
    return {
        "name": name,
        "certificate": str(directory / "certificate.pem"),
        "private_key": str(directory / "key.pem"),
    }


async def shown(host: str, port: int, name: str = "") -> str:
    """The certificate that a client gets which calls a name, PEM; "": it calls none."""
    context = ssl.create_default_context(cadata=AUTHORITY.certificate)
    context.check_hostname = False
    opened = asyncio.open_connection(host, port, ssl=context, server_hostname=name or None)
    _, writer = await within(opened, 5, "a TLS connection")
    found = ssl.DER_cert_to_PEM_cert(writer.get_extra_info("ssl_object").getpeercert(binary_form=True))
    writer.close()
    await writer.wait_closed()
    return found


async def test_two_domains_at_one_port(
    sites: Callable[..., Awaitable[Site]], phones: Callable[..., Awaitable[Phone]], tmp_path: Path
) -> None:
    """Phones that check names register with both and call; a new certificate is taken while they talk."""
    host = daemon_address()
    plain, tls = free_port(host), free_port(host)
    first, second = AUTHORITY.issue(ONE), AUTHORITY.issue(TWO)
    domains = [table(tmp_path / "one", ONE, first), table(tmp_path / "two", TWO, second)]
    users = [{"name": "ann", "password": PASSWORD, "domain": ONE}, {"name": "zoe", "password": PASSWORD, "domain": TWO}]
    sip = AUTHORITY.section(host, plain, tls, tmp_path)
    site = await sites(strangers=True, users=users, domains=domains, sections={"sip": sip})
    site.script("/user", "<Echo/>")
    own = (tmp_path / "certificate.pem").read_text()
    for name, expected in ((ONE, first.certificate), (TWO, second.certificate), ("x.example", own), ("", own)):
        assert expected.startswith((await shown(host, tls, name)).strip()), name

    calls = []
    for user, domain in (("ann", ONE), ("zoe", TWO)):
        address = next_address()
        secured = AUTHORITY.tls(address, server_name=domain, verify=True)
        proxy, proof = f"sip:{host}:{tls};transport=tls", Credentials(user, PASSWORD)
        phone = await phones(user, address=address, proxy=proxy, credentials=proof, transport="tls", tls=secured)
        phone.security = Sdes
        assert (await phone.register(f"sip:{domain}")).status == 200
        call = await phone.invite(f"sip:600@{domain}", from_uri=f"sip:{user}@{domain}")
        await call.answered()
        call.media.tone(500)
        await call.media.heard_tone(500)
        calls.append((phone, call, phone.connections))

    third = AUTHORITY.issue(TWO)
    third.write(tmp_path / "two")
    await site.daemon.logged(r"the SIP certificate .*two/certificate\.pem was reloaded", 15)
    assert third.certificate.startswith((await shown(host, tls, TWO)).strip())
    assert first.certificate.startswith((await shown(host, tls, ONE)).strip())
    for phone, call, connections in calls:
        assert (await call.reinvite()).status == 200
        assert set(phone.connections) >= set(connections)
        await call.hangup()


@pytest.mark.parametrize("command", ["check-config", "serve"])
async def test_files_that_do_not_fit(tmp_path: Path, command: str) -> None:
    """The key is another certificate's: the fault names the domain's key."""
    one = table(tmp_path / "one", ONE, AUTHORITY.issue(ONE))
    (tmp_path / "one" / "key.pem").write_text(AUTHORITY.issue(ONE).private_key)
    host = daemon_address()
    config = good(sip=AUTHORITY.section(host, free_port(host), free_port(host), tmp_path))
    config["domain"] = [{**one, "account": config["account"][0]["sid"]}]
    if command == "serve":
        ended = await served(tmp_path, config)
    else:
        ended = await callwright("check-config", written(tmp_path, config))
    ended.refuses("domain.0.private_key", "key.pem", "mismatch")
