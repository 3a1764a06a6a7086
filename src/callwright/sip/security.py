"""What an operator's fire wall reads: one line of a fixed grammar for each occasion.

    security kind=auth-failed source=192.0.2.7 port=5060 method=REGISTER user=alice seconds=0

The fields, their order and the single spaces are fixed; further kinds may come. A value has no space, quote or
control character: anything that is no letter, digit or one of `-._~@+:` is percent-encoded UTF-8; "-" is none. So
the line is the same in a text log and inside a JSON one, and nothing that a peer chose can forge a field or a line.
`config/fail2ban/filter.d/callwright.conf` reads it.
"""

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

logger = logging.getLogger(__name__)

# parts of the User-Agent of tools that look for open or badly guarded servers
SCANNERS = (
    "friendly-scanner",
    "friendly-request",
    "sipvicious",
    "sip-scan",
    "sipscan",
    "sundayddr",
    "sipcli",
    "siparmyknife",
    "sipsak",
    "sipptk",
    "pplsip",
    "vaxsipuseragent",
    "iwar",
    "smap",
    "cryptelo",
    "nm@nmap",
    "gulp",
    "custombot",
)

_SAFE = "-._~@+:"
_LINE = re.compile(
    r"security kind=(?P<kind>\S+) source=(?P<source>\S+) port=(?P<port>\d+) method=(?P<method>\S+)"
    r" user=(?P<user>\S+) seconds=(?P<seconds>\d+)\Z"
)


@dataclass(frozen=True, slots=True)
class Occasion:
    """One thing that happened.

    Attributes:
        kind: "auth-failed", "home-auth-failed" (where others have authenticated), "blocked", "pair-blocked" (a user at
            such a source), "user-blocked", "replayed", "scanner", "rtp-source", "fenced".
        source: address of the peer.
        user: as claimed, not proven; of "fenced" the account, whose call was not placed. Its source is where the call
            came from that led to it; none when that was a request to the API.
        seconds: of the block that begins, else 0.
    """

    kind: str
    source: str
    port: int
    method: str = ""
    user: str = ""
    seconds: int = 0

    @classmethod
    def of(cls, detail: Mapping[str, Any], seconds: int) -> "Occasion":
        """What a SECURITY event tells."""
        return cls(
            kind=detail["kind"],
            source=detail["source_host"],
            port=detail["source_port"],
            method=detail.get("method", ""),
            user=detail.get("user", ""),
            seconds=seconds,
        )

    @classmethod
    def parse(cls, line: str) -> "Occasion":
        """The other way round.

        Raises:
            ValueError: the line is none of ours.
        """
        matched = _LINE.match(line)
        if matched is None:
            raise ValueError(f"not a security line: {line!r}")
        kind, source, method, user = (_plain(matched[name]) for name in ("kind", "source", "method", "user"))
        return cls(kind, source, int(matched["port"]), method, user, int(matched["seconds"]))

    def line(self) -> str:
        """As the log shows it."""
        return (
            f"security kind={_token(self.kind)} source={_token(self.source)} port={self.port}"
            f" method={_token(self.method)} user={_token(self.user)} seconds={self.seconds}"
        )


def tell(detail: Mapping[str, Any], seconds: int) -> None:
    """Logs a SECURITY event."""
    logger.warning("%s", Occasion.of(detail, seconds).line())


def _token(text: str) -> str:
    if text == "-":
        return "%2D"
    return quote(text, safe=_SAFE, errors="replace") or "-"


def _plain(token: str) -> str:
    return "" if token == "-" else unquote(token)
