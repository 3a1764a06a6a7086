"""Profiles of carriers that bear less than others, or need more, from the configuration to the wire."""

from collections.abc import Awaitable, Callable

import pytest

from tests.harness import Phone
from tests.harness.call import How

from .site import Site

pytestmark = pytest.mark.integration

Sites = Callable[..., Awaitable[Site]]
Phones = Callable[..., Awaitable[Phone]]
OUT = "+17770001"


async def test_a_carrier_with_three_of_them(sites: Sites, phones: Phones) -> None:
    """It is called without session timers, gets digits without a marker, and its requests where it sends from; another
    trunk has all as usual."""
    gateway, plain, elsewhere = await phones("gateway"), await phones("plain"), await phones("elsewhere")
    odd = {"profile": ["no-session-timer", "symmetric-port", "dtmf-without-marker"], "prefixes": ["+1777"]}
    trunks = [
        {"name": "odd", "targets": [f"sip:{gateway.place}"], **odd},
        {"name": "plain", "targets": [f"sip:{plain.place}"], "prefixes": ["+1778"]},
    ]
    site = await sites(trunks=trunks)
    gateway.shown = elsewhere.uri
    site.script("/voice", f'<Dial timeLimit="2"><Number sendDigits="42">{OUT}</Number></Dial>')
    call = await site.dial_in()
    incoming = await gateway.incoming()
    headers = incoming.invite.headers
    assert "Session-Expires" not in headers and "timer" not in headers["Supported"]
    await incoming.ring()
    await incoming.answer()
    await incoming.media.heard_digits("42")
    arrivals = incoming.media.heard.arrivals
    assert not any(one.packet.marker for one in arrivals if not len(one.pcm))
    assert (await incoming.until_ended(10)).how is How.BYE_RECEIVED
    assert elsewhere.trace.entries == []
    await call.until_ended()
    site.script("/voice", "<Dial>+17780001</Dial>")
    call = await site.dial_in()
    usual = await plain.incoming()
    assert usual.invite.headers["Session-Expires"] == "1800" and "timer" in usual.invite.headers["Supported"]
    await usual.refuse(486)
    await call.until_ended()


async def test_a_call_from_it(sites: Sites, phones: Phones) -> None:
    caller, elsewhere = await phones("caller"), await phones("elsewhere")
    odd = {"allow": [f"{caller.address}/32"], "profile": ["no-session-timer", "symmetric-port"]}
    site = await sites(trunks=[{"name": "odd", **odd}])
    site.script("/voice", "<Pause length='1'/><Hangup/>")
    caller.shown = elsewhere.uri
    headers = [("Supported", "timer"), ("Session-Expires", "300")]
    call = await caller.invite(site.daemon.sip_uri(site.number), headers=headers)
    answer = await call.answered()
    assert "Session-Expires" not in answer.headers
    assert (await call.until_ended()).how is How.BYE_RECEIVED
    assert elsewhere.trace.entries == []
