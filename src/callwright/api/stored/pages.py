"""Lists of records: filtered, newest first, page by page, in either envelope (call-control reference §3.1)."""

import re
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlencode

from callwright.api.errors import invalid
from callwright.api.forms import Form
from callwright.api.paging import Place, aside, asked, between
from callwright.api.request import ApiRequest, Page
from callwright.api.stored.declaration import Filter, Stored
from callwright.api.stored.presentation import place, present
from callwright.store.directory import Record


def passes(record: Record, query: Form, asked_for: Filter, default: Any = None) -> bool:
    """Whether a record is what a filter asks for.

    Args:
        default: what the field is shown as by a record that has none.

    Raises:
        RestError: the filter's value cannot be read.
    """
    if asked_for.how == "date":
        low, high = between(query, asked_for.name)
        moment = record.date_updated if asked_for.field == "date_updated" else record.date_created
        return (low is None or moment >= low) and (high is None or moment < high)
    wanted = plus(query.text(asked_for.name))
    if not wanted:
        return True
    value = record.fields.get(asked_for.field, default)
    if asked_for.how == "flag":
        if wanted.lower() not in ("true", "false"):
            raise invalid(asked_for.name, wanted)
        return bool(value) is (wanted.lower() == "true")
    if asked_for.how == "pattern":
        return matches(str(value or ""), wanted)
    return str(value) == wanted


def plus(text: str) -> str:
    """A number whose plus sign was not escaped has arrived with a space."""
    return "+" + text[1:] if text.startswith(" ") and text[1:2].isdigit() else text


def matches(number: str, pattern: str) -> bool:
    """Whether a pattern stands anywhere in a number: `*` is any one character, letters are the keys that bear them."""
    keys = pattern.upper().translate(KEYPAD)
    return re.search("".join("." if c == "*" else re.escape(c) for c in keys), number) is not None


KEYPAD = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "22233344455566677778889999")


async def page(
    stored: Stored,
    request: ApiRequest,
    records: Iterable[Record],
    parent_sid: str,
    show: Callable[[Stored, ApiRequest, Record], dict[str, Any]] = present,
) -> Page:
    """The page that a request asks for.

    Raises:
        RestError: a filter, PageSize, Page or PageToken that cannot be read.
    """
    every = tuple(records)
    found = await aside(lambda: _fitting(stored, request.query, every), len(every))
    size, number, at = asked(request.query)
    begin = _begin(found, size, number, at)
    rows = found[begin : begin + size]
    items = await aside(lambda: [show(stored, request, row) for row in rows], len(rows))
    kept = [(name, value) for each in stored.filters for name in each.names if (value := request.query.text(name))]
    path = place(stored, request, parent_sid) + request.suffix
    uri = _Uri(request.services.public_url + path if stored.product else path, kept, size)
    following = uri(number + 1, _token(rows[-1], after=True)) if rows and begin + size < len(found) else None
    before = uri(number - 1, _token(rows[0], after=False)) if rows and number else None
    own = uri(number, request.query.text("PageToken"))
    meta: dict[str, Any]
    if stored.product:
        urls = {"first_page_url": uri(0), "previous_page_url": before, "url": own, "next_page_url": following}
        meta = {"meta": {"page": number, "page_size": size, **urls, "key": stored.list_key}}
    else:
        start = number * size if rows else 0
        uris = {"first_page_uri": uri(0), "next_page_uri": following, "previous_page_uri": before, "uri": own}
        end = number * size + len(rows) - 1 if rows else 0
        meta = {"end": end, "page": number, "page_size": size, "start": start, **uris}
    return Page(stored.collection, stored.list_key, stored.name, items, meta)


class _Uri:
    """URIs of a list's pages."""

    def __init__(self, path: str, kept: list[tuple[str, str]], size: int) -> None:
        self._path, self._kept, self._size = path, kept, size

    def __call__(self, page: int, token: str = "") -> str:
        last = [("PageToken", token)] if token else []
        return f"{self._path}?" + urlencode([*self._kept, ("PageSize", self._size), ("Page", page), *last])


def _fitting(stored: Stored, query: Form, records: tuple[Record, ...]) -> list[Record]:
    """What the filters leave, newest first."""
    defaults = {field.key: field.default for field in stored.fields}
    filters = [(each, defaults.get(each.field)) for each in stored.filters]
    found = [one for one in records if all(passes(one, query, each, default) for each, default in filters)]
    found.sort(key=_order, reverse=True)
    return found


def _order(record: Record) -> tuple[Any, str]:
    return record.date_created, record.sid


def _token(record: Record, *, after: bool) -> str:
    return Place(record.sid, record.date_created, after).token()


def _begin(found: list[Record], size: int, number: int, at: Place | None) -> int:
    """Where a page begins in a list that is in order, newest first."""
    if at is None:
        return number * size
    if at.after:
        return next((n for n, one in enumerate(found) if _order(one) < (at.at, at.sid)), len(found))
    return max(0, next((n for n, one in enumerate(found) if _order(one) <= (at.at, at.sid)), len(found)) - size)
