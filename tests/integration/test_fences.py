"""The fences against toll fraud on a whole daemon: each way out, over the wire (promise S8)."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from html import escape
from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException  # type: ignore[import-untyped]  # twilio ships no types

from tests.harness import Phone, PhoneCall
from tests.harness.application import Answer
from tests.harness.daemon import ACCOUNT, TOKEN
from tests.harness.message import Request
from tests.harness.nameserver import Nameserver

from .line import document
from .site import CALLEE, CALLER, NUMBER, Site

pytestmark = pytest.mark.integration

Sites = Callable[..., Awaitable[Site]]
Phones = Callable[..., Awaitable[Phone]]
PREMIUM, SATELLITE, STRANGER = "+19005551234", "+881612345678", "+15551230000"
MAIN = {"sid": ACCOUNT, "auth_token": TOKEN, "friendly_name": "Main"}


@pytest.fixture
async def nameserver() -> AsyncIterator[Nameserver]:
    """Whom a daemon's [dns] asks."""
    server = await Nameserver.start()
    yield server
    await server.close()


async def refused(site: Site, **parameters: Any) -> tuple[int, int]:
    """Status and code of a call that the API does not accept."""
    with pytest.raises(TwilioRestException) as caught:
        await site.create(**parameters)
    return caught.value.status, caught.value.code


async def dialled(site: Site, noun: str, attributes: str = "") -> str:
    """DialCallStatus of a dial that a caller's document asks for."""
    site.script("/voice", f'<Dial action="/done" {attributes}>{noun}</Dial>')
    site.script("/done", "<Hangup/>")
    call = await site.dial_in()
    done = await site.application.request("/done")
    await call.until_ended()
    return str(done.form["DialCallStatus"])


async def answered(site: Site, **parameters: Any) -> tuple[str, PhoneCall]:
    """A placed call that the carrier has answered: its SID, and the carrier's side of it."""
    placed = await site.create(**parameters)
    incoming = await site.carrier.incoming()
    await incoming.answer()
    return placed.sid, incoming


def told(site: Site) -> list[str]:
    """The daemon's lines of calls that were held back."""
    return [line for line in site.daemon.log if "security kind=fenced" in line]


async def test_S8_no_way_leads_to_a_costly_number(sites: Sites) -> None:
    """REST, a participant, a Dial of a number and of a gateway URI, a redirect, the last resort: no INVITE leaves, and
    each attempt is told in the security log."""
    site = await sites(accounts=[{**MAIN, "last_resort": PREMIUM}])
    gateway = f"{site.carrier.address}:{site.carrier.port}"
    assert await refused(site, to=PREMIUM) == (400, 21215)
    assert await refused(site, to=f"sip:{SATELLITE}@{gateway}") == (400, 21215)
    assert await refused(site, to=f"sip:{PREMIUM}%3Bnpdi@{gateway}") == (400, 21215)
    with pytest.raises(TwilioRestException) as caught:
        await site.do(lambda client: client.conferences("room").participants.create(from_=NUMBER, to=PREMIUM))
    assert (caught.value.status, caught.value.code) == (400, 21215)
    assert await dialled(site, f"<Number>{PREMIUM}</Number>") == "failed"
    assert await dialled(site, f"<Sip>sip:{PREMIUM[1:]}@{gateway}</Sip>") == "failed"
    assert await dialled(site, f"<Sip>sip:+1/900/555/1234@{gateway}</Sip>") == "failed"
    assert await dialled(site, f"<Number>00{SATELLITE[1:]}</Number>") == "failed"
    sid, incoming = await answered(site, twiml=document('<Pause length="60"/>'))
    site.script("/moved", f'<Dial action="/done">{PREMIUM}</Dial>')
    await site.update(sid, url=site.url("/moved"))
    assert (await site.application.request("/done")).form["DialCallStatus"] == "failed"
    await incoming.until_ended()
    site.application.on("/voice", Answer("broken", 500))
    seen = len(site.daemon.log)
    call = await site.dial_in()
    await site.daemon.logged("security kind=fenced", since=seen)
    await call.hangup()
    lines = told(site)
    assert all("WARNING" in line and f"user={ACCOUNT}" in line for line in lines)
    source = f"source={site.carrier.address} port={site.carrier.port} "
    assert [source in line for line in lines] == [False] * 4 + [True] * 4 + [False, True]
    alerts = await site.do(lambda client: client.monitor.v1.alerts.list())
    codes = sorted(one.error_code for one in alerts if one.error_code in ("21215", "13227"))
    assert codes == ["13227"] * 6 + ["21215"] * 4
    assert (await site.daemon.metrics())["callwright_calls_fenced_total"] == 10
    await enabled_after_all(site)


