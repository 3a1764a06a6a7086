"""Linphone as a phone of a user: it registers by digest, is called, and calls; over TLS with SRTP, too."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.harness import tones
from tests.harness.certificates import Authority
from tests.harness.ports import daemon_address, free_port
from tests.harness.tones import Pcm

from ..house import PASSWORD
from ..line import document
from ..site import Site
from .linphone import Linphone

pytestmark = [pytest.mark.integration, pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])]

AUTHORITY = Authority()
Sites = Callable[..., Awaitable[Site]]


def holds(pcm: Pcm, hz: float) -> bool:
    """Whether a tone is in any fifth of a second."""
    return any(tones.contains(pcm[start : start + 1600], hz) for start in range(0, len(pcm) - 1600, 800))


@asynccontextmanager
async def at_home(sites: Sites, directory: Path, transport: str) -> AsyncIterator[tuple[Site, Linphone]]:
    """A daemon whose one user has Linphone, registered; by TLS his calls are encrypted."""
    host = daemon_address()
    port, tls = free_port(host), free_port(host)
    listen = [f"udp:{host}:{port}", f"tcp:{host}:{port}", f"tls:{host}:{tls}"]
    secure = transport == "tls"
    user = {"name": "lin", "password": PASSWORD, "srtp": "required" if secure else "optional"}
    sip = AUTHORITY.section(host, port, tls, directory, listen=listen)
    site = await sites(strangers=True, users=[user], sections={"sip": sip})
    phone = await Linphone.start(
        directory / "linphone",
        registrar=f"{host}:{tls if secure else port}",
        user="lin",
        password=PASSWORD,
        transport=transport,
        authority=AUTHORITY.certificate,
    )
    try:
        await site.daemon.logged(rf"registered lin@.* at {transport}:", timeout=15)
        yield site, phone
    finally:
        await phone.close()


async def test_it_is_called(sites: Sites, tmp_path: Path, transport: str) -> None:
    """It takes the call by itself; each hears the other."""
    async with at_home(sites, tmp_path, transport) as (site, phone):
        site.serve_tone("/prompt.wav", 880, 2.0)
        played = document(f"<Pause length='1'/><Play>{site.url('/prompt.wav')}</Play><Pause length='1'/>")
        placed = await site.create(to=phone.uri, twiml=played, record=True)
        last = await site.over(placed.sid, timeout=20)
        assert (last.form["CallStatus"], last.form["SipResponseCode"]) == ("completed", "200")
        pcm, rate = await site.wav(last.form["RecordingSid"])
        assert rate == 8000 and holds(pcm, 600)
        await phone.program.said("Call .* ended")
        heard = await phone.recording()
        assert holds(heard, 880) and not holds(heard, 600)


async def test_it_calls(sites: Sites, tmp_path: Path, transport: str) -> None:
    """Its keys are heard, what it says is recorded, and our BYE ends it."""
    async with at_home(sites, tmp_path, transport) as (site, phone):
        site.script("/user", '<Gather numDigits="1" action="/keys" timeout="15"/>')
        record = '<Record playBeep="false" trim="do-not-trim" maxLength="1" action="/done"/>'
        site.script("/keys", record)
        site.script("/done", "<Hangup/>")
        await phone.say(f"call sip:600@{phone.registrar};transport={transport}")
        told = (await site.application.request("/user", timeout=10)).form
        assert (told["SipUsername"], told["From"]) == ("lin", phone.uri)
        await phone.program.said("Call .* connected|Media streams established", timeout=10)
        await phone.say("5")
        assert (await site.application.request("/keys", timeout=10)).form["Digits"] == "5"
        done = await site.application.request("/done", timeout=10)
        pcm, rate = await site.wav(done.form["RecordingSid"])
        assert rate == 8000 and holds(pcm, 600)
        await phone.program.said("Call .* ended", timeout=10)
