"""Asterisk 22 registered with the daemon as a user's phone, and the daemon with Asterisk: by UDP, TCP, and TLS with
SRTP."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.harness.certificates import Authority
from tests.harness.ports import daemon_address, free_port, next_address

from ..line import document
from ..site import CALLEE, Site
from .asterisk import NAME, PASSWORD, Asterisk

pytestmark = [pytest.mark.integration, pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])]

Sites = Callable[..., Awaitable[Site]]
AUTHORITY = Authority()


@asynccontextmanager
async def asterisk(directory: Path, transport: str, **role: Any) -> AsyncIterator[tuple[Asterisk, dict[str, Any]]]:
    """Asterisk in a role, and [sip] of the daemon that is its other side."""
    host, address = daemon_address(), next_address()
    port, tls = free_port(host), free_port(host)
    secure = transport == "tls"
    peer = await Asterisk.start(
        inside=(host, tls if secure else port),
        address=address,
        transport=transport,
        certificate=AUTHORITY.issue(address) if secure else None,
        authority=AUTHORITY.certificate,
        **role,
    )
    try:
        listen = [f"udp:{host}:{port}", f"tcp:{host}:{port}", f"tls:{host}:{tls}"]
        yield peer, AUTHORITY.section(host, port, tls, directory, listen=listen, verify_client=secure)
    finally:
        await peer.close()


async def test_it_registers_and_is_called_and_calls(sites: Sites, tmp_path: Path, transport: str) -> None:
    """Its user's calls run his application; who calls him hears his own echo, also after a hold."""
    user = {"name": "desk", "password": PASSWORD, "srtp": "required" if transport == "tls" else "optional"}
    async with asterisk(tmp_path, transport, user="desk") as (peer, sip):
        site = await sites(strangers=True, users=[user], sections={"sip": sip})
        await site.daemon.logged(rf"registered desk@.* at {transport}:", timeout=15)
        site.script("/voice", f"<Dial><Sip>sip:desk@{site.daemon.host}</Sip></Dial>")
        call = await site.dial_in()
        await call.answered()
        call.media.tone(500)
        await call.media.heard_tone(500)
        await call.hold()
        await call.resume()
        await call.media.heard_tone(500)
        await call.hangup()
        await site.told("completed")

        site.script("/user", f"<Dial>{CALLEE}</Dial>")
        await peer.call("600", "tone")
        told = (await site.application.request("/user")).form
        assert (told["SipUsername"], told["From"]) == ("desk", f"sip:desk@{site.daemon.host}")
        called = await site.carrier.incoming()
        await called.answer()
        await called.media.heard_tone(1000)
        await called.hangup()
        await site.told("completed")


async def test_the_daemon_registers_and_is_called(sites: Sites, tmp_path: Path, transport: str) -> None:
    """It answers the challenge; calls to what it has registered are the trunk's, whatever their source; it takes the
    registration back at its end."""
    async with asterisk(tmp_path, transport, registrar=True) as (peer, sip):
        trunk = {
            "name": "asterisk",
            "register": {"server": peer.uri, "username": NAME, "password": PASSWORD},
            "srtp": "required" if transport == "tls" else "off",
        }
        line = {"number": NAME, "twiml": document(f"<Dial>{CALLEE}</Dial>")}
        site = await sites(strangers=True, trunks=[trunk], numbers=[line], sections={"sip": sip})
        await site.daemon.logged(r"asterisk.*: registered at", timeout=15)
        assert f"{NAME}/sip:" in await peer.command("pjsip show contacts")
        await peer.ring("tone")
        called = await site.carrier.incoming()
        await called.answer()
        await called.media.heard_tone(1000)
        await called.hangup()
        await site.daemon.stop()
        assert f"{NAME}/sip:" not in await peer.command("pjsip show contacts")