async def enabled_after_all(site: Site) -> None:
    """The account asks for special numbers of its country, and the next INVITE is the first of one."""
    update = json.dumps([{"iso_code": "US", "high_risk_special_numbers_enabled": "true"}])
    await site.do(lambda c: c.voice.v1.dialing_permissions.bulk_country_updates.create(update_request=update))
    await site.create(to=PREMIUM)
    allowed = await site.carrier.incoming()
    assert allowed.to_user == PREMIUM
    await allowed.refuse()


SPELLINGS = [
    "{premium}%3Bnpdi@{gateway}",
    "{premium}%253Bnpdi@{gateway}",
    "{premium};npdi;rn=%2B19005550000@{gateway}",
    "{premium},1@{gateway}",
    "+1/900/555/1234@{gateway}",
    "%2B1-900-555-1234:secret@{gateway}",
    "{premium}@{gateway};transport=tcp",
    "{premium}@[::ffff:{host}]:{port}",
    "{premium}@203.0.113.9;maddr={host}",
    "tel%3A{premium}@{gateway}",
    "5551234;phone-context=%2B1900@{gateway}",
    "%EF%BC%8B19005551234@{gateway}",
    "1-900-FLOWERS@{gateway}",
    "support@{gateway}",
]


@pytest.mark.parametrize("asks", ["rest", "participant", "dial"])
async def test_S8_no_spelling_leads_to_a_gateway(sites: Sites, asks: str) -> None:
    """User parts that are not exactly one number, and hosts in other words, by every way that takes a URI."""
    site = await sites()
    host, port = site.carrier.address, site.carrier.port
    for spelling in SPELLINGS:
        uri = "sip:" + spelling.format(premium=PREMIUM, gateway=f"{host}:{port}", host=host, port=port)
        if asks == "dial":
            assert await dialled(site, f"<Sip>{escape(uri)}</Sip>") == "failed", uri
        elif asks == "rest":
            assert await refused(site, to=uri) in ((400, 21215), (400, 21211)), uri
        else:
            with pytest.raises(TwilioRestException) as caught:
                await site.do(lambda c, uri=uri: c.conferences("room").participants.create(from_=NUMBER, to=uri))
            assert (caught.value.status, caught.value.code) in ((400, 21215), (400, 21211)), uri
    await nothing_has_left(site)


async def nothing_has_left(site: Site) -> None:
    """The carrier's next INVITE is the first one."""
    sid, incoming = await answered(site, twiml=document("<Hangup/>"))
    assert incoming.to_user == CALLEE and incoming.from_user == NUMBER
    await site.over(sid)
    invites = {e.message.call_id for e in site.carrier.trace.entries if not e.sent and _is_invite(e.message)}
    assert invites == {incoming.call_id}


def _is_invite(message: object) -> bool:
    return isinstance(message, Request) and message.method == "INVITE"


