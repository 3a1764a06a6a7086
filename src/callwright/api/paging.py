"""Pages of a list, newest first: each begins where the one before ended, whatever has been added since.

A page token names the row beside which the page lies: `PA` the rows after it, `PB` the rows before it.
"""

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import urlencode

from sqlalchemy import ColumnElement, Select, Table, func, literal, select, tuple_

from callwright.api.errors import BAD_PAGE_TOKEN, INVALID_PARAMETER, invalid
from callwright.api.forms import Form
from callwright.api.request import ApiRequest, Page
from callwright.errors import RestError
from callwright.store.sqlite import Row
from callwright.store.tables import Moment

DEFAULT_SIZE = 50
MAX_SIZE = 1000
MAX_PAGE = 1_000_000
FEW = 100

T = TypeVar("T")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LATER = datetime(9999, 1, 1, tzinfo=UTC)  # than every moment that there is
_MICROSECOND = timedelta(microseconds=1)
_TOKEN = re.compile(r"P([AB])([A-Z]{2}[0-9a-f]{32})([0-9a-f]{1,16})\Z")
_DAY = re.compile(r"\d{4}-\d\d-\d\d\Z")


@dataclass(frozen=True, slots=True)
class Place:
    """A row in the order of a list, and on which side of it the page lies."""

    sid: str
    at: datetime
    after: bool

    def token(self) -> str:
        """The page token."""
        return f"P{'A' if self.after else 'B'}{self.sid}{(self.at - _EPOCH) // _MICROSECOND:x}"

    @classmethod
    def read(cls, token: str) -> "Place":
        """The place that a token names.

        Raises:
            RestError: 21481.
        """
        match = _TOKEN.match(token)
        try:
            if match:
                return cls(match[2], _EPOCH + int(match[3], 16) * _MICROSECOND, match[1] == "A")
        except OverflowError:
            pass
        raise RestError("PageToken is not valid", code=BAD_PAGE_TOKEN)


@dataclass(frozen=True, slots=True)
class _Cut:
    """What was read for a page: its rows, its size and number, whether more follow, and what they are sorted by."""

    rows: list[Row]
    size: int
    number: int
    more: bool
    by: str


@dataclass(frozen=True, slots=True)
class Listing:
    """A kind of list.

    Attributes:
        table: its rows; they have `sid` and `date_created`.
        collection, key, name: see `Page`.
        filters: names of the parameters that the pages' URIs keep.
    """

    table: Table
    collection: str
    key: str
    name: str
    filters: Sequence[str] = ()

    async def page(
        self,
        request: ApiRequest,
        path: str,
        conditions: Sequence[ColumnElement[bool]],
        present: Callable[[Row], dict[str, Any]],
        by: str = "date_created",
    ) -> Page:
        """The page that a request asks for.

        Args:
            path: of the list, without an extension.
            by: the moment that rows are sorted by; those that have none yet come first.

        Raises:
            RestError: a PageSize, Page or PageToken that cannot be read.
        """
        size, number, place = asked(request.query)
        query = self._query(conditions, size, number, place, by)
        rows = await request.services.store.fetch(query)
        more = len(rows) > size
        rows = rows[:size]
        backwards = place is not None and not place.after
        if backwards:
            rows.reverse()
        items = await aside(lambda: [present(row) for row in rows], len(rows))
        meta = self._meta(request, path, _Cut(rows, size, number, more or backwards, by))
        return Page(self.collection, self.key, self.name, items, meta)

    def _meta(self, request: ApiRequest, path: str, cut: "_Cut") -> dict[str, Any]:
        kept = [(name, value) for name, value in request.query.items() if name in self.filters]
        rows, size, number = cut.rows, cut.size, cut.number

        def uri(page: int, at: str = "") -> str:
            token = [("PageToken", at)] if at else []
            return f"{path}{request.suffix}?" + urlencode([*kept, ("PageSize", size), ("Page", page), *token])

        return {
            "end": number * size + len(rows) - 1 if rows else 0,
            "first_page_uri": uri(0),
            "next_page_uri": uri(number + 1, _place(rows[-1], cut.by, after=True)) if rows and cut.more else None,
            "page": number,
            "page_size": size,
            "previous_page_uri": uri(number - 1, _place(rows[0], cut.by, after=False)) if rows and number else None,
            "start": number * size if rows else 0,
            "uri": uri(number, request.query.text("PageToken")),
        }

    def _query(
        self, conditions: Sequence[ColumnElement[bool]], size: int, number: int, place: Place | None, by: str
    ) -> Select[Any]:
        at: ColumnElement[Any] = self.table.c[by]
        sid = self.table.c.sid
        if by != "date_created":
            at = func.coalesce(at, literal(_LATER, Moment()), type_=Moment())
        query = select(self.table).where(*conditions).limit(size + 1)
        if place is None:
            return query.order_by(at.desc(), sid.desc()).offset(number * size)
        row = tuple_(literal(place.at, Moment()), literal(place.sid))
        if place.after:
            return query.where(tuple_(at, sid) < row).order_by(at.desc(), sid.desc())
        return query.where(tuple_(at, sid) > row).order_by(at, sid)


