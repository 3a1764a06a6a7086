"""Prefixes of addresses, many of them."""

from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate

from callwright.sip.trunks import Network


class Prefixes:
    """Tells whether a prefix overlaps any of these, however many they are."""

    def __init__(self, networks: Iterable[Network]) -> None:
        spans = sorted((one.version, int(one.network_address), int(one.broadcast_address)) for one in networks)
        self._begins = [(version, first) for version, first, _ in spans]
        # the highest end of a span that begins there or before
        self._reach = list(accumulate(((version, last) for version, _, last in spans), max))

    def overlap(self, network: Network) -> bool:
        """Whether an address is of both."""
        version, first, last = network.version, int(network.network_address), int(network.broadcast_address)
        before = bisect_right(self._begins, (version, last))
        return before > 0 and self._reach[before - 1] >= (version, first)
