"""Host names among trunks' sources, on a clock that jumps."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence

import pytest

from callwright.config import DEMO_ACCOUNT, TrunkSection
from callwright.sip.sources import KEPT_S, Names, addresses_of
from callwright.sip.trunks import Trunks, declared
from tests.calls.jumping import skipping

NAME = "sip.carrier.example"


class Zone:
    """What a name server says, and when the trunks' addresses changed."""

    def __init__(self) -> None:
        section = {"name": "carrier", "account": DEMO_ACCOUNT, "allow": ["SIP.carrier.example", "192.0.2.1"]}
        self.trunks = Trunks([declared(TrunkSection.model_validate(section))])
        self.answers: dict[str, Sequence[str]] = {}
        self.changes: asyncio.Queue[float] = asyncio.Queue()
        self.watching = asyncio.create_task(Names(self.trunks, self._changed, self._look_up).watch())

    def _changed(self) -> None:
        self.changes.put_nowait(asyncio.get_running_loop().time())

    async def _look_up(self, name: str) -> Sequence[str]:
        if name not in self.answers:
            raise OSError("no address")
        return self.answers[name]

    def lets_in(self, *hosts: str) -> list[bool]:
        """Which of these addresses are the trunk's."""
        return [self.trunks.by_source(host) is not None for host in hosts]


@pytest.fixture
async def zone() -> AsyncIterator[Zone]:
    with skipping(asyncio.get_running_loop()):
        one = Zone()
        yield one
        one.watching.cancel()
        await asyncio.wait({one.watching})


async def test_looked_up_every_minute(zone: Zone) -> None:
    zone.answers[NAME] = ["198.51.100.1", "2001:db8::1"]
    first = await zone.changes.get()
    assert zone.lets_in("198.51.100.1", "2001:db8::1", "198.51.100.2", "192.0.2.1") == [True, True, False, True]
    zone.answers[NAME] = ["198.51.100.2"]
    assert await zone.changes.get() - first == pytest.approx(60, abs=1)
    assert zone.lets_in("198.51.100.1", "198.51.100.2") == [False, True]


async def test_the_last_answer_counts_for_an_hour(zone: Zone, caplog: pytest.LogCaptureFixture) -> None:
    """The log is told when it cannot be looked up, and when nobody is let in by it any more; not every minute."""
    zone.answers[NAME] = ["198.51.100.1"]
    found = await zone.changes.get()
    del zone.answers[NAME]
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        lost = await zone.changes.get()
    assert KEPT_S <= lost - found <= KEPT_S + 61 and zone.lets_in("198.51.100.1") == [False]
    assert [record.message.partition(": ")[2] for record in caplog.records] == [
        "its last addresses count on",
        "nobody is let in by that name",
    ]
    zone.answers[NAME] = ["198.51.100.1"]
    await zone.changes.get()
    assert zone.lets_in("198.51.100.1") == [True]


async def test_addresses_of_this_machine() -> None:
    found = await addresses_of("localhost")
    assert found and set(found) <= {"127.0.0.1", "::1"} and len(set(found)) == len(found)


@pytest.mark.parametrize("host", ["name.invalid", "x..y"])
async def test_names_without_an_address(host: str) -> None:
    with pytest.raises(OSError, match=r"\S"):
        await addresses_of(host)
