"""`Secure` of SIP domains and of elastic trunks: signalling over TLS and encrypted media, or no call."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.harness import Phone
from tests.harness.call import How
from tests.harness.certificates import Authority
from tests.harness.digest import Credentials
from tests.harness.ports import daemon_address, free_port, next_address
from tests.harness.srtp import Sdes

from .line import both, document
from .site import CALLEE, Site
from .test_elastic_trunks import admit

pytestmark = pytest.mark.integration

AUTHORITY = Authority()
OFFICE, OPEN, TRUNK, NUMBER = "office.example", "open.example", "acme.trunk.example", "+16675550100"
GOOD = "Abcdefgh1234"


class Sealed:
    """A daemon with a TLS listener, and phones that use it."""

    def __init__(self, site: Site, phones: Callable[..., Awaitable[Phone]], tls: int) -> None:
        self.site, self._phones, self._tls = site, phones, tls

    async def phone(self, user: str, *, tls: bool = True, sealed: bool = True) -> Phone:
        """A phone of a user of `GOOD`'s password; sealed: its media are encrypted."""
        host, address = self.site.daemon.host, next_address()
        if tls:
            proxy = f"sip:{host}:{self._tls};transport=tls"
            secured: dict[str, Any] = {"transport": "tls", "tls": AUTHORITY.tls(address)}
        else:
            proxy, secured = f"sip:{host}:{self.site.daemon.sip_port}", {}
        phone = await self._phones(user, address=address, proxy=proxy, credentials=Credentials(user, GOOD), **secured)
        if sealed:
            phone.security = Sdes
        return phone


@pytest.fixture
async def sealed(
    sites: Callable[..., Awaitable[Site]], phones: Callable[..., Awaitable[Phone]], tmp_path: Path
) -> Sealed:
    host = daemon_address()
    port, tls = free_port(host), free_port(host)
    sip = AUTHORITY.section(host, port, tls, tmp_path)
    site = await sites(strangers=True, sections={"sip": sip})
    site.serve_tone("/tone.wav", 600.0)
    site.script("/office", "<Play>/tone.wav</Play>")
    return Sealed(site, phones, tls)


def domain(client: Any, name: str, user: str, **settings: Any) -> None:
    """A domain that one user of a list of its own may call."""
    made = client.sip.domains.create(domain_name=name, **settings)
    users = client.sip.credential_lists.create(friendly_name=name)
    client.sip.credential_lists(users.sid).credentials.create(username=user, password=GOOD)
    auth = client.sip.domains(made.sid).auth
    auth.calls.credential_list_mappings.create(credential_list_sid=users.sid)
    auth.registrations.credential_list_mappings.create(credential_list_sid=users.sid)


async def test_a_secure_domain_is_called_over_tls_with_srtp(sealed: Sealed) -> None:
    voice = sealed.site.url("/office")
    await sealed.site.do(lambda client: domain(client, OFFICE, "alice", voice_url=voice, secure=True))
    alice = await sealed.phone("alice")
    call = await alice.invite(f"sip:600@{OFFICE}", from_uri=f"sip:alice@{OFFICE}")
    await call.answered()
    await call.media.heard_tone(600.0)
    assert call.remote_sdp is not None and call.remote_sdp.profile == "RTP/SAVP"
    await call.hangup()
    plain = await sealed.phone("alice", sealed=False)
    refused = await plain.invite(f"sip:600@{OFFICE}", from_uri=f"sip:alice@{OFFICE}")
    assert (await refused.refused()).status == 488
    open_line = await sealed.phone("alice", tls=False)
    refused = await open_line.invite(f"sip:600@{OFFICE}", from_uri=f"sip:alice@{OFFICE}")
    assert (await refused.refused()).status == 488
    assert len([one for one in sealed.site.application.requests if one.path == "/office"]) == 1


async def test_a_user_of_it_is_called_with_srtp(sealed: Sealed) -> None:
    site, settings = sealed.site, {"secure": True, "sip_registration": True}
    await site.do(lambda client: domain(client, OFFICE, "alice", **settings))
    alice = await sealed.phone("alice")
    assert (await alice.register(f"sip:{OFFICE}")).status == 200
    placed = await site.create(to=f"sip:alice@{OFFICE}", twiml=document("<Pause length='20'/>"))
    incoming = await alice.incoming()
    assert incoming.remote_sdp is not None and incoming.remote_sdp.profile == "RTP/SAVP"
    await incoming.refuse(486)
    assert (await site.over(placed.sid)).form["CallStatus"] == "busy"


