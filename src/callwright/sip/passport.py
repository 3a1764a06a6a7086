"""PASSporTs: signed statements of who calls whom, in the Identity header (RFC 8224, 8225, 8588).

Nothing here waits or reads a clock: times come in, and a certificate is what `certification` has found to be good.
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

FRESH_S = 60
"""How far from now `iat` may lie (RFC 8224 §6.2.4 lets us choose; ATIS-1000074 has 60 s)."""
LONGEST = 4096
ATTESTATIONS = frozenset("ABC")
_HALF = 32  # bytes of each half of an ES256 signature (RFC 7518 §3.4)
_PARAMETER = re.compile(r";\s*([A-Za-z0-9-]+)\s*=\s*(?:\"([^\"]*)\"|<([^>]*)>|([^;\s]*))")
_SEPARATORS = re.compile(r"[\s\-.()]")
_NUMBER = re.compile(r"\+?[0-9*#]{1,32}\Z")


class BadIdentity(ValueError):
    """An Identity header, or what it holds, is not as it must be."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What a PASSporT of the kind "shaken" says (RFC 8225 §5, RFC 8588 §4).

    Attributes:
        attestation: A full, B partial, C gateway.
        origin: who calls; destinations: who is called; numbers as `canonical` has them.
        issued: seconds since 1970.
        origid: names where the call came into the network; a UUID.
    """

    attestation: str
    origin: str
    destinations: Sequence[str]
    issued: int
    origid: str


@dataclass(frozen=True, slots=True)
class Identity:
    """An Identity header, read and not yet believed.

    Attributes:
        token: the PASSporT as it came, three parts.
        url: where the certificate is (info, and x5u within).
    """

    token: str
    url: str
    claim: Claim


def canonical(address: str) -> str:
    """A telephone number as a PASSporT has it: digits without plus and separators (RFC 8224 §8.3); "" for none."""
    bare = _SEPARATORS.sub("", address)
    return bare.removeprefix("+") if _NUMBER.match(bare) else ""


def sign(claim: Claim, key: ec.EllipticCurvePrivateKey, url: str) -> str:
    """The value of an Identity header.

    Args:
        key: on P-256.
        url: where the certificate of the key can be had.
    """
    header = {"alg": "ES256", "ppt": "shaken", "typ": "passport", "x5u": url}
    payload = {
        "attest": claim.attestation,
        "dest": {"tn": list(claim.destinations)},
        "iat": claim.issued,
        "orig": {"tn": claim.origin},
        "origid": claim.origid,
    }
    signed = f"{_encoded(header)}.{_encoded(payload)}"
    r, s = decode_dss_signature(key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
    signature = _base64(r.to_bytes(_HALF, "big") + s.to_bytes(_HALF, "big"))
    return f'{signed}.{signature};info=<{url}>;alg=ES256;ppt="shaken"'


def read(value: str) -> Identity:
    """An Identity header's value, taken apart.

    Raises:
        BadIdentity: it is none of the kind "shaken", signed by ES256, in full form.
    """
    if len(value) > LONGEST:
        raise BadIdentity(f"longer than {LONGEST} characters")
    token, _, rest = value.strip().partition(";")
    parameters = {m[1].lower(): m[2] or m[3] or m[4] or "" for m in _PARAMETER.finditer(f";{rest}")}
    parts = token.strip().split(".")
    if len(parts) != 3 or not all(parts):
        raise BadIdentity("not a PASSporT in full form")
    header, payload = _decoded(parts[0]), _decoded(parts[1])
    wanted = {"alg": "ES256", "ppt": "shaken", "typ": "passport"}
    for name, only in wanted.items():
        if header.get(name) != only:
            raise BadIdentity(f"{name} is {_shown(header.get(name))}, not {only}")
        if name != "typ" and parameters.get(name, only) != only:
            raise BadIdentity(f"{name} of the header is {_shown(parameters[name])}, not {only}")
    url = header.get("x5u")
    if not isinstance(url, str) or not url or parameters.get("info") != url:
        raise BadIdentity("info and x5u are not the same URL")
    return Identity(token.strip(), url, _claim(payload))


def attestation_of(value: str) -> str:
    """What a header claims, as far as that can be read: A, B, C or ""."""
    parts = value[:LONGEST].partition(";")[0].strip().split(".")
    try:
        claimed = _decoded(parts[1]).get("attest") if len(parts) == 3 else None
    except BadIdentity:
        return ""
    return claimed if isinstance(claimed, str) and claimed in ATTESTATIONS else ""


def check(identity: Identity, key: ec.EllipticCurvePublicKey, *, caller: str, called: str, now: float) -> None:
    """Whether a PASSporT is about this call, fresh, and signed by this key.

    Args:
        caller, called: canonical numbers.
        now: seconds since 1970.

    Raises:
        BadIdentity: it is not; says why.
    """
    about(identity.claim, caller=caller, called=called, now=now)
    signed, _, encoded = identity.token.rpartition(".")
    signature = _bytes(encoded)
    if len(signature) != 2 * _HALF:
        raise BadIdentity("the signature is not one of ES256")
    halves = (int.from_bytes(half, "big") for half in (signature[:_HALF], signature[_HALF:]))
    try:
        key.verify(encode_dss_signature(*halves), signed.encode(), ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        raise BadIdentity("the signature does not fit the certificate") from None


def about(claim: Claim, *, caller: str, called: str, now: float) -> None:
    """Whether a claim is fresh and about this call.

    Raises:
        BadIdentity: it is not; says why.
    """
    age = now - claim.issued
    if abs(age) > FRESH_S:
        raise BadIdentity(f"stale: issued {age:.0f} s ago, more than {FRESH_S} s from now")
    if not caller or claim.origin != caller:
        raise BadIdentity(f"orig is {claim.origin}, the call is from {caller or 'no number'}")
    if called not in claim.destinations:
        raise BadIdentity(f"dest is {', '.join(claim.destinations[:3])}, the call is to {called or 'no number'}")


def _claim(payload: Mapping[str, Any]) -> Claim:
    attestation, issued, origid = payload.get("attest"), payload.get("iat"), payload.get("origid")
    if not isinstance(attestation, str) or attestation not in ATTESTATIONS:
        raise BadIdentity(f"attest is {_shown(attestation)}")
    if not isinstance(issued, int) or isinstance(issued, bool):
        raise BadIdentity("iat is no time")
    origin, destination = payload.get("orig"), payload.get("dest")
    caller = canonical(_text(origin.get("tn"))) if isinstance(origin, dict) else ""
    called = destination.get("tn") if isinstance(destination, dict) else None
    called = [called] if isinstance(called, str) else called
    if not caller or not isinstance(called, list) or not called:
        raise BadIdentity("orig or dest has no number")
    return Claim(attestation, caller, tuple(canonical(_text(one)) for one in called), issued, _text(origid))


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _shown(value: object) -> str:
    return repr(value)[:40]


def _encoded(part: Mapping[str, Any]) -> str:
    """Without spaces, keys in order (RFC 8225 §9)."""
    return _base64(json.dumps(part, separators=(",", ":"), sort_keys=True).encode())


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise BadIdentity("not base64url") from None


def _decoded(text: str) -> dict[str, Any]:
    try:
        value = json.loads(_bytes(text))
    except (ValueError, RecursionError) as error:
        if isinstance(error, BadIdentity):
            raise
        raise BadIdentity("not JSON") from None
    if not isinstance(value, dict):
        raise BadIdentity("not a JSON object")
    return value
