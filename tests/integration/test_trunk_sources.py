"""Which trunk an INVITE is of: by name, by digest, and by the number where two share a source."""

from collections.abc import Awaitable, Callable

import pytest

from tests.harness import Phone
from tests.harness.digest import Credentials

from .line import document
from .site import NUMBER, Site

pytestmark = pytest.mark.integration

Sites = Callable[..., Awaitable[Site]]
Phones = Callable[..., Awaitable[Phone]]
FIRST, SECOND = "AC" + "1" * 32, "AC" + "2" * 32
SHARED = "+15550003000"
ANSWERED = "<Play digits='1'/><Pause length='20'/>"


async def test_S2_a_peer_that_proves_to_be_a_trunk(sites: Sites, phones: Phones) -> None:
    """From anywhere, by digest: its number's application runs, with its trunk's rules. It is no user who could
    register, and whoever guesses learns nothing."""
    users = [{"username": "roaming", "password": "trunk-secret"}]
    roaming = {"name": "roaming", "users": users, "trust_identity": True, "inbound_numbers": ["no-plus"]}
    site = await sites(strangers=True, trunks=[roaming])
    site.script("/voice", ANSWERED)
    peer = await phones("peer", credentials=Credentials("roaming", "trunk-secret"))
    asserted = [("P-Asserted-Identity", "<sip:15557650000@peer.example>")]
    call = await peer.invite(site.daemon.sip_uri(NUMBER[1:]), headers=asserted)
    told = (await site.application.request("/voice")).form
    await call.answered()
    assert (told["To"], told["From"]) == (NUMBER, "+15557650000") and "SipUsername" not in told
    await site.daemon.logged("invite .* trunk=roaming")
    await call.hangup()
    assert (await peer.register(f"sip:{site.daemon.host}:{site.daemon.sip_port}")).status == 404
    answers = []
    for name in ("roaming", "nobody"):
        guessing = await phones(f"guessing-{name}", credentials=Credentials(name, "guess"))
        answers.append(await (await guessing.invite(site.daemon.sip_uri(NUMBER))).refused())
    assert [answer.status for answer in answers] == [401, 401]
    assert [name for name, _ in answers[0].headers] == [name for name, _ in answers[1].headers]


async def test_names_and_shared_sources(sites: Sites, phones: Phones) -> None:
    """A name is looked up after the start, and one that nobody knows keeps nobody waiting. Of two accounts behind one
    carrier the one whose number is called gets the call."""
    carrier = await phones("shared")
    trunks = [
        {"name": "first", "allow": [f"{carrier.address}/32"]},
        {"name": "second", "allow": [f"{carrier.address}/32"], "account": SECOND},
        {"name": "named", "allow": ["localhost", "name.invalid"]},
    ]
    accounts = [{"sid": FIRST, "auth_token": "a" * 32}, {"sid": SECOND, "auth_token": "b" * 32}]
    numbers = [{"number": SHARED, "account": SECOND, "twiml": document(ANSWERED)}]
    site = await sites(strangers=True, trunks=trunks, numbers=numbers, accounts=accounts)
    await site.daemon.logged("trunk source localhost is .*127.0.0.1")
    await site.daemon.logged("trunk source name.invalid cannot be looked up .*nobody is let in by that name")
    site.script("/voice", ANSWERED)
    local = await phones("local", address="127.0.0.1")
    for phone, number, trunk in (
        (local, NUMBER, "named"),
        (carrier, NUMBER, "first"),
        (carrier, SHARED, "second"),
    ):
        call = await phone.call(site.daemon.sip_uri(number))
        await site.daemon.logged(f"invite .*to=.{number[1:]} trunk={trunk} ")
        await call.hangup()
    refused = await carrier.invite(site.daemon.sip_uri("+15559990000"))
    assert (await refused.refused()).status == 404
