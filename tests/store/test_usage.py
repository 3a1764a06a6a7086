"""What accounts have used, counted from a real database."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from callwright import ids
from callwright.store.store import Store
from callwright.store.tables import calls, recordings
from callwright.store.traces import participations, transcriptions
from callwright.store.usage import Used, total, used

ACCOUNT, OTHER = "AC1", "AC2"
DAY = date(2026, 3, 10)
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
TYPES = {"PN1": "toll-free", "PN2": "mobile"}


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    opened = await Store.open(url)
    yield opened
    await opened.close()


def put(store: Store, table: Any, prefix: str, **columns: Any) -> None:
    store.put(table, {"sid": ids.new(prefix), "account_sid": ACCOUNT, "date_created": NOON, **columns})


def call(store: Store, direction: str, from_: str, to: str, seconds: int, **columns: Any) -> None:
    talked = {"status": "completed", "duration": seconds, "direction": direction, "to": to, "from": from_}
    put(store, calls, ids.CALL, **{**talked, **columns})


async def spent(store: Store, category: str, *, first: date = DAY, last: date = DAY) -> Used:
    return total(await used(store, [ACCOUNT], TYPES, first, last), category, first, last)


async def test_each_begun_minute_of_each_call_counts(store: Store) -> None:
    for seconds in (1, 60, 61, 3600):
        call(store, "inbound", "+15557654321", "+15550001000", seconds, phone_number_sid="PN1")
    assert await spent(store, "calls") == Used(4, 1 + 1 + 2 + 60)
    assert await spent(store, "calls-inbound") == await spent(store, "calls-inbound-tollfree") == Used(4, 64)
    assert await spent(store, "calls-inbound-local") == await spent(store, "calls-outbound") == Used()


async def test_what_was_never_answered_is_not_used(store: Store) -> None:
    call(store, "outbound-api", "+1", "+2", 0, status="no-answer")
    call(store, "outbound-api", "+1", "+2", 0, status="in-progress")
    assert await used(store, [ACCOUNT], TYPES, DAY, DAY) == {}


@pytest.mark.parametrize(
    ("direction", "from_", "to", "number", "categories"),
    [
        ("inbound", "+15557654321", "+15550001000", "PN2", {"calls", "calls-inbound", "calls-inbound-mobile"}),
        ("inbound", "sip:x@carrier.example", "+15550001000", "PN3", {"calls", "calls-inbound", "calls-inbound-local"}),
        ("inbound", "sip:alice@pbx.example", "sip:600@pbx.example", None, {"calls", "calls-sip", "calls-sip-inbound"}),
        ("inbound", "client:bob", "+15550001000", None, {"calls", "calls-client"}),
        ("outbound-api", "+1", "+2", None, {"calls", "calls-outbound"}),
        ("outbound-dial", "+1", "sips:bob@pbx.example", None, {"calls", "calls-sip", "calls-sip-outbound"}),
        ("outbound-dial", "+1", "client:bob", None, {"calls", "calls-client"}),
        ("outbound-dial", "+1", "AP" + "0" * 32, None, {"calls"}),
    ],
)
async def test_categories(
    store: Store, direction: str, from_: str, to: str, number: str | None, categories: set[str]
) -> None:
    call(store, direction, from_, to, 30, phone_number_sid=number)
    found = await used(store, [ACCOUNT], TYPES, DAY, DAY)
    assert found.keys() == categories
    assert all(days == {DAY: Used(1, 1)} for days in found.values())


async def test_calls_of_elastic_trunks(store: Store) -> None:
    """They count under trunking alone, and the legs that they are passed on by not at all; a callee who is transferred
    after that is a call out."""
    call(store, "trunking-terminating", "+1", "+2", 61, trunk_sid="TK1", sid="CA1")
    call(store, "outbound-dial", "+1", "+2", 60, trunk_sid="TK1", parent_call_sid="CA1", sid="CA2")
    call(store, "outbound-dial", "+1", "+3", 30, trunk_sid="TK1", parent_call_sid="CA2")
    call(store, "trunking-originating", "+2", "+1", 10, trunk_sid="TK1")
    put(store, recordings, ids.RECORDING, duration=61, status="completed", source="Trunking")
    found = await used(store, [ACCOUNT], TYPES, DAY, DAY)
    assert found == {
        "trunking-termination": {DAY: Used(1, 2)},
        "trunking-originating": {DAY: Used(1, 1)},
        "calls": {DAY: Used(1, 1)},
        "calls-outbound": {DAY: Used(1, 1)},
        "recordings": {DAY: Used(1, 2)},
        "trunking-recordings": {DAY: Used(1, 2)},
    }


async def test_detection_is_counted_by_call(store: Store) -> None:
    call(store, "outbound-api", "+1", "+2", 90, answered_by="human")
    call(store, "outbound-api", "+1", "+2", 90)
    assert await spent(store, "answering-machine-detection") == Used(1, 0)


async def test_progress_is_counted_by_callback(store: Store) -> None:
    """Of every call that had any, answered or not."""
    told = {"url": "http://app.example/s", "method": "POST", "events": ["completed"], "sequence": 3}
    call(store, "outbound-api", "+1", "+2", 0, status="busy", status_callback=told)
    call(store, "outbound-api", "+1", "+2", 90, status_callback={**told, "sequence": 1})
    call(store, "outbound-api", "+1", "+2", 90, status_callback={**told, "sequence": 0})
    assert await spent(store, "call-progess-events") == Used(4, 0)


async def test_recordings_transcriptions_and_conferences(store: Store) -> None:
    put(store, recordings, ids.RECORDING, duration=61, status="completed")
    put(store, recordings, ids.RECORDING, duration=5, status="deleted", deleted=True, conference_sid="CF1")
    put(store, recordings, ids.RECORDING, duration=0, status="absent")
    assert await spent(store, "recordings") == Used(2, 3)
    assert await spent(store, "calls-recordings") == Used(1, 2)
    put(store, transcriptions, ids.TRANSCRIPTION, duration=61, status="completed")
    put(store, transcriptions, ids.TRANSCRIPTION, duration=61, status="failed")
    assert await spent(store, "transcriptions") == Used(1, 2)
    put(store, participations, ids.PARTICIPATION, duration=121)
    put(store, participations, ids.PARTICIPATION)
    assert await spent(store, "calls-globalconference") == Used(1, 3)


async def test_days_and_accounts(store: Store) -> None:
    """From the first moment of a day to its last, in UTC; subaccounts are added when they are asked for."""
    midnight = datetime(2026, 3, 10, tzinfo=UTC)
    for moment in (midnight - timedelta(microseconds=1), midnight, midnight + timedelta(days=1)):
        call(store, "outbound-api", "+1", "+2", 10, date_created=moment)
    call(store, "outbound-api", "+1", "+2", 10, account_sid=OTHER)
    assert await spent(store, "calls") == Used(1, 1)
    assert await spent(store, "calls", first=date(2026, 3, 9)) == Used(2, 2)
    every = await used(store, [ACCOUNT, OTHER], TYPES, date(2026, 3, 1), date(2026, 3, 31))
    assert every["calls"] == {date(2026, 3, 9): Used(1, 1), DAY: Used(2, 2), date(2026, 3, 11): Used(1, 1)}
