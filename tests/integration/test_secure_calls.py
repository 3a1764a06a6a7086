"""The daemon with TLS, SRTP, IPv6 and wideband trunks: what a call in and a call out of each is like."""

import socket
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.harness import ApplicationServer, Phone
from tests.harness.certificates import Authority
from tests.harness.daemon import TOKEN, Daemon
from tests.harness.ports import daemon_address, free_port, next_address
from tests.harness.sdp import DTMF, G722, PCMU, Sdp
from tests.harness.srtp import Dtls, Sdes

from .commands import callwright
from .line import document
from .test_bad_input_start import good, served, written

pytestmark = pytest.mark.integration

Phones = Callable[..., Awaitable[Phone]]
NUMBER = "+15550001000"
OUT = "+15557770001"
AUTHORITY = Authority()


class Secured:
    """A daemon with a TLS listener beside the usual ones, and the application of its number."""

    def __init__(self, daemon: Daemon, application: ApplicationServer, tls_port: int) -> None:
        self.daemon, self.application, self.tls_port = daemon, application, tls_port

    def uri(self, transport: str) -> str:
        """The number's URI."""
        port = self.tls_port if transport == "tls" else self.daemon.sip_port
        return f"sip:{NUMBER}@{self.daemon.host}:{port};transport={transport}"


@pytest.fixture
async def secured(
    daemon: Callable[..., Awaitable[Daemon]],
    applications: Callable[..., Awaitable[ApplicationServer]],
    tmp_path: Path,
) -> Callable[..., Awaitable[Secured]]:
    """A factory; `trunks` are [[trunk]] tables, `sections` further keys."""

    async def start(trunks: list[dict[str, Any]], sections: dict[str, dict[str, Any]] | None = None) -> Secured:
        application = await applications(TOKEN)
        application.on("/status", "")
        host = daemon_address()
        port, tls = free_port(host), free_port(host)
        AUTHORITY.issue(host).write(tmp_path)
        (tmp_path / "ca.pem").write_text(AUTHORITY.certificate)
        sip = {
            "listen": [f"udp:{host}:{port}", f"tcp:{host}:{port}", f"tls:{host}:{tls}", "udp:[::1]:0"],
            "certificate": str(tmp_path / "certificate.pem"),
            "private_key": str(tmp_path / "key.pem"),
            "ca": str(tmp_path / "ca.pem"),
        }
        number = {
            "number": NUMBER,
            "voice_url": application.url("/voice"),
            "status_callback": application.url("/status"),
        }
        running = await daemon(
            numbers=[number], trunks=trunks, sections={"sip": sip, "media": {"address6": "::1"}, **(sections or {})}
        )
        return Secured(running, application, tls)

    return start


async def tls_phone(phones: Phones, user: str = "carrier") -> Phone:
    address = next_address()
    return await phones(user, address=address, transport="tls", tls=AUTHORITY.tls(address))


async def test_in_by_tls_and_out_by_tls_with_srtp_both_ways(
    secured: Callable[..., Awaitable[Secured]], phones: Phones
) -> None:
    carrier, gateway = await tls_phone(phones), await tls_phone(phones, "gateway")
    carrier.security, gateway.security = Sdes, Dtls
    site = await secured(
        [
            {"name": "in", "allow": [f"{carrier.address}/32"], "srtp": "required"},
            {
                "name": "out",
                "targets": [f"sip:{gateway.place}"],
                "transport": "tls",
                "srtp": "required",
                "srtp_keying": "dtls",
            },
        ]
    )
    site.application.on("/voice", document(f"<Dial>{OUT}</Dial>"))
    call = await carrier.invite(site.uri("tls"))
    incoming = await gateway.incoming()
    assert (incoming.to_user, incoming.invite.via.transport) == (OUT, "TLS")
    await incoming.answer()
    await call.answered()
    call.media.tone(500)
    incoming.media.tone(700)
    await call.media.heard_tone(700)
    await incoming.media.heard_tone(500)
    assert call.local_sdp is not None and call.local_sdp.profile == "RTP/SAVP"
    assert incoming.remote_sdp is not None and incoming.remote_sdp.profile == "UDP/TLS/RTP/SAVP"
    await call.hangup()
    await incoming.until_ended()


