"""Every route of the API: other accounts' resources do not exist (promise A8), and lists have their forms."""

import csv
import io
import re
from collections.abc import Iterator

import pytest
from lxml import etree

from callwright import clock, ids
from callwright.account import Account
from callwright.api import matrix
from callwright.api.catalogue import STORED, routes
from callwright.api.routes import OWN
from callwright.api.stored.declaration import Stored
from callwright.store.directory import Record
from callwright.store.tables import calls, conferences, notifications, recordings
from callwright.store.traces import changes, messages, participations, transcriptions

from .conftest import BASE, MINE, OTHER, Site

NAMED = re.compile(r"{(\w+)}")
NOBODYS = frozenset({"country_code", "iso_code", "date"})
"""Named segments that are no account's."""
ROUTES = sorted((path, method) for path, handlers in routes().walk() for method in handlers)
ROWS = {
    "call_sid": (calls, ids.CALL),
    "recording_sid": (recordings, ids.RECORDING),
    "conference_sid": (conferences, ids.CONFERENCE),
    "notification_sid": (notifications, ids.NOTIFICATION),
    "alert_sid": (notifications, ids.NOTIFICATION),
    "message_sid": (messages, ids.MESSAGE),
    "transcription_sid": (transcriptions, ids.TRANSCRIPTION),
    "event_sid": (changes, ids.AUDIT_EVENT),
    "participant_sid": (participations, ids.PARTICIPATION),
}
STATES = {"call_sid": "in-progress", "conference_sid": "in-progress"}


def url(path: str, account: str, names: dict[str, str]) -> str:
    """A path of the routes as it is requested."""
    filled = NAMED.sub(lambda match: names.get(match[1], "x"), path)
    if path.startswith("/"):
        return filled
    return f"/2010-04-01/{filled.replace(OWN, f'Accounts/{account}', 1)}.json"


async def one_of_each(site: Site, account: Account) -> dict[str, str]:
    """One resource of every kind that an account has: their SIDs, by the names of the routes' segments."""
    found = {"date": f"{clock.now():%Y-%m-%d}"}
    for name, (table, prefix) in ROWS.items():
        found[name] = ids.new(prefix)
        row: dict[str, object] = {"sid": found[name], "account_sid": account.sid, "date_created": clock.now()}
        if "status" in table.columns:
            row["status"] = STATES.get(name, "completed")
        if "level" in table.columns:
            row |= {"level": "error", "error_code": 11200, "text": "HTTP retrieval failure"}
        site.store.put(table, row)
    site.store.put(recordings, {"sid": found["recording_sid"], "call_sid": found["call_sid"]})
    queue = site.services.rooms.queues.open(site.store, account.sid, "theirs", 10)
    found["queue_sid"] = queue.sid
    made: dict[int, Record] = {}
    for stored in STORED:
        record = _made(stored, account, made)
        sid = record.sid if stored.addressed == "sid" else record[stored.addressed]
        found.setdefault(stored.segment, sid)
        await site.services.directory.change(record)
    await site.store.flushed()
    return found


def _made(stored: Stored, account: Account, made: dict[int, Record]) -> Record:
    if id(stored) not in made:
        fields = {field.key: field.default for field in stored.fields} | dict(stored.only)
        if stored.addressed != "sid":
            fields[stored.addressed] = ids.new("CL")
        parent = _made(stored.parent, account, made).sid if stored.parent else ""
        made[id(stored)] = Record.new(stored.prefix, stored.kind, account.sid, fields, parent_sid=parent)
    return made[id(stored)]


def owned() -> Iterator[tuple[str, str]]:
    """Routes that name a resource of an account."""
    for path, method in ROUTES:
        if set(NAMED.findall(path)) - NOBODYS:
            yield path, method


async def test_below_another_account_nothing_is(site: Site) -> None:
    found = await one_of_each(site, OTHER)
    for path, method in ROUTES:
        if path == "Accounts" or path.startswith("/"):
            continue
        status, body = await site.json(method, url(path, OTHER.sid, found))
        assert (status, body["code"]) == (404, 20404), f"{method} {path}"


