"""Calls to three phones at once, with every end that they can have, leave nothing behind in the daemon."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.harness import Phone, PhoneCall
from tests.harness.baseline import baseline

from .house import House, people
from .line import document
from .site import Site
from .test_baseline_calls import KEPT, gauges

pytestmark = pytest.mark.integration

STAYS = document("<Pause length='20'/>")


class Ends:
    """One call for each way in which a forked call can end."""

    def __init__(self, house: House, phones: list[Phone]) -> None:
        self.house, self.phones = house, phones

    async def run(self) -> None:
        """One after the other."""
        await self.answered_by_the_last()
        await self.answered_by_two()
        await self.refused_by_all()
        await self.declined_by_one()
        await self.canceled()

    async def _rings(self, **parameters: object) -> tuple[str, list[PhoneCall]]:
        sid = await self.house.calls("bob", twiml=STAYS, **parameters)
        calls = [await phone.incoming() for phone in self.phones]
        for call in calls:
            await call.ring()
        return sid, calls

    async def _over(self, sid: str, status: str) -> None:
        assert (await self.house.site.over(sid)).form["CallStatus"] == status

    async def answered_by_the_last(self) -> None:
        sid, calls = await self._rings()
        await calls[-1].answer()
        for call in calls[:-1]:
            await call.until_ended()
        await calls[-1].hangup()
        await self._over(sid, "completed")

    async def answered_by_two(self) -> None:
        """One of them is hung up at once."""
        sid, calls = await self._rings()
        await asyncio.gather(*(call.answer() for call in calls[:2]), return_exceptions=True)
        done, _ = await asyncio.wait([call.ended for call in calls], return_when=asyncio.FIRST_COMPLETED, timeout=5)
        assert done
        await self.house.site.update(sid, status="completed")
        for call in calls:
            await call.until_ended()
        await self._over(sid, "completed")

    async def refused_by_all(self) -> None:
        sid, calls = await self._rings()
        for call, code in zip(calls, (404, 486, 480), strict=True):
            await call.refuse(code)
        await self._over(sid, "busy")

    async def declined_by_one(self) -> None:
        sid, calls = await self._rings()
        await calls[1].refuse(603)
        for call in calls:
            await call.until_ended()
        await self._over(sid, "no-answer")

    async def canceled(self) -> None:
        sid, calls = await self._rings()
        await self.house.site.update(sid, status="canceled")
        for call in calls:
            await call.until_ended()
        await self._over(sid, "canceled")


async def test_forked_calls_leave_nothing_behind(
    sites: Callable[..., Awaitable[Site]], phones: Callable[..., Awaitable[Phone]]
) -> None:
    site = await sites(strangers=True, users=people("bob"))
    house = House(site, phones)
    bobs = [await house.registered("bob", transport=transport) for transport in ("udp", "tcp", "udp")]
    ends = Ends(house, bobs)
    await ends.run()
    async with baseline(site.daemon.pid, settle=10, ignoring=KEPT, native=lambda: gauges(site.daemon)):
        for _ in range(3):
            await ends.run()