async def test_a_domain_that_is_not_secure_takes_what_is_offered(sealed: Sealed) -> None:
    """Keys or none, and its users are offered keys that they may leave."""
    site, voice = sealed.site, sealed.site.url("/office")
    await site.do(lambda client: domain(client, OPEN, "bob", voice_url=voice, sip_registration=True))
    for secured, profile in ((True, "RTP/SAVP"), (False, "RTP/AVP")):
        bob = await sealed.phone("bob", sealed=secured)
        call = await bob.invite(f"sip:600@{OPEN}", from_uri=f"sip:bob@{OPEN}")
        await call.answered()
        assert call.remote_sdp is not None and call.remote_sdp.profile == profile
        await call.media.heard_tone(600.0)
        await call.hangup()
    assert (await bob.register(f"sip:{OPEN}")).status == 200
    await site.create(to=f"sip:bob@{OPEN}", twiml=document("<Pause length='20'/>"))
    incoming = await bob.incoming()
    assert incoming.remote_sdp is not None and incoming.remote_sdp.profile == "RTP/AVP"
    assert incoming.remote_sdp.attribute("crypto") is not None
    await incoming.refuse(486)


async def test_beside_a_domain_that_is_not(sealed: Sealed) -> None:
    """Both are called from anywhere: a plain call to the secure one ends as soon as its media begin."""
    voice = sealed.site.url("/office")
    await sealed.site.do(lambda client: domain(client, OFFICE, "alice", voice_url=voice, secure=True))
    await sealed.site.do(lambda client: domain(client, OPEN, "bob", voice_url=voice))
    bob = await sealed.phone("bob", tls=False, sealed=False)
    call = await bob.invite(f"sip:600@{OPEN}", from_uri=f"sip:bob@{OPEN}")
    await call.answered()
    await call.media.heard_tone(600.0)
    await call.hangup()
    alice = await sealed.phone("alice", sealed=False)
    call = await alice.invite(f"sip:600@{OFFICE}", from_uri=f"sip:alice@{OFFICE}")
    assert (await call.until_ended()).how is How.BYE_RECEIVED
    await sealed.site.daemon.logged("its media are not encrypted; it is hung up")
    assert len(call.media.pcm()) < 2000, "a quarter of a second"


async def test_a_secure_trunk_both_ways(sealed: Sealed) -> None:
    """Its PBX is called over TLS with SRTP, whatever its URL says, and calls so itself."""
    site, pbx = sealed.site, await sealed.phone("pbx")

    def build(client: Any) -> None:
        made = client.trunking.v1.trunks.create(friendly_name="PBX", domain_name=TRUNK, secure=True)
        of = client.trunking.v1.trunks(made.sid)
        uri = f"sip:{pbx.place};transport=udp"
        of.origination_urls.create(sip_url=uri, priority=1, weight=1, enabled=True, friendly_name="x")
        bought = client.incoming_phone_numbers.create(phone_number=NUMBER)
        of.phone_numbers.create(phone_number_sid=bought.sid)
        admit(client, of, pbx.address)

    await site.do(build)
    call = await pbx.invite(f"sip:{CALLEE}@{TRUNK}", from_uri=f"sip:{NUMBER}@pbx.example")
    callee = await site.carrier.incoming()
    await callee.answer()
    await call.answered()
    await both(call, callee)
    assert call.remote_sdp is not None and call.remote_sdp.profile == "RTP/SAVP"
    assert callee.remote_sdp is not None and callee.remote_sdp.profile == "RTP/AVP"
    await call.hangup()
    await callee.until_ended()
    call = await site.dial_in(NUMBER)
    callee = await pbx.incoming()
    assert callee.invite.via.transport == "TLS"
    assert callee.remote_sdp is not None and callee.remote_sdp.profile == "RTP/SAVP"
    await callee.answer()
    await call.answered()
    await both(call, callee)
    await call.hangup()
    await callee.until_ended()
