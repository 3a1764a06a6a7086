"""Text messages over SIP, in (RFC 3428): to the application of who sends them, or on to the phones of a user.

A MESSAGE that an application gets is answered 202 when it, and its request in the durable queue of callbacks, outlive a
crash; one for a user is answered as his phones answer it.
"""

import logging
import re
from collections.abc import Mapping, Sequence
from typing import Protocol
from urllib.parse import unquote

from callwright import ids
from callwright.account import Account
from callwright.calls.application import Hook
from callwright.calls.arrivals import Arrivals, Arrived
from callwright.calls.numbers import Number, Numbers
from callwright.calls.parameters import sip
from callwright.calls.spelling import spelled
from callwright.calls.tasks import Tasks
from callwright.config import Config
from callwright.domains import VoiceSection, domain_of
from callwright.errors import StoreError
from callwright.sip.request import Request
from callwright.sip.transaction import Response
from callwright.sip.trunks import Trunk, Trunks
from callwright.sip.uri import user_and_host
from callwright.sip.users import User, Users

logger = logging.getLogger(__name__)

MAX_BODY = 8192
MOST_UNDER_WAY = 1000
TOO_MANY, RETRY = "too many messages are under way", [("Retry-After", "5")]
ANSWER_S = 4.0  # the engine answers 503 itself after 5 s
_PLAIN = re.compile(r"text/plain\s*(;.*)?\Z", re.IGNORECASE)
_CHARSET = re.compile(r';\s*charset\s*=\s*"?([^";\s]+)', re.IGNORECASE)
_READABLE = frozenset({"utf-8", "us-ascii"})


class Deliverer(Protocol):
    """Who takes a text to a user's phones."""

    async def deliver(self, account_sid: str, to: str, sender: str, body: str, *, seconds: float = ...) -> Response: ...


def hooks(config: Config) -> dict[str, Hook]:
    """Who is told of a user's messages, by his address of record: his own `message_url`, else that of his domain.
    At "@" and a domain: of those of users whom an application vouches for."""

    def hook(section: VoiceSection) -> Hook | None:
        return Hook(config.absolute(section.message_url), section.message_method) if section.message_url else None

    shared = {section.name.lower(): hook(section) for section in config.domain}
    asking = (section.name.lower() for section in config.domain if section.auth_url)
    found = {f"@{domain}": told for domain in asking if (told := shared[domain]) is not None}
    for section in config.user:
        domain = domain_of(section, config.sip.domain)
        if (own := hook(section) or shared.get(domain)) is not None:
            found[f"{section.name}@{domain}"] = own
    return found


