"""Connection overrides: the fragment of an application's URL tells how to connect (call-control reference §2.6).

`https://app.example/voice#ct=2000&rc=3&rp=5xx,ct` is requested as `https://app.example/voice`. The fragment is never
sent and never signed. Keys that are not overrides are left alone: a fragment may be there for another reason.

`sni` is accepted and changes nothing: without a server name the certificate could not be checked. `e` is accepted for
the edges that applications name, and changes nothing either: this server is the only edge.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote

from callwright.errors import ApplicationError
from callwright.outbound import Limits

BAD_EDGE, UNSUPPORTED_EDGE, INTERCONNECT, BAD_POLICY = 11240, 11241, 11242, 11243

EDGES = frozenset(
    {"ashburn", "umatilla", "dublin", "frankfurt", "london", "roaming", "sao-paulo", "singapore", "sydney", "tokyo"}
)
FAILURES = frozenset({"ct", "rt", "4xx", "5xx"})

_RANGES = {"ct": (100, 10000), "rt": (100, 15000), "tt": (100, 15000), "rc": (0, 5)}
_EDGE = re.compile(r"[a-z]+(?:-[a-z]+)*\Z")


@dataclass(frozen=True, slots=True)
class Overrides:
    """How one URL is to be requested. Times in seconds; None: as configured.

    Attributes:
        connect: see `Limits`.
        read: see `Limits`.
        total: of all attempts together.
        retries: how often a failed request is tried again.
        policy: after which failures: "ct" no connection, "rt" no whole answer, "4xx", "5xx".
    """

    connect: float | None = None
    read: float | None = None
    total: float | None = None
    retries: int = 1
    policy: frozenset[str] = frozenset({"ct"})

    def limits(self, configured: Limits) -> Limits:
        """The limits of a request with these overrides."""
        if self.connect is None and self.read is None and self.total is None:
            return configured
        return Limits(
            configured.connect if self.connect is None else self.connect,
            configured.read if self.read is None else self.read,
            configured.total if self.total is None else self.total,
        )

    def allows(self, policy: str, attempts: int) -> bool:
        """Whether a request that failed is tried again.

        Args:
            policy: the word for its failure; "" for one that no word is for.
            attempts: how many were made.
        """
        return attempts <= self.retries and policy in self.policy


NONE = Overrides()


@lru_cache(maxsize=4096)
def parse(url: str) -> tuple[str, Overrides]:
    """Splits a URL.

    Returns:
        The URL without its fragment, and the overrides that stood there.

    Raises:
        ApplicationError: 11240 a malformed edge, 11241 an unknown one, 11242 an interconnect, 11243 a number out of
            its range or an unknown retry policy.
    """
    bare, separator, fragment = url.partition("#")
    if not separator:
        return url, NONE
    given = dict(pair.split("=", 1) for pair in unquote(fragment).split("&") if "=" in pair)
    numbers = {key: _number(key, given[key]) for key in _RANGES if key in given}
    if "sni" in given and given["sni"] not in ("y", "n"):
        raise ApplicationError(f"sni must be y or n, not {given['sni'][:20]!r}", code=BAD_POLICY)
    for edge in given["e"].split(",") if "e" in given else ():
        _check_edge(edge)
    return bare, Overrides(
        connect=numbers["ct"] / 1000 if "ct" in numbers else None,
        read=numbers["rt"] / 1000 if "rt" in numbers else None,
        total=numbers["tt"] / 1000 if "tt" in numbers else None,
        retries=numbers.get("rc", NONE.retries),
        policy=_policy(given["rp"]) if "rp" in given else NONE.policy,
    )


def _number(key: str, text: str) -> int:
    low, high = _RANGES[key]
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and low <= int(text) <= high):
        raise ApplicationError(f"{key} must be a number from {low} to {high}, not {text[:20]!r}", code=BAD_POLICY)
    return int(text)


def _policy(text: str) -> frozenset[str]:
    names = frozenset(name.strip() for name in text.lower().split(","))
    if unknown := names - FAILURES - {"all"}:
        raise ApplicationError(f"rp does not know {sorted(unknown)[0][:20]!r}", code=BAD_POLICY)
    return FAILURES if "all" in names else names


def _check_edge(edge: str) -> None:
    if not _EDGE.match(edge):
        raise ApplicationError(f"{edge[:20]!r} is not the name of an edge", code=BAD_EDGE)
    if edge.endswith("-ix"):
        raise ApplicationError(f"there is no interconnect {edge[:20]!r}", code=INTERCONNECT)
    if edge not in EDGES:
        raise ApplicationError(f"the edge {edge[:20]!r} is not supported", code=UNSUPPORTED_EDGE)
