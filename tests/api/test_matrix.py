from pathlib import Path

from callwright.api import matrix
from callwright.api.catalogue import STORED, routes

README = Path(__file__).parents[2] / "README.md"


def test_the_readme_tells_what_works() -> None:
    """Write it anew: README.write_text(matrix.placed(README.read_text()))."""
    text = README.read_text()
    assert text.count(matrix.BEGIN) == text.count(matrix.END) == 1
    assert matrix.markdown() in text, matrix.markdown()


def test_every_resource_is_told_and_nothing_else() -> None:
    told = {line.path: line for line in matrix.lines()}
    assert set(matrix.HANDLED) <= set(told), "of these there is no route"
    assert {stored.path for stored in STORED} <= set(told)
    assert told["Calls"].operations == set(matrix.OPERATIONS)
    assert told["Accounts"].operations == {"list", "create", "fetch", "update"}
    assert told["Balance"].operations == {"fetch"}
    assert told["/v1/ByocTrunks"].operations == set(matrix.OPERATIONS)
    assert told["/v1/Trunks/{trunk_sid}/Recording"].operations == {"fetch", "update"}
    assert told["/v2/Trunks"].operations == {"fetch", "update"}
    counted = sum(len(handlers) for _, handlers in routes().walk())
    assert sum(len(line.operations) for line in told.values()) == counted, "two methods are one operation"