class Inbox:
    """Answers MESSAGEs outside calls.

    Args:
        hooks: who is told of users' messages, as `hooks` makes it.
    """

    def __init__(
        self,
        accounts: Mapping[str, Account],
        numbers: Numbers,
        trunks: Trunks,
        users: Users,
        hooks: Mapping[str, Hook],
        pager: Deliverer,
        arrivals: Arrivals,
    ) -> None:
        self._accounts, self._numbers, self._trunks, self._users = accounts, numbers, trunks, users
        self._hooks, self._pager, self._arrivals = hooks, pager, arrivals
        self._tasks = Tasks()

    def take(self, request: Request) -> None:
        """One MESSAGE."""
        user = self._users.proven(request.user, request.realm, request.from_uri) if request.user else None
        trunks = self._trunks.sharing(request.source_host)
        if not trunks and request.user:
            trunks = self._trunks.of_user(request.user, request.realm)
        if user is None and not trunks:
            self._refuse(request, 403, "it is from no trunk and no user")
            return
        text = _text(request)
        if isinstance(text, int):
            self._refuse(request, text, "it is no plain text", [("Accept", "text/plain")] if text == 415 else [])
        elif user is not None:
            self._of_user(request, user, text)
        else:
            self._of_trunks(request, trunks, text)

    def _of_user(self, request: Request, user: User, text: str) -> None:
        account = self._accounts[user.account_sid]
        shared = None if user.hosted else self._hooks.get(f"@{user.domain}")
        if (hook := self._hooks.get(user.aor, shared)) is not None:
            own = self._users.named(request.from_uri) == user
            facts = {
                "SipDomain": user.domain,
                "SipDomainSid": ids.derived(ids.SIP_DOMAIN, user.account_sid, user.domain),
                "SipUsername": user.name,
            }
            from_ = request.from_uri if own else f"sip:{user.aor}"
            self._tell(request, account, hook, from_, request.request_uri, text, facts)
            return
        self._pass_on(request, account, user.name, text)

    def _of_trunks(self, request: Request, trunks: Sequence[Trunk], text: str) -> None:
        """Of several trunks with one source it is the one whose account has the number, or the user."""
        called = unquote(user_and_host(request.request_uri)[0])
        owner = self._users.named(request.request_uri)
        for trunk in trunks:
            number = self._numbers.find(trunk.inbound.called(called))
            account = self._accounts.get(number.account_sid) if number else None
            if number is not None and account is not None and trunk.account_sid in account.lineage:
                self._to_number(request, trunk, number, account, text)
                return
            account = self._accounts.get(owner.account_sid) if owner else None
            if account is not None and trunk.account_sid in account.lineage:
                self._pass_on(request, account, user_and_host(request.from_uri)[0], text)
                return
        names = ", ".join(trunk.name for trunk in trunks)
        self._refuse(request, 404, f"{called!r} is neither a number nor a user of the account of trunk {names}")

    def _to_number(self, request: Request, trunk: Trunk, number: Number, account: Account, text: str) -> None:
        if number.message is None:
            self._refuse(request, 603, f"number {number.number} has no message_url")
            return
        from_ = spelled(request.from_uri, trunk.inbound)
        self._tell(request, account, number.message, from_, number.number, text, {})

    def _tell(
        self,
        request: Request,
        account: Account,
        hook: Hook,
        from_: str,
        to: str,
        text: str,
        facts: Mapping[str, str],
    ) -> None:
        """To the application."""
        if not account.active:
            self._refuse(request, 403, f"account {account.sid} is {account.status}")
            return
        if len(self._tasks) >= MOST_UNDER_WAY:
            self._refuse(request, 503, TOO_MANY, RETRY)
            return
        row = self._arrivals.take(account, Arrived(from_, to, text, facts={**sip(request), **facts}), hook)
        self._tasks.spawn(self._taken(request, row["sid"]), "MESSAGE")

    async def _taken(self, request: Request, sid: str) -> None:
        try:
            await self._arrivals.kept()
        except StoreError as error:
            # its application is told of it all the same: if it came again, it would be told twice
            logger.warning("message=%s taken although it is not written yet: %s", sid, error.message)
        request.respond(202)

    def _pass_on(self, request: Request, account: Account, sender: str, text: str) -> None:
        """To the phones of a user of the same account."""
        if not self._users.is_local(request.request_uri):
            self._refuse(request, 404, f"{request.request_uri} is no user of ours")
        elif not account.active:
            self._refuse(request, 403, f"account {account.sid} is {account.status}")
        elif len(self._tasks) >= MOST_UNDER_WAY:
            self._refuse(request, 503, TOO_MANY, RETRY)
        else:
            self._tasks.spawn(self._deliver(request, account, sender, text), "MESSAGE")

    async def _deliver(self, request: Request, account: Account, sender: str, text: str) -> None:
        response = await self._pager.deliver(account.sid, request.request_uri, sender, text, seconds=ANSWER_S)
        if response.succeeded:
            request.respond(response.code)
            return
        # what concerns one hop says nothing to the sender of another (RFC 3261 §16.7, 6)
        passed = response.code if response.code not in (401, 407, 503) else 480
        self._refuse(request, passed, f"{response.code} {response.reason}")

    def _refuse(self, request: Request, code: int, why: str, headers: list[tuple[str, str]] | None = None) -> None:
        logger.info("MESSAGE from %s:%d refused with %d: %s", request.source_host, request.source_port, code, why)
        request.respond(code, headers=headers or [])

    async def close(self) -> None:
        """Gives up what is under way."""
        await self._tasks.cancel()


def _text(request: Request) -> str | int:
    """What a MESSAGE says, or the SIP status of its refusal."""
    if len(request.body) > MAX_BODY:
        return 413
    charset = _CHARSET.search(request.content_type)
    readable = charset is None or charset[1].lower() in _READABLE
    if not _PLAIN.match(request.content_type) or not readable or request.values("Content-Encoding"):
        return 415
    try:
        return request.body.decode()
    except UnicodeDecodeError:
        return 400
