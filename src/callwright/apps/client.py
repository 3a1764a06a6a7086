"""Requests to application servers, as the dialect has them: signed forms, cookies, redirects, credentials, retries."""

import asyncio
import re
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from urllib.parse import quote_plus, urljoin
from uuid import uuid4

from callwright import digest
from callwright.apps import fragment
from callwright.apps.breaker import Breakers, Rules
from callwright.apps.cookies import CookieJar
from callwright.apps.failure import FACTS, BadAnswer, classify
from callwright.calls.application import Account, Hook
from callwright.errors import ApplicationError
from callwright.outbound import Limits, Outbound, Response, Target, parse
from callwright.signing import signature

REDIRECTS = frozenset({301, 302, 303, 307, 308})
FORM = "application/x-www-form-urlencoded; charset=UTF-8"
UNREAD = ("audio/",)
"""Answers of these types are played by their URL: the media layer fetches them, of any size."""

_PLAIN = re.compile(r"[A-Za-z0-9_.~-]*\Z").match
_STANDARD = MappingProxyType({"User-Agent": "TwilioProxy/1.1", "Accept": "*/*"})


@dataclass(frozen=True, slots=True)
class Fetch:
    """A request to an application.

    Attributes:
        hook: where and how; its URL may carry credentials and overrides.
        params: the form, or for GET what is added to the query.
        account: signs it.
        cookies: of the call; None: neither sent nor kept.
        idempotency_token: the same in every attempt, so that an application can tell a repetition.
        discard: the body of the answer does not matter, however long it is.
        insistent: past the origin's breaker: it asks nobody's caller to wait, and tells nothing of those who do.
    """

    hook: Hook
    params: Mapping[str, str]
    account: Account
    cookies: CookieJar | None = None
    idempotency_token: str = field(default_factory=lambda: str(uuid4()))
    discard: bool = False
    insistent: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What an application answered.

    Attributes:
        url: after redirects, without fragment and without the parameters that a GET added: the base of relative
            URLs. It has the credentials that the request had, so log only `outbound.shown(url)`. "" for a document
            that no URL gave.
        content_type: as it was sent, with parameters; "" when there was none.
        body: b"" for audio: whoever plays it fetches it.
        method: of the last request: GET after a redirect.
        elapsed: seconds, redirects included.
        headers: as they were sent.
    """

    url: str = field(repr=False)
    status: int
    content_type: str
    body: bytes
    method: str
    elapsed: float
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)


class Ask:
    """One question to an application: some attempts within one budget of time.

    Attributes:
        attempts: how many were begun.
        sent: header fields of the last request, without those that authenticate.

    Raises:
        ApplicationError: the URL or its overrides are malformed (11100, 11210, 21205, 11240-11243).
    """

    def __init__(self, outbound: Outbound, breakers: Breakers, fetch: Fetch) -> None:
        url, self._overrides = fragment.parse(fetch.hook.url)
        self._outbound = outbound
        self._breakers = breakers
        self._fetch = fetch
        self._target = self._own = parse(url)
        self._limits = self._overrides.limits(outbound.limits)
        self._deadline = asyncio.get_running_loop().time() + self._limits.total
        self._body: bytes | None = None
        if fetch.hook.method == "GET":
            self._target = self._target.extended(encoded(fetch.params))
        else:
            self._body = encoded(fetch.params).encode("ascii")
        self.attempts = 0
        self.sent: Mapping[str, str] = _STANDARD

    def may_retry(self, error: ApplicationError) -> bool:
        """Whether to attempt again after this failure of the last attempt."""
        left = self._deadline - asyncio.get_running_loop().time()
        return left > 0 and self._overrides.allows(FACTS[classify(error)].policy, self.attempts)

    async def attempt(self) -> Answer:
        """Asks once, following redirects with GET and without the form.

        Raises:
            ApplicationError: 11200 with `response_status` when the answer is not a 2xx; 11215 too many redirects; else
                as `Outbound.request`.
        """
        self.attempts += 1
        loop = asyncio.get_running_loop()
        started = loop.time()
        target, method = self._target, self._fetch.hook.method
        for _ in range(self._outbound.settings.max_redirects + 1):
            response = await self._authorized(method, target)
            if response.status not in REDIRECTS or "Location" not in response.headers:
                break
            target, method = self._redirected(target, response.headers["Location"]), "GET"
        else:
            raise ApplicationError(f"more than {self._outbound.settings.max_redirects} redirects", code=11215)
        if not 200 <= response.status < 300:
            raise BadAnswer(
                f"{target.host} answered {response.status}",
                status=response.status,
                headers=tuple(response.headers.items()),
                body=response.body,
            )
        content_type = response.headers.get("Content-Type", "")
        # What was added to the query is this request's, not the document's address.
        base = (self._own if target is self._target else target).base()
        elapsed, headers = loop.time() - started, tuple(response.headers.items())
        return Answer(base, response.status, content_type, response.body, method, elapsed, headers)

    def _redirected(self, target: Target, location: str) -> Target:
        try:
            following = parse(urljoin(target.text, location.partition("#")[0]))
        except ValueError as error:
            raise ApplicationError("the URL of a redirect is malformed", code=11100) from error
        if following.credentials is None and following.origin == target.origin:
            return following.known_as(target)
        return following

    async def _authorized(self, method: str, target: Target) -> Response:
        """One hop; a Digest challenge is answered when the URL has credentials."""
        response = await self._hop(method, target, target.authorization())
        if response.status == 401 and target.credentials is not None:
            challenge = digest.strongest(response.all("WWW-Authenticate"))
            if challenge is not None:
                uri = target.wire.raw_path_qs
                return await self._hop(method, target, digest.answer(challenge, target.credentials, method, uri))
        return response

    async def _hop(self, method: str, target: Target, authorization: str | None) -> Response:
        fetch = self._fetch
        form = self._body is not None and method == "POST"
        headers = {**_STANDARD, "I-Twilio-Idempotency-Token": fetch.idempotency_token}
        if form:
            headers["Content-Type"] = FORM
        self.sent = dict(headers)
        headers["X-Twilio-Signature"] = signature(
            fetch.account.auth_token, target.text, fetch.params.items() if form else ()
        )
        if authorization is not None:
            headers["Authorization"] = authorization
        if fetch.cookies is not None and (cookie := fetch.cookies.header(target.text)):
            headers["Cookie"] = cookie
        limits = self._remaining()
        breaker = nullcontext() if fetch.insistent else self._breakers.asking(fetch.account.sid, target.origin)
        with breaker:
            response = await self._outbound.request(
                method,
                target,
                data=self._body if form else None,
                headers=headers,
                limits=limits,
                max_bytes=self._outbound.settings.max_document_bytes,
                unread=UNREAD,
                discard=fetch.discard,
            )
        if fetch.cookies is not None and response.set_cookies:
            fetch.cookies.store(target.text, response.set_cookies)
        return response

    def _remaining(self) -> Limits:
        left = self._deadline - asyncio.get_running_loop().time()
        if left <= 0:
            raise ApplicationError(f"all attempts together took longer than {self._limits.total:g} s", code=11203)
        return Limits(self._limits.connect, self._limits.read, left)


def encoded(params: Mapping[str, str]) -> str:
    """Form fields as application/x-www-form-urlencoded: what `urllib.parse.urlencode` makes, at a fifth of its cost.

    Most values are SIDs, words and empty text that need no escaping; the others recur from request to request.
    """
    return "&".join([f"{_field(key)}={_field(value)}" for key, value in params.items()])


def _field(text: str) -> str:
    return text if _PLAIN(text) else _quoted(text)


@lru_cache(maxsize=4096)
def _quoted(text: str) -> str:
    return quote_plus(text, errors="replace")


class ApplicationClient:
    """Asks application servers on behalf of calls.

    Args:
        rules: when an origin that does not answer is left alone.
    """

    def __init__(self, outbound: Outbound, rules: Rules | None = None) -> None:
        self.outbound = outbound
        self.breakers = Breakers(rules or Rules(), lambda: asyncio.get_running_loop().time())

    def ask(self, fetch: Fetch) -> Ask:
        """Prepares a question; the caller makes the attempts.

        Raises:
            ApplicationError: as `Ask`.
        """
        return Ask(self.outbound, self.breakers, fetch)

    async def fetch(self, fetch: Fetch) -> Answer:
        """Asks, and asks again as the URL's overrides allow: by default once, when no connection was made.

        Raises:
            ApplicationError: the last attempt's failure.
        """
        ask = self.ask(fetch)
        while True:
            try:
                return await ask.attempt()
            except ApplicationError as error:
                if not ask.may_retry(error):
                    raise
