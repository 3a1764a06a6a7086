"""Phones that register: they call out, they are called where they are, and a crash of the daemon loses none."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.harness import Phone
from tests.harness.baresip import Baresip
from tests.harness.call import How
from tests.harness.waiting import NotInTime

from .house import PASSWORD, House, people
from .line import document
from .site import Site

pytestmark = pytest.mark.integration

Sites = Callable[..., Awaitable[Site]]
Phones = Callable[..., Awaitable[Phone]]
Baresips = Callable[..., Awaitable[Baresip]]
STAYS = document("<Pause length='20'/>")


@pytest.fixture
async def house(sites: Sites, phones: Phones) -> House:
    """Alice and Bob live here."""
    return House(await sites(strangers=True, users=people("alice", "bob")), phones)


@pytest.mark.parametrize("algorithm", ["SHA-256", "MD5"])
@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_a_phone_registers_and_is_called(house: House, transport: str, algorithm: str) -> None:
    """Over the connection that it registered on."""
    alice = await house.registered("alice", transport=transport, algorithms=(algorithm,))
    connections = alice.connections
    sid = await house.calls("alice", twiml=STAYS)
    call = await alice.incoming()
    assert alice.connections == connections
    assert (call.to_user, call.invite.headers["X-Twilio-CallSid"]) == ("alice", sid)
    assert call.from_user == house.site.number
    await call.ring()
    await call.answer()
    for status in ("initiated", "ringing", "in-progress"):
        await house.site.told(status, sid)
    await call.hangup()
    assert (await house.site.over(sid)).form["CallStatus"] == "completed"
    assert (await house.register(alice, expires=0)).status == 200
    metrics = await house.site.daemon.metrics()
    assert metrics["callwright_registrations_live"] == 0
    assert metrics['callwright_registers_total{outcome="registered"}'] == 1
    assert metrics['callwright_registers_total{outcome="removed"}'] == 1


async def test_a_phone_calls_out(house: House) -> None:
    """Its user's application is told who calls and what he dialled, by SIP URIs."""
    alice = await house.registered("alice")
    house.site.script("/user", "<Hangup/>")
    call = await alice.call(house.aor("600"), headers=[("X-Floor", "3")])
    told = (await house.site.application.request("/user")).form
    assert told["To"] == house.aor("600") and told["From"] == f"sip:alice@{house.site.daemon.host}"
    assert (told["SipUsername"], told["SipDomain"], told["SipHeader_X-Floor"]) == ("alice", told["SipDomain"], "3")
    assert (told["AccountSid"], told["Direction"]) == (house.site.daemon.account_sid, "inbound")
    assert (await call.until_ended()).how is How.BYE_RECEIVED
    await house.site.told("completed", told["CallSid"])


async def test_codecs_of_a_user(sites: Sites, phones: Phones) -> None:
    """Both ways, whatever [media] prefers."""
    users = [{**people("alice")[0], "codecs": ["PCMA"]}]
    house = House(await sites(strangers=True, users=users), phones)
    alice = await house.registered("alice")
    house.site.script("/user", "<Play digits='1'/><Pause length='20'/>")
    call = await alice.call(house.aor("600"))
    assert call.remote_sdp is not None
    assert [codec.name for codec in call.remote_sdp.codecs][:1] == ["PCMA"]
    await call.hangup()
    await house.calls("alice", twiml=STAYS)
    incoming = await alice.incoming()
    assert incoming.remote_sdp is not None
    assert "PCMU" not in [codec.name for codec in incoming.remote_sdp.codecs]
    await incoming.refuse(486)


async def test_one_calls_the_other_on_two_phones(house: House) -> None:
    """Both ring; who answers talks, and the other one hears no more of it."""
    alice = await house.registered("alice")
    desk, mobile = await house.registered("bob"), await house.registered("bob", transport="tcp")
    house.site.script("/user", f"<Dial action='/done'><Sip>{house.aor('bob')}</Sip></Dial>")
    house.site.script("/done", "<Hangup/>")
    call = await alice.call(house.aor("bob"))
    ringing = [await desk.incoming(), await mobile.incoming()]
    for one in ringing:
        assert one.from_user == "alice"
        await one.ring()
    await ringing[1].answer()
    assert (await ringing[0].until_ended()).how is How.CANCELLED
    call.media.tone(440)
    ringing[1].media.tone(880)
    await ringing[1].media.heard_tone(440)
    await call.media.heard_tone(880)
    await ringing[1].hangup()
    done = (await house.site.application.request("/done")).form
    assert (done["DialCallStatus"], done["DialSipResponseCode"]) == ("completed", "200")
    assert done["DialSipCallId"] == ringing[1].call_id
    await call.until_ended()