async def test_S8_no_name_leads_to_a_gateway(sites: Sites, nameserver: Nameserver) -> None:
    """Names of anybody's that have the gateway's address, by A, by SRV and by a chain of both, and the machine's own:
    REST, a dial with alternatives, a participant and a transfer. Neither caller IDs nor destinations get around."""
    site = await sites(sections={"dns": {"servers": [nameserver.place]}})
    host, port = site.carrier.address, site.carrier.port
    nameserver.add("alias.example", "A", host)
    nameserver.add("_sip._udp.service.example", "SRV", f"10 10 {port} alias.example.")
    for uri in (f"alias.example:{port}", f"ALIAS.Example.:{port}", "service.example"):
        for user, caller in (("9005551234", STRANGER), (CALLEE, STRANGER), ("anybody", NUMBER)):
            target = f"sip:{user}@{uri}"
            sid = (await site.create(to=target, from_=caller, twiml=document("<Hangup/>"))).sid
            assert (await site.over(sid)).form["CallStatus"] == "failed", target
    assert await refused(site, to=f"sip:{CALLEE}@{host}.:{port}", from_=STRANGER) == (400, 21210)
    beside = f"<Uri>sip:nobody@dead.invalid</Uri><Uri>sip:{CALLEE}@service.example</Uri>"
    assert await dialled(site, f"<Sip>{beside}</Sip>", f'callerId="{STRANGER}"') == "failed"
    await site.do(
        lambda c: c.conferences("room").participants.create(from_=STRANGER, to=f"sip:{CALLEE}@service.example")
    )
    await site.daemon.logged("code=13214")
    site.script("/voice", f"<Refer action='/done'><Sip>sip:anybody@alias.example:{port}</Sip></Refer>")
    call = await site.dial_in()
    assert (await site.application.request("/done")).form["ReferCallStatus"] == "failed"
    await call.until_ended()
    codes = {one.error_code for one in await site.do(lambda client: client.monitor.v1.alerts.list())}
    assert {"13214", "13224"} <= codes
    await nothing_has_left(site)


async def test_S8_a_trunk_that_is_found_by_name(sites: Sites, phones: Phones, nameserver: Nameserver) -> None:
    """Its target is a name with SRV: its address, written as it is, is the gateway too, on whatever port; and a call by
    it is the trunk's, on its account and in its day."""
    carrier = await phones("carrier")
    nameserver.add("_sip._udp.carrier.example", "SRV", f"10 10 {carrier.port} gw.carrier.example.")
    nameserver.add("gw.carrier.example", "A", carrier.address)
    trunk = {"name": "named", "targets": ["sip:carrier.example"], "prefixes": ["+1888"], "deny_prefixes": ["+1555777"]}
    site = await sites(trunks=[trunk], sections={"dns": {"servers": [nameserver.place]}})
    there = f"{carrier.address}:{carrier.port}"
    sid = (await site.create(to=f"sip:{CALLEE}@{there}", twiml=document("<Hangup/>"))).sid
    incoming = await carrier.incoming()
    await incoming.answer()
    await incoming.until_ended()
    await site.over(sid)
    assert await refused(site, to=f"sip:+15557770000@{there}") == (400, 21216)
    assert await refused(site, to=f"sip:{CALLEE}@{there}", from_=STRANGER) == (400, 21210)
    assert await refused(site, to=f"sip:anybody@{there}") == (400, 21211)
    assert len([e for e in carrier.trace.entries if not e.sent and _is_invite(e.message)]) == 1


async def test_S8_caller_ids_are_owned(sites: Sites) -> None:
    """A number, or its gateway's URI, sees no caller ID that is somebody else's, whoever made it up."""
    site = await sites()
    gateway = f"sip:{CALLEE}@{site.carrier.address}:{site.carrier.port}"
    assert await refused(site, from_=STRANGER) == (400, 21210)
    assert await refused(site, to=gateway, from_=STRANGER) == (400, 21210)
    for noun in (f"<Number>{CALLEE}</Number>", f"<Sip>{gateway}</Sip>"):
        assert await dialled(site, noun, f'callerId="{STRANGER}"') == "failed"
    made = await site.do(lambda client: client.applications.create(voice_url=site.url("/crossed")))
    site.script("/crossed", f'<Dial action="/tried">{CALLEE}</Dial>')
    site.script("/tried", "<Hangup/>")
    site.script("/voice", f'<Dial callerId="{STRANGER}"><Application>{made.sid}</Application></Dial>')
    call = await site.dial_in()
    assert (await site.application.request("/tried")).form["DialCallStatus"] == "failed"
    await call.until_ended()
    assert "13214" in {one.error_code for one in await site.do(lambda client: client.monitor.v1.alerts.list())}
    sid, incoming = await answered(site, to=gateway, twiml=document("<Hangup/>"))
    assert incoming.from_user == NUMBER, "the first INVITE that has left"
    await site.over(sid)


