"""Event and Accept header fields."""

import pytest

from callwright.sip.events.package import accepts, event_of


@pytest.mark.parametrize(
    ("values", "found"),
    [
        (["presence"], ("presence", "")),
        (["dialog;id=a1"], ("dialog", "a1")),
        (["dialog ; sla ; ID=a1"], ("dialog", "a1")),
        (["presence.winfo"], ("presence.winfo", "")),
        ([], ("", "")),
        (["presence", "dialog"], ("", "")),
        (["<x>"], ("", "")),
        (["presence;id=<x>"], ("", "")),
        (["x" * 65], ("", "")),
    ],
)
def test_event(values: list[str], found: tuple[str, str]) -> None:
    assert event_of(values) == found


@pytest.mark.parametrize(
    ("values", "good"),
    [
        ([], True),
        (["application/pidf+xml"], True),
        (["application/xpidf+xml, Application/PIDF+xml;q=0.5"], True),
        (["text/plain", "application/*"], True),
        (["*/*"], True),
        (["text/plain"], False),
    ],
)
def test_accept(values: list[str], good: bool) -> None:
    assert accepts(values, "application/pidf+xml") is good
