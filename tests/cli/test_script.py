"""Scripts of simulated callers."""

import pytest

from callwright.cli.script import Act, keyed, read


def test_a_script() -> None:
    text = "# one\n\ndigits 12#\ndigits\nrecord 7 #\nrecord 3 hangup\nrecord 0\ndial completed 30\ndial busy\nhangup"
    acts = read(text.splitlines())
    assert [act.text for act in acts] == [line for line in text.splitlines() if line and not line.startswith("# ")]
    assert acts[0] == Act("digits", ("12#",))


@pytest.mark.parametrize(
    "line",
    ["jump", "digits 1 2", "digits 1x", "record", "record long", "record 1 # #", "dial", "dial maybe", "dial busy x",
     "dial completed 1 2", "hangup now"],
)  # fmt: skip
def test_what_is_no_act_has_its_line(line: str) -> None:
    with pytest.raises(ValueError, match="line 2: "):
        read(["hangup", line])


def test_keys_with_commas() -> None:
    assert keyed("1, 22#,,5") == [Act("digits", ("1",)), Act("digits", ("22#",)), Act("digits"), Act("digits", ("5",))]
    assert keyed("") == []
    with pytest.raises(ValueError, match="keys are"):
        keyed("1,x")
