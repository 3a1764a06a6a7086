"""Parties as applications see them."""

import pytest

from callwright.calls.spelling import spelled


@pytest.mark.parametrize(
    ("uri", "seen"),
    [
        ("sip:+15557654321@carrier.example;user=phone", "+15557654321"),
        ("tel:+1-555-765-4321", "+15557654321"),
        ("sip:alice@pbx.example:5080", "sip:alice@pbx.example:5080"),
        ("sip:anonymous@anonymous.invalid", "+266696687"),
    ],
)
def test_parties(uri: str, seen: str) -> None:
    assert spelled(uri) == seen
