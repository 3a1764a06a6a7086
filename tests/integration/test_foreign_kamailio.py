"""Kamailio as a carrier's border, behind the daemon and in front of it: a record-routing proxy, by UDP, TCP and TLS."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.harness import Phone, PhoneCall
from tests.harness.call import How
from tests.harness.certificates import Authority
from tests.harness.kamailio import Kamailio
from tests.harness.message import Message
from tests.harness.ports import daemon_address, free_port, next_address
from tests.harness.srtp import Sdes

from .site import Site

pytestmark = [pytest.mark.integration, pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])]

Sites = Callable[..., Awaitable[Site]]
Phones = Callable[..., Awaitable[Phone]]
AUTHORITY = Authority()


@dataclass(frozen=True, slots=True)
class Border:
    """A daemon that knows one trunk: the proxy; and the phone on its other side."""

    site: Site
    proxy: Kamailio
    phone: Phone


@asynccontextmanager
async def border(sites: Sites, phones: Phones, directory: Path, transport: str) -> AsyncIterator[Border]:
    """By TLS the daemon and the proxy check each other's certificates, and the trunk's calls must be encrypted."""
    host = daemon_address()
    ports = {name: free_port(host) for name in ("udp", "tcp", "tls")}
    ports["tcp"] = ports["udp"]
    phone, address = await phones("+15557654321"), next_address()
    phone.security = Sdes if transport == "tls" else None
    proxy = await Kamailio.start(
        directory / "kamailio",
        inside=(host, ports[transport]),
        outside=phone.place,
        address=address,
        transport=transport,
        certificate=AUTHORITY.issue(address) if transport == "tls" else None,
        authority=AUTHORITY.certificate,
    )
    try:
        AUTHORITY.issue(host).write(directory)
        (directory / "ca.pem").write_text(AUTHORITY.certificate)
        sip = {
            "listen": [f"{name}:{host}:{port}" for name, port in ports.items()],
            "certificate": str(directory / "certificate.pem"),
            "private_key": str(directory / "key.pem"),
            "ca": str(directory / "ca.pem"),
            "verify_client": transport == "tls",
        }
        trunk = {"allow": [f"{address}/32"], "targets": [proxy.inner], "prefixes": ["+1888"]}
        trunk["srtp"] = "required" if transport == "tls" else "off"
        site = await sites(strangers=True, sections={"sip": sip}, trunks=[{"name": "border", **trunk}])
        phone.proxy = proxy.outer
        yield Border(site, proxy, phone)
    finally:
        await proxy.close()


def passed(message: Message, proxy: Kamailio) -> None:
    """It has come through the proxy."""
    vias = message.headers.values("Via")
    assert len(vias) == 2 and f" {proxy.address}:" in vias[0], vias


async def talk(call: PhoneCall) -> None:
    """Both sides of an echo: what the phone says, it hears."""
    call.media.tone(500)
    await call.media.heard_tone(500)


async def test_a_call_in(sites: Sites, phones: Phones, tmp_path: Path, transport: str) -> None:
    """A carrier's caller hears a prompt, presses keys, holds and comes back, and is hung up on: all by the proxy."""
    async with border(sites, phones, tmp_path, transport) as here:
        site, phone = here.site, here.phone
        site.serve_tone("/menu.wav", 440)
        site.script("/voice", '<Gather numDigits="2" action="/keys" timeout="20"><Play>/menu.wav</Play></Gather>')
        site.script("/keys", "<Pause length='1'/><Hangup/>")
        call = await phone.invite(f"sip:{site.number}@{here.proxy.address}")
        await call.answered()
        assert len(call.dialog.routes) == 2  # one for each of its sides
        await call.media.heard_tone(440)
        assert (await call.hold()).status == 200
        assert (await call.resume()).status == 200
        await call.media.heard_tone(440)
        await call.media.send_digits("12")
        told = (await site.application.request("/keys")).form
        assert (told["Digits"], told["From"]) == ("12", "+15557654321")
        ending = await call.until_ended()
        assert ending.how is How.BYE_RECEIVED and ending.message is not None
        passed(ending.message, here.proxy)
        await site.told("completed")


@pytest.mark.parametrize("ends", ["phone", "daemon"])
async def test_a_call_out(sites: Sites, phones: Phones, tmp_path: Path, transport: str, ends: str) -> None:
    """The REST API calls a number behind the proxy: it rings, answers, is heard, and either side ends it."""
    async with border(sites, phones, tmp_path, transport) as here:
        site = here.site
        site.script("/voice", "<Echo/>")
        placed = await site.create(to="+18880001")
        call = await here.phone.incoming()
        passed(call.invite, here.proxy)
        assert call.to_user == "+18880001"
        await call.ring()
        await call.answer()
        for status in ("initiated", "ringing", "in-progress"):
            await site.told(status, placed.sid)
        await talk(call)
        assert (await call.hold()).status == 200
        assert (await call.resume()).status == 200
        await talk(call)
        if ends == "phone":
            assert (await call.hangup()).status == 200
        else:
            await site.update(placed.sid, status="completed")
            assert (await call.until_ended()).how is How.BYE_RECEIVED
        assert (await site.over(placed.sid)).form["CallStatus"] == "completed"


async def test_a_call_that_is_cancelled_and_one_that_is_refused(
    sites: Sites, phones: Phones, tmp_path: Path, transport: str
) -> None:
    """CANCEL both ways through the proxy, and a refusal."""
    async with border(sites, phones, tmp_path, transport) as here:
        site = here.site
        placed = await site.create(to="+18880001")
        call = await here.phone.incoming()
        await call.ring()
        await site.update(placed.sid, status="canceled")
        assert (await call.until_ended()).how is How.CANCELLED
        assert (await site.over(placed.sid)).form["CallStatus"] == "canceled"
        placed = await site.create(to="+18880001")
        await (await here.phone.incoming()).refuse(486)
        assert (await site.over(placed.sid)).form["CallStatus"] == "busy"
        release = site.application.hold("/voice", "<Response/>")
        inbound = await here.phone.invite(f"sip:{site.number}@{here.proxy.address}")
        await asyncio.gather(site.application.request("/voice"), inbound.expect(100))
        await inbound.cancel()
        release.set()
        await site.over()
