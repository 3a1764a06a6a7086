"""SIP domains made over the API with the vendor's client: phones register, call and are called, and a change holds at
once."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest

from tests.harness import Phone
from tests.harness.digest import Credentials
from tests.harness.message import Response

from .line import document
from .site import Site

pytestmark = pytest.mark.integration

Sites = Callable[..., Awaitable[Site]]
Phones = Callable[..., Awaitable[Phone]]
DOMAIN, GOOD = "office.example", "Abcdefgh1234"
STAYS = document("<Pause length='20'/>")


@dataclass
class Office:
    """A domain of the API, its credential list, and phones."""

    site: Site
    phones: Phones
    domain: str
    users: str

    async def do(self, work: Callable[[Any], Any]) -> Any:
        """What a function returns that gets the domain as the client has it."""
        return await self.site.do(lambda client: work(client.sip.domains(self.domain)))

    async def phone(self, user: str, password: str = GOOD) -> Phone:
        """A phone whose requests go to the daemon."""
        proxy = f"sip:{self.site.daemon.host}:{self.site.daemon.sip_port}"
        return await self.phones(user, credentials=Credentials(user, password), proxy=proxy)

    async def registers(self, phone: Phone) -> Response:
        """The answer to its REGISTER."""
        return await phone.register(f"sip:{DOMAIN}")

    async def refused(self, phone: Phone) -> int:
        """The status with which its call to the domain is refused."""
        call = await phone.invite(f"sip:600@{DOMAIN}", from_uri=f"sip:{phone.user}@{DOMAIN}")
        return (await call.refused()).status


@pytest.fixture
async def office(sites: Sites, phones: Phones) -> Office:
    """Alice and Bob may register and call; the daemon had no users when it started."""
    site = await sites(strangers=True)
    site.script("/office", "<Play digits='1'/><Pause length='20'/>")
    voice = site.url("/office")

    def make(client: Any) -> tuple[str, str]:
        domain = client.sip.domains.create(domain_name=DOMAIN, voice_url=voice, sip_registration=True)
        users = client.sip.credential_lists.create(friendly_name="phones")
        for name in ("alice", "bob"):
            client.sip.credential_lists(users.sid).credentials.create(username=name, password=GOOD)
        of = client.sip.domains(domain.sid).auth
        of.registrations.credential_list_mappings.create(credential_list_sid=users.sid)
        of.calls.credential_list_mappings.create(credential_list_sid=users.sid)
        return domain.sid, users.sid

    return Office(site, phones, *await site.do(make))


async def test_a_phone_registers_calls_and_is_called(office: Office) -> None:
    site, alice = office.site, await office.phone("alice")
    assert (await office.registers(alice)).status == 200
    call = await alice.invite(f"sip:600@{DOMAIN}", headers=[("X-Floor", "3")], from_uri=f"sip:alice@{DOMAIN}")
    await call.answered()
    told = (await site.application.request("/office")).form
    assert (told["From"], told["To"]) == (f"sip:alice@{DOMAIN}", f"sip:600@{DOMAIN}")
    assert (told["SipDomain"], told["SipDomainSid"], told["SipUsername"]) == (DOMAIN, office.domain, "alice")
    assert (told["SipCallId"], told["SipSourceIp"]) == (call.call_id, alice.address)
    assert (told["SipHeader_X-Floor"], told["Direction"]) == ("3", "inbound")
    await call.hangup()
    placed = await site.create(to=f"sip:alice@{DOMAIN}", twiml=STAYS)
    incoming = await alice.incoming()
    assert incoming.invite.from_.uri == f"sip:{site.number}@{DOMAIN}"
    await incoming.refuse(486)
    assert (await site.over(placed.sid)).form["CallStatus"] == "busy"


async def test_S2_unknown_and_wrong_look_the_same(office: Office) -> None:
    answers = [await office.registers(await office.phone(*who)) for who in (("alice", "Wrong1234567"), ("eve", GOOD))]
    assert [answer.status for answer in answers] == [401, 401]
    names = [[name for name, _ in answer.headers] for answer in answers]
    assert names[0] == names[1]


async def test_a_change_holds_at_once(office: Office) -> None:
    """A user who is taken from the list, a list that is taken from the domain, a password that is changed."""
    alice, bob = await office.phone("alice"), await office.phone("bob")
    assert [(await office.registers(one)).status for one in (alice, bob)] == [200, 200]

    def change(client: Any) -> None:
        credentials = client.sip.credential_lists(office.users).credentials
        for one in credentials.list():
            if one.username == "alice":
                credentials(one.sid).delete()
            else:
                credentials(one.sid).update(password=GOOD + "5")

    await office.site.do(change)
    assert (await office.registers(alice)).status == 401
    placed = await office.site.create(to=f"sip:alice@{DOMAIN}", twiml=STAYS)
    assert (await office.site.over(placed.sid)).form["CallStatus"] == "failed"
    assert (await office.registers(bob)).status == 401
    bob.credentials = Credentials("bob", GOOD + "5")
    assert (await office.registers(bob)).status == 200
    await office.do(lambda domain: domain.auth.calls.credential_list_mappings(office.users).delete())
    assert await office.refused(bob) == 403
    assert (await office.registers(bob)).status == 200, "registrations have a list of their own"
    await office.do(lambda domain: domain.delete())
    assert (await office.registers(bob)).status == 401


async def test_a_source_of_an_address_list_calls(office: Office) -> None:
    """As soon as the list is mapped in place of the users; from elsewhere nobody is let in any more."""
    site, pbx = office.site, await office.phone("pbx")
    assert await office.refused(pbx) == 401

    def change(client: Any) -> None:
        acl = client.sip.ip_access_control_lists.create(friendly_name="pbx")
        addresses = client.sip.ip_access_control_lists(acl.sid).ip_addresses
        addresses.create(friendly_name="pbx", ip_address=pbx.address)
        of = client.sip.domains(office.domain).auth.calls
        of.ip_access_control_list_mappings.create(ip_access_control_list_sid=acl.sid)
        of.credential_list_mappings(office.users).delete()

    await site.do(change)
    call = await pbx.invite(f"sip:600@{DOMAIN}", from_uri="sip:+15557654321@pbx.example")
    await call.answered()
    told = (await site.application.request("/office")).form
    assert (told["From"], told["SipSourceIp"]) == ("sip:+15557654321@pbx.example", pbx.address)
    assert "SipUsername" not in told
    await call.hangup()
    alice = await office.phone("alice")
    call = await alice.invite(f"sip:600@{DOMAIN}", from_uri=f"sip:alice@{DOMAIN}")
    refusal = await call.refused()
    assert refusal.status == 403 and refusal.headers["X-Twilio-Error"].startswith("32201 ")


async def test_S11_registrations_survive_a_crash(office: Office) -> None:
    alice = await office.phone("alice")
    assert (await office.registers(alice)).status == 200
    await office.site.daemon.kill()
    await office.site.daemon.restart()
    assert (await office.site.daemon.health())["registrations"] == 1
    placed = await office.site.create(to=f"sip:alice@{DOMAIN}", twiml=STAYS)
    await (await alice.incoming()).refuse(486)
    assert (await office.site.over(placed.sid)).form["CallStatus"] == "busy"