async def test_both_phones_refuse(house: House) -> None:
    """The better of two refusals is told."""
    desk, mobile = await house.registered("bob"), await house.registered("bob")
    sid = await house.calls("bob", twiml=STAYS)
    for phone, status in ((desk, 404), (mobile, 486)):
        await (await phone.incoming()).refuse(status)
    last = (await house.site.over(sid)).form
    assert (last["CallStatus"], last["SipResponseCode"]) == ("busy", "486")


async def test_nobody_is_registered(house: House) -> None:
    """32009: a warning of the call, and no-answer."""
    sid = await house.calls("alice", twiml=STAYS)
    last = (await house.site.over(sid)).form
    assert (last["CallStatus"], last["SipResponseCode"]) == ("no-answer", "480")
    await house.site.daemon.logged("warning code=32009 message=alice@.* has no phone registered")


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_S12_a_contact_that_points_elsewhere(house: House, phones: Phones, transport: str) -> None:
    """The call goes to who registered: not to the address in his Contact, where somebody listens."""
    victim = await phones("victim")
    alice = await house.phone("alice", transport=transport)
    contact = f"<sip:alice@{victim.address}:{victim.port};transport={transport}>"
    assert (await house.bind(alice, contact)).status == 200
    sid = await house.calls("alice", twiml=STAYS)
    call = await alice.incoming()
    await call.refuse(486)
    assert (await house.site.over(sid)).form["CallStatus"] == "busy"
    assert victim.trace.entries == [] and victim.connections == []


async def test_a_phone_behind_a_nat(house: House, phones: Phones) -> None:
    """Its Contact leads nowhere: what follows in a call goes where it registered from, or called from."""
    nowhere = await phones("nowhere")
    alice = await house.phone("alice")
    alice.shown = nowhere.uri
    assert (await house.register(alice)).status == 200
    sid = await house.calls("alice", twiml=document("<Pause length='1'/>"))
    called = await alice.incoming()
    await called.answer()
    assert (await called.until_ended()).how is How.BYE_RECEIVED
    assert (await house.site.over(sid)).form["CallStatus"] == "completed"
    house.site.script("/user", "<Hangup/>")
    call = await alice.call(house.aor("600"))
    assert (await call.until_ended()).how is How.BYE_RECEIVED
    assert nowhere.trace.entries == []


async def test_a_phone_whose_connection_is_closed(house: House) -> None:
    """Its call fails at once, and not when time is up."""
    alice = await house.registered("alice", transport="tcp")
    await alice.close()
    began = asyncio.get_running_loop().time()
    sid = await house.calls("alice", twiml=STAYS)
    last = (await house.site.over(sid)).form
    assert (last["CallStatus"], last["SipResponseCode"]) == ("no-answer", "430")
    assert asyncio.get_running_loop().time() - began < 5


async def test_what_the_registrar_refuses(house: House) -> None:
    alice = await house.phone("alice")
    short = await house.register(alice, expires=5)
    assert (short.status, short.headers["Min-Expires"]) == (423, "60")
    assert (await house.bind(alice, "*", expires=300)).status == 400
    assert (await house.bind(alice, "*;expires=0")).status == 400
    assert (await house.bind(alice, "<sip:alice@h?Route=x>")).status == 400
    many = ", ".join(f"<sip:alice@h{number}>" for number in range(11))
    assert (await house.bind(alice, many)).status == 403
    alice.user = "bob"  # whose phone it is not
    assert (await house.register(alice)).status == 403
    assert (await house.site.daemon.health())["registrations"] == 0


async def test_what_the_registrar_reads_all_the_same(house: House) -> None:
    """An Expires that is none is an hour; a GRUU may be required. It answers for its own domain, and for no other."""
    alice = await house.phone("alice")
    aor = f"sip:alice@{house.site.daemon.host}"
    lines = [("Contact", alice.contact), ("Expires", "soon"), ("Require", "gruu")]
    answer = await alice.request("REGISTER", house.registrar(), headers=lines, from_uri=aor, to_uri=aor)
    assert answer.status == 200
    assert 3240 <= int(answer.headers["Contact"].rpartition("expires=")[2]) <= 3600
    alice.proxy = house.registrar()
    answer = await alice.request("REGISTER", "sip:elsewhere.example", headers=lines, from_uri=aor, to_uri=aor)
    assert answer.status == 404


