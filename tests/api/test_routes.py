import pytest

from callwright.api.request import Answer, Gone
from callwright.api.routes import Routes


async def one() -> Answer:
    return Gone()


async def two() -> Answer:
    return Gone()


def test_literal_segments_go_first() -> None:
    routes = Routes()
    routes.add("GET", "Queues/{sid}", one)
    routes.add("GET", "Queues/Front", two)
    routes.add("POST", "Queues/{sid}/Members", two)
    assert routes.find(["Queues", "Front"]) == ({"GET": two}, {})
    assert routes.find(["Queues", "QU1"]) == ({"GET": one}, {"sid": "QU1"})
    assert routes.find(["Queues", "QU1", "Members"]) == ({"POST": two}, {"sid": "QU1"})


@pytest.mark.parametrize("path", [[], ["Queues"], ["Queues", ""], ["Queues", "QU1", "x"], ["Other"]])
def test_no_such_path(path: list[str]) -> None:
    routes = Routes()
    routes.add("GET", "Queues/{sid}", one)
    assert routes.find(path)[0] == {}


def test_refuses_two_meanings() -> None:
    routes = Routes()
    routes.add("GET", "Queues/{sid}", one)
    with pytest.raises(ValueError, match="has a handler"):
        routes.add("GET", "Queues/{sid}", two)
    with pytest.raises(ValueError, match="is called sid elsewhere"):
        routes.add("GET", "Queues/{name}", two)
