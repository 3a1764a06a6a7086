"""Forms of numbers: tables of what comes in and what goes out."""

import time

import pytest

from callwright.config import TrunkSection, validate
from callwright.errors import ConfigError
from callwright.numbering import Numbering, numbering, pattern

ACCOUNT = "AC" + "1" * 32


def rules(*entries: object, inbound: bool = True) -> Numbering:
    trunk = TrunkSection.model_validate({"name": "t", "account": ACCOUNT, "inbound_numbers": entries})
    return numbering(trunk.inbound_numbers, inbound=inbound)


@pytest.mark.parametrize(
    ("preset", "inbound", "given", "made"),
    [
        ("e164", True, "4930123456", "+4930123456"),
        ("e164", True, "004930123456", "+4930123456"),
        ("e164", True, "+4930123456", "+4930123456"),
        ("e164", True, "110", "110"),
        ("e164", True, "alice", "alice"),
        ("e164", False, "4930123456", "+4930123456"),
        ("national:+49", True, "030123456", "+4930123456"),
        ("national:+49", True, "0012125551234", "+12125551234"),
        ("national:+49", True, "+4930123456", "+4930123456"),
        ("national:+49", True, "110", "110"),
        ("national:+49", False, "+4930123456", "030123456"),
        ("national:+49", False, "+12125551234", "0012125551234"),
        ("national:+49", False, "110", "110"),
        ("nanp", True, "2125551234", "+12125551234"),
        ("nanp", True, "12125551234", "+12125551234"),
        ("nanp", True, "0114930123456", "+4930123456"),
        ("nanp", True, "911", "911"),
        ("nanp", True, "1125551234", "1125551234"),
        ("nanp", False, "+12125551234", "12125551234"),
        ("nanp", False, "+4930123456", "0114930123456"),
        ("tech-prefix:1234", True, "1234+4930123456", "+4930123456"),
        ("tech-prefix:1234", True, "+4930123456", "+4930123456"),
        ("tech-prefix:12*#", False, "4930123456", "12*#4930123456"),
        ("no-plus", True, "4930123456", "+4930123456"),
        ("no-plus", True, "911", "911"),
        ("no-plus", False, "+4930123456", "4930123456"),
    ],
)
def test_presets(preset: str, inbound: bool, given: str, made: str) -> None:
    assert rules(preset, inbound=inbound).called(given) == made


@pytest.mark.parametrize(
    ("rule", "given", "made"),
    [
        ({"prefix": "0", "replace": "+49"}, "030", "+4930"),
        ({"prefix": "+", "replace": ""}, "+4930", "4930"),
        ({"prefix": "0", "replace": "+49"}, "130", "130"),
        ({"match": r"([2-9]\d{6})", "replace": r"+1212\1"}, "5551234", "+12125551234"),
        ({"match": r"([2-9]\d{6})", "replace": r"+1212\1"}, "55512345", "55512345"),
        ({"match": r"(\d{2})-?(\d+)", "replace": r"\2\1"}, "12-345", "34512"),
        ({"match": r"(?:00|\+)(49)?(.*)", "replace": r"\1:\2"[:2] + r"\2"}, "00301", "301"),
        ({"match": r"1\d", "replace": ""}, "12", ""),
        ({"match": r"(1)\d*", "replace": r"\10"}, "123", "10"),
    ],
)
def test_rules(rule: dict[str, str], given: str, made: str) -> None:
    assert rules(rule).called(given) == made


def test_rules_follow_each_other() -> None:
    """Each is applied to what the one before it has made."""
    assert rules("tech-prefix:99", "national:+49").called("99030123456") == "+4930123456"
    assert rules("no-plus", "tech-prefix:99", inbound=False).called("+4930123456") == "994930123456"


def test_whose_number() -> None:
    only = rules({"prefix": "0", "replace": "+49", "for": "calling"}, {"preset": "no-plus", "for": "called"})
    assert (only.called("030"), only.calling("030")) == ("030", "+4930")
    assert (only.called("4930123456"), only.calling("4930123456")) == ("+4930123456", "4930123456")
    assert rules("tech-prefix:1").calling("123") == "123", "a tech prefix is of called numbers only"


def test_what_is_too_long_is_no_number() -> None:
    assert rules({"match": ".*", "replace": "x"}).called("1" * 33) == "1" * 33
    assert rules({"match": ".*", "replace": "x"}).called("1" * 32) == "x"


@pytest.mark.parametrize(
    ("entry", "where", "why"),
    [
        ("e165", "0.preset", "'e165' is no preset; there are e164, national:+49"),
        ("national", "0.preset", "must be like national:+49"),
        ("national:49", "0.preset", "must be like national:+49"),
        ("e164:1", "0.preset", "e164 has no parameter"),
        ({"match": "(a"}, "0.match", "not a pattern"),
        ({"match": "(a+)+b"}, "0.match", "must follow one character"),
        ({"match": "(a|b)*"}, "0.match", "must follow one character"),
        ({"match": "a++"}, "0.match", "must follow one character"),
        ({"match": ".*.*.*.*"}, "0.match", "too many ways"),
        ({"match": "(1|1)" * 20}, "0.match", "too many ways"),
        ({"match": r"(?=a)"}, "0.match", "must follow one character"),
        ({"match": r"\w"}, "0.match", "is not understood"),
        ({"match": "a", "replace": "\\1"}, "0.replace", "match has 0 groups"),
        ({"match": "a", "replace": "<"}, "0.replace", "neither"),
        ({"match": "a", "replace": "1\r\nX: y"}, "0.replace", "neither"),
        ({"match": "a", "prefix": "0"}, "0", "exactly one"),
        ({}, "0", "exactly one"),
        ({"preset": "e164", "replace": "1"}, "0", "replace: goes with"),
        ({"prefix": "0", "for": "nobody"}, "0.for", "both"),
        ({"prefix": "0", "with": "1"}, "0.with", "unknown key"),
    ],
)
def test_faults_name_their_key(entry: object, where: str, why: str) -> None:
    trunk = {"name": "t", "account": ACCOUNT, "outbound_numbers": [entry]}
    with pytest.raises(ConfigError) as caught:
        validate({"account": [{"sid": ACCOUNT}], "trunk": [trunk]})
    assert len(caught.value.faults) == 1
    path, _, message = caught.value.faults[0].partition(": ")
    assert path == f"trunk.0.outbound_numbers.{where}" and why in message


def test_the_worst_pattern_is_quick() -> None:
    """What is just allowed, on the longest text, failing at its end."""
    worst = pattern(".*.*.*x")
    began = time.perf_counter()
    assert worst.fullmatch("1" * 32) is None
    assert time.perf_counter() - began < 0.1
