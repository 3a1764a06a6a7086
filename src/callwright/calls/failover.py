"""What a final response to an INVITE says of the way that it took: whether another one is worth trying.

A response that is the callee's word, or that any way would give, ends the call; one that tells of the gateway, or of
our dealings with its carrier, does not.
"""

from collections.abc import Mapping
from enum import Enum


class Next(Enum):
    """Where a call goes after a refusal."""

    NOWHERE = "nowhere"
    """The callee has spoken."""
    HOP = "hop"
    """To the next address of the same target (RFC 3263 §4.3), then on as below."""
    TARGET = "target"
    """To the next target of the same trunk, then on as below."""
    TRUNK = "trunk"
    """To the next trunk: all targets of this one would say the same."""


NEXT: Mapping[int, Next] = {
    401: Next.TRUNK,  # our credentials are not what the carrier expects
    402: Next.TRUNK,  # what we have paid is used up
    407: Next.TRUNK,
    408: Next.HOP,  # nobody answered: the gateway, or whoever is behind it
    430: Next.HOP,  # RFC 5626: the connection behind it is gone
    482: Next.TRUNK,  # the carrier's own routing goes in circles
    483: Next.TRUNK,
    503: Next.HOP,
}
"""Every other 5xx is `TARGET`; all else is `NOWHERE`."""


def after(code: int) -> Next:
    """What a final response means for the ways that are left."""
    return NEXT.get(code, Next.TARGET if 500 <= code < 600 else Next.NOWHERE)
