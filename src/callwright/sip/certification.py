"""Certificates of those who sign calls: a chain from the signer to a root that the operator trusts (RFC 8224 §6.2,
RFC 8226, ATIS-1000080). They name no host: who may sign for which number is their issuers' business."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import ExtensionOID

from callwright.errors import StartError

LONGEST_CHAIN = 5
MOST_ROOTS = 500
_KNOWN = {
    ExtensionOID.BASIC_CONSTRAINTS,
    ExtensionOID.KEY_USAGE,
    ExtensionOID.EXTENDED_KEY_USAGE,
    ExtensionOID.CERTIFICATE_POLICIES,
    ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
    x509.ObjectIdentifier("1.3.6.1.5.5.7.1.26"),  # TNAuthList (RFC 8226 §9)
}


class BadCertificate(ValueError):
    """A certificate, or its chain, cannot be trusted; says why."""


def read(pem: bytes) -> list[x509.Certificate]:
    """The certificates of a file, the signer's first.

    Raises:
        BadCertificate: there is none, there are too many, or one cannot be read.
    """
    try:
        found = x509.load_pem_x509_certificates(pem)
    except ValueError as error:
        raise BadCertificate(f"no PEM certificate: {error}") from None
    if len(found) > LONGEST_CHAIN:
        raise BadCertificate(f"more than {LONGEST_CHAIN} certificates")
    return found


def signer(
    chain: Sequence[x509.Certificate], roots: Sequence[x509.Certificate], now: datetime
) -> ec.EllipticCurvePublicKey:
    """The key of the first certificate, when a root vouches for it.

    Args:
        chain: the signer's certificate, then its issuers in any order.
        now: aware.

    Raises:
        BadCertificate: none does, or one on the way is not valid now.
    """
    leaf, spare = chain[0], list(chain[1:])
    key = leaf.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise BadCertificate("the signer's key is not on P-256")
    _sound(leaf, now, authority=False)
    current = leaf
    for below in range(LONGEST_CHAIN):
        root = next((one for one in roots if one == current or _issued(one, current)), None)
        if root is not None:
            if root != current:
                _sound(root, now, authority=True, below=below)
            return key
        issuer = next((one for one in spare if _issued(one, current)), None)
        if issuer is None:
            break
        spare.remove(issuer)
        _sound(issuer, now, authority=True, below=below)
        current = issuer
    raise BadCertificate(f"no trusted root vouches for {_name(current)}")


def _issued(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    if issuer.subject != certificate.issuer:
        return False
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def _sound(certificate: x509.Certificate, now: datetime, *, authority: bool, below: int = 0) -> None:
    """Valid now, and allowed to do what it does; `below`: authorities between it and the signer."""
    name = _name(certificate)
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        raise BadCertificate(f"{name} is not valid now")
    try:
        extensions = {one.oid: one for one in certificate.extensions}
    except ValueError as error:
        raise BadCertificate(f"{name}: {error}") from None
    if unknown := [oid.dotted_string for oid, one in extensions.items() if one.critical and oid not in _KNOWN]:
        raise BadCertificate(f"{name} has a critical extension that is not known: {unknown[0]}")
    constraints = extensions.get(ExtensionOID.BASIC_CONSTRAINTS)
    limits = constraints.value if constraints is not None else None
    usage = extensions.get(ExtensionOID.KEY_USAGE)
    may = usage.value if usage is not None else None
    if not authority:
        if isinstance(may, x509.KeyUsage) and not may.digital_signature:
            raise BadCertificate(f"{name} may not sign")
        return
    if not (isinstance(limits, x509.BasicConstraints) and limits.ca):
        raise BadCertificate(f"{name} is no authority")
    if limits.path_length is not None and below > limits.path_length:
        raise BadCertificate(f"{name} stands too far above the signer")
    if isinstance(may, x509.KeyUsage) and not may.key_cert_sign:
        raise BadCertificate(f"{name} may not sign certificates")


def _name(certificate: x509.Certificate) -> str:
    return certificate.subject.rfc4514_string()[:100] or "a certificate without a name"


def roots_of(path: str, key: str) -> tuple[x509.Certificate, ...]:
    """The trusted roots of a PEM file.

    Raises:
        StartError: it cannot be read; names the configuration key.
    """
    try:
        found = x509.load_pem_x509_certificates(Path(path).read_bytes())
    except (OSError, ValueError) as error:
        raise StartError(f"{key}: {path}: {error}") from None
    if len(found) > MOST_ROOTS:
        raise StartError(f"{key}: {path}: more than {MOST_ROOTS} certificates")
    return tuple(found)


def private_key_of(path: str, certificate: str, key: str) -> ec.EllipticCurvePrivateKey:
    """The key that signs, which must be on P-256 and, when a certificate file is named, be that certificate's.

    Raises:
        StartError: it cannot be read or does not fit; names the configuration key.
    """
    try:
        found = load_pem_private_key(Path(path).read_bytes(), password=None)
        shown = x509.load_pem_x509_certificates(Path(certificate).read_bytes())[0] if certificate else None
    except (OSError, ValueError, TypeError) as error:
        raise StartError(f"{key}: {path}: {error}") from None
    if not isinstance(found, ec.EllipticCurvePrivateKey) or not isinstance(found.curve, ec.SECP256R1):
        raise StartError(f"{key}: {path}: ES256 needs a key on P-256")
    if shown is not None and shown.public_key() != found.public_key():
        raise StartError(f"{key}: {path} is not the key of {certificate}")
    return found