async def aside(work: Callable[[], T], rows: int) -> T:
    """Does work on this many rows: here when they are few, else beside the loop, which goes on meanwhile."""
    return work() if rows <= FEW else await asyncio.to_thread(work)


def asked(query: Form) -> tuple[int, int, Place | None]:
    """The size, the number and the place of the page that a request asks for.

    Raises:
        RestError: PageSize, Page or PageToken cannot be read.
    """
    size = query.integer("PageSize", 1, 999_999_999, code=INVALID_PARAMETER) or DEFAULT_SIZE
    number = query.integer("Page", 0, MAX_PAGE, code=INVALID_PARAMETER) or 0
    token = query.text("PageToken")
    return min(size, MAX_SIZE), number, Place.read(token) if token else None


def _place(row: Row, by: str, *, after: bool) -> str:
    return Place(row["sid"], row[by] or _LATER, after).token()


def span(text: str, name: str) -> tuple[datetime, datetime]:
    """The first moment of a date or time and the first after it: a day of UTC, or a second.

    Raises:
        RestError: it cannot be read.
    """
    try:
        moment = datetime.fromisoformat(text.strip())
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        moment = moment.replace(microsecond=0)
        return moment, moment + (timedelta(days=1) if _DAY.match(text.strip()) else timedelta(seconds=1))
    except (ValueError, OverflowError):
        raise invalid(name, text[:64]) from None


def between(query: Form, name: str) -> tuple[datetime | None, datetime | None]:
    """The bounds that a date filter sets: from (inclusive) and to (exclusive), None for none.

    The sign is part of the parameter's name: `StartTime=`, `StartTime<=`, `StartTime>=` (call-control reference §3.1).

    Raises:
        RestError: a date that cannot be read.
    """
    low: datetime | None = None
    high: datetime | None = None
    for sign in ("", ">", "<"):
        text = query.text(name + sign)
        if not text:
            continue
        first, beyond = span(text, name)
        if sign != "<":
            low = first if low is None else max(low, first)
        if sign != ">":
            high = beyond if high is None else min(high, beyond)
    return low, high


def within(query: Form, column: ColumnElement[datetime]) -> list[ColumnElement[bool]]:
    """The conditions that StartDate and EndDate, both inclusive, set on a column. Raises like `span`."""
    conditions: list[ColumnElement[bool]] = []
    if start := query.text("StartDate"):
        conditions.append(column >= span(start, "StartDate")[0])
    if end := query.text("EndDate"):
        conditions.append(column < span(end, "EndDate")[1])
    return conditions


def dated(query: Form, name: str, column: ColumnElement[datetime]) -> list[ColumnElement[bool]]:
    """The conditions that a date filter sets on a column. Raises like `between`."""
    low, high = between(query, name)
    conditions: list[ColumnElement[bool]] = []
    if low is not None:
        conditions.append(column >= low)
    if high is not None:
        conditions.append(column < high)
    return conditions
