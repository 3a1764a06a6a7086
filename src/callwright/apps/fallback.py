"""Where a session's documents come from: the primary URI, its retries, the secondary URI, or nowhere.

    PRIMARY ----> RETRY ------+           a failure that asking again may mend
       |            |         |
       |            v         v
       +-------> SECONDARY --> SECONDARY_RETRY     any other failure, or one too many
       |            |             |
       v            v             v
    ANSWERED, or GIVEN_UP when nothing is left to ask

A failure is one of transport, of HTTP, or of the document itself: what cannot be parsed is as good as not answered.
The secondary URI is told what failed (ErrorCode, ErrorUrl) and is asked once for each failed document: its own
failure ends the search. Every step is noted on the call. Source: call-control reference §2.6.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, Generic, TypeVar

from callwright.apps.client import Answer, ApplicationClient, Ask, Fetch
from callwright.apps.cookies import CookieJar
from callwright.calls.application import Account, Application, Hook
from callwright.errors import ApplicationError
from callwright.outbound import shown

T = TypeVar("T")

BODY_KEPT = 4096
"""Bytes of an answer that a call's event log keeps."""


class State(StrEnum):
    """Who is being asked for a document, or how the search ended."""

    PRIMARY = "primary"
    RETRY = "retry"
    SECONDARY = "secondary"
    SECONDARY_RETRY = "secondary_retry"
    ANSWERED = "answered"
    GIVEN_UP = "given_up"


class Result(StrEnum):
    """What came of asking.

    `PASSING` is a failure that the URL's retry policy wants tried again; `FAILED` one that it does not, while a
    secondary URI is there for this URI's failures; `LAST` one when there is none.
    """

    DOCUMENT = "document"
    PASSING = "passing"
    FAILED = "failed"
    LAST = "last"


TRANSITIONS: Mapping[tuple[State, Result], State] = {
    (State.PRIMARY, Result.DOCUMENT): State.ANSWERED,
    (State.PRIMARY, Result.PASSING): State.RETRY,
    (State.PRIMARY, Result.FAILED): State.SECONDARY,
    (State.PRIMARY, Result.LAST): State.GIVEN_UP,
    (State.RETRY, Result.DOCUMENT): State.ANSWERED,
    (State.RETRY, Result.PASSING): State.RETRY,
    (State.RETRY, Result.FAILED): State.SECONDARY,
    (State.RETRY, Result.LAST): State.GIVEN_UP,
    (State.SECONDARY, Result.DOCUMENT): State.ANSWERED,
    (State.SECONDARY, Result.PASSING): State.SECONDARY_RETRY,
    (State.SECONDARY, Result.LAST): State.GIVEN_UP,
    (State.SECONDARY_RETRY, Result.DOCUMENT): State.ANSWERED,
    (State.SECONDARY_RETRY, Result.PASSING): State.SECONDARY_RETRY,
    (State.SECONDARY_RETRY, Result.LAST): State.GIVEN_UP,
}
"""Every step that the search for a document may take. The secondary URI has no secondary, so it never ends FAILED."""

_ENDED = frozenset({State.ANSWERED, State.GIVEN_UP})
_NOTED = {
    State.RETRY: "retry",
    State.SECONDARY: "fallback",
    State.SECONDARY_RETRY: "retry",
    State.GIVEN_UP: "given_up",
}


class Documents:
    """The documents of one session, and its cookies.

    Args:
        application: its fallback is the secondary URI.
        account: signs the requests.
        note: adds a step to the call's event log: a kind and its data.
    """

    def __init__(
        self, client: ApplicationClient, application: Application, account: Account, note: Callable[..., None]
    ) -> None:
        self.cookies = CookieJar()
        self._client = client
        self._application = application
        self._account = account
        self._note = note

    async def first(self, params: Mapping[str, str], parse: Callable[[Answer], T]) -> T:
        """The session's first document: the application's voice URI, or the text that stands in its place.

        Raises:
            ApplicationError: as `get`.
        """
        if self._application.voice is not None:
            return await self.get(self._application.voice, params, parse)
        return await self.given(self._application.twiml or "", params, parse)

    async def given(self, text: str, params: Mapping[str, str], parse: Callable[[Answer], T]) -> T:
        """A document that is given as text in place of a URI; a malformed one goes to the secondary URI as well.

        Raises:
            ApplicationError: as `get`.
        """
        inline = Answer("", 200, "text/xml", text.encode(errors="replace"), "", 0.0)
        return await self._search(None, inline, params, parse)

    async def get(self, hook: Hook, params: Mapping[str, str], parse: Callable[[Answer], T]) -> T:
        """A document from an application.

        Args:
            hook: the primary URI of this document.
            params: the standard parameters and those of the instruction that asks.
            parse: makes a document of an answer; raises ApplicationError (DocumentError) when it cannot be run.

        Raises:
            ApplicationError: the primary and the secondary URI failed, or there is no secondary: the last failure.
        """
        return await self._search(hook, None, params, parse)

    async def _search(
        self, hook: Hook | None, inline: Answer | None, params: Mapping[str, str], parse: Callable[[Answer], T]
    ) -> T:
        search = _Search(self, hook, inline, params, parse)
        while search.state not in _ENDED:
            await search.step()
        return search.outcome()

    def amend(self, application: Application) -> None:
        """The call's application has other settings now."""
        self._application = application

    def ask(self, hook: Hook, params: Mapping[str, str]) -> Ask:
        """A question in this session's name."""
        return self._client.ask(Fetch(hook, params, self._account, self.cookies))

    @property
    def fallback(self) -> Hook | None:
        """The secondary URI."""
        return self._application.fallback

    def note(self, kind: str, **data: object) -> None:
        """Adds a step to the call's event log."""
        self._note(kind, **data)


