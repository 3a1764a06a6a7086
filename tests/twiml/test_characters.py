"""Control characters."""

import pytest

from callwright.twiml.characters import has_controls, without_controls


@pytest.mark.parametrize(
    "text", ["", "plain", "caf\xe9", "a\xa0b", "\u3000", "\u0645\u06cc\u200c\u062e\u0648", "\U0001f600", "\ue000"]
)
def test_text_is_left_alone(text: str) -> None:
    assert not has_controls(text)
    assert without_controls(text) == text


@pytest.mark.parametrize("control", ["\x00", "\t", "\r", "\n", "\x1b", "\x7f", "\x85", "\u2028", "\u2029", "\ud800"])
def test_controls_become_blanks(control: str) -> None:
    assert has_controls(f"a{control}b")
    assert without_controls(f"a{control}b") == "a b"
