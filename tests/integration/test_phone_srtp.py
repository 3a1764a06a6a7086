"""SRTP of users of the configuration file and their phones, both ways: what a phone may, must and must not do."""

from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.harness import Phone
from tests.harness.certificates import Authority
from tests.harness.digest import Credentials
from tests.harness.negotiation import Security
from tests.harness.ports import daemon_address, free_port, next_address
from tests.harness.srtp import Dtls, Sdes

from .house import PASSWORD, people
from .line import both, document
from .site import Site

pytestmark = pytest.mark.integration

AUTHORITY = Authority()
Keys = Callable[[], Security] | None
MAYBE = partial(Sdes, "RTP/AVP")
USERS = people("alice", "bob", "carol", "rita", "dora", "otto")
SRTP = {"rita": {"srtp": "required"}, "dora": {"srtp": "required", "srtp_keying": "dtls"}, "otto": {"srtp": "off"}}
PEER = {"username": "pbx", "password": PASSWORD}


class Guarded:
    """A daemon whose users differ: alice and bob may have SRTP, rita (SDES) and dora (DTLS) must, otto must not."""

    def __init__(self, site: Site, phones: Callable[..., Awaitable[Phone]], tls: int) -> None:
        self.site, self._phones, self._tls = site, phones, tls

    async def phone(self, user: str, keys: Keys = None, *, tls: bool = False) -> Phone:
        """A phone of a user."""
        secured: dict[str, Any] = {}
        address = next_address()
        if tls:
            secured = {"transport": "tls", "tls": AUTHORITY.tls(address)}
        phone = await self._phones(user, address=address, credentials=Credentials(user, PASSWORD), **secured)
        phone.security = keys
        return phone

    def uri(self, user: str, phone: Phone) -> str:
        """How a phone reaches a user."""
        daemon = self.site.daemon
        port = self._tls if phone.transport == "TLS" else daemon.sip_port
        return f"sip:{user}@{daemon.host}:{port};transport={phone.transport.lower()}"

    async def registered(self, user: str, keys: Keys = None, *, tls: bool = True) -> Phone:
        """The same, registered."""
        phone = await self.phone(user, keys, tls=tls)
        registrar = self.uri("x", phone).replace("x@", "")
        assert (await phone.register(registrar)).status == 200
        return phone


@pytest.fixture
async def guarded(
    sites: Callable[..., Awaitable[Site]], phones: Callable[..., Awaitable[Phone]], tmp_path: Path
) -> Guarded:
    host = daemon_address()
    port, tls = free_port(host), free_port(host)
    users = [{**user, **SRTP.get(user["name"], {})} for user in USERS]
    sip = AUTHORITY.section(host, port, tls, tmp_path)
    peer = {"name": "roaming", "users": [PEER], "srtp": "required"}
    site = await sites(strangers=True, users=users, trunks=[peer], sections={"sip": sip})
    site.script("/user", "<Echo/>")
    return Guarded(site, phones, tls)


async def test_what_a_phone_offers_is_taken(guarded: Guarded) -> None:
    """What it says comes back, under its keys where it has offered some."""
    cases: list[tuple[str, Keys, bool, str]] = [
        ("alice", None, False, "RTP/AVP"),
        ("alice", Sdes, True, "RTP/SAVP"),
        ("alice", Sdes, False, "RTP/SAVP"),
        ("alice", MAYBE, True, "RTP/AVP"),
        ("alice", Dtls, True, "UDP/TLS/RTP/SAVP"),
        ("rita", Sdes, False, "RTP/SAVP"),
        ("rita", Dtls, False, "UDP/TLS/RTP/SAVP"),
        ("otto", None, True, "RTP/AVP"),
    ]
    for user, keys, tls, profile in cases:
        phone = await guarded.phone(user, keys, tls=tls)
        call = await phone.invite(guarded.uri("600", phone))
        await call.answered()
        assert call.remote_sdp is not None and call.remote_sdp.profile == profile
        assert (call.remote_sdp.attribute("crypto") is None) == (keys in (None, Dtls))
        call.media.tone(500)
        await call.media.heard_tone(500)
        assert (call.media.guard is None) == (keys is None)
        await call.hangup()


