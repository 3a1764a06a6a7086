"""Users whom an application vouches for: they register and call, strangers learn nothing of them, and what becomes of
them when the application changes its mind, hangs or is gone (promises S2, S3, S4, S11, A1)."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from callwright.sip.credentials import Credential
from tests.harness import Phone
from tests.harness.application import Answer, ApplicationServer, Break, Received, Reply
from tests.harness.digest import Credentials
from tests.harness.message import Response
from tests.harness.waiting import NotInTime

from .house import PASSWORD, House
from .line import document
from .site import Site, quick_call
from .test_promise_accounts import look

pytestmark = pytest.mark.integration

Sites = Callable[..., Awaitable[Site]]
Phones = Callable[..., Awaitable[Phone]]
Tenancies = Callable[..., Awaitable["Tenancy"]]
DOMAIN = "pbx.example"
STAYS = document("<Pause length='20'/>")


class People:
    """Whom the application knows, and how it answers; it is scripted at /auth of its server."""

    def __init__(self, application: ApplicationServer) -> None:
        self.known: dict[str, dict[str, Any]] = {}
        self.instead: Reply | None = None
        application.on("/auth", self.answer)
        self._application = application

    def answer(self, request: Received) -> Reply:
        """What is said of one."""
        if self.instead is not None:
            return self.instead
        known = self.known.get(request.form["SipUsername"])
        return Answer(json.dumps(known), content_type="application/json") if known else Answer(status=404)

    @property
    def asked(self) -> list[str]:
        """Who was asked for, in order."""
        return [one.form["SipUsername"] for one in self._application.requests if one.path == "/auth"]


class Tenancy:
    """A daemon with a domain whose users its application knows, and their phones."""

    def __init__(self, site: Site, phones: Phones) -> None:
        self.site, self.people = site, People(site.application)
        self.house, self._phones = House(site, phones), phones

    async def phone(self, user: str, password: str = PASSWORD, **options: Any) -> Phone:
        """A phone of a user, not registered."""
        proxy = self.house.registrar(options.get("transport", "udp"))
        return await self._phones(user, credentials=Credentials(user, password), proxy=proxy, **options)

    async def register(self, phone: Phone, **options: Any) -> Response:
        """The answer to a phone's REGISTER."""
        return await phone.register(f"sip:{DOMAIN}", **options)

    async def registered(self, user: str, **options: Any) -> Phone:
        """A phone of a user whom the application knows, registered."""
        self.people.known.setdefault(user, {"password": PASSWORD})
        phone = await self.phone(user, **options)
        assert (await self.register(phone)).status == 200
        return phone

    async def lapsed(self, user: str, since: int) -> None:
        """Until the word on a user has ended; `since`: the log's length before that."""
        await self.site.daemon.logged(f"{user}@{DOMAIN} is asked for again", since=since)

    @property
    def line(self) -> int:
        """The length of the daemon's log."""
        return len(self.site.daemon.log)


@pytest.fixture
def tenancies(sites: Sites, phones: Phones) -> Tenancies:
    """A factory: strangers are asked who they are; keys are those of [[domain]]. With an `auth_cache_s` the log tells
    when it has passed."""

    async def start(users: Sequence[dict[str, Any]] = (), **keys: Any) -> Tenancy:
        domain = {"name": DOMAIN, "auth_url": "/auth", "voice_url": "/user", "auth_refused_s": 1, **keys}
        options: dict[str, Any] = {"sections": {"server": {"log_level": "DEBUG"}}} if "auth_cache_s" in keys else {}
        return Tenancy(await sites(strangers=True, canary=True, users=users, domains=[domain], **options), phones)

    return start


async def passed(seconds: float) -> None:
    """Lets so much time pass."""
    over = asyncio.Event()
    asyncio.get_running_loop().call_later(seconds, over.set)
    await over.wait()


async def outcome(tenancy: Tenancy, user: str) -> tuple[str, str]:
    """How a REST call to a user ends that no phone answers."""
    placed = await tenancy.site.create(to=f"sip:{user}@{DOMAIN}", twiml=STAYS)
    last = (await tenancy.site.over(placed.sid)).form
    return last["CallStatus"], last["SipResponseCode"]


