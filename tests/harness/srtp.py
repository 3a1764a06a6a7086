"""SRTP at a phone's side (RFC 3711): with keys in the description (RFC 4568) or by DTLS (RFC 5763, RFC 5764)."""

import base64
import hashlib
import secrets
import struct
from dataclasses import replace

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from OpenSSL import SSL
from pylibsrtp import Error, Policy, Session

from . import pacing
from .certificates import Authority, Certificate
from .rtp import RtpPeer
from .sdp import Sdp

SUITE = "AES_CM_128_HMAC_SHA1_80"
KEY, SALT = 16, 14
_RECORD = struct.Struct("!BHHHIH")


class SrtpGuard:
    """Protects with one key and opens with another: 16 bytes of key and 14 of salt each.

    Attributes:
        refused: packets that could not be opened.
        opened_packets: packets that could.
    """

    def __init__(self, local: bytes, remote: bytes) -> None:
        self._tx = Session(Policy(key=local, ssrc_type=Policy.SSRC_ANY_OUTBOUND))
        self._rx = Session(Policy(key=remote, ssrc_type=Policy.SSRC_ANY_INBOUND))
        self.refused = self.opened_packets = 0

    def protect(self, packet: bytes) -> bytes:
        """See `rtp.PacketGuard`."""
        return self._tx.protect(packet)

    def protect_rtcp(self, packet: bytes) -> bytes:
        """See `rtp.PacketGuard`."""
        return self._tx.protect_rtcp(packet)

    def opened(self, data: bytes, source: tuple[str, int], *, rtcp: bool) -> bytes | None:
        """See `rtp.PacketGuard`."""
        try:
            plain = self._rx.unprotect_rtcp(data) if rtcp else self._rx.unprotect(data)
        except Error:
            self.refused += 1
            return None
        self.opened_packets += 1
        return plain


class Sdes:
    """Keys in the description.

    Args:
        profile: of the offers: "RTP/SAVP", or "RTP/AVP" for one that the peer may take or leave.
        suite: that is named.
    """

    def __init__(self, profile: str = "RTP/SAVP", suite: str = SUITE) -> None:
        self._profile, self._suite = profile, suite
        self._key = secrets.token_bytes(KEY + SALT)
        self.guard: SrtpGuard | None = None
        self._keys = (b"", b"")

    def _line(self, tag: str) -> str:
        return f"crypto:{tag} {self._suite} inline:{base64.b64encode(self._key).decode()}"

    def offer(self, sdp: Sdp) -> Sdp:
        """See `negotiation.Security`."""
        return replace(sdp, profile=self._profile, extra=(*sdp.extra, self._line("1")))

    def answer(self, sdp: Sdp, offer: Sdp) -> Sdp:
        """See `negotiation.Security`."""
        others = tuple(line for line in sdp.extra if not line.startswith("crypto:"))
        offered = (line.split() for line in offer.extra if line.startswith("crypto:"))
        tag = next((fields[0].partition(":")[2] for fields in offered if fields[1] == self._suite), "")
        return replace(sdp, profile=offer.profile, extra=(*others, self._line(tag)) if tag else others)

    def apply(self, local: Sdp, remote: Sdp, media: RtpPeer) -> None:
        """See `negotiation.Security`."""
        mine, theirs = _key_of(local), _key_of(remote)
        if (mine, theirs) == self._keys:
            return  # the sessions' counters go on
        self._keys = mine, theirs
        self.guard = SrtpGuard(mine, theirs) if mine and theirs else None
        with pacing.LOCK:
            media.guard = self.guard


def _key_of(sdp: Sdp) -> bytes:
    line = next((line for line in sdp.extra if line.startswith("crypto:") and line.split()[1] == SUITE), "")
    return base64.b64decode(line.split("inline:")[1].split("|")[0].split()[0]) if line else b""


class Dtls:
    """Keys by a handshake on the media's own ports, one for RTP and one for RTCP.

    Args:
        setup: what it says of itself in an answer: "active" or "passive". Its offers say "actpass".
        fingerprint: what its descriptions say of its certificate; default: the truth.
    """

    def __init__(self, setup: str = "active", fingerprint: str = "") -> None:
        self._certificate: Certificate = Authority("DTLS").issue("phone.test")
        self._setup = setup
        self._fingerprint = (
            fingerprint or f"sha-256 {_fingerprint(_x509(self._certificate).public_bytes(Encoding.DER))}"
        )
        self.guard: DtlsGuard | None = None

    def _lines(self, sdp: Sdp, setup: str) -> Sdp:
        others = tuple(line for line in sdp.extra if not line.startswith(("setup:", "fingerprint:")))
        return replace(sdp, extra=(*others, f"setup:{setup}", f"fingerprint:{self._fingerprint}"))

    def offer(self, sdp: Sdp) -> Sdp:
        """See `negotiation.Security`."""
        return replace(self._lines(sdp, "actpass"), profile="UDP/TLS/RTP/SAVP")

    def answer(self, sdp: Sdp, offer: Sdp) -> Sdp:
        """See `negotiation.Security`."""
        return self._lines(sdp, self._setup)

    def apply(self, local: Sdp, remote: Sdp, media: RtpPeer) -> None:
        """See `negotiation.Security`."""
        if self.guard is not None:
            return
        mine, theirs = local.attribute("setup"), remote.attribute("setup")
        active = mine == "active" or theirs == "passive"
        expected = (remote.attribute("fingerprint") or "").partition(" ")[2]
        self.guard = DtlsGuard(media, self._certificate, expected, active=active)
        places = (remote.address, remote.port), (remote.address, remote.rtcp_port or remote.port + 1)
        with pacing.LOCK:
            media.guard = self.guard
            if active:
                self.guard.call(places)


