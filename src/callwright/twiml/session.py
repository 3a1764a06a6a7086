"""A session: one call, from its first document to its end (call-control reference §1.1, §2.6)."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from enum import StrEnum
from typing import Any, Protocol, TypeVar

from callwright.calls.application import Application, Hook
from callwright.calls.control import CallControl, DialPlan, NumberTarget, SipTarget, Speech
from callwright.errors import ApplicationError, CallwrightError, LegGone
from callwright.log import CallLog
from callwright.outbound import shown
from callwright.twiml.address import with_userinfo
from callwright.twiml.document import Document, parse
from callwright.twiml.interpreter import arrive, interpret
from callwright.twiml.outcome import Finish, Next
from callwright.twiml.pace import Pace

logger = logging.getLogger(__name__)

T = TypeVar("T")

APOLOGY = Speech("An application error has occurred. Goodbye.")
TOO_MANY_DOCUMENTS = 14106

Source = Hook | str
"""Where a document comes from: a URL, or its own text."""


class Answer(Protocol):
    """An application server's answer, as far as a document needs it."""

    @property
    def url(self) -> str: ...
    @property
    def content_type(self) -> str: ...
    @property
    def body(self) -> bytes: ...


class Documents(Protocol):
    """Where documents come from: the primary URI, its retries, the secondary (apps/fallback)."""

    async def get(self, hook: Hook, params: dict[str, str], parse: Callable[[Answer], T]) -> T:
        """What `parse` makes of the answer.

        Raises:
            ApplicationError: the secondary failed, too, or there is none.
        """
        ...

    async def given(self, text: str, params: dict[str, str], parse: Callable[[Answer], T]) -> T:
        """The same for a document that is given as text; raises as `get`."""
        ...

    def amend(self, application: Application) -> None:
        """The call's application has other settings now."""
        ...


class SessionState(StrEnum):
    """What a session is doing."""

    FETCHING = "fetching"
    RUNNING = "running"
    RESORTING = "resorting"
    ENDING = "ending"
    ENDED = "ended"


TRANSITIONS: dict[SessionState, frozenset[SessionState]] = {
    SessionState.FETCHING: frozenset(
        {SessionState.RUNNING, SessionState.FETCHING, SessionState.RESORTING, SessionState.ENDING}
    ),
    SessionState.RUNNING: frozenset({SessionState.FETCHING, SessionState.RESORTING, SessionState.ENDING}),
    SessionState.RESORTING: frozenset({SessionState.FETCHING, SessionState.ENDING}),
    SessionState.ENDING: frozenset({SessionState.ENDED}),
    SessionState.ENDED: frozenset(),
}


