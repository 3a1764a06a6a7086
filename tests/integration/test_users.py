"""A daemon with users: floods, guesses, and what its log says of them (promises S2, S3, S4, S7)."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from callwright.sip.security import Occasion
from tests.harness import Phone
from tests.harness.digest import Credentials
from tests.harness.waiting import NotInTime, within

from .site import NUMBER, Site, canary, quick_call

pytestmark = pytest.mark.integration

Sites = Callable[..., Awaitable[Site]]
Phones = Callable[..., Awaitable[Phone]]
USER, PASSWORD = "alice", "open sesame"
FLOODER = Path(__file__).parent / "flooder.py"
RATE, SECONDS = 2000, 5
MEBIBYTE = 2**20


@pytest.fixture
async def site(sites: Sites) -> Site:
    """A daemon that knows one user and one trunk, with the canary's number."""
    return await sites(canary=True, strangers=True, users=[{"name": USER, "password": PASSWORD}])


async def flood(site: Site, rate: int, seconds: float) -> dict[str, Any]:
    """What the flooder says in the end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(FLOODER), site.daemon.host, str(site.daemon.sip_port), str(rate), str(seconds),
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    said, _ = await within(process.communicate(), seconds * 3 + 20, "the flooder ends")
    assert process.returncode == 0
    found: dict[str, Any] = json.loads(said)
    return found


def resident(pid: int) -> int:
    """Bytes of memory that a process holds."""
    text = Path(f"/proc/{pid}/status").read_text()
    return int(text.partition("VmRSS:")[2].split()[0]) * 1024


def decisions(metrics: dict[str, int]) -> dict[str, int]:
    """The gate's counters by name."""
    prefix = 'callwright_sip_requests_total{decision="'
    return {name[len(prefix) : -2]: count for name, count in metrics.items() if name.startswith(prefix)}


async def test_S4_flood_of_strangers(site: Site, phones: Phones) -> None:
    """2,000 INVITEs and REGISTERs a second: the canary does not notice, a user gets through, memory is bounded."""
    user = await phones(USER, credentials=Credentials(USER, PASSWORD))
    await flood(site, RATE, 1)
    before = resident(site.daemon.pid)
    async with canary(site, site.carrier):
        flooding = asyncio.create_task(flood(site, RATE, SECONDS))
        while not flooding.done():
            await (await quick_call(site, site.carrier)).hangup()
            assert (await user.request("OPTIONS", site.daemon.sip_uri("any"))).status == 200
            await asyncio.wait([flooding], timeout=1)
        said = flooding.result()
    assert said["sent"] > RATE * SECONDS * 0.5
    assert set(said["answers"]) <= {"401"}
    counted = decisions(await site.daemon.metrics())
    assert counted["challenged"] > 1000
    assert counted["refused_strangers"] > 0
    assert counted["requests"] == 0  # none of it has reached Python
    assert resident(site.daemon.pid) - before < 30 * MEBIBYTE


async def test_S3_guesses_are_logged_and_end(site: Site, phones: Phones) -> None:
    """Five lines, and one that says for how long; then silence, while a trunk's call is taken."""
    guesser = await phones("guesser", credentials=Credentials(USER, "guess"))
    for _ in range(5):
        assert (await guesser.register(site.daemon.sip_uri("any"))).status == 401
    await site.daemon.logged("kind=user-blocked")
    lines = [line[line.index("security kind=") :] for line in site.daemon.log if "security kind=" in line]
    told = [Occasion.parse(line) for line in lines]
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


async def test_S2_strangers_learn_nothing(site: Site, phones: Phones) -> None:
    """A number that there is and one that there is not, a user and none: 401 for all."""
    phone = await phones("stranger")
    for user in (NUMBER, "nobody", USER):
        call = await phone.invite(site.daemon.sip_uri(user))
        assert (await call.refused()).status == 401
    assert site.application.requests == []


async def test_S7_nothing_unauthenticated_reaches_python(site: Site, phones: Phones) -> None:
    phone = await phones("stranger")
    for method in ("SUBSCRIBE", "MESSAGE", "PUBLISH", "REFER", "REGISTER"):
        assert (await phone.request(method, site.daemon.sip_uri("any"))).status == 401
    assert decisions(await site.daemon.metrics())["requests"] == 0
