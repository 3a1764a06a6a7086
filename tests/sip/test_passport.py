"""PASSporTs: made, read, and believed only when everything fits (RFC 8224, 8225, 8588)."""

import base64
import json
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from callwright.sip import passport
from callwright.sip.passport import BadIdentity, Claim

KEY = ec.generate_private_key(ec.SECP256R1())
URL = "https://certificates.example/a.pem"
CLAIM = Claim("A", "15550001000", ("15558880000",), 1_700_000_000, "123e4567-e89b-12d3-a456-426655440000")
FITS: dict[str, Any] = {"caller": "15550001000", "called": "15558880000", "now": 1_700_000_010.0}


def parts(value: str) -> tuple[dict[str, Any], dict[str, Any]]:
    token = value.partition(";")[0].split(".")
    header, payload = (json.loads(base64.urlsafe_b64decode(one + "==")) for one in token[:2])
    return header, payload


def forged(value: str, header: dict[str, Any] | None = None, payload: dict[str, Any] | None = None) -> str:
    """The same header with other parts, and the signature that it had."""
    own = parts(value)
    token, _, rest = value.partition(";")
    encoded = [
        base64.urlsafe_b64encode(json.dumps({**one, **(changes or {})}).encode()).decode().rstrip("=")
        for one, changes in zip(own, (header, payload), strict=True)
    ]
    return ".".join([*encoded, token.split(".")[2]]) + ";" + rest


def test_what_is_signed() -> None:
    """RFC 8588 §4 and RFC 8225 §9: keys in order, no spaces; the signature is the two halves of ES256."""
    value = passport.sign(CLAIM, KEY, URL)
    token, _, parameters = value.partition(";")
    assert parameters == f'info=<{URL}>;alg=ES256;ppt="shaken"'
    header, payload, signature = token.split(".")
    assert base64.urlsafe_b64decode(header + "==").decode() == (
        '{"alg":"ES256","ppt":"shaken","typ":"passport","x5u":"' + URL + '"}'
    )
    assert base64.urlsafe_b64decode(payload + "==").decode() == (
        '{"attest":"A","dest":{"tn":["15558880000"]},"iat":1700000000,"orig":{"tn":"15550001000"},'
        '"origid":"123e4567-e89b-12d3-a456-426655440000"}'
    )
    assert len(base64.urlsafe_b64decode(signature + "==")) == 64


def test_it_is_believed() -> None:
    identity = passport.read(passport.sign(CLAIM, KEY, URL))
    assert (identity.url, identity.claim) == (URL, CLAIM)
    passport.check(identity, KEY.public_key(), **FITS)


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"now": 1_700_000_061.0}, "stale: issued 61 s ago"),
        ({"now": 1_699_999_939.0}, "stale: issued -61 s ago"),
        ({"caller": "15550001001"}, "orig is 15550001000, the call is from 15550001001"),
        ({"caller": ""}, "the call is from no number"),
        ({"called": "15558880001"}, "dest is 15558880000, the call is to 15558880001"),
    ],
)
def test_of_another_call(facts: dict[str, Any], why: str) -> None:
    identity = passport.read(passport.sign(CLAIM, KEY, URL))
    with pytest.raises(BadIdentity, match=why):
        passport.check(identity, KEY.public_key(), **(FITS | facts))


@pytest.mark.parametrize(
    "change", [{"attest": "B"}, {"orig": {"tn": "15550001000"}, "origid": "x"}, {"iat": 1_700_000_001}]
)
def test_changed_after_it_was_signed(change: dict[str, Any]) -> None:
    identity = passport.read(forged(passport.sign(replace(CLAIM, attestation="C"), KEY, URL), payload=change))
    with pytest.raises(BadIdentity, match="signature does not fit"):
        passport.check(identity, KEY.public_key(), **FITS)


def test_signed_by_somebody_else() -> None:
    identity = passport.read(passport.sign(CLAIM, ec.generate_private_key(ec.SECP256R1()), URL))
    with pytest.raises(BadIdentity, match="signature does not fit"):
        passport.check(identity, KEY.public_key(), **FITS)


@pytest.mark.parametrize(
    ("header", "payload", "why"),
    [
        ({"alg": "none"}, {}, "alg is 'none'"),
        ({"alg": "HS256"}, {}, "alg is 'HS256'"),
        ({"ppt": "div"}, {}, "ppt is 'div'"),
        ({"typ": "JWT"}, {}, "typ is 'JWT'"),
        ({"x5u": "https://elsewhere.example/"}, {}, "info and x5u are not the same"),
        ({"x5u": 5}, {}, "info and x5u are not the same"),
        ({}, {"attest": "D"}, "attest is 'D'"),
        ({}, {"attest": ["A"]}, "attest is"),
        ({}, {"iat": "now"}, "iat is no time"),
        ({}, {"iat": True}, "iat is no time"),
        ({}, {"orig": "15550001000"}, "orig or dest has no number"),
        ({}, {"orig": {"uri": "sip:a@b"}}, "orig or dest has no number"),
        ({}, {"dest": {"tn": []}}, "orig or dest has no number"),
    ],
)
def test_what_is_no_shaken_passport(header: dict[str, Any], payload: dict[str, Any], why: str) -> None:
    with pytest.raises(BadIdentity, match=why):
        passport.read(forged(passport.sign(CLAIM, KEY, URL), header, payload))


@pytest.mark.parametrize(
    "value",
    ["", ";", "a.b.c", "..sig;info=<x>", "a.b;info=<x>", "e30.e30.x;info=<x>", "W10.W10.x", "x" * 5000, "é.é.é",
     base64.urlsafe_b64encode(b"[" * 4000).decode() + ".e30.x"],
)  # fmt: skip
def test_what_is_nothing_at_all(value: str) -> None:
    with pytest.raises(BadIdentity):
        passport.read(value)
    assert passport.attestation_of(value) == ""


@given(st.text(max_size=200))
def test_any_text_is_refused_and_breaks_nothing(text: str) -> None:
    with pytest.raises(BadIdentity):
        passport.read(text)


def test_parameters_may_be_quoted_or_not() -> None:
    value = passport.sign(CLAIM, KEY, URL)
    for other in (
        value.replace('"shaken"', "shaken"),
        value.replace(";info", " ; info"),
        value.replace("info", "INFO"),
    ):
        assert passport.read(other).claim == CLAIM
    with pytest.raises(BadIdentity, match="alg of the header is"):
        passport.read(value.replace("alg=ES256", "alg=none"))


def test_what_is_claimed_although_it_is_not_believed() -> None:
    value = passport.sign(CLAIM, KEY, URL)
    assert passport.attestation_of(forged(value, {"alg": "none"}, {"attest": "B"})) == "B"
    assert passport.attestation_of(forged(value, {}, {"attest": "Z"})) == ""


@pytest.mark.parametrize(
    ("address", "number"),
    [("+1 (555) 000-1000", "15550001000"), ("15550001000", "15550001000"), ("911", "911"), ("*67#", "*67#"),
     ("alice", ""), ("", ""), ("+", ""), ("anonymous", "")],
)  # fmt: skip
def test_canonical_numbers(address: str, number: str) -> None:
    assert passport.canonical(address) == number
