"""HTTP digest authentication as SIP uses it, both sides (RFC 3261 §22, RFC 8760, RFC 7616)."""

import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

_HASHES = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256, "SHA-512-256": lambda data: hashlib.new("sha512_256", data)}
_PAIR = re.compile(r'\s*([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))\s*(?:,|\Z)')


def parameters(value: str) -> dict[str, str]:
    """The parameters of a Digest challenge or credentials; names in lower case, values without quotes.

    Raises:
        ValueError: another scheme than Digest, or malformed parameters.
    """
    scheme, _, rest = value.strip().partition(" ")
    if scheme.lower() != "digest":
        raise ValueError(f"authentication scheme {scheme!r}")
    found, at = {}, 0
    while at < len(rest):
        matched = _PAIR.match(rest, at)
        if not matched:
            raise ValueError(f"digest parameters at {rest[at:]!r}")
        found[matched[1].lower()] = matched[2] if matched[2] is not None else matched[3]
        at = matched.end()
    return found


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user's name and password, and how this phone answers a challenge."""

    username: str
    password: str
    algorithms: Sequence[str] = ("SHA-256", "MD5")
    """In order of preference; a challenge in none of them is not answered."""

    def choose(self, challenges: Sequence[str]) -> str | None:
        """The challenge to answer: the first algorithm of the preference that is offered."""
        offered = {parameters(c).get("algorithm", "MD5").upper(): c for c in reversed(challenges)}
        return next((offered[algorithm] for algorithm in self.algorithms if algorithm in offered), None)

    def answer(self, challenge: str, method: str, uri: str, *, count: int = 1, cnonce: str = "") -> str:
        """The value of Authorization or Proxy-Authorization."""
        given = parameters(challenge)
        algorithm = given.get("algorithm", "MD5")
        cnonce = cnonce or secrets.token_hex(8)
        qop = "auth" if "auth" in given.get("qop", "").replace(" ", "").split(",") else ""
        response = response_of(
            self.username, self.password, given["realm"], given["nonce"], method, uri,
            algorithm=algorithm, qop=qop, cnonce=cnonce, count=count,
        )  # fmt: skip
        parts = [
            f'username="{self.username}"', f'realm="{given["realm"]}"', f'nonce="{given["nonce"]}"', f'uri="{uri}"',
            f'response="{response}"', f"algorithm={algorithm}",
        ]  # fmt: skip
        if qop:
            parts += [f"qop={qop}", f"nc={count:08x}", f'cnonce="{cnonce}"']
        if "opaque" in given:
            parts.append(f'opaque="{given["opaque"]}"')
        return "Digest " + ", ".join(parts)


def response_of(
    username: str, password: str, realm: str, nonce: str, method: str, uri: str,
    *, algorithm: str = "MD5", qop: str = "", cnonce: str = "", count: int = 1,
) -> str:  # fmt: skip
    """The `response` parameter (RFC 7616 §3.4.1)."""

    def digest(text: str) -> str:
        return str(_HASHES[algorithm.upper()](text.encode()).hexdigest())

    secret, action = digest(f"{username}:{realm}:{password}"), digest(f"{method}:{uri}")
    between = f"{nonce}:{count:08x}:{cnonce}:{qop}" if qop else nonce
    return digest(f"{secret}:{between}:{action}")


@dataclass(frozen=True, slots=True)
class Guard:
    """The asking side: challenges requests and checks their credentials, as a carrier's registrar or proxy does."""

    username: str
    password: str
    realm: str = "harness"
    nonce: str = "6a6f6c6c79"
    algorithm: str = "MD5"
    proxy: bool = False
    """Ask with 407 instead of 401."""
    inside: bool = False
    """Ask for requests inside calls as well."""

    @property
    def status(self) -> int:
        """Status of the challenge."""
        return 407 if self.proxy else 401

    def challenge(self) -> tuple[str, str]:
        """Name and value of the challenge's header."""
        value = f'Digest realm="{self.realm}", nonce="{self.nonce}", algorithm={self.algorithm}, qop="auth"'
        return ("Proxy-Authenticate" if self.proxy else "WWW-Authenticate"), value

    def challenges(self) -> list[tuple[str, str]]:
        """All that it asks with."""
        return [self.challenge()]

    def admits(self, credentials: Sequence[str], method: str) -> bool:
        """True when one of the Authorization values is right for this user."""
        return any(self._right(parameters(value), method) for value in credentials)

    def _right(self, given: dict[str, str], method: str) -> bool:
        if (given.get("username"), given.get("realm"), given.get("nonce")) != (self.username, self.realm, self.nonce):
            return False
        expected = response_of(
            self.username, self.password, self.realm, self.nonce, method, given.get("uri", ""),
            algorithm=given.get("algorithm", "MD5"), qop=given.get("qop", ""), cnonce=given.get("cnonce", ""),
            count=int(given.get("nc", "1"), 16),
        )  # fmt: skip
        return expected == given.get("response")
