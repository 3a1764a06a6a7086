"""Promises S2, S3, S5, S6 and S7 on a whole daemon: who is nobody learns nothing, and who is blocked is told of.

More of S6 and S7, and S11, is in `test_registered.py` and `test_storm.py`.
"""

import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from callwright.sip.security import Occasion
from tests.harness import Guard, Phone, fail2ban
from tests.harness.daemon import Daemon
from tests.harness.digest import Credentials
from tests.harness.message import Request, Response
from tests.harness.waiting import NotInTime

from .site import NUMBER, Site, quick_call

pytestmark = pytest.mark.integration

Sites = Callable[..., Awaitable[Site]]
Phones = Callable[..., Awaitable[Phone]]
USER, PASSWORD = "alice", "open sesame"
ECHOED = ("Via", "From", "To", "Call-ID", "CSeq")
"""Headers that a response repeats of its request (RFC 3261 §8.2.6.2)."""


@pytest.fixture
async def site(sites: Sites) -> Site:
    """A daemon that knows one user and one trunk, with the canary's number."""
    return await sites(canary=True, strangers=True, users=[{"name": USER, "password": PASSWORD}])


def decisions(metrics: dict[str, int]) -> dict[str, int]:
    """The gate's counters by name."""
    prefix = 'callwright_sip_requests_total{decision="'
    return {name[len(prefix) : -2]: count for name, count in metrics.items() if name.startswith(prefix)}


def look(answer: Response) -> tuple[int, str, list[tuple[str, str]]]:
    """Everything in an answer that its request has not said itself: status, reason, and headers in their order."""
    shown = [(name, "" if name in ECHOED else re.sub(r'nonce="\w+"', "nonce", value)) for name, value in answer.headers]
    return answer.status, answer.reason, shown


# S2: scanning


async def test_S2_unknown_wrong_and_nowhere_look_the_same(site: Site, phones: Phones) -> None:
    """A wrong password, no such user, no credentials; of a number that there is and one that there is not.

    That they take the same time is an engine's test: each computes one digest, with a decoy's secret at the worst.
    """
    who = (None, Credentials(USER, "guess"), Credentials("nobody", "guess"), Credentials("nobody", PASSWORD))
    for method in ("INVITE", "REGISTER", "OPTIONS", "SUBSCRIBE", "MESSAGE"):
        seen = []
        for credentials in who:
            phone = await phones("stranger", credentials=credentials)
            for user in (NUMBER, "unknown", USER):
                answer = await phone.request(method, site.daemon.sip_uri(user))
                seen.append(look(answer))
        assert seen[0][0] == 401
        assert all(one == seen[0] for one in seen), f"{method}: {seen}"
    assert site.application.requests == []
    assert decisions(await site.daemon.metrics())["requests"] == 0


async def test_S2_a_source_of_no_trunk(sites: Sites, phones: Phones) -> None:
    """Without users 403 for an INVITE from elsewhere, over UDP and TCP, whatever number it names."""
    site = await sites(strangers=True)
    for transport in ("udp", "tcp"):
        phone = await phones("stranger", transport=transport)
        calls = [await phone.invite(site.daemon.sip_uri(user, transport)) for user in (NUMBER, "unknown")]
        there, nowhere = [look(await call.refused()) for call in calls]
        assert there == nowhere and there[0] == 403
    assert site.application.requests == []
    site.script("/voice", "<Hangup/>")
    assert (await (await site.dial_in()).answered()).status == 200
    assert (await (await site.dial_in("unknown")).refused()).status == 404


# S3: guessing


async def test_S3_guesses_are_logged_and_end(site: Site, phones: Phones) -> None:
    """Five lines, and one that says for how long; then silence, while a trunk's call is taken."""
    guesser = await phones("guesser", credentials=Credentials(USER, "guess"))
    for _ in range(5):
        assert (await guesser.register(site.daemon.sip_uri("any"))).status == 401
    await site.daemon.logged("kind=user-blocked")
    told = occasions(site.daemon)
    expected = ("auth-failed",) * 5 + ("blocked", "user-blocked")
    assert tuple(occasion.kind for occasion in told) == expected
    assert {(one.source, one.port, one.method, one.user) for one in told} == {
        (guesser.address, guesser.port, "REGISTER", USER)
    }
    assert [one.seconds for one in told[5:]] == [60, 60]
    guesser.behaviour.repeats = False
    with pytest.raises(NotInTime):
        await guesser.request("OPTIONS", site.daemon.sip_uri("any"), timeout=0.5)
    await (await quick_call(site, site.carrier)).hangup()


def occasions(daemon: Daemon) -> list[Occasion]:
    """The security lines of the log."""
    lines = [line[line.index("security kind=") :] for line in daemon.log if "security kind=" in line]
    return [Occasion.parse(line) for line in lines]


