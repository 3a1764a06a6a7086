from typing import Any

import pytest

from callwright.config import DEMO_ACCOUNT, validate
from callwright.errors import ConfigError
from callwright.sections import NumberRange


def test_ranges() -> None:
    one = NumberRange(first="+15550001098", last="+15550001101")
    assert list(one.numbers()) == ["+15550001098", "+15550001099", "+15550001100", "+15550001101"]
    assert "+15550001100" in one
    assert not any(number in one for number in ("+15550001102", "+1555000110", "+155500011000", "15550001100"))


@pytest.mark.parametrize(
    ("section", "fault"),
    [
        ({"numbers": {"ranges": [{"first": "1", "last": "2"}]}}, "numbers.ranges.0: first and last must be numbers"),
        (
            {"numbers": {"ranges": [{"first": "+15550001000", "last": "+1555000200"}]}},
            "numbers.ranges.0: first and last must be numbers of the same length",
        ),
        (
            {"numbers": {"ranges": [{"first": "+15550001000", "last": "+15550000999"}]}},
            "numbers.ranges.0: last must be at least first",
        ),
        (
            {"numbers": {"ranges": [{"first": "+15550000000", "last": "+15550100000"}]}},
            "numbers.ranges.0: last must be at least first, and less than 100000 above it",
        ),
        (
            {"numbers": {"ranges": [{"first": "+15550000000", "last": "+15550000001", "account": "AC" + "9" * 32}]}},
            "numbers.ranges.0.account: no [[account]] has the sid AC9",
        ),
        ({"turn": {"urls": ["turn:a"]}}, "turn.secret: urls and secret go together"),
        ({"turn": {"secret": "x"}}, "turn.secret: urls and secret go together"),
    ],
)
def test_faults(section: dict[str, Any], fault: str) -> None:
    with pytest.raises(ConfigError) as caught:
        validate({"account": [{"sid": DEMO_ACCOUNT}], **section})
    assert any(line.startswith(fault) for line in caught.value.faults), caught.value.faults