async def test_a_phone_registers_calls_and_is_called(tenancies: Tenancies) -> None:
    """Its user is asked for once, by a signed request; the domain's application runs its call; no secret is logged."""
    tenancy = await tenancies()
    site = tenancy.site
    alice = await tenancy.registered("alice", transport="tcp")
    asked = await site.application.request("/auth")
    form = asked.form
    assert asked.signed and asked.method == "POST"
    assert (form["AccountSid"], form["SipUsername"], form["SipDomain"]) == (site.daemon.account_sid, "alice", DOMAIN)
    assert (form["SipRealm"], form["SipMethod"], form["SipTransport"]) == (DOMAIN, "REGISTER", "TCP")
    assert (form["SipSourceIp"], form["SipCallId"]) == (
        alice.address,
        alice.trace.messages("REGISTER", sent=True)[0].headers["Call-ID"],
    )
    site.script("/user", "<Hangup/>")
    call = await alice.invite(tenancy.house.aor("600", "tcp"), from_uri=f"sip:alice@{DOMAIN}")
    await call.answered()
    told = (await site.application.request("/user")).form
    assert (told["SipUsername"], told["SipDomain"]) == ("alice", DOMAIN)
    assert told["From"] == f"sip:alice@{DOMAIN}"
    await call.until_ended()
    placed = await site.create(to=f"sip:alice@{DOMAIN}", twiml=STAYS)
    await (await alice.incoming()).refuse(486)
    assert (await site.over(placed.sid)).form["CallStatus"] == "busy"
    assert tenancy.people.asked == ["alice"]
    assert not any(PASSWORD in line for line in site.daemon.log)
    metrics = await site.daemon.metrics()
    assert metrics['callwright_auth_requests_total{outcome="vouched"}'] == 1
    assert metrics['callwright_native_objects{kind="held"}'] == 0


async def test_a_call_is_the_first_that_is_heard_of_him(tenancies: Tenancies) -> None:
    """Its INVITE waits for the answer, over UDP while it is sent again; what is said of him counts for his call."""
    tenancy = await tenancies()
    site = tenancy.site
    secret = Credential.of("zoe", DOMAIN, PASSWORD)
    digests = {"ha1_md5": secret.ha1_md5, "ha1_sha256": secret.ha1_sha256.upper()}
    said = {**digests, "voice_url": site.url("/own"), "codecs": ["PCMA"], "max_contacts": 1, "theme": "dark"}
    held = site.application.hold("/auth", Answer(json.dumps(said), content_type="application/json"))
    site.script("/own", "<Play digits='1'/><Pause length='20'/>")
    zoe = await tenancy.phone("zoe")
    call = await zoe.invite(tenancy.house.aor("600"), from_uri=f"sip:zoe@{DOMAIN}")
    await site.application.request("/auth")

    def sent() -> bool:
        return len(zoe.trace.messages("INVITE", sent=True)) >= 4

    await zoe.trace.changes.until(sent, 5, zoe.ladder)
    held.set()
    await call.answered()
    assert call.remote_sdp is not None
    assert [codec.name for codec in call.remote_sdp.codecs][:1] == ["PCMA"]
    await site.application.request("/own")
    await call.hangup()
    assert (await tenancy.register(zoe)).status == 200
    other = await tenancy.phone("zoe")
    assert (await tenancy.register(other)).status == 403
    assert site.application.count("/auth") == 1


async def test_requests_of_one_user_are_one_question(tenancies: Tenancies) -> None:
    tenancy = await tenancies()
    site = tenancy.site
    held = site.application.hold("/auth", Answer(json.dumps({"password": PASSWORD})))
    desks = [await tenancy.phone("alice") for _ in range(4)]
    waiting = [asyncio.create_task(tenancy.register(phone)) for phone in desks]
    metrics = await site.daemon.metrics()
    while metrics['callwright_native_objects{kind="held"}'] < 4:
        metrics = await site.daemon.metrics()
    held.set()
    assert [answer.status for answer in await asyncio.gather(*waiting)] == [200] * 4
    assert site.application.count("/auth") == 1