async def test_a_trunk_without_srtp_refuses_it(secured: Callable[..., Awaitable[Secured]], phones: Phones) -> None:
    carrier = await phones("carrier")
    carrier.security = Sdes
    site = await secured([{"name": "in", "allow": ["127.0.0.0/8"]}])
    call = await carrier.invite(site.uri("udp"))
    refusal = await call.refused()
    assert (refusal.status, refusal.headers["Warning"].split()[0]) == (488, "302")
    assert site.application.requests == []


async def test_a_sip_party_may_ask_for_srtp(secured: Callable[..., Awaitable[Secured]], phones: Phones) -> None:
    """`;secure=true` of a SIP URI (call-control reference §7.3)."""
    carrier, party = await phones("carrier"), await phones("party")
    party.security = Sdes
    site = await secured([{"name": "in", "allow": ["127.0.0.0/8"]}])
    site.application.on("/voice", document(f"<Dial><Sip>{party.uri};secure=true</Sip></Dial>"))
    call = await carrier.invite(site.uri("udp"))
    incoming = await party.incoming()
    assert "secure" not in incoming.invite.uri
    assert incoming.remote_sdp is not None and incoming.remote_sdp.profile == "RTP/SAVP"
    await incoming.answer()
    await call.answered()
    call.media.tone(500)
    await incoming.media.heard_tone(500)
    await call.hangup()
    await incoming.until_ended()


async def test_each_trunk_has_its_codecs_and_its_family(
    secured: Callable[..., Awaitable[Secured]], phones: Phones
) -> None:
    carrier, gateway = await phones("carrier"), await phones("gateway", address="::1")
    site = await secured(
        [
            {"name": "in", "allow": ["127.0.0.0/8"], "codecs": ["g722", "PCMU"]},
            {"name": "out", "targets": [f"sip:{gateway.place}"], "codecs": ["PCMA"]},
        ]
    )
    site.application.on("/voice", document(f"<Dial>{OUT}</Dial>"))
    media_port = free_port(carrier.address)
    offer = Sdp(carrier.address, media_port, (PCMU, G722, DTMF), session=1, version=1)
    call = await carrier.invite(site.uri("udp"), offer=offer)
    incoming = await gateway.incoming()
    assert incoming.remote_sdp is not None
    assert [codec.name for codec in incoming.remote_sdp.codecs] == ["PCMA", "telephone-event"]
    assert incoming.remote_sdp.address == "::1"
    await incoming.answer()
    answer = Sdp.parse((await call.answered()).body)
    assert (answer.codecs[0].name, ":" in answer.address) == ("G722", False)
    await incoming.media.received(10)
    await call.hangup()
    await incoming.until_ended()


async def test_a_trunks_codecs_hold_for_its_calls_in(
    secured: Callable[..., Awaitable[Secured]], phones: Phones
) -> None:
    """Whoever makes the offer, and for every later one."""
    carrier = await phones("carrier")
    site = await secured([{"name": "in", "allow": ["127.0.0.0/8"], "codecs": ["PCMA", "g722"]}])
    site.application.on("/voice", document('<Gather timeout="30"/>'))
    late = await carrier.invite(site.uri("udp"), offer=False)
    offer = Sdp.parse((await late.answered()).body)
    assert [codec.name for codec in offer.codecs] == ["PCMA", "G722", "telephone-event"]
    await late.hangup()

    call = await carrier.invite(site.uri("udp"))
    answer = Sdp.parse((await call.answered()).body)
    assert [codec.name for codec in answer.codecs] == ["PCMA", "telephone-event"]
    assert (await call.reinvite()).status == 200
    assert call.remote_sdp is not None and call.remote_sdp.audio.name == "PCMA"
    await call.media.received(5)
    assert call.media.heard.payload_types == {8}
    await call.hangup()

    media_port = free_port(carrier.address)
    refused = await carrier.invite(
        site.uri("udp"), offer=Sdp(carrier.address, media_port, (PCMU,), session=1, version=1)
    )
    refusal = await refused.refused()
    assert (refusal.status, refusal.headers["Warning"].split()[0]) == (488, "305")


async def test_p10_the_daemon_takes_a_new_certificate_and_drops_no_connection(
    secured: Callable[..., Awaitable[Secured]], phones: Phones, tmp_path: Path
) -> None:
    carrier = await tls_phone(phones)
    site = await secured([{"name": "in", "allow": ["127.0.0.0/8"]}])
    site.application.on("/voice", document('<Gather timeout="30"/>'))
    call = await carrier.invite(site.uri("tls"))
    await call.answered()
    before = carrier.connections
    second = AUTHORITY.issue(daemon_address())
    (tmp_path / "certificate.pem").write_text(second.certificate)
    (tmp_path / "key.pem").write_text(second.private_key)
    await site.daemon.logged(r"the SIP certificate .*certificate\.pem was reloaded", 15)
    shown = ssl.get_server_certificate((site.daemon.host, site.tls_port))
    assert second.certificate.startswith(shown.strip())
    assert (await call.reinvite()).status == 200
    assert carrier.connections == before
    await call.hangup()


