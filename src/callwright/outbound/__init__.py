"""Requests to servers of others: guarded, bounded, timed, and cheap.

target   a URL, checked and taken apart
guard    which addresses may be connected to
limits   how long a request may take
body     decoded and bounded
failure  what went wrong, in the public codes
client   the session: `Outbound`
"""

from callwright.outbound.body import Stream
from callwright.outbound.client import Outbound, Response
from callwright.outbound.failure import ConnectError, ReadError
from callwright.outbound.guard import private
from callwright.outbound.limits import Limits
from callwright.outbound.target import Target, parse, shown, without_credentials

__all__ = [
    "ConnectError",
    "Limits",
    "Outbound",
    "ReadError",
    "Response",
    "Stream",
    "Target",
    "parse",
    "private",
    "shown",
    "without_credentials",
]
