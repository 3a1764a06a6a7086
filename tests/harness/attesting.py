"""Certificates of callers' vouchers, as carriers have them: a root, an authority below it, and who signs."""

import base64
import datetime
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.x509.oid import NameOID

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
DAY = datetime.timedelta(days=1)
TN_AUTH_LIST = x509.ObjectIdentifier("1.3.6.1.5.5.7.1.26")


@dataclass(frozen=True, slots=True)
class Voucher:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: Key

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        form = serialization.PrivateFormat.PKCS8
        return self.key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())

    def write(self, directory: Path, name: str) -> tuple[str, str]:
        """Paths of certificate and key."""
        certificate, key = directory / f"{name}.pem", directory / f"{name}.key"
        certificate.write_bytes(self.pem)
        key.write_bytes(self.key_pem)
        return str(certificate), str(key)


def voucher(
    name: str,
    issuer: Voucher | None = None,
    *,
    authority: bool = False,
    path_length: int | None = None,
    valid: tuple[datetime.timedelta, datetime.timedelta] = (-DAY, DAY),
    key: Key | None = None,
    critical: str = "",
) -> Voucher:
    """A certificate; without an issuer it vouches for itself. `valid`: from and until, from now; `critical`: OID of an
    extension that must be understood."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    now, subject = datetime.datetime.now(datetime.UTC), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    usage = dict.fromkeys(("content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
                           "crl_sign", "encipher_only", "decipher_only"), False)  # fmt: skip
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + valid[0])
        .not_valid_after(now + valid[1])
        .add_extension(x509.BasicConstraints(ca=authority, path_length=path_length), critical=True)
        .add_extension(x509.KeyUsage(digital_signature=not authority, key_cert_sign=authority, **usage), critical=True)
    )
    if not authority:
        builder = builder.add_extension(x509.UnrecognizedExtension(TN_AUTH_LIST, b"\x30\x06\xa0\x04\x16\x0212"), False)
    if critical:
        builder = builder.add_extension(x509.UnrecognizedExtension(x509.ObjectIdentifier(critical), b"\x05\x00"), True)
    signer = issuer.key if issuer else key
    return Voucher(builder.sign(signer, hashes.SHA256()), key)


def passport(by: Voucher, url: str, *, caller: str, called: str, level: str = "A", issued: float | None = None) -> str:
    """An Identity header, made by the RFCs and not by the daemon's own code."""
    assert isinstance(by.key, ec.EllipticCurvePrivateKey)
    issued = datetime.datetime.now(datetime.UTC).timestamp() if issued is None else issued
    header = {"alg": "ES256", "ppt": "shaken", "typ": "passport", "x5u": url}
    claim = {"attest": level, "dest": {"tn": [called]}, "iat": int(issued), "orig": {"tn": caller}, "origid": "1-2-3"}
    signed = ".".join(_base64(json.dumps(part, separators=(",", ":")).encode()) for part in (header, claim))
    halves = decode_dss_signature(by.key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
    signature = _base64(b"".join(half.to_bytes(32, "big") for half in halves))
    return f'{signed}.{signature};info=<{url}>;alg=ES256;ppt="shaken"'


def opened(value: str, key: ec.EllipticCurvePublicKey) -> dict[str, Any]:
    """What an Identity header claims; raises InvalidSignature unless this key has signed it."""
    token = value.partition(";")[0]
    signed, _, signature = token.rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    halves = (int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    key.verify(encode_dss_signature(*halves), signed.encode(), ec.ECDSA(hashes.SHA256()))
    claim: dict[str, Any] = json.loads(base64.urlsafe_b64decode(signed.partition(".")[2] + "=="))
    return claim


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