async def test_S2_nobody_learns_who_there_is(tenancies: Tenancies) -> None:
    """A wrong password of one whom the application knows, of one in the file, one whom it does not know, twice each:
    the same answer, and never before the application could have given it."""
    took = 0.15
    tenancy = await tenancies(users=[{"name": "bob", "domain": DOMAIN, "password": PASSWORD}])
    site = tenancy.site
    people, loop = tenancy.people, asyncio.get_running_loop()

    async def late(request: Received) -> Reply:
        await passed(took)
        return people.answer(request)

    site.application.on("/auth", late)
    await tenancy.registered("alice")
    for _ in range(20):  # what is remembered of its pace is this pace
        await tenancy.register(await tenancy.phone(f"x{len(people.asked)}", "guess"))
    for method in ("REGISTER", "INVITE"):
        seen = []
        for name in ("alice", "bob", "nobody", "a b", "alice", "bob", "nobody"):
            phone = await tenancy.phone(name, "guess")
            from_uri = f"sip:alice@{DOMAIN}"
            phone.credentials = None
            asked = await phone.request(method, tenancy.house.aor("600"), from_uri=from_uri)
            chosen = Credentials(name, "guess").choose(asked.headers.lines("WWW-Authenticate"))
            assert chosen is not None
            proof = Credentials(name, "guess").answer(chosen, method, tenancy.house.aor("600"))
            began = loop.time()
            lines = [("Authorization", proof)]
            answer = await phone.request(method, tenancy.house.aor("600"), headers=lines, from_uri=from_uri)
            seen.append((look(answer), loop.time() - began >= took * 0.8))
        assert seen[0][0][0] == 401 and seen[0][1]
        assert all(one == seen[0] for one in seen), f"{method}: {seen}"
    assert "bob" not in people.asked and "a b" not in people.asked


async def test_S4_a_flood_never_reaches_the_application(tenancies: Tenancies, phones: Phones) -> None:
    """No credentials, and nonces that are none of ours or of another source: each is answered, nobody is asked."""
    tenancy = await tenancies()
    site = tenancy.site
    flood, thief = await phones("flood", transport="tcp"), await phones("thief", transport="tcp")
    uri = tenancy.house.registrar("tcp")
    asked = await flood.request("REGISTER", uri, from_uri=f"sip:alice@{DOMAIN}")
    chosen = Credentials("alice", PASSWORD).choose(asked.headers.lines("WWW-Authenticate"))
    assert chosen is not None
    stolen = Credentials("alice", PASSWORD).answer(chosen, "REGISTER", uri)
    for number in range(100):
        forged = re.sub(r'nonce="([0-9a-f]{46})[0-9a-f]{6}"', rf'nonce="\g<1>{number:06x}"', stolen)
        for phone, proof in ((flood, forged), (thief, stolen)):
            answer = await phone.request("REGISTER", uri, headers=[("Authorization", proof)])
            assert answer.status == 401 and "stale=true" in answer.headers["WWW-Authenticate"]
    assert tenancy.people.asked == []
    assert (await site.daemon.metrics())['callwright_sip_requests_total{decision="held"}'] == 0


async def test_a_user_who_is_taken_away(tenancies: Tenancies) -> None:
    """He goes on until the application's word ends; then he is refused, cannot be called, and comes back as he went."""
    tenancy = await tenancies(auth_cache_s=2)
    site = tenancy.site
    line = tenancy.line
    alice = await tenancy.registered("alice")
    mine = tenancy.people.known.pop("alice")
    assert (await tenancy.register(alice)).status == 200
    await tenancy.lapsed("alice", line)
    assert (await tenancy.register(alice)).status == 401
    await site.daemon.logged(f"alice@{DOMAIN} is vouched for no more")
    assert await outcome(tenancy, "alice") == ("failed", "404")
    tenancy.people.known["alice"] = mine
    await passed(1.1)  # auth_refused_s, of which nothing tells
    assert (await tenancy.register(alice)).status == 200
    assert tenancy.people.asked == ["alice"] * 3


async def test_a_new_password_counts_at_once(tenancies: Tenancies) -> None:
    """A wrong one has the application asked, though its word on the user holds; not more often than auth_refused_s."""
    tenancy = await tenancies()
    await tenancy.registered("alice")
    tenancy.people.known["alice"] = {"password": "another"}
    alice = await tenancy.phone("alice", "another")
    await passed(1.1)  # auth_refused_s, of which nothing tells
    assert (await tenancy.register(alice)).status == 200
    assert tenancy.people.asked == ["alice"] * 2
    assert (await tenancy.register(await tenancy.phone("alice"))).status == 401


