"""What a registrar says of a flow: that it keeps it, and how often its phone has to say that it is still there
(RFC 5626 §6, §8)."""

import re
from collections.abc import Sequence

from callwright.sip.binding import Binding
from callwright.sip.leg import Headers
from callwright.sip.request import Request

OPTION = "outbound"
UDP_S = 30
"""Longest time between two keep-alives of a phone behind a NAT: those forget a UDP peer after 30 s (RFC 4787)."""
STREAM_S = 120
"""Over TCP and TLS, where routers have more patience."""

_FIRST_HOP_KEEPS_IT = re.compile(r";ob(?=[;=?]|$)", re.IGNORECASE)
_NAMED = re.compile("<([^<>]+)>")


def promised(request: Request, bindings: Sequence[Binding]) -> Headers:
    """The header fields of a 200 to a REGISTER that has bound a flow; none when it has not asked for that.

    Args:
        bindings: all of its user, after the REGISTER.
    """
    bound = (one for one in bindings if (one.call_id, one.cseq) == (request.call_id, request.cseq))
    flows = any(one.instance and one.reg_id for one in bound)
    if not flows or OPTION not in _options(request, "Supported"):
        return ()
    if request.values("Path"):  # the phone's flow is to its first proxy, which tells it for how long
        return (("Require", OPTION),)
    seconds = UDP_S if request.transport == "UDP" else STREAM_S
    return ("Require", OPTION), ("Flow-Timer", str(seconds))


def is_kept_by_first_hop(request: Request) -> bool:
    """Whether the flow of a phone that asks for one can be kept: it has come to us, or to a proxy that says that it
    keeps it (RFC 5626 §6). True of who does not ask."""
    if OPTION not in _options(request, "Supported"):
        return True
    hops = _NAMED.findall("".join(request.values("Path")))
    if hops:
        return _FIRST_HOP_KEEPS_IT.search(hops[-1]) is not None
    return sum(value.count(",") + 1 for value in request.values("Via")) <= 1


def _options(request: Request, field: str) -> set[str]:
    """The option tags of a header field."""
    return {tag.strip().lower() for value in request.values(field) for tag in value.split(",")}
