from datetime import datetime, timedelta

import pytest

from callwright.api.forms import Form
from callwright.api.stored.declaration import Filter
from callwright.api.stored.pages import matches, passes
from callwright.errors import RestError
from callwright.store.directory import Record

from ..conftest import BASE, MINE, Site

BEGUN = datetime.fromisoformat("2026-01-31T10:00:00Z")


@pytest.mark.parametrize(
    ("pattern", "fits"),
    [
        ("+15550001000", True),
        ("+1555000101", False),
        ("555000", True),
        ("1000", True),
        ("555*00*0", True),
        ("510555****", False),
        ("KKK", True),
        ("kkkm", False),
        ("+1***000", True),
        (".", False),
    ],
)
def test_number_patterns(pattern: str, fits: bool) -> None:
    assert matches("+15550001000", pattern) is fits


@pytest.mark.parametrize(
    ("query", "passed"),
    [
        ("", True),
        ("Name=a", True),
        ("Name=b", False),
        ("Number=+1555", True),
        ("Number=%2B15550001000", True),
        ("Number=+15550001000", True),
        ("Beta=false", False),
        ("Beta=TRUE", True),
        ("DateCreated=2026-01-31", True),
        ("DateCreated=2026-01-30", False),
        ("DateCreated%3E=2026-01-31", True),
        ("DateCreated%3E=2026-02-01", False),
        ("DateCreated%3C=2026-01-30", False),
        ("DateUpdated%3C=2026-02-01", True),
        ("DateUpdated%3E=2026-02-02", False),
    ],
)
def test_filters(query: str, passed: bool) -> None:
    fields = {"name": "a", "number": "+15550001000", "beta": True}
    record = Record("X", "things", MINE.sid, fields, "", BEGUN, BEGUN + timedelta(days=1))
    filters = [
        Filter("Name"),
        Filter("Number", "pattern"),
        Filter("Beta", "flag"),
        Filter("DateCreated", "date"),
        Filter("DateUpdated", "date"),
    ]
    form = Form.read(query.encode())
    assert all(passes(record, form, each) for each in filters) is passed


def test_a_filter_reads_what_is_shown() -> None:
    """A record that has nothing in a field is shown with its default, and found by it."""
    record = Record("X", "things", MINE.sid, {})
    form = Form.read(b"Name=hosted")
    assert passes(record, form, Filter("Name"), "hosted")
    assert not passes(record, form, Filter("Name"))


@pytest.mark.parametrize("query", ["Beta=maybe", "DateCreated=yesterday"])
def test_a_filter_that_cannot_be_read(query: str) -> None:
    record = Record("X", "things", MINE.sid, {})
    with pytest.raises(RestError) as refused:
        for each in (Filter("Beta", "flag"), Filter("DateCreated", "date")):
            passes(record, Form.read(query.encode()), each)
    assert refused.value.code == 20422


async def test_pages_go_forth_and_back(site: Site) -> None:
    """A page begins where the one before ended, whatever has been added since; its links keep the filters."""
    sids = []
    for name in "abababab":
        made = Record.new("AP", "applications", MINE.sid, {"friendly_name": name})
        await site.services.directory.change(made)
        sids.insert(0, made.sid)
    wanted = sids[::2]  # the newest is a "b"
    path, seen = f"{BASE}/Applications.json?FriendlyName=b&PageSize=3", []
    _, page = await site.json("GET", path)
    seen += [one["sid"] for one in page["applications"]]
    assert (page["start"], page["end"], page["page"], page["previous_page_uri"]) == (0, 2, 0, None)
    added = Record.new("AP", "applications", MINE.sid, {"friendly_name": "b"})
    await site.services.directory.change(added)
    _, following = await site.json("GET", page["next_page_uri"])
    seen += [one["sid"] for one in following["applications"]]
    assert seen == wanted
    assert (following["start"], following["end"], following["page"], following["next_page_uri"]) == (3, 3, 1, None)
    assert "FriendlyName=b" in following["previous_page_uri"]
    _, back = await site.json("GET", following["previous_page_uri"])
    assert [one["sid"] for one in back["applications"]] == wanted[:3]
    _, empty = await site.json("GET", f"{BASE}/Applications.json?FriendlyName=c")
    assert (empty["applications"], empty["start"], empty["end"], empty["next_page_uri"]) == ([], 0, 0, None)
    status, error = await site.json("GET", f"{BASE}/Applications.json?PageToken=x")
    assert (status, error["code"]) == (400, 21481)
