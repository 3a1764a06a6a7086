"""Bindings whose connection is gone, on a real database and a clock that is moved by hand."""

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest

from callwright.sip.liveness import Grace, Liveness
from callwright.store.store import Store
from tests.sip.registering import ALICE
from tests.sip.test_registrar import Desk, Hours

PHONE = "<sip:alice@10.0.0.5:5062;transport=tcp>"
FLOW = ("TCP", "192.0.2.7", 40000)


class Office(Desk):
    """A registrar that looks after its phones' connections."""

    def __init__(self, store: Store, grace: Grace | None = None) -> None:
        super().__init__(store, Hours())
        self.seconds = 0.0
        self.told: list[str] = []
        self.liveness = Liveness(self.registrar, grace or Grace(5, 60), time=lambda: self.seconds)
        self.registrar.changed = self.told.append

    async def connects(self, port: int = 40000, *, cseq: int = 1, **facts: object) -> int:
        """Alice registers over a connection from this port."""
        return await self.take(PHONE, cseq=cseq, transport="TCP", port=port, **facts)

    async def passes(self, seconds: float) -> int:
        """So long later; how many are registered then."""
        self.seconds += seconds
        await self.liveness.expire()
        return len(self.registrar)


@pytest.fixture
async def office(store: Store) -> AsyncIterator[Office]:
    one = Office(store)
    yield one
    await one.close()


async def test_a_phone_that_does_not_come_back(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    """It is dropped, once: its row, who watches it, the log and the metrics know."""
    caplog.set_level(logging.INFO, "callwright.sip.registrar")
    await office.connects()
    office.told.clear()
    office.liveness.closed(*FLOW)
    office.liveness.closed(*FLOW)
    assert await office.passes(4.9) == 1 and office.told == []
    assert await office.passes(0.2) == 0
    assert office.told == [ALICE.aor] and office.registrar.dropped == {"connection": 1}
    lines = [record.getMessage() for record in caplog.records if "dropped" in record.getMessage()]
    assert len(lines) == 1
    assert (
        lines[0].startswith("dropped alice@pbx.example at tcp:192.0.2.7:40000") and "its connection is gone" in lines[0]
    )
    await office.store.flushed()
    again = Desk(office.store, office.hours)
    await again.registrar.load()
    assert len(again.registrar) == 0
    await again.close()
    assert await office.passes(100) == 0 and len(office.told) == 1


async def test_a_phone_that_comes_back(office: Office) -> None:
    """On another connection, or on another from the same port."""
    await office.connects()
    for cseq, port in ((2, 40001), (3, 40001)):
        office.liveness.closed("TCP", "192.0.2.7", port - 1 if cseq == 2 else port)
        assert len(office.liveness) == 1
        await office.passes(2)
        assert await office.connects(port, cseq=cseq) == 200
        assert len(office.liveness) == 0
        assert await office.passes(10) == 1
    office.liveness.closed("TCP", "192.0.2.7", 40000)
    assert len(office.liveness) == 0, "nobody is at the old place any more"


async def test_who_needs_no_connection(office: Office) -> None:
    """UDP, and what a proxy has brought: its connections are its own business."""
    await office.take("<sip:alice@h>", port=40000)
    path = [("Path", "<sip:edge.example;lr;ob>")]
    await office.take("<sip:alice@h2>", cseq=2, port=40000, transport="TCP", headers=path)
    office.liveness.closed(*FLOW)
    office.liveness.closed("UDP", *FLOW[1:])
    assert await office.passes(1000) == 2


async def test_after_a_crash(office: Office, store: Store) -> None:
    """All connections are gone with the daemon before: who comes back in time stays, whoever comes over UDP anyway."""
    await office.connects()
    await office.connects(40001, cseq=1, call_id="other", headers=[("User-Agent", "2")], name="bob", to="")
    await office.take("<sip:alice@h>", cseq=2)
    after = Office(store)
    await after.registrar.load()
    after.liveness.resume()
    assert await after.passes(59) == 3
    assert await after.connects(40002, cseq=3) == 200
    assert await after.passes(2) == 2
    assert after.registrar.dropped == {"connection": 1}
    assert {one.transport for one in after.registrar.bindings(ALICE)} == {"TCP", "UDP"}
    await after.close()


async def test_a_call_finds_it_first(office: Office) -> None:
    """Any other refusal is the phone's own; and a late one says nothing of where the phone is by now."""
    await office.connects()
    (binding,) = office.registrar.bindings(ALICE)
    office.registrar.unreached(binding, 486)
    assert len(office.registrar) == 1
    await office.connects(40001, cseq=2)
    office.registrar.unreached(binding, 430)
    assert len(office.registrar) == 1
    (binding,) = office.registrar.bindings(ALICE)
    office.registrar.unreached(binding, 430)
    office.registrar.unreached(binding, 430)
    assert len(office.registrar) == 0 and office.registrar.dropped == {"request": 1}


async def test_a_phone_that_boots_and_boots(office: Office) -> None:
    """New Call-IDs, no instance, another make each time: what has no connection makes room, and nothing else does."""
    for number in range(ALICE.max_contacts + 3):
        agent = [("User-Agent", f"Boot {number}")]
        status = await office.take(
            f"<sip:alice@h:{number}>", call_id=f"boot {number}", port=40000 + number, transport="TCP", headers=agent
        )
        assert status == 200
        office.liveness.closed("TCP", "192.0.2.7", 40000 + number)
    assert len(office.registrar) == ALICE.max_contacts


async def test_by_itself(store: Store) -> None:
    """`serve` finds them, each in its time."""
    office = Office(store, Grace(0.05, 3600))
    office.liveness = Liveness(office.registrar, Grace(0.05, 3600))
    await office.connects()
    await office.take("<sip:bob@h>", name="bob", transport="TCP", port=50000)
    office.liveness.resume()
    dropped = asyncio.Event()
    office.registrar.changed = lambda aor: dropped.set()
    serving = asyncio.create_task(office.liveness.serve())
    office.liveness.closed(*FLOW)
    async with asyncio.timeout(10):
        await dropped.wait()
    assert [one.aor for one in office.registrar.bindings_of("bob@pbx.example")] == ["bob@pbx.example"]
    assert office.registrar.bindings(ALICE) == ()
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)
    await office.close()
