"""STIR/SHAKEN: who calls is vouched for, and who vouches is checked (RFC 8224, 8225, 8588; call-control
reference §7.6).

A call out through a trunk that signs carries a PASSporT; a call in through a trunk that asks for it has a verdict
before its first document is requested.
"""

import asyncio
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import unquote

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from callwright import clock
from callwright.calls.status import Direction
from callwright.config import Config
from callwright.sip import passport
from callwright.sip.certification import BadCertificate, private_key_of, roots_of, signer
from callwright.sip.identity import ANONYMOUS
from callwright.sip.leg import Headers, Invite
from callwright.sip.passport import BadIdentity, Claim
from callwright.sip.repository import Repository, Unavailable
from callwright.sip.uri import is_sip, user_and_host

if TYPE_CHECKING:
    from callwright.calls.call import Call

WAIT_S = 2.0
"""The longest that a call waits for its verdict."""
MOST_IDENTITIES = 4
NONE, FAILED, PASSED = "No-TN-Validation", "TN-Validation-Failed", "TN-Validation-Passed"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a call's PASSporT.

    Attributes:
        verstat: as applications are told.
        token: the PASSporT as it came; "" when there was none.
        why: it is not believed; "" when it is.
        header: the Identity header that decided; "" when there was none.
    """

    verstat: str
    token: str = ""
    why: str = ""
    header: str = ""

    def parameters(self) -> dict[str, str]:
        """What every request of the call adds."""
        return {"StirVerstat": self.verstat} | ({"StirPassportToken": self.token} if self.token else {})


@dataclass(frozen=True, slots=True)
class Signature:
    """How a trunk signs: "A", "B", "C", or by policy."""

    how: str
    key: ec.EllipticCurvePrivateKey
    url: str


class Attestation:
    """What one daemon signs and believes.

    Args:
        signing: trunks that sign, by name.
        checking: trunks whose calls are checked.
        roots: authorities that are trusted.
        repository: of signers' certificates; None where nothing is checked.
    """

    def __init__(
        self,
        signing: Mapping[str, Signature] | None = None,
        checking: frozenset[str] = frozenset(),
        roots: Sequence[x509.Certificate] = (),
        repository: Repository | None = None,
    ) -> None:
        self._signing, self._checking = signing or {}, checking
        self._roots, self._repository = roots, repository

    @classmethod
    def of(cls, config: Config, repository: Repository) -> "Attestation":
        """As the configuration file declares it.

        Raises:
            StartError: a key or the roots cannot be read.
        """
        signing = {
            trunk.name: Signature(
                trunk.stir_sign,
                private_key_of(trunk.stir_private_key, trunk.stir_certificate, f"trunk.{index}.stir_private_key"),
                trunk.stir_x5u,
            )
            for index, trunk in enumerate(config.trunk)
            if trunk.stir_sign != "off"
        }
        checking = frozenset(trunk.name for trunk in config.trunk if trunk.stir_verify)
        roots = roots_of(config.sip.stir_roots, "sip.stir_roots") if checking else ()
        return cls(signing, checking, roots, repository)

    # out

    def sign(self, call: "Call", trunk: str, shown: str, dialled: str) -> Headers:
        """The Identity header of a call that a trunk carries; none when the trunk signs nothing, or there is no number
        to vouch for."""
        own, caller, called = self._signing.get(trunk), _number(shown), passport.canonical(dialled)
        if own is None or not caller or not called or shown == ANONYMOUS:
            return ()
        level = self._level(call, shown) if own.how == "policy" else own.how
        now = int(clock.now().timestamp())
        claim = Claim(level, caller, (called,), now, str(uuid.uuid5(uuid.NAMESPACE_URL, _origin(call, trunk))))
        call.stir_status = level
        call.note("attested", level=level)
        return [("Identity", passport.sign(claim, own.key, own.url))]

    def _level(self, call: "Call", shown: str) -> str:
        """A: the account may show this number. B: a customer of ours calls, from a number that we do not know. C: the
        call came in through a trunk and is passed on (RFC 8588 §4; ATIS-1000074 §5.2.3). What a call that is passed on
        by its CallToken was attested by, when that was believed, it keeps."""
        if call.exchange.owns(call.account.sid, shown):
            return "A"
        root = _root(call)
        if call.forwards is not None and root.stir_verdict is not None:
            verified = root.stir_verdict.verstat.removeprefix(f"{PASSED}-")
            if verified in passport.ATTESTATIONS:
                return verified  # call-control reference §7.6
        return "C" if root.direction is Direction.INBOUND and root.trunk else "B"

    # in

    def checks(self, trunk: str) -> bool:
        """Whether calls of a trunk have a verdict."""
        return trunk in self._checking

    async def verdict(self, invite: Invite, now: datetime | None = None) -> Verdict:
        """What is to be believed of an INVITE's Identity headers; the first that holds decides.

        It comes within `WAIT_S`, whatever the servers do that have the certificates.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + WAIT_S
        values = [value for name, value in invite.headers if name.lower() in ("identity", "y")]
        found = Verdict(NONE, why="no Identity header")
        for value in values[:MOST_IDENTITIES]:
            found = await self._believed(value, invite, now or clock.now(), deadline - loop.time())
            if found.verstat.startswith(PASSED):
                break
        return found

    async def _believed(self, value: str, invite: Invite, now: datetime, within: float) -> Verdict:
        claimed = passport.attestation_of(value)
        failed, token = f"{FAILED}-{claimed}" if claimed else FAILED, value.partition(";")[0].strip()
        if len(value) > passport.LONGEST:
            return Verdict(failed, why=f"an Identity header of {len(value)} characters")
        assert self._repository is not None
        try:
            identity = passport.read(value)
            caller, called, at = caller_of(invite), called_of(invite), now.timestamp()
            passport.about(identity.claim, caller=caller, called=called, now=at)  # before anything is fetched
            chain = await self._repository.chain(identity.url, max(0.0, within))
            passport.check(identity, signer(chain, self._roots, now), caller=caller, called=called, now=at)
        except Unavailable as error:
            return Verdict(NONE, token, str(error), value)
        except (BadIdentity, BadCertificate) as error:
            return Verdict(failed, token, str(error), value)
        return Verdict(f"{PASSED}-{identity.claim.attestation}", token, header=value)