class Session:
    """Runs a call's documents.

    Args:
        last_resort: what becomes of the call when no application answers: see `Account`.
        time: seconds of a steady clock; the event loop's own by default.
    """

    def __init__(
        self,
        control: CallControl,
        documents: Documents,
        application: Application,
        *,
        last_resort: str = "apology",
        time: Callable[[], float] | None = None,
    ) -> None:
        self._control = control
        self._last_resort = last_resort
        self._documents = documents
        self._application = application
        self._time = time
        self._pace = Pace()
        self._state = SessionState.FETCHING
        self._work: asyncio.Task[None] | None = None
        self._redirected: Source | None = None
        self._told = dict(application.told)
        self._log = CallLog(logger, control.sid, control.account_sid)

    @property
    def state(self) -> SessionState:
        """What it is doing."""
        return self._state

    def _set_state(self, state: SessionState) -> None:
        if state not in TRANSITIONS[self._state]:
            raise ValueError(f"a session cannot go from {self._state} to {state}")
        self._log.debug("- session is %s", state)
        self._state = state

    async def run(self) -> None:
        """One call to its end: returns when the call has ended, whatever the application did.

        Cancelling it stops the verb at once and leaves the call to its owner.
        """
        source = self._first()
        while True:
            self._redirected = None
            self._work = asyncio.create_task(self._live(source), name=f"session {self._control.sid}")
            try:
                await asyncio.wait({self._work})
            finally:
                if not self._work.done():
                    self._work.cancel()
                    await asyncio.wait({self._work})
            if self._redirected is None or self._state is SessionState.ENDED:
                self._work.result()
                return
            source = self._redirected

    def _first(self) -> Source:
        for source in (self._redirected, self._application.voice, self._application.twiml):
            if source is not None:
                return source
        raise ValueError("an application has a voice URL or a document")

    def redirect(self, source: Source) -> bool:
        """Leaves the current verb at once for another document; its action is not requested.

        Returns:
            False when the session is already ending.
        """
        if self._state in (SessionState.ENDING, SessionState.ENDED) or self._control.status.final:
            return False
        self._control.note("redirect", url=shown(source.url) if isinstance(source, Hook) else "")
        self._redirected = source
        if self._work is not None:
            self._work.cancel()
        return True

    def amend(self, application: Application) -> None:
        """The call's application has other settings now: its secondary URI holds for the next fetch."""
        self._application = application
        self._documents.amend(application)

    async def _live(self, source: Source) -> None:
        """From one source of documents to the end of the call, unless it is redirected meanwhile."""
        try:
            finish = await self._follow(source)
        except LegGone:
            finish = Finish(hung_up=True)
        except ApplicationError as fault:
            self._control.note("failure", code=fault.code, message=fault.message, url=_shown(fault.url))
            finish = await self._resort()
        except CallwrightError as fault:
            self._control.note("failure", code=fault.code, message=fault.message)
            self._log.error("the call ends: %s", fault.message)
            finish = Finish()
        except Exception:
            # A defect must not leave a caller on a dead line: the call ends, the defect goes on to whoever runs us.
            await self._end(Finish())
            raise
        await self._end(finish)

    async def _follow(self, source: Source) -> Finish:
        """Document after document, until one ends the call."""
        self._set_state(SessionState.FETCHING)
        told, self._told = self._told, {}
        document = await (self._fetch(source, told) if isinstance(source, Hook) else self._given(source))
        while True:
            if not self._pace.begin():
                most = f"more than {Pace.MOST_DOCUMENTS} documents without a second of sound"
                self._control.note("warning", code=TOO_MANY_DOCUMENTS, message=most)
                return Finish()
            self._arrived(document)
            step = await interpret(document, self._control, self._pace, self._time or asyncio.get_running_loop().time)
            if isinstance(step, Finish):
                return step
            if step.final:
                await self._report(step)
            if step.final or self._control.status.final:
                return Finish(hung_up=True)
            self._set_state(SessionState.FETCHING)
            document = await self._fetch(step.hook, dict(step.params))

    async def _fetch(self, hook: Hook, params: dict[str, str]) -> Document:
        def read(answer: Answer) -> Document:
            return parse(answer.body, answer.content_type, with_userinfo(answer.url, hook.url))

        return await self._while_there(self._documents.get(hook, {**self._control.parameters(), **params}, read))

    async def _given(self, text: str) -> Document:
        """The document that came in place of a URL. It has no base: relative URLs in it cannot be resolved."""

        def read(answer: Answer) -> Document:
            return parse(answer.body, answer.content_type, answer.url)

        return await self._while_there(self._documents.given(text, self._control.parameters(), read))

    async def _while_there(self, search: Coroutine[Any, Any, Document]) -> Document:
        """A document, as long as there is somebody to hear it: an application may think for a long time.

        Raises:
            LegGone: the caller left first.
        """
        return await self._control.during(asyncio.ensure_future(search))

    def _arrived(self, document: Document) -> None:
        self._set_state(SessionState.RUNNING)
        arrive(document, self._control)

    async def _report(self, step: Next) -> None:
        """The action of a verb whose caller has left: requested, and its answer discarded."""
        self._set_state(SessionState.ENDING)
        try:
            await self._documents.get(step.hook, {**self._control.parameters(), **step.params}, _discard)
        except ApplicationError as fault:
            self._control.note("failure", code=fault.code, message=fault.message, url=_shown(fault.url))

    async def _resort(self) -> Finish:
        """Nobody could say what to do: the call's last resort."""
        if self._control.status.final:
            return Finish(hung_up=True)
        self._set_state(SessionState.RESORTING)
        self._control.note("last_resort", how=self._last_resort)
        try:
            if self._last_resort == "reject":
                await self._control.fail()
                return Finish(hung_up=True)
            finish = None if self._last_resort == "apology" else await self._connect(self._last_resort)
            if finish is None:
                await self._control.play([APOLOGY])
            return finish or Finish()
        except LegGone:
            return Finish(hung_up=True)
        except CallwrightError as fault:
            self._control.note("warning", code=fault.code, message=f"the last resort: {fault.message}")
            return Finish()

    async def _connect(self, address: str) -> Finish | None:
        """Connects the caller with a number or SIP URI; None when nobody answers there."""
        target = SipTarget(address) if address.startswith(("sip:", "sips:")) else NumberTarget(address)
        dialled = await self._control.dial(DialPlan(targets=(target,), answer_on_bridge=True))
        if dialled.hung_up:
            return Finish(hung_up=True)
        return Finish() if dialled.bridged else None

    async def _end(self, finish: Finish) -> None:
        if self._state is not SessionState.ENDING:
            self._set_state(SessionState.ENDING)
        try:
            if not finish.hung_up and not self._control.status.final:
                await self._control.hangup()
        except LegGone:
            self._log.debug("- the leg ended before it was hung up")
        finally:
            self._set_state(SessionState.ENDED)


def _discard(answer: Answer) -> None:
    """What becomes of an answer that nobody can hear."""


def _shown(url: str) -> str:
    """A URL as it may be noted; "" for none."""
    return shown(url) if url else ""
