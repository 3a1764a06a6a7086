"""What accounts have used, counted by day from their records (call-control reference §6.1)."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Column, ColumnElement, Select, and_, case, exists, func, not_, or_, select

from callwright.store.sqlite import Row
from callwright.store.store import Store
from callwright.store.tables import calls, recordings
from callwright.store.traces import participations, transcriptions

TRUNKING = {"trunking-originating": "trunking-originating", "trunking-terminating": "trunking-termination"}
"""Categories of an elastic trunk's calls, which count under no other."""
BY_TYPE = {"local": "local", "mobile": "mobile", "toll-free": "tollfree"}


@dataclass(frozen=True, slots=True)
class Used:
    """How often something was used, and how many minutes of it; each begun one counts."""

    count: int = 0
    minutes: int = 0

    def __add__(self, other: "Used") -> "Used":
        return Used(self.count + other.count, self.minutes + other.minutes)


Ledger = Mapping[str, Mapping[date, Used]]
"""By category and day (UTC)."""


async def used(
    store: Store, accounts: Sequence[str], types: Mapping[str, str], first: date, last: date
) -> dict[str, dict[date, Used]]:
    """What these accounts used from one day to another, both counted.

    Args:
        types: of numbers (local, mobile, toll-free), by their SIDs.

    Raises:
        StoreError: the database cannot be read.
    """
    found: dict[str, dict[date, Used]] = defaultdict(dict)
    span = _Span(accounts, first, last)
    for row in await store.fetch(_calls(span)):
        one = Used(row["count"], row["minutes"])
        for category in _of_call(row, types):
            _add(found, category, row, one)
        if row["detected"]:
            _add(found, "answering-machine-detection", row, Used(row["detected"], 0))
    for row in await store.fetch(_progress(span)):
        _add(found, "call-progess-events", row, Used(row["count"], 0))
    for row in await store.fetch(_recordings(span)):
        _add(found, "recordings", row, Used(row["count"], row["minutes"]))
        if row["trunking"]:
            _add(found, "trunking-recordings", row, Used(row["count"], row["minutes"]))
        elif row["conference"] == 0:
            _add(found, "calls-recordings", row, Used(row["count"], row["minutes"]))
    for category, query in (("transcriptions", _transcriptions(span)), ("calls-globalconference", _talks(span))):
        for row in await store.fetch(query):
            _add(found, category, row, Used(row["count"], row["minutes"]))
    return found


def total(ledger: Ledger, category: str, first: date, last: date) -> Used:
    """What was used of a category in a span of days."""
    return sum((one for day, one in ledger.get(category, {}).items() if first <= day <= last), Used())


def _add(found: dict[str, dict[date, Used]], category: str, row: Row, one: Used) -> None:
    day = date.fromisoformat(str(row["day"]))
    found[category][day] = found[category].get(day, Used()) + one


@dataclass(frozen=True, slots=True)
class _Span:
    accounts: Sequence[str]
    first: date
    last: date

    def rows(self, account: Column[Any], created: Column[Any]) -> Iterator[ColumnElement[bool]]:
        """That a row is of these accounts and days."""
        yield account.in_(self.accounts)
        yield created >= datetime.combine(self.first, time(), UTC)
        yield created < datetime.combine(self.last, time(), UTC) + timedelta(days=1)


def _minutes(seconds: Column[Any]) -> ColumnElement[int]:
    """The begun minutes of each row, added up."""
    return func.coalesce(func.sum((seconds + 59) // 60), 0)


def _kind(party: Column[Any]) -> ColumnElement[str]:
    return case(
        (party.like("client:%"), "client"),
        (or_(party.like("sip:%"), party.like("sips:%")), "sip"),
        (party.like("AP%"), "application"),
        else_="number",
    )


def _calls(span: _Span) -> Select[Any]:
    told = calls.c
    facts = [
        func.date(told.date_created).label("day"),
        told.direction.label("direction"),
        _kind(told["from"]).label("caller"),
        _kind(told.to).label("called"),
        told.phone_number_sid.label("number"),
    ]
    # the leg by which a trunk passes a call on is a part of that; one to whom its callee was transferred is not
    whole = calls.alias()
    passed_on = exists().where(whole.c.sid == told.parent_call_sid, whole.c.direction.in_(list(TRUNKING)))
    parts = and_(told.trunk_sid.is_not(None), passed_on)
    counted = [func.count().label("count"), _minutes(told.duration).label("minutes")]
    detected = func.count(told.answered_by).label("detected")
    talked = (told.status == "completed", told.duration > 0)
    rows = span.rows(told.account_sid, told.date_created)
    return select(*facts, *counted, detected).where(*talked, not_(parts), *rows).group_by(*facts)


def _progress(span: _Span) -> Select[Any]:
    """Status callbacks that have been posted: their sequence numbers count them."""
    told = calls.c
    day = func.date(told.date_created).label("day")
    posted = told.status_callback["sequence"].as_integer()
    some = posted > 0
    rows = span.rows(told.account_sid, told.date_created)
    return select(day, func.sum(posted).label("count")).where(some, *rows).group_by(day)


def _of_call(row: Row, types: Mapping[str, str]) -> Iterable[str]:
    """The categories that a call counts under."""
    if row["direction"] in TRUNKING:
        return (TRUNKING[row["direction"]],)
    inbound = row["direction"] == "inbound"
    kind = row["caller"] if inbound else row["called"]
    if inbound and row["number"]:
        name = BY_TYPE.get(types.get(row["number"], ""), "local")
        return "calls", "calls-inbound", f"calls-inbound-{name}"
    if kind == "client":
        return "calls", "calls-client"
    if kind == "sip":
        return "calls", "calls-sip", f"calls-sip-{'in' if inbound else 'out'}bound"
    if kind == "application":
        return ("calls",)
    return "calls", f"calls-{'in' if inbound else 'out'}bound"


def _recordings(span: _Span) -> Select[Any]:
    told = recordings.c
    facts = [
        func.date(told.date_created).label("day"),
        case((told.conference_sid.is_(None), 0), else_=1).label("conference"),
        case((told.source == "Trunking", 1), else_=0).label("trunking"),
    ]
    counted = [func.count().label("count"), _minutes(told.duration).label("minutes")]
    return (
        select(*facts, *counted)
        .where(told.duration > 0, *span.rows(told.account_sid, told.date_created))
        .group_by(*facts)
    )


def _transcriptions(span: _Span) -> Select[Any]:
    told = transcriptions.c
    day = func.date(told.date_created).label("day")
    counted = [func.count().label("count"), _minutes(told.duration).label("minutes")]
    done = told.status == "completed"
    return select(day, *counted).where(done, *span.rows(told.account_sid, told.date_created)).group_by(day)


def _talks(span: _Span) -> Select[Any]:
    told = participations.c
    day = func.date(told.date_created).label("day")
    counted = [func.count().label("count"), _minutes(told.duration).label("minutes")]
    over = told.duration > 0
    return select(day, *counted).where(over, *span.rows(told.account_sid, told.date_created)).group_by(day)