async def test_another_accounts_resources_are_not_below_ones_own(site: Site) -> None:
    found = await one_of_each(site, OTHER)
    wrong = []
    for path, method in owned():
        response, body = await site.ask(method, url(path, MINE.sid, found))
        if response.status != 404 or b"20404" not in body:
            wrong.append(f"{method} {path}: {response.status} {body[:80]!r}")
    assert wrong == []


async def test_they_are_there_for_their_owner(site: Site) -> None:
    """The proof that the requests before asked for something that is."""
    found = await one_of_each(site, OTHER)
    seen = set()
    for path, method in owned():
        if method != "GET" or not path.endswith("}"):
            continue
        response, _ = await site.ask(method, url(path, OTHER.sid, found), account=OTHER)
        if response.status == 200:
            seen.add(path)
    assert len(seen) > 30, seen


async def test_every_form_that_can_be_asked_for_has_an_answer(site: Site) -> None:
    """Extensions that only media have included: what there is none of is 404, and nothing fails inside."""
    found = await one_of_each(site, MINE) | {"iso_code": "US"}
    wrong = []
    for path, method in ROUTES:
        if method != "GET" or path.startswith("/"):
            continue
        for extension in (".txt", ".wav", ".mp3", ".csv", ".xml", ""):
            place = url(path, MINE.sid, found).removesuffix(".json") + extension
            response, body = await site.ask("GET", place, account=MINE)
            if response.status not in (200, 400, 404):
                wrong.append(f"{place}: {response.status} {body[:80]!r}")
    assert wrong == []


V2010 = {"first_page_uri", "next_page_uri", "previous_page_uri", "uri", "page", "page_size", "start", "end"}
PRODUCT = {"page", "page_size", "first_page_url", "previous_page_url", "url", "next_page_url", "key"}
LISTS = [
    line.path
    for line in matrix.lines()
    if "list" in line.operations and not line.path.startswith("AvailablePhoneNumbers")
]
"""All but those that have no pages."""


@pytest.mark.parametrize("path", LISTS)
async def test_lists_have_their_forms(site: Site, path: str) -> None:
    """JSON with one key beside those of the page, absolute URLs in product APIs; XML and CSV of the 2010-04-01 API."""
    names = await one_of_each(site, MINE) | {"iso_code": "US"}
    product = path.startswith("/")
    whole = path if product or path == "Accounts" else f"{OWN}/{path}"
    place = url(whole, MINE.sid, names)
    status, page = await site.json("GET", f"{place}?PageSize=7")
    assert status == 200, page
    envelope = page.pop("meta") if product else {name: page.pop(name) for name in V2010}
    ((key, items),) = page.items()
    assert envelope["page_size"] == 7 and isinstance(items, list)
    if product:
        assert envelope.keys() == PRODUCT and envelope["key"] == key
        assert envelope["url"].startswith(f"http://voice.example{place}?PageSize=7")
        return
    assert envelope["uri"].startswith(f"{place}?PageSize=7")
    response, body = await site.ask("GET", f"{place.replace('.json', '.xml')}?PageSize=7")
    assert response.content_type == "application/xml"
    (listed,) = etree.fromstring(body)
    assert listed.get("page") == "0" and len(listed) == len(items)
    response, body = await site.ask("GET", f"{place.replace('.json', '.csv')}?PageSize=7")
    assert response.content_type == "text/csv"
    rows = list(csv.reader(io.StringIO(body.decode())))
    assert len(rows) == (len(items) + 1 if items else 0)


@pytest.mark.parametrize("path", LISTS)
async def test_pages_that_there_are_not(site: Site, path: str) -> None:
    """Bad sizes, numbers and tokens are refused alike."""
    names = await one_of_each(site, MINE) | {"iso_code": "US"}
    whole = path if path.startswith("/") or path == "Accounts" else f"{OWN}/{path}"
    for query in ("PageSize=x", "Page=-1"):
        status, error = await site.json("GET", f"{url(whole, MINE.sid, names)}?{query}")
        assert (status, error["code"]) == (400, 20422), query


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_without_an_account_nothing_is_told(site: Site, method: str) -> None:
    for path in (f"{BASE}/Calls/{ids.new(ids.CALL)}.json", "/v1/ByocTrunks", f"{BASE}/nothing.json"):
        status, error = await site.json(method, path, account=None)
        assert (status, error["code"]) == (401, 20003)
