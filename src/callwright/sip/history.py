"""History-Info: the way that a call has taken, told to whom it is passed on (RFC 7044 §5, in the form of RFC 7544).

The reading of it stands in `identity`, beside that of Diversion.
"""

from collections.abc import Sequence

from callwright.sip.identity import REASONS
from callwright.sip.leg import Headers
from callwright.sip.uri import escaped, user_and_host


def written(diverted: Sequence[tuple[str, str]], uri: str, domain: str) -> Headers:
    """One line for each who has forwarded a call, in the order of time, and one for whom it goes to now; none when
    nobody has forwarded it.

    Args:
        diverted: (user, reason) of those who have forwarded it, the last one first.
        uri: that the INVITE is for.
        domain: host part of those who have forwarded it.
    """
    hops = [(user, domain, reason) for user, reason in reversed(diverted) if user]
    if not hops:
        return []
    lines, index, cause = [], "", ""
    for user, host, reason in [*hops, (*user_and_host(uri), "")]:
        before, index = index, f"{index}.1" if index else "1"
        mapped = f";mp={before}" if before else ""
        lines.append(("History-Info", f"<sip:{escaped(user)}@{host}{cause}>;index={index}{mapped}"))
        cause = f";cause={REASONS.get(reason, REASONS['unknown'])}"
    return lines
