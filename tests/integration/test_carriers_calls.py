"""Calls of a carrier that the account brings along (call-control reference §3.14, §7.7)."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.harness import Phone

from .site import Site

pytestmark = pytest.mark.integration

DOMAIN = "carrier.example"


async def test_a_carriers_calls_run_its_trunks_url(
    sites: Callable[..., Awaitable[Site]], phones: Callable[..., Awaitable[Phone]]
) -> None:
    """From the source that is mapped to the trunk's domain, from the moment in which it is; from no other."""
    site = await sites(strangers=True)
    site.serve_tone("/tone.wav", 600.0)
    site.script("/byoc", "<Play>/tone.wav</Play>")
    proxy = f"sip:{site.daemon.host}:{site.daemon.sip_port}"
    carrier, stranger = await phones("carrier", proxy=proxy), await phones("stranger", proxy=proxy)
    to = f"sip:+15550001000@{DOMAIN}"
    assert (await (await carrier.invite(to)).refused()).status == 403

    def bring(client: Any) -> str:
        voice = client.voice.v1
        trunk = voice.byoc_trunks.create(voice_url=site.url("/byoc"), status_callback_url=site.url("/status"))
        domain = client.sip.domains.create(domain_name=DOMAIN, byoc_trunk_sid=trunk.sid)
        record = voice.ip_records.create(ip_address=carrier.address)
        return str(voice.source_ip_mappings.create(ip_record_sid=record.sid, sip_domain_sid=domain.sid).sid)

    mapping = await site.do(bring)
    call = await carrier.invite(to, from_uri=f"sip:+15557654321@{carrier.address}")
    await call.answered()
    told = (await site.application.request("/byoc")).form
    assert (told["To"], told["SipDomain"], told["Direction"]) == (to, DOMAIN, "inbound")
    await call.media.heard_tone(600.0)
    assert (await (await stranger.invite(to)).refused()).status == 403
    await call.hangup()
    await site.told("completed", told["CallSid"])
    await site.do(lambda client: client.voice.v1.source_ip_mappings(mapping).delete())
    assert (await (await carrier.invite(to)).refused()).status == 403