class _Search(Generic[T]):
    """The search for one document. `state` says where it stands; `step` asks once and moves it."""

    def __init__(
        self,
        documents: Documents,
        hook: Hook | None,
        inline: Answer | None,
        params: Mapping[str, str],
        parse: Callable[[Answer], T],
    ) -> None:
        self._documents = documents
        self._hook = hook
        self._inline = inline
        self._params = params
        self._parse = parse
        self._ask: Ask | None = None
        self._document: list[T] = []
        self._error: ApplicationError | None = None
        self._state = State.PRIMARY

    @property
    def state(self) -> State:
        """Where the search stands."""
        return self._state

    def outcome(self) -> T:
        """The document that was found, or the last failure raised."""
        if self._state is State.ANSWERED:
            return self._document[0]
        assert self._error is not None
        raise self._error

    def _move(self, result: Result) -> None:
        """The one place that changes the state: checks the transition and notes it."""
        following = TRANSITIONS[self._state, result]
        if following in _NOTED:
            assert self._error is not None
            data: dict[str, Any] = {"code": self._error.code, "error": self._error.message, "url": self._shown()}
            if following is State.SECONDARY:
                assert self._documents.fallback is not None
                data["to"] = shown(self._documents.fallback.url)
            self._documents.note(_NOTED[following], state=following.value, **data)
        if following is State.SECONDARY:
            self._turn_to_secondary()
        self._state = following

    def _turn_to_secondary(self) -> None:
        assert self._error is not None
        failed = {"ErrorCode": str(self._error.code), "ErrorUrl": self._error.url}
        self._params = {**self._params, **failed}
        self._hook, self._inline, self._ask = self._documents.fallback, None, None

    async def step(self) -> None:
        """Asks whoever is to be asked, and moves on by what came of it."""
        try:
            answer = await self._answer()
            self._document = [self._parse(answer)]
        except ApplicationError as error:
            # The URL as it was configured, whatever hop or part of it failed.
            error.url = without_credentials(self._hook.url) if self._hook else ""
            self._error = error
            self._move(self._judged(error))
        else:
            self._move(Result.DOCUMENT)

    async def _answer(self) -> Answer:
        if self._hook is None:
            assert self._inline is not None
            return self._inline
        note = self._documents.note
        asked = {"url": self._shown(), "method": self._hook.method, "state": self._state.value}
        try:
            if self._ask is None:
                self._ask = self._documents.ask(self._hook, self._params)
            answer = await self._ask.attempt()
        except ApplicationError as error:
            failed = {"status": error.response_status, "code": error.code, "error": error.message}
            note("fetch", **asked, **failed, params=dict(self._params))
            raise
        note(
            "fetch",
            **asked,
            status=answer.status,
            ms=round(answer.elapsed * 1000),
            type=answer.content_type[:100],
            bytes=len(answer.body),
            params=dict(self._params),
            body=answer.body[:BODY_KEPT].decode("utf-8", "replace"),
        )
        return answer

    def _judged(self, error: ApplicationError) -> Result:
        if self._ask is not None and self._ask.may_retry(error):
            return Result.PASSING
        primary = self._state in (State.PRIMARY, State.RETRY)
        return Result.FAILED if primary and self._documents.fallback is not None else Result.LAST

    def _shown(self) -> str:
        return shown(self._hook.url) if self._hook else "(inline)"


def without_credentials(url: str) -> str:
    """A URL as it was configured, save the user and password in it: they are no business of another server."""
    scheme, separator, rest = url.partition("://")
    end = min((index for mark in "/?#" if (index := rest.find(mark)) >= 0), default=len(rest))
    return f"{scheme}{separator}{rest[:end].rpartition('@')[2]}{rest[end:]}"
