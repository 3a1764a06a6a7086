import pytest

from callwright.api.catalogue import STORED, routes
from callwright.api.routes import OWN
from callwright.api.stored.declaration import Stored
from callwright.api.stored.presentation import route

from .conftest import BASE, MINE, Site

TO_COME = {"transcriptions"}


@pytest.mark.parametrize("stored", STORED, ids=lambda stored: stored.path)
def test_declarations_are_sound(stored: Stored) -> None:
    """Filters and addresses name fields, parts stand below what they belong to, what answers name answers."""
    keys = {field.key for field in stored.fields}
    assert len(keys) == len(stored.fields), "two fields of a name"
    assert stored.addressed in keys | {"sid"}
    for each in stored.filters:
        assert each.field in keys | {"date_created", "date_updated"}, each.name
    assert ("{" in stored.path) is (stored.parent is not None)
    if stored.parent is not None:
        assert stored.path.startswith(f"{stored.parent.path}/{{{stored.parent.segment}}}/")
    assert stored.maturity in ("stable", "partly", "not")
    answering = {path for path, _ in routes().walk()}
    for part in stored.subresources.values():
        assert f"{route(stored)}/{{{stored.segment}}}/{part}" in answering, part


async def test_what_an_account_names_answers(site: Site) -> None:
    _, account = await site.json("GET", f"{BASE}.json")
    below = {path for path, _ in routes().walk() if path.startswith(f"{OWN}/")}
    for name, uri in account["subresource_uris"].items():
        path = uri.removesuffix(".json").replace(MINE.sid, "-").removeprefix("/2010-04-01/")
        assert name in TO_COME or any(one == path or one.startswith(f"{path}/") for one in below), name


@pytest.mark.parametrize("stored", [one for one in STORED if one.parent is None], ids=lambda stored: stored.path)
async def test_every_list_answers(site: Site, stored: Stored) -> None:
    """A page in the envelope of its dialect, XML and CSV where there are any; its size is bounded."""
    if stored.product:
        status, page = await site.json("GET", f"{stored.path}?PageSize=5000")
        assert (status, page["meta"]["page_size"], page["meta"]["key"]) == (200, 1000, stored.list_key)
        assert page[stored.list_key] == []
        return
    status, page = await site.json("GET", f"{BASE}/{stored.path}.json?PageSize=5000")
    assert (status, page["page_size"]) == (200, 1000) and isinstance(page[stored.list_key], list)
    for extension, kind in (("", "application/xml"), (".csv", "text/csv")):
        response, _ = await site.ask("GET", f"{BASE}/{stored.path}{extension}")
        assert (response.status, response.content_type) == (200, kind)
