"""Ten thousand phones come back at once (promise S11)."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.harness.waiting import within

from .site import Site, canary, quick_call

pytestmark = pytest.mark.integration

Sites = Callable[..., Awaitable[Site]]
REGISTRANTS = Path(__file__).parent / "registrants.py"
PASSWORD = "open-sesame"
USERS, ROUNDS = 2_000, 5


async def test_S11_a_storm_is_absorbed(sites: Sites) -> None:
    """2,000 phones register and do so again, 10,000 times in all: each is answered, calls go on, and after `kill -9`
    all are there."""
    users = [{"name": f"u{number}", "password": PASSWORD} for number in range(USERS)]
    wide = {"requests_per_second": 50_000, "request_burst": 50_000}
    site = await sites(strangers=True, canary=True, users=users, sections={"sip": wide})
    async with canary(site, site.carrier):
        storm = await asyncio.create_subprocess_exec(
            sys.executable, str(REGISTRANTS), site.daemon.host, str(site.daemon.sip_port), str(USERS), str(ROUNDS),
            PASSWORD, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        storming = asyncio.create_task(storm.communicate())
        while not storming.done():
            await (await quick_call(site, site.carrier)).hangup()
            await asyncio.wait([storming], timeout=1)
        said = json.loads((await within(storming, 1, "the storm ends"))[0])
    assert storm.returncode == 0
    assert said["answers"] == {"200": USERS * ROUNDS}
    least, most = said["granted"]
    assert 3240 <= least < 3260 and 3580 < most <= 3600 and said["different"] > 300
    metrics = await site.daemon.metrics()
    assert metrics['callwright_registers_total{outcome="registered"}'] == USERS
    assert metrics['callwright_registers_total{outcome="refreshed"}'] == USERS * (ROUNDS - 1)
    await site.daemon.kill()
    await site.daemon.restart()
    assert (await site.daemon.health())["registrations"] == USERS
