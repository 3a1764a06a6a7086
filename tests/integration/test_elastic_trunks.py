"""Elastic trunks made over the API with the vendor's client: calls from a PBX and to it, what is recorded and written
of them, and what happens when it cannot be reached (call-control reference §3.15)."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest

from tests.harness import Phone, PhoneCall, tones
from tests.harness.call import How
from tests.harness.digest import Credentials
from tests.harness.ports import free_ports

from .line import both
from .site import CALLEE, CALLER, Site

pytestmark = pytest.mark.integration

Sites = Callable[..., Awaitable[Site]]
Phones = Callable[..., Awaitable[Phone]]
DOMAIN, NUMBER = "acme.trunk.example", "+16675550100"
OTHER, STRANGER, PREMIUM = "+15550008888", "+15551230000", "+19005551234"
NAME, PASSWORD = "switch", "Abcdefgh1234"


@dataclass
class Office:
    """A trunk of the API with a number, its PBX, and the carrier behind the daemon."""

    site: Site
    pbx: Phone
    sid: str

    async def do(self, work: Callable[[Any], Any]) -> Any:
        """What a function returns that gets the trunk as the client has it."""
        return await self.site.do(lambda client: work(client.trunking.v1.trunks(self.sid)))

    async def dial(self, number: str = CALLEE, caller: str = NUMBER) -> PhoneCall:
        """The PBX's INVITE to a number."""
        return await self.pbx.invite(f"sip:{number}@{DOMAIN}", from_uri=f"sip:{caller}@pbx.example")

    async def refused(self, number: str = CALLEE, caller: str = NUMBER) -> int:
        """The status with which its call is refused."""
        return (await (await self.dial(number, caller)).refused()).status

    async def out(self, number: str = CALLEE) -> tuple[PhoneCall, PhoneCall]:
        """A call from the PBX, and the carrier's side of it, who talk."""
        call = await self.dial(number)
        callee = await self.site.carrier.incoming()
        await callee.answer()
        await call.answered()
        await both(call, callee)
        return call, callee

    async def in_(self) -> tuple[PhoneCall, PhoneCall]:
        """A call to the trunk's number, and the PBX's side of it, who talk."""
        call = await self.site.dial_in(NUMBER)
        callee = await self.pbx.incoming()
        await callee.answer()
        await call.answered()
        await both(call, callee)
        return call, callee

    async def records(self) -> list[Any]:
        """Its calls as the API lists them, without the legs that they were passed on by."""
        calls: list[Any] = await self.site.do(lambda client: client.calls.list())
        return [one for one in calls if one.parent_call_sid is None]


def admit(client: Any, of: Any, address: str) -> None:
    """An address list of one address, mapped to a trunk."""
    acl = client.sip.ip_access_control_lists.create(friendly_name="pbx")
    client.sip.ip_access_control_lists(acl.sid).ip_addresses.create(friendly_name="pbx", ip_address=address)
    of.ip_access_control_lists.create(ip_access_control_list_sid=acl.sid)


@pytest.fixture
async def offices(sites: Sites, phones: Phones) -> Callable[..., Awaitable[Office]]:
    """A factory; `admitted`: by an address list; all else are the trunk's settings."""

    async def make(admitted: bool = True, **settings: Any) -> Office:
        site = await sites(strangers=True)
        pbx = await phones("pbx", proxy=f"sip:{site.daemon.host}:{site.daemon.sip_port}")

        def build(client: Any) -> str:
            made = client.trunking.v1.trunks.create(friendly_name="PBX", domain_name=DOMAIN, **settings)
            of = client.trunking.v1.trunks(made.sid)
            uri = f"sip:{pbx.address}:{pbx.port}"
            of.origination_urls.create(sip_url=uri, priority=10, weight=1, enabled=True, friendly_name="x")
            bought = client.incoming_phone_numbers.create(phone_number=NUMBER)
            of.phone_numbers.create(phone_number_sid=bought.sid)
            if admitted:
                admit(client, of, pbx.address)
            return str(made.sid)

        return Office(site, pbx, await site.do(build))

    return make


Offices = Callable[..., Awaitable[Office]]


# from the PBX


async def test_a_pbx_calls_out_as_soon_as_its_address_is_listed(offices: Offices) -> None:
    office = await offices(admitted=False)
    assert await office.refused() == 403, "a trunk without lists lets nobody in"
    await office.site.do(lambda client: admit(client, client.trunking.v1.trunks(office.sid), office.pbx.address))
    call, callee = await office.out()
    assert (callee.to_user, callee.from_user) == (CALLEE, NUMBER)
    await call.hangup()
    assert (await callee.until_ended()).how is How.BYE_RECEIVED
    (record, *_) = await office.records()
    assert (record.direction, record.trunk_sid, record.status) == ("trunking-terminating", office.sid, "completed")
    assert (record._from, record.to) == (NUMBER, CALLEE)
    await office.do(
        lambda of: [of.ip_access_control_lists(one.sid).delete() for one in of.ip_access_control_lists.list()]
    )
    assert await office.refused() == 403


