"""Asterisk 22 as a carrier, both ways: by UDP, TCP, and TLS with SRTP; it challenges us, and checks our certificate."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.harness import Phone
from tests.harness.certificates import Authority
from tests.harness.ports import daemon_address, free_port, next_address

from ..site import CALLEE, Site
from .asterisk import BUSY, ECHO, NAME, PASSWORD, RINGS, Asterisk, version

pytestmark = [pytest.mark.integration, pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])]

Sites = Callable[..., Awaitable[Site]]
Phones = Callable[..., Awaitable[Phone]]
AUTHORITY = Authority()


@asynccontextmanager
async def interconnected(sites: Sites, directory: Path, transport: str) -> AsyncIterator[tuple[Site, Asterisk]]:
    """A daemon whose one trunk, beside the harness' phone, is Asterisk."""
    assert version().startswith("Asterisk 22."), version()
    host, address = daemon_address(), next_address()
    ports = {name: free_port(host) for name in ("udp", "tls")}
    ports["tcp"] = ports["udp"]
    secure = transport == "tls"
    peer = await Asterisk.start(
        inside=(host, ports[transport]),
        address=address,
        transport=transport,
        certificate=AUTHORITY.issue(address) if secure else None,
        authority=AUTHORITY.certificate,
    )
    try:
        AUTHORITY.issue(host).write(directory)
        (directory / "ca.pem").write_text(AUTHORITY.certificate)
        sip = {
            "listen": [f"{name}:{host}:{ports[name]}" for name in ("udp", "tcp", "tls")],
            "certificate": str(directory / "certificate.pem"),
            "private_key": str(directory / "key.pem"),
            "ca": str(directory / "ca.pem"),
            "verify_client": secure,
        }
        trunk = {"name": "asterisk", "allow": [f"{address}/32"], "targets": [peer.uri], "prefixes": ["+1888"]}
        security = {"username": NAME, "password": PASSWORD, "srtp": "required" if secure else "off"}
        yield await sites(strangers=True, sections={"sip": sip}, trunks=[{**trunk, **security}]), peer
    finally:
        await peer.close()


async def test_a_call_out(sites: Sites, tmp_path: Path, transport: str) -> None:
    """A caller is connected to its echo: what he says comes back, after a hold too; his BYE ends both."""
    async with interconnected(sites, tmp_path, transport) as (site, peer):
        site.script("/voice", f"<Dial action='/done'>{ECHO}</Dial>")
        site.script("/done", "<Hangup/>")
        call = await site.dial_in()
        await call.answered()
        call.media.tone(500)
        await call.media.heard_tone(500)
        assert "1 active channel" in await peer.command("core show channels count")
        await call.hold()
        await call.resume()
        await call.media.heard_tone(500)
        await call.hangup()
        await site.told("completed")
        await peer.program.said("Executing .*Echo", timeout=2)


async def test_it_is_busy_and_it_rings(sites: Sites, tmp_path: Path, transport: str) -> None:
    """A refusal, and a call that is cancelled while it rings there."""
    async with interconnected(sites, tmp_path, transport) as (site, _):
        placed = await site.create(to=BUSY)
        last = (await site.over(placed.sid)).form
        assert (last["CallStatus"], last["SipResponseCode"]) == ("busy", "486")
        placed = await site.create(to=RINGS)
        await site.told("initiated", placed.sid)
        await site.told("ringing", placed.sid)
        await site.update(placed.sid, status="canceled")
        assert (await site.over(placed.sid)).form["CallStatus"] == "canceled"


async def test_a_call_in(sites: Sites, tmp_path: Path, transport: str) -> None:
    """It calls a number: its tone reaches whom the document dials, and the end comes from there."""
    async with interconnected(sites, tmp_path, transport) as (site, peer):
        site.script("/voice", f"<Dial action='/done'>{CALLEE}</Dial>")
        site.script("/done", "<Hangup/>")
        await peer.call(site.number, "tone")
        voice = (await site.application.request("/voice")).form
        assert voice["From"] == "+15557654321"
        called = await site.carrier.incoming()
        await called.answer()
        called.media.tone(700)
        await called.media.heard_tone(1000)
        await called.hangup()
        assert (await site.application.request("/done")).form["DialCallStatus"] == "completed"
        await site.told("completed")


async def test_its_digits(sites: Sites, tmp_path: Path, transport: str) -> None:
    """RFC 4733, of its making."""
    async with interconnected(sites, tmp_path, transport) as (site, peer):
        site.script("/voice", '<Gather finishOnKey="#" action="/keys" timeout="10"/>')
        site.script("/keys", "<Hangup/>")
        await peer.call(site.number, "digits")
        assert (await site.application.request("/keys", timeout=10)).form["Digits"] == "159"
        await site.told("completed")


async def test_it_hangs_up(sites: Sites, tmp_path: Path, transport: str) -> None:
    """Its BYE ends the call."""
    async with interconnected(sites, tmp_path, transport) as (site, peer):
        site.script("/voice", "<Pause length='20'/>")
        await peer.call(site.number, "short")
        assert int((await site.told("completed", timeout=10)).form["CallDuration"]) <= 2