async def test_439_when_the_first_proxy_keeps_no_flows(house: House) -> None:
    alice = await house.phone("alice")
    aor = f"sip:alice@{house.site.daemon.host}"
    contact = f'{alice.contact};+sip.instance="<urn:uuid:1>";reg-id=1'
    for path, status in (("<sip:edge.example;lr>", 439), ("<sip:edge.example;lr;ob>", 200), ("edge.example", 400)):
        lines = [("Contact", contact), ("Supported", "path, outbound"), ("Path", path)]
        answer = await alice.request("REGISTER", house.registrar(), headers=lines, from_uri=aor, to_uri=aor)
        assert (path, answer.status) == (path, status)


async def test_S7_what_a_user_may_not(house: House) -> None:
    """A stranger is asked who he is, another user's presence is not hers to publish, and nobody answers REFER yet."""
    alice = await house.registered("alice")
    stranger = await house.stranger()
    for method in ("SUBSCRIBE", "PUBLISH"):
        answer = await stranger.request(method, house.aor("bob"), headers=[("Event", "presence")])
        assert (method, answer.status) == (method, 401)
    lines, own = [("Event", "presence")], f"sip:alice@{house.site.daemon.host}"
    assert (await alice.request("PUBLISH", house.aor("bob"), headers=lines, from_uri=own)).status == 403
    assert (await alice.request("REFER", house.aor("bob"), from_uri=own)).status == 405


async def test_ten_long_contacts_fit_into_an_answer(house: House) -> None:
    """The longest that are taken, with instances, and a Path."""
    alice = await house.phone("alice", transport="tcp")
    instance = f';+sip.instance="<urn:uuid:{"1" * 117}>"'
    contacts = [f"<sip:{'a' * 391}{number}@h>{instance};reg-id={number + 1}" for number in range(10)]
    assert (await house.bind(alice, *contacts)).status == 400, "one REGISTER is of one flow (RFC 5626 §6)"
    for contact in contacts:
        answer = await house.bind(alice, contact)
        assert answer.status == 200
    assert len(answer.headers.lines("Contact")) == 10


async def test_S11_a_crash_loses_no_phone(house: House) -> None:
    """kill -9: a phone that knows nothing of it is called; its next REGISTER goes on where it was."""
    alice = await house.registered("alice")
    await house.site.daemon.kill()
    await house.site.daemon.restart()
    assert (await house.site.daemon.health())["registrations"] == 1
    sid = await house.calls("alice", twiml=STAYS)
    call = await alice.incoming()
    await call.refuse(486)
    assert (await house.site.over(sid)).form["CallStatus"] == "busy"
    answer = await house.register(alice)
    assert answer.status == 200 and len(answer.headers.lines("Contact")) == 1


async def test_S11_granted_times_are_spread(house: House) -> None:
    """Phones that come together do not come back together."""
    alice = await house.phone("alice")
    granted = set()
    for _ in range(8):
        answer = await house.register(alice, expires=3600)
        granted.add(int(answer.headers["Contact"].rpartition("expires=")[2]))
    assert all(3240 <= seconds <= 3600 for seconds in granted) and len(granted) > 2


async def test_S6_a_response_serves_once(house: House, phones: Phones) -> None:
    """The stronger challenge comes first; a REGISTER that somebody has overheard binds nothing a second time."""
    alice = await house.registered("alice")
    first = alice.trace.messages(401)[0]
    assert ["SHA-256" in value for value in first.headers.lines("WWW-Authenticate")] == [True, False]
    overheard = alice.trace.messages("REGISTER", sent=True)[-1].headers["Authorization"]
    eve = await phones("eve", address=alice.address)
    aor = f"sip:alice@{house.site.daemon.host}"
    lines = [("Contact", eve.contact), ("Authorization", overheard)]
    answer = await eve.request("REGISTER", house.registrar(), headers=lines, from_uri=aor, to_uri=aor)
    assert answer.status == 401
    assert all("stale=true" in value for value in answer.headers.lines("WWW-Authenticate"))
    assert (await house.site.daemon.health())["registrations"] == 1


