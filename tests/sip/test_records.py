"""The cache of DNS records: how long an answer is served, and what a call waits for."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from callwright.sip.records import (
    AHEAD_S,
    GRACE_S,
    MOST_ENTRIES,
    NEGATIVE_S,
    RETRY_S,
    STALE_S,
    Found,
    Records,
)
from tests.calls.jumping import turns

NAME = "gw.example"


class Servers:
    """Name servers that answer as they are told, on a clock that a test turns."""

    def __init__(self) -> None:
        self.now = 0.0
        self.asked: list[tuple[str, str]] = []
        self.answer: Found | OSError = Found(("one",), 100.0)
        self.held: asyncio.Event | None = None

    async def query(self, name: str, kind: str) -> Found:
        self.asked.append((name, kind))
        if self.held is not None:
            await self.held.wait()
        if isinstance(self.answer, OSError):
            raise self.answer
        return self.answer


@pytest.fixture
def servers() -> Servers:
    return Servers()


@pytest.fixture
async def records(servers: Servers) -> AsyncIterator[Records]:
    made = Records(servers.query, lambda: servers.now)
    yield made
    await made.close()


async def test_asked_once_while_it_holds(servers: Servers, records: Records) -> None:
    assert await records.find("GW.example.", "A") == Found(("one",), 100.0)
    servers.now = 80.0
    assert await records.find(NAME, "A") == Found(("one",), 20.0)
    assert servers.asked == [(NAME, "A")]
    await records.find(NAME, "AAAA")
    assert servers.asked == [(NAME, "A"), (NAME, "AAAA")]


async def test_one_question_for_all_who_ask_at_once(servers: Servers, records: Records) -> None:
    servers.held = asyncio.Event()
    asking = [asyncio.create_task(records.find(NAME, "A")) for _ in range(5)]
    await turns()
    asking[0].cancel()
    await turns()
    servers.held.set()
    assert [found.records for found in await asyncio.gather(*asking[1:])] == [("one",)] * 4
    assert len(servers.asked) == 1, "and who gives up does not take it from the others"


async def test_renewed_before_its_end_without_a_wait(servers: Servers, records: Records) -> None:
    await records.find(NAME, "A")
    servers.held, servers.answer = asyncio.Event(), Found(("two",), 100.0)
    servers.now = 100.0 - AHEAD_S
    assert (await records.find(NAME, "A")).records == ("one",)
    servers.now = 100.0 + GRACE_S - 1
    assert (await records.find(NAME, "A")).records == ("one",), "still, while the new one comes"
    await turns()
    assert len(servers.asked) == 2
    servers.held.set()
    await turns()
    assert (await records.find(NAME, "A")) == Found(("two",), 100.0)


async def test_what_nobody_has_used_for_long_is_waited_for(servers: Servers, records: Records) -> None:
    await records.find(NAME, "A")
    servers.now, servers.answer = 100.0 + GRACE_S, Found(("two",), 100.0)
    assert (await records.find(NAME, "A")).records == ("two",)


async def test_absence_is_believed_for_a_while(servers: Servers, records: Records) -> None:
    servers.answer = Found((), 86400.0)
    assert (await records.find(NAME, "SRV")).records == ()
    servers.now = NEGATIVE_S / 2
    await records.find(NAME, "SRV")
    assert len(servers.asked) == 1
    servers.now, servers.answer = NEGATIVE_S + GRACE_S, Found(("there",), 10.0)
    assert (await records.find(NAME, "SRV")).records == ("there",)


async def test_nothing_holds_for_no_time_at_all(servers: Servers, records: Records) -> None:
    servers.answer = Found(("one",), 0.0)
    assert (await records.find(NAME, "A")).ttl == 1.0


class TestNoServerAnswers:
    async def test_and_nothing_is_known(self, servers: Servers, records: Records) -> None:
        servers.answer = OSError("no server")
        for _ in range(3):
            with pytest.raises(OSError, match="no server"):
                await records.find(NAME, "A")
        assert len(servers.asked) == 1, "not every call asks"
        servers.now, servers.answer = RETRY_S, Found(("one",), 10.0)
        assert (await records.find(NAME, "A")).records == ("one",)

    async def test_what_was_known_is_served(
        self, servers: Servers, records: Records, caplog: pytest.LogCaptureFixture
    ) -> None:
        await records.find(NAME, "A")
        servers.answer = OSError("no server")
        servers.now = 100.0 + STALE_S / 2
        assert (await records.find(NAME, "A")).records == ("one",)
        assert "no server; what was known 43200 s ago is used" in caplog.text
        assert (await records.find(NAME, "A")).records == ("one",)
        assert len(servers.asked) == 2
        servers.now += RETRY_S
        await records.find(NAME, "A")
        await turns()
        assert len(servers.asked) == 3 and caplog.text.count("is used") == 1, "told once"
        servers.now += RETRY_S
        servers.answer = Found(("two",), 100.0)
        assert (await records.find(NAME, "A")).records == ("one",), "nobody waits for servers that were away"
        await turns()
        assert (await records.find(NAME, "A")).records == ("two",)

    async def test_but_not_for_ever(self, servers: Servers, records: Records) -> None:
        await records.find(NAME, "A")
        servers.answer, servers.now = OSError("no server"), 101.0 + STALE_S
        with pytest.raises(OSError, match="no server"):
            await records.find(NAME, "A")


async def test_it_is_bounded(servers: Servers, records: Records) -> None:
    for number in range(MOST_ENTRIES + 5):
        await records.find(f"host-{number}", "A")
    assert len(records) == MOST_ENTRIES


async def test_closed_while_somebody_waits(servers: Servers, records: Records) -> None:
    servers.held = asyncio.Event()
    asking = asyncio.create_task(records.find(NAME, "A"))
    await turns()
    await records.close()
    with pytest.raises(asyncio.CancelledError):
        await asking
