"""Where a session's documents come from: the primary URI, its retries, the secondary URI, or nowhere.

Each search runs through the machine of `apps/states`. The secondary URI is told what failed (ErrorCode, ErrorUrl) and
is asked once for each failed document: its own failure ends the search. Every transition is a step of the call's event
log, and an alert with its code. Source: call-control reference §2.6.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

from callwright.apps.client import Answer, ApplicationClient, Ask, Fetch
from callwright.apps.cookies import CookieJar
from callwright.apps.failure import BadAnswer, classify
from callwright.apps.states import ENDED, STEPS, Decision, State, decide
from callwright.calls.alerts import Alert, Exchanged
from callwright.calls.application import Account, Application, Hook
from callwright.errors import ApplicationError
from callwright.outbound import shown, without_credentials

T = TypeVar("T")

BODY_KEPT = 4096
"""Bytes of an answer that a call's event log keeps."""


class Documents:
    """The documents of one session, and its cookies.

    Args:
        application: its fallback is the secondary URI.
        account: signs the requests.
        note: adds a step to the call's event log: a kind and its data.
        alert: raises an alert.
    """

    def __init__(
        self,
        client: ApplicationClient,
        application: Application,
        account: Account,
        note: Callable[..., None],
        alert: Callable[[Alert], None] | None = None,
    ) -> None:
        self.cookies = CookieJar()
        self._note = note
        self._alert = alert
        self._client = client
        self._application = application
        self._account = account

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
        while search.state not in ENDED:
            await search.step()
        return search.outcome()

    def amend(self, application: Application) -> None:
        """The call's application has other settings now."""
        self._application = application

    def ask(self, hook: Hook, params: Mapping[str, str]) -> Ask:
        """A question in this session's name."""
        return self._client.ask(Fetch(hook, params, self._account, self.cookies))

    def note(self, kind: str, **data: object) -> None:
        """Adds a step to the call's event log."""
        self._note(kind, **data)

    def alert(self, alert: Alert) -> None:
        """Raises an alert, if there is anybody to hear it."""
        if self._alert is not None:
            self._alert(alert)

    @property
    def fallback(self) -> Hook | None:
        """The secondary URI."""
        return self._application.fallback


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
        self._answered: Answer | None = None
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

    async def step(self) -> None:
        """Asks whoever is to be asked, and moves on by what came of it."""
        self._answered = None
        try:
            self._answered = await self._answer()
            self._document = [self._parse(self._answered)]
        except ApplicationError as error:
            # The URL as it was configured, whatever hop or part of it failed.
            error.url = without_credentials(self._hook.url) if self._hook else ""
            self._error = error
            self._move(self._decided(error))
        except asyncio.CancelledError:
            self._documents.note(STEPS[State.ABANDONED], state=self._state.value, url=self._shown())
            self._enter(State.ABANDONED)
            raise
        else:
            self._enter(State.ANSWERED)

    def _enter(self, state: State) -> None:
        """The one place that changes the state."""
        if self._state in ENDED:
            raise ValueError(f"a search that is {self._state} cannot be {state}")
        self._state = state

    def _decided(self, error: ApplicationError) -> Decision:
        may_repeat = self._ask is not None and self._ask.may_retry(error)
        has_secondary = self._documents.fallback is not None
        return decide(self._state, classify(error), error.code, may_repeat=may_repeat, has_secondary=has_secondary)

    def _move(self, decision: Decision) -> None:
        """After a failure: tells of it, and turns to whoever is asked next."""
        assert self._error is not None
        data: dict[str, object] = {"code": decision.code, "error": self._error.message, "url": self._shown()}
        if decision.state is State.SECONDARY:
            assert self._documents.fallback is not None
            data["to"] = shown(self._documents.fallback.url)
        self._documents.note(STEPS[decision.state], state=decision.state.value, **data)
        alert = Alert(decision.level, decision.code, self._error.message, self._exchanged(self._error))
        self._documents.alert(alert)
        if decision.state is State.SECONDARY:
            self._turn_to_secondary(decision.code)
        self._enter(decision.state)

    def _turn_to_secondary(self, code: int) -> None:
        assert self._error is not None
        self._params = {**self._params, "ErrorCode": str(code), "ErrorUrl": self._error.url}
        self._hook, self._inline, self._ask = self._documents.fallback, None, None

    def _exchanged(self, error: ApplicationError) -> Exchanged:
        """What the failed request was, for an alert."""
        if self._hook is None:
            return Exchanged(response_body=self._inline.body if self._inline else b"")
        headers: tuple[tuple[str, str], ...] = ()
        body = b""
        if isinstance(error, BadAnswer):
            headers, body = error.headers, error.body
        elif self._answered is not None:
            headers, body = self._answered.headers, self._answered.body
        return Exchanged(
            url=error.url,
            method=self._hook.method,
            variables=self._params,
            headers=self._ask.sent if self._ask else {},
            response_headers=headers,
            response_body=body,
        )

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

    def _shown(self) -> str:
        return shown(self._hook.url) if self._hook else "(inline)"