async def test_S2_silence_for_strangers(sites: Sites, phones: Phones) -> None:
    """Nobody learns that anybody is here, but a user may come."""
    house = House(await sites(strangers=True, users=people("alice"), sections={"sip": {"silent": True}}), phones)
    stranger = await phones("stranger")
    stranger.behaviour.repeats = False
    with pytest.raises(NotInTime):
        await stranger.request("OPTIONS", house.aor("any"), timeout=0.5)
    alice = await house.registered("alice")
    house.site.script("/user", "<Reject reason='busy'/>")
    call = await alice.invite(house.aor("600"))
    assert (await call.refused()).status == 486


async def test_a_domain_of_its_own(sites: Sites, phones: Phones) -> None:
    """Its realm, and its application for users who have none. Others' names are not known there."""
    site = await sites(strangers=True, users=people("alice"))
    application = site.url("/shared")
    domain = {"name": "pbx.example", "account": site.daemon.account_sid, "voice_url": application}
    bob = {"name": "bob", "domain": "PBX.example", "password": PASSWORD, "account": site.daemon.account_sid}
    site.daemon.config["domain"], site.daemon.config["user"] = [domain], [*site.daemon.config["user"], bob]
    await site.daemon.restart()
    house = House(site, phones)
    phone = await house.phone("bob", proxy=house.registrar())
    assert (await phone.register("sip:pbx.example")).status == 200
    assert 'realm="pbx.example"' in phone.trace.messages(401)[0].headers["WWW-Authenticate"]
    site.script("/shared", "<Reject/>")
    call = await phone.invite(house.aor("600"), from_uri="sip:bob@pbx.example")
    told = (await site.application.request("/shared")).form
    assert (told["From"], told["SipDomain"], told["SipUsername"]) == ("sip:bob@pbx.example", "pbx.example", "bob")
    assert (await call.refused()).status == 603
    sid = await site.create(to="sip:bob@pbx.example", twiml=STAYS)
    incoming = await phone.incoming()
    assert incoming.invite.from_.uri == f"sip:{site.number}@pbx.example"
    await incoming.refuse(486)
    assert (await site.over(sid.sid)).form["CallStatus"] == "busy"
    assert (await house.register(phone)).status == 401


async def test_a_foreign_phone(sites: Sites, baresip: Baresips, phones: Phones) -> None:
    """Baresip 1.0, which knows MD5 alone: it registers, is called, and calls."""
    site = await sites(strangers=True, users=people("bare"), sections={"sip": {"digest": ["MD5"]}})
    house = House(site, phones)
    domain = f"{site.daemon.host}:{site.daemon.sip_port}"
    phone = await baresip(user="bare", domain=domain, password=PASSWORD, hz=600)
    await house.site.daemon.logged(f"registered bare@.*:{phone.port} contact=")
    sid = await house.calls("bare", twiml=STAYS)
    await phone.event("CALL_ESTABLISHED")
    await phone.hangup()
    assert (await site.over(sid)).form["CallStatus"] == "completed"
    site.script("/user", "<Hangup/>")
    await phone.dial(house.aor("600"))
    told = (await site.application.request("/user")).form
    assert told["SipUsername"] == "bare" and told["To"].startswith(house.aor("600"))
    await phone.event("CALL_CLOSED")


async def test_a_call_to_one_phone(house: House) -> None:
    """Both phones know GRUUs (RFC 5627): each is called alone by its own, and by nobody's when it is gone."""
    aor = f"sip:alice@{house.site.daemon.host}"
    phones, gruus = [await house.phone("alice") for _ in range(2)], []
    for number, phone in enumerate(phones):
        lines = [("Contact", f'{phone.contact};+sip.instance="<urn:uuid:{number}>"'), ("Supported", "gruu")]
        answer = await phone.request("REGISTER", house.registrar(), headers=lines, from_uri=aor, to_uri=aor)
        assert answer.status == 200
        gruus.append(f"{aor};gr=urn:uuid:{number}")
        assert f'pub-gruu="{gruus[number]}"' in "".join(answer.headers.lines("Contact"))
    for phone, gruu in zip(phones, gruus, strict=True):
        placed = await house.site.create(to=gruu, twiml=STAYS)
        await (await phone.incoming()).refuse(486)
        assert (await house.site.over(placed.sid)).form["CallStatus"] == "busy"
    placed = await house.site.create(to=f"{aor};gr=urn:uuid:2", twiml=STAYS)
    assert (await house.site.over(placed.sid)).form["CallStatus"] == "no-answer"
    assert [phone.trace.transactions("INVITE") for phone in phones] == [1, 1]
