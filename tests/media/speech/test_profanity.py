"""Masking."""

import pytest

from callwright.media.speech.profanity import masked


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("where is the fucking agent", "where is the f****** agent"),
        ("Shit happens", "S*** happens"),
        ("i live in scunthorpe on dickens road", "i live in scunthorpe on dickens road"),
        ("pass the assessment", "pass the assessment"),
        ("", ""),
    ],
)
def test_masked(said: str, shown: str) -> None:
    assert masked(said) == shown
