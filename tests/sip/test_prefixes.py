"""Whether prefixes overlap."""

import ipaddress
from collections.abc import Sequence

import pytest

from callwright.sip.prefixes import Prefixes


@pytest.mark.parametrize(
    ("prefixes", "other", "overlap"),
    [
        ([], "192.0.2.0/24", False),
        (["192.0.2.0/24"], "192.0.2.7/32", True),
        (["192.0.2.7/32"], "192.0.2.0/24", True),
        (["192.0.2.7/32", "192.0.2.9/32"], "192.0.2.8/32", False),
        (["10.0.0.0/8", "10.9.9.9/32"], "10.200.0.0/16", True),
        (["0.0.0.0/0"], "2001:db8::/32", False),
        (["2001:db8::/32"], "192.0.2.0/24", False),
        (["2001:db8::/32", "192.0.2.0/24"], "2001:db8::1/128", True),
        (["255.255.255.255/32"], "::/0", False),
    ],
)
def test_overlaps(prefixes: Sequence[str], other: str, overlap: bool) -> None:
    """Either way round, and never across families."""
    assert Prefixes(map(ipaddress.ip_network, prefixes)).overlap(ipaddress.ip_network(other)) is overlap
