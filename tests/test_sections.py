from typing import Any

import pytest

from callwright.config import DEMO_ACCOUNT, validate
from callwright.errors import ConfigError
from callwright.sections import ListenSection, MediaSection, NumberRange


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


class TestListen:
    """Where calls of an entry have their media, and what is told of it."""

    @pytest.mark.parametrize(
        ("entry", "media", "found"),
        [
            ({}, {}, ("", "")),
            ({"media": "192.0.2.1"}, {}, ("192.0.2.1", "")),
            ({"media": "192.0.2.1", "advertise": "203.0.113.1"}, {}, ("192.0.2.1", "203.0.113.1")),
            (
                {"media": "192.0.2.1", "advertise": "203.0.113.1", "media_advertise": "203.0.113.2"},
                {},
                ("192.0.2.1", "203.0.113.2"),
            ),
            # that of [media] is the one that its own `advertise` stands for
            ({"advertise": "203.0.113.1"}, {"address": "192.0.2.1"}, ("", "")),
            ({"advertise": "203.0.113.1"}, {"address": "0.0.0.0"}, ("", "203.0.113.1")),
            ({"advertise": "203.0.113.1"}, {"address": "192.0.2.1", "address6": "::"}, ("", "")),
        ],
    )
    def test_media(self, entry: dict[str, str], media: dict[str, str], found: tuple[str, str]) -> None:
        assert ListenSection(address="udp:192.0.2.1:5060", **entry).media_of(MediaSection(**media)) == found

    def test_media_of_the_other_family(self) -> None:
        entry = ListenSection(address="udp:[2001:db8::1]:5060", advertise="2001:db8::2")
        assert entry.media_of(MediaSection(address="192.0.2.1", address6="::")) == ("", "2001:db8::2")
        assert entry.media_of(MediaSection(address="::")) == ("", "2001:db8::2")
        assert entry.media_of(MediaSection(address="192.0.2.1", address6="2001:db8::1")) == ("", "")

    def test_addresses(self) -> None:
        entries = [ListenSection(address="udp:192.0.2.1:5060"), ListenSection(address="udp:[::1]:1", media="0::1")]
        assert list(MediaSection(address="192.0.2.1").addresses(entries)) == [
            ("media.address", "192.0.2.1"),
            ("sip.listen.1.media", "::1"),
        ]
        assert ("media.address6", "::") in MediaSection(address6="::").addresses([])
