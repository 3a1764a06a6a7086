"""An authority of the tests' own, and the certificates that it signs."""

import datetime
import ipaddress
import ssl
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from .transport import Tls


@dataclass(frozen=True, slots=True)
class Certificate:
    """PEM texts; the certificate with its chain."""

    certificate: str
    private_key: str

    def context(self, purpose: ssl.Purpose, authorities: str = "", *, verify: bool = False) -> ssl.SSLContext:
        """A context that shows this certificate; with `verify` the peer must have one of the authorities."""
        context = ssl.create_default_context(purpose, cadata=authorities or None)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_REQUIRED if verify else ssl.CERT_NONE
        with tempfile.TemporaryDirectory() as directory:
            self.write(Path(directory))
            context.load_cert_chain(Path(directory) / "certificate.pem", Path(directory) / "key.pem")
        return context

    def write(self, directory: Path) -> None:
        """As certificate.pem and key.pem."""
        (directory / "certificate.pem").write_text(self.certificate)
        (directory / "key.pem").write_text(self.private_key)


class Authority:
    """Signs certificates. `certificate` is its own, PEM."""

    def __init__(self, name: str = "Authority of the tests") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._signed = self._sign(self._name, self._key.public_key(), [], authority=True)
        self.certificate = _pem(self._signed)

    def _sign(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey,
        names: Sequence[str],
        *,
        authority: bool,
    ) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
            .add_extension(_usage(authority=authority), critical=True)
        )
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName([_name(name) for name in names]), False)
        return builder.sign(self._key, hashes.SHA256())

    def issue(self, *names: str) -> Certificate:
        """A certificate for these host names and addresses, with a key of its own."""
        key = ec.generate_private_key(ec.SECP256R1())
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return Certificate(self.issue_for(key.public_key(), *names), private.decode())

    def issue_for(self, key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey, *names: str) -> str:
        """The same for a key that there is already: PEM, with its chain."""
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
        return _pem(self._sign(subject, key, names, authority=False)) + self.certificate

    def section(self, host: str, plain: int, tls: int, directory: Path, **more: object) -> dict[str, object]:
        """[sip] of a daemon that listens by UDP and by TLS and knows this authority; its files are written there."""
        self.issue(host).write(directory)
        (directory / "ca.pem").write_text(self.certificate)
        return {
            "listen": [f"udp:{host}:{plain}", f"tls:{host}:{tls}"],
            "certificate": str(directory / "certificate.pem"),
            "private_key": str(directory / "key.pem"),
            "ca": str(directory / "ca.pem"),
            **more,
        }

    def tls(self, *names: str, server_name: str = "", verify: bool = False) -> Tls:
        """How a phone with such a certificate speaks TLS.

        Args:
            names: of the phone.
            server_name: that it calls servers by, and checks.
            verify: whether its peers must have certificates of this authority.
        """
        mine = self.issue(*names)
        client = mine.context(ssl.Purpose.SERVER_AUTH, self.certificate, verify=verify)
        client.check_hostname = verify and bool(server_name)
        return Tls(mine.context(ssl.Purpose.CLIENT_AUTH, self.certificate, verify=verify), client, server_name)


def _usage(*, authority: bool) -> x509.KeyUsage:
    """What RFC 5280 §4.2.1.3 asks for; Python 3.13 checks it."""
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