class DtlsGuard:
    """Handshakes, and then protects.

    Attributes:
        error: why a handshake failed.
    """

    def __init__(self, media: RtpPeer, certificate: Certificate, expected: str, *, active: bool) -> None:
        self._media, self._expected = media, expected
        self.error = ""
        self._sides = tuple(_Handshake(certificate, active=active) for _ in range(2))
        self._places: list[tuple[str, int] | None] = [None, None]

    @property
    def done(self) -> bool:
        """Whether RTP can flow."""
        return self._sides[0].guard is not None

    def call(self, places: tuple[tuple[str, int], tuple[str, int]]) -> None:
        """Begins, as the active side."""
        self._places = list(places)
        for rtcp in (False, True):
            self._turn(rtcp)

    def _turn(self, rtcp: bool, data: bytes = b"") -> None:
        side, place = self._sides[rtcp], self._places[rtcp]
        try:
            records = side.turn(data, self._expected)
        except (SSL.Error, ValueError) as error:
            self.error = str(error) or repr(error)
            records = side.records()
        for record in records:
            if place is not None:
                self._media.send_beside(record, place, rtcp=rtcp)

    def protect(self, packet: bytes) -> bytes:
        """See `rtp.PacketGuard`."""
        for rtcp in (False, True):
            if self._sides[rtcp].overdue():
                self._turn(rtcp)
        guard = self._sides[0].guard
        return guard.protect(packet) if guard else b""

    def protect_rtcp(self, packet: bytes) -> bytes:
        """See `rtp.PacketGuard`."""
        guard = self._sides[1].guard
        return guard.protect_rtcp(packet) if guard else b""

    def opened(self, data: bytes, source: tuple[str, int], *, rtcp: bool) -> bytes | None:
        """See `rtp.PacketGuard`."""
        if data and 20 <= data[0] <= 63:  # RFC 7983 §7
            self._places[rtcp] = source
            self._turn(rtcp, data)
            return None
        guard = self._sides[rtcp].guard
        return guard.opened(data, source, rtcp=rtcp) if guard else None


class _Handshake:
    def __init__(self, certificate: Certificate, *, active: bool) -> None:
        context = SSL.Context(SSL.DTLS_METHOD)
        context.use_certificate(_x509(certificate))
        context.use_privatekey(load_pem_private_key(certificate.private_key.encode(), None))  # type: ignore[arg-type]  # EC
        context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, lambda *_: True)
        context.set_tlsext_use_srtp(b"SRTP_AES128_CM_SHA1_80")
        self._connection = SSL.Connection(context)
        self._connection.set_ciphertext_mtu(1200)
        self._active = active
        if active:
            self._connection.set_connect_state()
        else:
            self._connection.set_accept_state()
        self.guard: SrtpGuard | None = None

    def overdue(self) -> bool:
        """Whether a flight has to be sent again."""
        left = self._connection.DTLSv1_get_timeout() if self.guard is None else None
        return left is not None and left <= 0 and self._connection.DTLSv1_handle_timeout()

    def turn(self, data: bytes, expected: str) -> list[bytes]:
        """Takes a datagram; the datagrams to be sent."""
        if data:
            self._connection.bio_write(data)
        if self.guard is None:
            try:
                self._connection.do_handshake()
            except SSL.WantReadError:
                return self.records()
            self._begin(expected)
        return self.records()

    def _begin(self, expected: str) -> None:
        peer = self._connection.get_peer_certificate(as_cryptography=True)
        assert peer is not None
        if _fingerprint(peer.public_bytes(Encoding.DER)) != expected.upper():
            raise ValueError("the certificate is not the one that the description names")
        material = self._connection.export_keying_material(b"EXTRACTOR-dtls_srtp", 2 * (KEY + SALT))
        keys, salts = material[: 2 * KEY], material[2 * KEY :]
        client, server = keys[:KEY] + salts[:SALT], keys[KEY:] + salts[SALT:]
        self.guard = SrtpGuard(client, server) if self._active else SrtpGuard(server, client)

    def records(self) -> list[bytes]:
        """What waits to be sent, a record a datagram."""
        try:
            data = self._connection.bio_read(65536)
        except SSL.WantReadError:
            return []
        found = []
        while data:
            length = _RECORD.size + _RECORD.unpack_from(data)[5]
            found.append(data[:length])
            data = data[length:]
        return found


def _fingerprint(der: bytes) -> str:
    return ":".join(f"{byte:02X}" for byte in hashlib.sha256(der).digest())


def _x509(certificate: Certificate) -> x509.Certificate:
    return x509.load_pem_x509_certificate(certificate.certificate.encode())