async def test_a_pbx_proves_to_be_a_user_of_its_list(offices: Offices) -> None:
    """In force with the mapping; a wrong password is not told from an unknown name."""
    office = await offices(admitted=False)

    def map_users(client: Any) -> str:
        users = client.sip.credential_lists.create(friendly_name="switches")
        client.sip.credential_lists(users.sid).credentials.create(username=NAME, password=PASSWORD)
        client.trunking.v1.trunks(office.sid).credentials_lists.create(credential_list_sid=users.sid)
        return str(users.sid)

    users = await office.site.do(map_users)
    assert await office.refused() == 401
    office.pbx.credentials = Credentials(NAME, "Wrong1234567")
    assert await office.refused() == 401
    office.pbx.credentials = Credentials(NAME, PASSWORD)
    call, callee = await office.out()
    await callee.hangup()
    await call.until_ended()
    await office.do(lambda of: of.credentials_lists(users).delete())
    assert await office.refused() == 401


async def test_S8_a_pbx_is_fenced_in(offices: Offices) -> None:
    """Neither a costly number nor a caller ID of somebody else: no INVITE leaves."""
    office = await offices()
    assert await office.refused(PREMIUM) == 403
    assert await office.refused(caller=STRANGER) == 403
    assert await office.refused(caller="anybody") == 403
    call = await office.dial(OTHER)
    first = await office.site.carrier.incoming()
    assert first.to_user == OTHER, "the first INVITE that has left"
    await first.refuse(486)
    assert (await call.refused()).status == 486
    (record, *others) = await office.records()
    assert (record.status, {one.status for one in others}) == ("busy", {"failed"})
    lines = [line for line in office.site.daemon.log if "security kind=fenced" in line]
    assert len(lines) == 3 and all(f"source={office.pbx.address}" in line for line in lines)


async def test_its_calls_are_recorded(offices: Offices) -> None:
    office = await offices()
    await office.do(lambda of: of.recordings().update(mode="record-from-answer-dual"))
    for begin, hz in ((office.out, (500.0, 700.0)), (office.in_, (500.0, 700.0))):
        call, callee = await begin()
        await call.media.received(25)
        await call.hangup()
        await callee.until_ended()
        record = (await office.records())[0]
        await office.site.daemon.logged(rf"{record.sid} recorded sid=")
        (recording,) = await office.site.do(lambda client, sid=record.sid: client.calls(sid).recordings.list())
        assert (recording.source, recording.channels) == ("Trunking", 2)
        _, _, body = await office.site.get(office.site.path(f"Recordings/{recording.sid}.wav?RequestedChannels=2"))
        channels, _ = tones.read_wav_channels(body)
        assert [tones.contains(one, tone) for one, tone in zip(channels, hz, strict=True)] == [True, True]


# to the PBX


async def test_a_call_to_its_number(offices: Offices) -> None:
    office = await offices()
    call, callee = await office.in_()
    assert (callee.from_user, NUMBER in callee.invite.uri) == (CALLER, True)
    await callee.hangup()
    assert (await call.until_ended()).how is How.BYE_RECEIVED
    (record,) = await office.records()
    assert (record.direction, record.trunk_sid, record.status) == ("trunking-originating", office.sid, "completed")


async def test_a_busy_pbx_is_busy(offices: Offices) -> None:
    """What it says reaches the caller; nothing is recovered."""
    office = await offices(disaster_recovery_url="http://127.0.0.1:1/never")
    call = await office.site.dial_in(NUMBER)
    await (await office.pbx.incoming()).refuse(486)
    assert (await call.refused()).status == 486
    (record,) = await office.records()
    assert record.status == "busy"


async def test_a_pbx_that_cannot_be_reached(offices: Offices) -> None:
    """All its URLs have failed: the disaster recovery document runs, and the caller hears it."""
    office = await offices()
    site = office.site
    dead = f"sip:127.0.0.1:{free_ports(1)[0]};transport=tcp"
    site.serve_tone("/sorry.wav", 600.0)
    site.script("/disaster", "<Play>/sorry.wav</Play>")

    def fail(of: Any) -> None:
        of.update(disaster_recovery_url=site.url("/disaster"), disaster_recovery_method="GET")
        of.origination_urls.create(sip_url=dead, priority=1, weight=1, enabled=True, friendly_name="dead")

    await office.do(fail)
    call = await site.dial_in(NUMBER)
    await (await office.pbx.incoming()).refuse(503)
    await call.answered()
    await call.media.heard_tone(600.0)
    asked = await site.application.request("/disaster")
    assert (asked.method, asked.params["Direction"], asked.params["To"]) == ("GET", "trunking-originating", NUMBER)
    await call.hangup()
    await office.do(lambda of: of.update(disaster_recovery_url=""))
    call = await site.dial_in(NUMBER)
    await (await office.pbx.incoming()).refuse(503)
    assert (await call.refused()).status == 503