async def test_S3_fail2ban_bans_the_attacker(site: Site, phones: Phones, tmp_path: Path) -> None:
    """The daemon's own log of an attack, read by the filter that is shipped: who guesses is banned, and nobody whose
    name stands in what a scanner sends. The jail bans at the third line: a user who mistypes once is not."""
    guesser = await phones("guesser", credentials=Credentials(USER, "guess"))
    for _ in range(5):
        assert (await guesser.register(site.daemon.sip_uri("any"))).status == 401
    clumsy = await phones("clumsy", credentials=Credentials("bob", "typo"))
    assert (await clumsy.register(site.daemon.sip_uri("any"))).status == 401
    scanner = await phones("scanner")
    scanner.behaviour.repeats = False
    victim = f"security kind=blocked source={site.carrier.address} port=1 method=x user=x seconds=60"
    headers = [("User-Agent", "friendly-scanner"), ("X-Note", victim)]
    with pytest.raises(NotInTime):
        await scanner.request("OPTIONS", site.daemon.sip_uri("any"), headers=headers, timeout=0.5)
    odd = await phones("odd", credentials=Credentials(f'x\\" {victim}', "guess"))
    assert (await odd.register(site.daemon.sip_uri("any"))).status in (400, 401)
    site.script("/voice", "<Reject/>")
    assert (await (await site.dial_in(headers=[("X-Note", victim)])).refused()).status == 603
    await site.daemon.logged("kind=scanner")

    found = fail2ban.banned(site.daemon.log, tmp_path)
    assert found.count(guesser.address) == 6 and found.count(clumsy.address) == 1
    assert set(found) <= {guesser.address, clumsy.address, odd.address}
    aggressive = fail2ban.banned(site.daemon.log, tmp_path, "aggressive")
    assert set(aggressive) - set(found) == {scanner.address}


# S5: digest leak


def leaked(phone: Phone) -> list[str]:
    """Credentials in requests that have come to a phone."""
    messages = [entry.message for entry in phone.trace.entries if not entry.sent]
    return [
        value
        for message in messages
        if isinstance(message, Request)
        for name in ("Authorization", "Proxy-Authorization")
        for value in message.headers.lines(name)
    ]


@pytest.mark.parametrize("proxy", [False, True])
async def test_S5_digest_leak(sites: Sites, phones: Phones, proxy: bool) -> None:
    """While a trunk has credentials: who calls us, and whom a document dials, challenges us in their realm in vain; the
    gateway is answered in its own realm, and not in another one that it names later in the call."""
    gateway, attacker = await phones("gateway"), await phones("attacker")
    right = Guard(USER, PASSWORD, realm="carrier", proxy=proxy, inside=True)
    gateway.guard, attacker.guard = right, replace(right)
    paid = {"targets": [f"sip:{gateway.place}"], "prefixes": ["+1777"], "username": USER, "password": PASSWORD}
    site = await sites(trunks=[{"name": "paid", **paid}])

    site.script("/voice", "<Pause length='1'/>")  # then our BYE, which the caller challenges
    call = await attacker.invite(site.daemon.sip_uri(NUMBER))
    await call.answered()
    await attacker.expect("BYE", timeout=10)
    await site.told("completed")
    site.script("/voice", f"<Dial action='/done'><Sip>{attacker.uri}</Sip></Dial>")
    site.script("/done", "<Hangup/>")
    await site.dial_in()
    done = await site.application.request("/done", timeout=10)
    assert (done.form["DialCallStatus"], done.form["DialSipResponseCode"]) == ("failed", str(right.status))
    await site.told("completed")
    assert leaked(attacker) == []

    site.script("/voice", "<Dial timeLimit='1'>+17770001</Dial>")
    await site.dial_in()
    await (await gateway.incoming()).answer()
    gateway.guard = replace(right, realm="elsewhere")
    await gateway.expect("BYE", timeout=10)
    await site.told("completed")
    assert [re.findall(r'realm="(\w+)"', value) for value in leaked(gateway)] != []
    assert all('realm="carrier"' in value for value in leaked(gateway))


# S7: what needs somebody


async def test_S7_nothing_unauthenticated_reaches_python(site: Site, phones: Phones) -> None:
    phone = await phones("stranger")
    for method in ("SUBSCRIBE", "MESSAGE", "PUBLISH", "REFER", "REGISTER"):
        assert (await phone.request(method, site.daemon.sip_uri("any"))).status == 401
    assert decisions(await site.daemon.metrics())["requests"] == 0


async def test_S7_replaces_of_another_account(sites: Sites, phones: Phones) -> None:
    """Who knows the dialog of another account's call cannot take its place: the call goes on, nobody is connected."""
    other = {"sid": "AC00000000000000000000000000000002", "auth_token": "f" * 32}
    mine = {"sid": "AC00000000000000000000000000000001", "auth_token": "0123456789abcdef0123456789abcdef"}
    thief = await phones("thief")
    through = {"name": "theirs", "account": other["sid"], "allow": [f"{thief.address}/32"]}
    site = await sites(canary=True, strangers=True, accounts=[mine, other], trunks=[through])
    call = await quick_call(site, site.carrier)
    dialog = f"{call.call_id};to-tag={call.dialog.remote.tag};from-tag={call.dialog.local.tag}"
    taking = await thief.invite(site.daemon.sip_uri(NUMBER), headers=[("Replaces", dialog), ("Require", "replaces")])
    assert (await taking.refused()).status >= 400
    mark = call.media.mark()
    await call.media.received(25, since=mark)
    assert call.established
    assert (await call.hangup()).status == 200
