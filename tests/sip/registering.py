"""REGISTERs as the engine tells of them, and their answers."""

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from callwright.sip.credentials import Credential
from callwright.sip.leg import Headers
from callwright.sip.request import Request
from callwright.sip.users import User, Users

DOMAIN = "pbx.example"
NOON = datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC)
CALL_ID = "registration-1"


def user(name: str = "alice", domain: str = DOMAIN, **facts: object) -> User:
    """A user of the tests' domain."""
    credential = Credential(name, domain, "0" * 32, "0" * 64)
    return User(name, domain, "AC" + "1" * 32, credential, **facts)  # type: ignore[arg-type]  # the caller's business


ALICE, BOB = user("alice"), user("bob")
USERS = Users([ALICE, BOB], ports=[5060])


@dataclass
class Answers:
    """What was answered, in order: request, code, reason, headers."""

    all: list[tuple[int, int, str, Headers]] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    ids: "itertools.count[int]" = field(default_factory=itertools.count)

    def respond(self, request: int, code: int, *, reason: str = "", headers: Headers = ()) -> None:
        self.all.append((request, code, reason, headers))
        self.changed.set()

    @property
    def codes(self) -> list[int]:
        """The status of each."""
        return [code for _, code, _, _ in self.all]

    def values(self, name: str, index: int = -1) -> list[str]:
        """The values of a header field of one answer, the last by default."""
        return [value for other, value in self.all[index][3] if other == name]

    def register(
        self,
        *contacts: str,
        expires: int = -1,
        cseq: int = 1,
        call_id: str = CALL_ID,
        name: str = "alice",
        to: str = "",
        host: str = "192.0.2.7",
        port: int = 5062,
        transport: str = "UDP",
        headers: Sequence[tuple[str, str]] = (),
        realm: str = DOMAIN,
        registrar: str = f"sip:{DOMAIN}",
    ) -> Request:
        """A REGISTER of an authenticated user."""
        return Request(
            self,
            next(self.ids),
            "REGISTER",
            registrar,
            to or f"sip:{name}@{DOMAIN}",
            call_id,
            cseq,
            host,
            port,
            transport,
            expires,
            name,
            realm,
            (*[("Contact", contact) for contact in contacts], *headers),
        )
