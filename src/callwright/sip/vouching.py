"""Domains whose users an application knows, and what it is asked about one of them."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from callwright.config import Config
from callwright.domains import realm_of
from callwright.sip.users import OPTIONAL, SDES, User


@dataclass(frozen=True, slots=True)
class Vouching:
    """A domain whose users an application knows; times in seconds.

    Attributes:
        domain: in lower case.
        realm: of its users' digests, as challenges spell it.
        account_sid: whose users they are.
        cached: how long the application's word on a user holds.
        refused: how long it holds that somebody is no user.
        grace: for how much longer its word on a user serves when it cannot be asked.
        patience: that one request may take, and wait for its turn.
        at_once: requests at a time.
        srtp, srtp_keying: of its users' calls.
    """

    domain: str
    realm: str
    account_sid: str
    cached: float = 300.0
    refused: float = 30.0
    grace: float = 3600.0
    patience: float = 2.0
    at_once: int = 20
    srtp: str = OPTIONAL
    srtp_keying: str = SDES


@dataclass(frozen=True, slots=True)
class Question:
    """A request whose sender only an application knows, as the engine's HELD tells of it.

    Attributes:
        user, realm: as claimed.
    """

    id: int
    method: str
    user: str
    realm: str
    source_host: str = ""
    source_port: int = 0
    transport: str = ""
    call_id: str = ""
    user_agent: str = ""

    @classmethod
    def of(cls, id_: int, method: str, detail: Mapping[str, Any]) -> "Question":
        """What a HELD event tells."""
        return cls(id_, method, **detail)


Ask = Callable[[Question], Awaitable[User | None]]
"""Who a request is from, None when he is no user; raises ApplicationError when nobody can tell."""


def declared(config: Config) -> list[Vouching]:
    """The domains of the configuration file that have an `auth_url`."""
    return [
        Vouching(
            domain=section.name.lower(),
            realm=realm_of(section.name, config.sip.domain),
            account_sid=section.account,
            cached=section.auth_cache_s,
            refused=section.auth_refused_s,
            grace=section.auth_grace_s,
            patience=section.auth_timeout_ms / 1000,
            at_once=section.auth_requests,
            srtp=section.srtp,
            srtp_keying=section.srtp_keying,
        )
        for section in config.domain
        if section.auth_url
    ]