async def test_S8_a_call_token_shows_its_caller_while_the_call_lives(sites: Sites) -> None:
    """CallToken of a request: Calls and Participants may show who calls, and nobody else (§7.6)."""
    site = await sites()
    site.script("/voice", '<Gather timeout="60"/>')
    call = await site.dial_in()
    await call.answered()
    asked = (await site.application.request("/voice")).form
    token = asked["CallToken"]
    assert await refused(site, from_=CALLER) == (400, 21210)
    assert await refused(site, from_=STRANGER, call_token=token) == (400, 21210)
    sid, incoming = await answered(site, from_=CALLER, call_token=token, twiml=document("<Hangup/>"))
    assert incoming.from_user == CALLER
    await site.over(sid)
    place = {"from_": CALLER, "to": site.callee, "call_token": token}
    await site.do(lambda client: client.conferences("room").participants.create(**place))
    participant = await site.carrier.incoming()
    assert participant.from_user == CALLER
    await participant.refuse()
    await call.hangup()
    await site.over(asked["CallSid"])
    assert await refused(site, from_=CALLER, call_token=token) == (400, 20422)


async def test_S8_minutes_and_spend_of_a_day_survive_a_crash(sites: Sites) -> None:
    """One second is over the bound: the call is ended, no other is placed, neither after `kill -9` and a new start."""
    site = await sites(accounts=[{**MAIN, "max_minutes_day": 0.03}])
    site.script("/voice", '<Pause length="60"/>')
    sid, incoming = await answered(site)
    assert (await incoming.until_ended(10)).how == "bye received"
    over = await site.over(sid)
    assert 2 <= int(over.form["CallDuration"]) <= 5, "1.8 s, and a second until somebody looks"
    assert await refused(site) == (429, 20429)
    await site.daemon.kill()
    site.daemon.config["account"][0]["max_minutes_day"] = 0
    site.daemon.config["account"][0]["max_spend_day"] = 1
    site.daemon.config["rate"] = [{"prefix": "+1555", "per_minute": 60.0, "increment": 1}]
    await site.daemon.run()
    assert await refused(site) == (429, 20429), "what it spent before is known"
    assert await refused(site, to="+447700900000") == (400, 21216), "no rate has it"
    assert await dialled(site, f"<Number>{CALLEE}</Number>") == "failed"
    site.daemon.config["account"][0]["max_spend_day"] = 1000
    await site.daemon.restart()
    sid, incoming = await answered(site)
    await incoming.hangup()
    await site.over(sid)


async def test_S8_calls_a_second(sites: Sites) -> None:
    """Dials of one document beyond the bound fail; the caller is not touched."""
    site = await sites(accounts=[{**MAIN, "max_calls_second": 1}])
    numbers = "".join(f"<Number>+1555000990{n}</Number>" for n in range(3))
    site.script("/voice", f'<Dial action="/done">{numbers}</Dial>')
    site.script("/done", "<Hangup/>")
    call = await site.dial_in()
    incoming = await site.carrier.incoming()
    await site.daemon.logged("max_calls_second of account")
    await incoming.answer()
    await incoming.hangup()
    done = await site.application.request("/done")
    assert done.form["DialCallStatus"] == "completed"
    await call.until_ended()
    assert len(told(site)) == 2