def attested(call: "Call") -> Headers:
    """What a SIP party is told of the caller that it is connected with (call-control reference §7.6)."""
    verdict = _root(call).stir_verdict
    if verdict is None:
        return ()
    told = [("X-Twilio-VerStat", verdict.verstat)]
    return [*told, ("Identity", verdict.header)] if verdict.header else told


def caller_of(invite: Invite) -> str:
    """Who calls: P-Asserted-Identity goes before From (RFC 8224 §8.1, ATIS-1000074 §5.3.1)."""
    asserted = [value for name, value in invite.headers if name.lower() == "p-asserted-identity"]
    return next((found for one in asserted if (found := _number_of(one))), _number_of(invite.from_uri))


def called_of(invite: Invite) -> str:
    """Who is called, as the caller has dialled it (RFC 8224 §6.2.5)."""
    return _number_of(invite.to_uri) or _number_of(invite.request_uri)


def _number_of(uri: str) -> str:
    start = max(uri.find("<"), 0)
    return passport.canonical(unquote(user_and_host(uri[start:])[0]))


def _number(shown: str) -> str:
    return _number_of(shown) if is_sip(shown) else passport.canonical(shown)


def _root(call: "Call") -> "Call":
    while (before := call.parent or call.forwards) is not None:
        call = before
    return call


def _origin(call: "Call", trunk: str) -> str:
    """What `origid` names: one for each trunk or user that calls come from, for whoever traces them (RFC 8588 §5)."""
    root = _root(call)
    return f"callwright:{call.account.sid}:{root.trunk if root.direction is Direction.INBOUND else trunk}"