@pytest.mark.parametrize("how", ["refuses", "errs", "talks nonsense"])
async def test_A1_an_application_that_is_down(tenancies: Tenancies, how: str) -> None:
    """Whom it has vouched for is let in on its last word, others get 503 whoever they are, and the log says both."""
    tenancy = await tenancies(auth_cache_s=2)
    site = tenancy.site
    line = tenancy.line
    alice = await tenancy.registered("alice")
    application = site.application
    if how == "refuses":
        await application.refuse_connections()
    else:
        tenancy.people.instead = Answer(status=500) if how == "errs" else Answer("<html>")
    await tenancy.lapsed("alice", line)
    assert (await tenancy.register(alice)).status == 200
    await site.daemon.logged(f"WARNING.*the auth_url of domain {DOMAIN} fails: ")
    await site.daemon.logged(f"alice@{DOMAIN} is let in by what was said of him before")
    for name, password in (("nobody", "guess"), ("alice", "guess"), ("zoe", PASSWORD)):
        refused = await tenancy.register(await tenancy.phone(name, password))
        assert (refused.status, refused.headers["Retry-After"]) == (503, "5")
    if how == "refuses":
        await application.listen()
    tenancy.people.instead = None
    tenancy.people.known["zoe"] = {"password": PASSWORD}
    await tenancy.registered("zoe")
    await site.daemon.logged(f"the auth_url of domain {DOMAIN} is answered again")


async def test_A1_an_application_that_hangs(tenancies: Tenancies) -> None:
    """Calls of others are set up as ever; whom it has vouched for goes on; its breaker spares further ones the wait."""
    tenancy = await tenancies(auth_timeout_ms=400)
    site = tenancy.site
    alice = await tenancy.registered("alice")
    tenancy.people.instead = Break.HANG
    loop = asyncio.get_running_loop()
    strangers = [await tenancy.phone(f"x{number}") for number in range(6)]
    waiting = [asyncio.create_task(tenancy.register(phone)) for phone in strangers]
    for _ in range(3):
        await (await quick_call(site, site.carrier)).hangup()
        assert (await tenancy.register(alice)).status == 200
    assert [answer.status for answer in await asyncio.gather(*waiting)] == [503] * 6
    await site.daemon.logged("breaker of .* is open")
    asked, began = len(tenancy.people.asked), loop.time()
    assert (await tenancy.register(await tenancy.phone("later"))).status == 503
    assert loop.time() - began < 0.4 and len(tenancy.people.asked) == asked
    assert (await tenancy.register(alice)).status == 200


async def test_S11_a_crash_loses_no_phone_of_theirs(tenancies: Tenancies) -> None:
    """Its user is called before anybody has asked for him again, which his next REGISTER does."""
    tenancy = await tenancies()
    site = tenancy.site
    alice = await tenancy.registered("alice")
    await site.daemon.kill()
    await site.daemon.restart()
    assert (await site.daemon.health())["registrations"] == 1
    placed = await site.create(to=f"sip:alice@{DOMAIN}", twiml=STAYS)
    await (await alice.incoming()).refuse(486)
    assert (await site.over(placed.sid)).form["CallStatus"] == "busy"
    assert tenancy.people.asked == ["alice"]
    assert (await tenancy.register(alice)).status == 200
    assert tenancy.people.asked == ["alice"] * 2
    assert (await site.daemon.health())["registrations"] == 1


async def test_S3_guesses_at_their_passwords(tenancies: Tenancies) -> None:
    """Five lines in the security log, then silence; the application is asked a few times at most."""
    tenancy = await tenancies()
    site = tenancy.site
    await tenancy.registered("alice")
    guesser = await tenancy.phone("alice", "guess")
    for _ in range(5):
        assert (await tenancy.register(guesser)).status == 401
    await site.daemon.logged(f"security kind=blocked source={guesser.address} .* user=alice")
    guesser.behaviour.repeats = False
    with pytest.raises(NotInTime):
        await tenancy.register(guesser, timeout=0.5)
    assert len(tenancy.people.asked) <= 3
