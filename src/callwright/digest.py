"""Answers to a Digest challenge of a web or SIP server (RFC 7616, RFC 8760; MD5 without qop as RFC 2069 had it)."""

import hashlib
import re
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise

_SCHEME = re.compile(r"(?:^|,)\s*([A-Za-z][A-Za-z0-9-]*)\s+(?=[A-Za-z0-9*_-]+\s*=\s*)")
_PARAMETER = re.compile(r'([A-Za-z0-9*_-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))')
# Stronger first.
_HASHES: dict[str, Callable[[bytes], "hashlib._Hash"]] = {"sha-256": hashlib.sha256, "md5": hashlib.md5}
MAX_CHALLENGE = 4096


@dataclass(frozen=True, slots=True)
class Challenge:
    """A server's demand. `algorithm` as the server wrote it; `qop`: "auth", or "" for the oldest form."""

    realm: str
    nonce: str
    algorithm: str
    qop: str
    opaque: str | None


def strongest(headers: Iterable[str], realm: str = "") -> Challenge | None:
    """The best Digest challenge in WWW-Authenticate values that can be answered, or None; `realm`: of this one only."""
    found = [challenge for header in headers if len(header) <= MAX_CHALLENGE for challenge in _challenges(header)]
    fitting = [challenge for challenge in found if realm in ("", challenge.realm)]
    return min(fitting, key=lambda challenge: list(_HASHES).index(_base(challenge.algorithm)), default=None)


def _challenges(header: str) -> Iterable[Challenge]:
    for start, following in pairwise([*_SCHEME.finditer(header), None]):
        if start is None or start[1].lower() != "digest":
            continue
        end = following.start() if following else len(header)
        values = {
            name.lower(): re.sub(r"\\(.)", r"\1", quoted) if quoted else plain
            for name, quoted, plain in _PARAMETER.findall(header[start.end() : end])
        }
        algorithm = values.get("algorithm", "MD5")
        offered = [name.strip().lower() for name in values.get("qop", "").split(",") if name.strip()]
        if _base(algorithm) not in _HASHES or "nonce" not in values or (offered and "auth" not in offered):
            continue
        qop = "auth" if offered else ""
        yield Challenge(values.get("realm", ""), values["nonce"], algorithm, qop, values.get("opaque"))


def _base(algorithm: str) -> str:
    return algorithm.lower().removesuffix("-sess")


def answer(
    challenge: Challenge, credentials: tuple[str, str], method: str, uri: str, *, cnonce: str | None = None
) -> str:
    """The Authorization value for a challenge; each challenge is answered once, so the nonce count is 1.

    Args:
        credentials: user and password.
        uri: as on the request line: path and query, or a SIP URI.
        cnonce: for tests; random otherwise.
    """
    make = _HASHES[_base(challenge.algorithm)]

    def digest(text: str) -> str:
        return make(text.encode("utf-8", "surrogateescape")).hexdigest()

    user, password = credentials
    cnonce = cnonce or secrets.token_hex(16)
    secret = digest(f"{user}:{challenge.realm}:{password}")
    if challenge.algorithm.lower().endswith("-sess"):
        secret = digest(f"{secret}:{challenge.nonce}:{cnonce}")
    middle = f"00000001:{cnonce}:{challenge.qop}:" if challenge.qop else ""
    response = digest(f"{secret}:{challenge.nonce}:{middle}{digest(f'{method}:{uri}')}")
    quoted = {"username": user, "realm": challenge.realm, "nonce": challenge.nonce, "uri": uri, "response": response}
    if challenge.opaque is not None:
        quoted["opaque"] = challenge.opaque
    plain = {"algorithm": challenge.algorithm}
    if challenge.qop:
        plain |= {"qop": challenge.qop, "nc": "00000001"}
    if challenge.qop or challenge.algorithm.lower().endswith("-sess"):
        quoted["cnonce"] = cnonce
    parts = [f'{name}="{_escaped(value)}"' for name, value in quoted.items()]
    return "Digest " + ", ".join([*parts, *(f"{name}={value}" for name, value in plain.items())])


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')
