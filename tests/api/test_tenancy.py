"""Another account's resources do not exist, whatever the route (promise A8)."""

import re
from collections.abc import Iterator

import pytest

from callwright import clock, ids
from callwright.api.catalogue import STORED, routes
from callwright.api.routes import OWN
from callwright.api.stored.declaration import Stored
from callwright.store.directory import Record
from callwright.store.tables import calls, conferences, notifications, recordings
from callwright.store.traces import changes, messages, participations, transcriptions

from .conftest import BASE, MINE, OTHER, Site

NAMED = re.compile(r"{(\w+)}")
NOBODYS = frozenset({"country_code", "iso_code"})
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
    "participant_sid": (participations, "CP"),
}
STATES = {"call_sid": "in-progress", "conference_sid": "in-progress"}


def url(path: str, account: str, names: dict[str, str]) -> str:
    """A path of the routes as it is requested."""
    filled = NAMED.sub(lambda match: names.get(match[1], "x"), path)
    if path.startswith("/"):
        return filled
    return f"/2010-04-01/{filled.replace(OWN, f'Accounts/{account}', 1)}.json"


async def theirs(site: Site) -> dict[str, str]:
    """One resource of every kind that the other account has: their SIDs, by the names of the routes' segments."""
    found: dict[str, str] = {}
    for name, (table, prefix) in ROWS.items():
        found[name] = ids.new(prefix)
        row = {"sid": found[name], "account_sid": OTHER.sid, "date_created": clock.now()}
        if "status" in table.columns:
            row["status"] = STATES.get(name, "completed")
        site.store.put(table, row)
    site.store.put(recordings, {"sid": found["recording_sid"], "call_sid": found["call_sid"]})
    queue = site.services.rooms.queues.open(site.store, OTHER.sid, "theirs", 10)
    found["queue_sid"] = queue.sid
    made: dict[int, Record] = {}
    for stored in STORED:
        record = _made(stored, made)
        sid = record.sid if stored.addressed == "sid" else record[stored.addressed]
        found.setdefault(stored.segment, sid)
        await site.services.directory.change(record)
    await site.store.flushed()
    return found


def _made(stored: Stored, made: dict[int, Record]) -> Record:
    if id(stored) not in made:
        fields = {field.key: field.default for field in stored.fields} | dict(stored.only)
        if stored.addressed != "sid":
            fields[stored.addressed] = ids.new("CL")
        parent = _made(stored.parent, made).sid if stored.parent else ""
        made[id(stored)] = Record.new(stored.prefix, stored.kind, OTHER.sid, fields, parent_sid=parent)
    return made[id(stored)]


def owned() -> Iterator[tuple[str, str]]:
    """Routes that name a resource of an account."""
    for path, method in ROUTES:
        if set(NAMED.findall(path)) - NOBODYS:
            yield path, method


async def test_below_another_account_nothing_is(site: Site) -> None:
    found = await theirs(site)
    for path, method in ROUTES:
        if path == "Accounts" or path.startswith("/"):
            continue
        status, body = await site.json(method, url(path, OTHER.sid, found))
        assert (status, body["code"]) == (404, 20404), f"{method} {path}"


async def test_another_accounts_resources_are_not_below_ones_own(site: Site) -> None:
    found = await theirs(site)
    wrong = []
    for path, method in owned():
        response, body = await site.ask(method, url(path, MINE.sid, found))
        if response.status != 404 or b"20404" not in body:
            wrong.append(f"{method} {path}: {response.status} {body[:80]!r}")
    assert wrong == []


async def test_they_are_there_for_their_owner(site: Site) -> None:
    """The proof that the requests before asked for something that is."""
    found = await theirs(site)
    seen = set()
    for path, method in owned():
        if method != "GET" or not path.endswith("}"):
            continue
        response, _ = await site.ask(method, url(path, OTHER.sid, found), account=OTHER)
        if response.status == 200:
            seen.add(path)
    assert len(seen) > 30, seen


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_without_an_account_nothing_is_told(site: Site, method: str) -> None:
    for path in (f"{BASE}/Calls/{ids.new(ids.CALL)}.json", "/v1/ByocTrunks", f"{BASE}/nothing.json"):
        status, error = await site.json(method, path, account=None)
        assert (status, error["code"]) == (401, 20003)
