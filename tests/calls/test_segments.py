"""In how many pieces a text goes over the air."""

import pytest

from callwright.calls.segments import segments


@pytest.mark.parametrize(
    ("body", "count"), [("", 1), ("x" * 160, 1), ("x" * 161, 2), ("ж" * 70, 1), ("ж" * 71, 2), ("x" * 307, 3)]
)
def test_segments(body: str, count: int) -> None:
    assert segments(body) == count
