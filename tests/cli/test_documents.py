"""The commands about documents are there; what they do is proved in `test_inspection`."""

import sys

from tests.cli.test_app import invoke


def test_each_explains_itself() -> None:
    for command, words in (("verbs", "--markdown"), ("lint", "--strict"), ("simulate", "--digits")):
        code, out, _ = invoke(command, "--help")
        assert code == 0 and words in out


def test_they_load_nothing_before_they_are_used() -> None:
    """Starting the daemon must not pay for them."""
    source = sys.modules["callwright.cli.documents"]
    assert not {name for name in vars(source) if name in ("elements", "Session", "SimulatedCall", "Documents")}
