"""Routes by prefix."""

from callwright.config import DEMO_ACCOUNT
from callwright.sections import RouteSection
from callwright.sip.routes import Route, Routes, Way, declared

OTHER = "AC" + "9" * 32


def route(prefix: str, account: str = "", *trunks: str) -> Route:
    return Route(prefix, account, tuple(Way(name, 10, 10) for name in trunks))


def test_as_the_file_declares_it() -> None:
    section = RouteSection.model_validate(
        {"prefix": "+44", "trunks": ["a", {"trunk": "b", "priority": 3, "weight": 4}]}
    )
    assert declared(section) == Route("+44", "", (Way("a", 10, 10), Way("b", 3, 4)))
    both = RouteSection.model_validate({"prefix": "", "trunks": ["a", "b"]})
    assert [way.priority for way in declared(both).ways] == [10, 11], "bare names keep their order"


def test_longest_first() -> None:
    routes = Routes([route(""), route("+44"), route("+442"), route("+1")])
    assert [one.prefix for one in routes.of("+44207", [DEMO_ACCOUNT])] == ["+442", "+44", ""]
    assert [one.prefix for one in routes.of("+4", [DEMO_ACCOUNT])] == [""]
    assert [one.prefix for one in routes.of("", [DEMO_ACCOUNT])] == [""]


def test_whose_calls() -> None:
    routes = Routes([route("+4"), route("+4", OTHER), route("+4", DEMO_ACCOUNT)])
    assert [one.account_sid for one in routes.of("+44", [DEMO_ACCOUNT])] == [DEMO_ACCOUNT, ""]
    assert [one.account_sid for one in routes.of("+44", [])] == [""]


def test_none() -> None:
    assert Routes().of("+44", [DEMO_ACCOUNT]) == []
