"""What the profiles of trunks have come to."""

from callwright.cli.profiled import lines
from callwright.config import validate

ACCOUNT = "AC" + "1" * 32


def test_lines() -> None:
    rules = [{"prefix": "0", "replace": "+49"}, {"match": "9(.*)", "replace": "\\1"}]
    trunks = [
        {"name": "plain", "account": ACCOUNT},
        {"name": "odd", "account": ACCOUNT, "profile": ["g711", "no-plus"], "inbound_numbers": rules},
    ]
    config = validate({"account": [{"sid": ACCOUNT}], "trunk": trunks})
    assert list(lines(config)) == [
        "trunk odd (g711, no-plus): codecs=PCMU,PCMA inbound_numbers=0->+49,9(.*)->\\1 outbound_numbers=no-plus"
    ]