async def test_what_is_not_taken(guarded: Guarded) -> None:
    """488 that says why, before any application hears of the call: who must, who must not, a trunk's peer that must."""
    cases: list[tuple[str, Keys]] = [("rita", None), ("rita", MAYBE), ("otto", Sdes), ("otto", Dtls), ("pbx", None)]
    for user, keys in cases:
        phone = await guarded.phone(user, keys, tls=True)
        refusal = await (await phone.invite(guarded.uri("600", phone))).refused()
        assert (refusal.status, refusal.headers["Warning"].split()[0]) == (488, "302")
    assert guarded.site.application.requests == []


async def test_keys_that_may_be_left_are_left_by_who_must_not(guarded: Guarded) -> None:
    """A phone that offers them under RTP/AVP talks to nobody who has heard of them."""
    phone = await guarded.phone("otto", MAYBE, tls=True)
    call = await phone.invite(guarded.uri("600", phone))
    await call.answered()
    assert call.remote_sdp is not None and call.remote_sdp.attribute("crypto") is None
    call.media.tone(500)
    await call.media.heard_tone(500)
    await call.hangup()


async def test_what_a_phone_is_offered(guarded: Guarded) -> None:
    """Keys that it may leave are offered where nobody reads them: over TLS."""
    cases: list[tuple[str, Keys, bool, str, bool]] = [
        ("alice", Sdes, True, "RTP/AVP", True),
        ("bob", None, True, "RTP/AVP", True),
        ("rita", Sdes, False, "RTP/SAVP", True),
        ("dora", Dtls, True, "UDP/TLS/RTP/SAVP", False),
        ("otto", None, True, "RTP/AVP", False),
    ]
    for user, keys, tls, profile, offered in cases:
        await offers(guarded, await guarded.registered(user, keys, tls=tls), profile, offered)
    away = await guarded.registered("carol", tls=False)
    await offers(guarded, away, "RTP/AVP", False)


async def offers(guarded: Guarded, phone: Phone, profile: str, offered: bool) -> None:
    """A REST call to a phone comes so, and both hear each other.

    Args:
        offered: whether there are keys in the description.
    """
    placed = await guarded.site.create(to=f"sip:{phone.user}@{guarded.site.daemon.host}", twiml=document("<Echo/>"))
    call = await phone.incoming()
    assert call.remote_sdp is not None and call.remote_sdp.profile == profile
    assert (call.remote_sdp.attribute("crypto") is not None) == offered
    await call.answer()
    call.media.tone(500)
    await call.media.heard_tone(500)
    assert (call.media.guard is None) == (phone.security is None)
    await call.hangup()
    assert (await guarded.site.over(placed.sid)).form["CallStatus"] == "completed"


async def test_who_must_does_not_talk_to_who_leaves_it_out(guarded: Guarded) -> None:
    """A phone that refuses: its refusal is the call's."""
    phone = await guarded.registered("rita")
    placed = await guarded.site.create(to=f"sip:rita@{guarded.site.daemon.host}", twiml=document("<Echo/>"))
    call = await phone.incoming()
    await call.refuse(488)
    last = (await guarded.site.over(placed.sid)).form
    assert (last["CallStatus"], last["SipResponseCode"]) == ("failed", "488")


async def test_two_phones_talk_one_in_secret(guarded: Guarded) -> None:
    """Each leg has its own keys, or none."""
    alice, bob = await guarded.registered("alice", Sdes), await guarded.registered("bob", tls=False)
    site = guarded.site
    site.script("/user", f"<Dial><Sip>sip:bob@{site.daemon.host}</Sip></Dial>")
    call = await alice.invite(guarded.uri("bob", alice))
    callee = await bob.incoming()
    await callee.answer()
    await call.answered()
    await both(call, callee)
    assert call.media.guard is not None and callee.media.guard is None
    await call.hangup()
    await callee.until_ended()
