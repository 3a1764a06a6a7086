from types import SimpleNamespace
from typing import Any

import pytest

from callwright.api.forms import Form
from callwright.api.live_paging import live_page
from callwright.errors import RestError

PATH = "/2010-04-01/Accounts/AC1/Queues/QU1/Members"


def page(query: dict[str, str], count: int = 5) -> Any:
    request: Any = SimpleNamespace(query=Form(query.items()), suffix=".json")
    names = ("Members", "members", "Member")
    return live_page(request, PATH, names, list(range(count)), lambda one: {"n": one}, ("Muted",))


def test_the_whole_list() -> None:
    whole = page({})
    assert [one["n"] for one in whole.items] == [0, 1, 2, 3, 4]
    assert whole.meta == {
        "page": 0,
        "page_size": 50,
        "start": 0,
        "end": 4,
        "first_page_uri": f"{PATH}.json?PageSize=50&Page=0",
        "next_page_uri": None,
        "previous_page_uri": None,
        "uri": f"{PATH}.json?PageSize=50&Page=0",
    }


def test_pages_keep_their_filters() -> None:
    second = page({"PageSize": "2", "Page": "1", "Muted": "true", "Other": "x"})
    assert [one["n"] for one in second.items] == [2, 3]
    assert (second.meta["start"], second.meta["end"]) == (2, 3)
    assert second.meta["next_page_uri"] == f"{PATH}.json?Muted=true&PageSize=2&Page=2"
    assert second.meta["previous_page_uri"] == f"{PATH}.json?Muted=true&PageSize=2&Page=0"
    last = page({"PageSize": "2", "Page": "2"})
    assert ([one["n"] for one in last.items], last.meta["next_page_uri"]) == ([4], None)


def test_beyond_the_end_and_none_at_all() -> None:
    for empty in (page({"Page": "9"}), page({}, 0)):
        assert (empty.items, empty.meta["start"], empty.meta["end"]) == ([], 0, 0)
        assert empty.meta["next_page_uri"] is None and empty.meta["previous_page_uri"] is None


@pytest.mark.parametrize("query", [{"Page": "x"}, {"PageSize": "0"}, {"PageSize": "-1"}])
def test_refused(query: dict[str, str]) -> None:
    with pytest.raises(RestError) as refused:
        page(query)
    assert refused.value.code == 20422