@pytest.mark.parametrize("command", ["check-config", "serve"])
@pytest.mark.parametrize(
    ("missing", "key"),
    [("certificate.pem", "sip.certificate"), ("key.pem", "sip.private_key"), ("ca.pem", "sip.ca")],
)
async def test_files_that_are_not_there(tmp_path: Path, command: str, missing: str, key: str) -> None:
    AUTHORITY.issue("sip.test").write(tmp_path)
    (tmp_path / "ca.pem").write_text(AUTHORITY.certificate)
    (tmp_path / missing).unlink()
    names = {"certificate": "certificate.pem", "private_key": "key.pem", "ca": "ca.pem"}
    host = daemon_address()
    keys = {name: str(tmp_path / file) for name, file in names.items()}
    config = good(sip={"listen": [f"tls:{host}:{free_port(host)}"], **keys})
    if command == "serve":
        ended = await served(tmp_path, config)
    else:
        ended = await callwright("check-config", written(tmp_path, config))
    ended.refuses(key, missing, "No such file")


async def test_a_tls_port_in_use(tmp_path: Path) -> None:
    AUTHORITY.issue("sip.test").write(tmp_path)
    keys = {"certificate": str(tmp_path / "certificate.pem"), "private_key": str(tmp_path / "key.pem")}
    with socket.create_server((daemon_address(), 0)) as other:
        port = other.getsockname()[1]
        ended = await served(tmp_path, good(sip={"listen": [f"tls:{daemon_address()}:{port}"], **keys}))
    ended.refuses("sip.listen", f"tls:{daemon_address()}:{port}", "in use")


async def test_an_operator_tries_a_trunk_by_tls(secured: Callable[..., Awaitable[Secured]], tmp_path: Path) -> None:
    """`trunk test --call`: the test phone shows the daemon's certificate, checks the gateway's, and speaks SRTP; a
    gateway of unknown authority is not called."""
    site = await secured([{"name": "in", "allow": ["127.0.0.0/8"], "srtp": "required"}])
    site.application.on("/voice", document("<Echo/>"))
    account = site.daemon.account_sid
    gateway = f"sip:{site.daemon.host}:{site.tls_port}"
    trunk = {"name": "carrier", "account": account, "targets": [gateway], "transport": "tls", "srtp": "required"}
    own = daemon_address()
    files = {"certificate": "certificate.pem", "private_key": "key.pem", "ca": "ca.pem"}
    sip: dict[str, Any] = {"listen": [f"tls:{own}:{free_port(own)}"]}
    sip |= {name: str(tmp_path / file) for name, file in files.items()}
    config = {"sip": sip, "media": {"address": own}, "account": [{"sid": account}], "trunk": [trunk]}

    async def tried() -> tuple[int, list[str]]:
        path = written(tmp_path, config, "trunk.toml")
        ended = await callwright("trunk", "test", "carrier", "--config", path, "--call", NUMBER, timeout=60)
        return ended.code, ended.out

    code, lines = await tried()
    assert code == 0, lines
    asked, called = lines
    assert asked.startswith(f"ok   OPTIONS {gateway};transport=tls (tls:{site.daemon.host}:{site.tls_port}): ")
    assert called.startswith(f"ok   call to {NUMBER} by {gateway};transport=tls: answered") and "came back" in called

    (tmp_path / "foreign.pem").write_text(Authority("Somebody else").certificate)
    sip["ca"] = str(tmp_path / "foreign.pem")
    code, lines = await tried()
    assert code == 1 and "its certificate is not good" in lines[0] and "no gateway answers" in lines[1], lines
    sip["verify_server"] = False
    code, lines = await tried()
    assert code == 0 and "came back" in lines[1], lines

    (tmp_path / "absent.pem").write_text("no key")
    sip["private_key"] = str(tmp_path / "absent.pem")
    code, lines = await tried()
    assert code == 1 and "sip.private_key" in lines[1] and "could not even be sent" in lines[1], lines
