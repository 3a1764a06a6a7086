"""A scripted call and a scripted application: each step says what the session must do next, and what comes of it.

    book = Playbook(
        fetch(VOICE) >> twiml("<Gather/>"),
        op("gather", GatherPlan()) >> Gathered("2"),
        fetch(VOICE, Digits="2") >> twiml("<Hangup/>"),
        op("hangup"),
    )
    await book.play_out()

A step that is not the expected one fails at once and shows both; steps that were never reached fail at the end.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Self, TypeVar

from callwright.calls.application import Application, Hook
from callwright.calls.conference.plan import ConferencePlan
from callwright.calls.control import (
    Dialled,
    DialPlan,
    DialRecording,
    File,
    Gathered,
    GatherPlan,
    MessagePlan,
    Prompt,
    Recorded,
    RecordPlan,
    ReferPlan,
    Referred,
    Sent,
    Speech,
)
from callwright.calls.queue.plan import DequeuePlan, Enqueued, EnqueuePlan
from callwright.calls.status import CallStatus, Direction
from callwright.errors import ApplicationError, LegGone
from callwright.twiml.document import Document, parse
from callwright.twiml.session import Answer as SessionAnswer
from callwright.twiml.session import Session

T = TypeVar("T")

VOICE = Hook("http://app.example/voice")
STANDARD = {"CallSid": "CA" + "1" * 32, "AccountSid": "AC" + "2" * 32, "From": "+15550001111", "To": "+15550002222"}


@dataclass(frozen=True)
class Answer:
    """An application server's answer."""

    body: bytes
    content_type: str = "text/xml; charset=utf-8"
    url: str = ""


def twiml(inner: str, *, url: str = "") -> Answer:
    """A document with these verbs, from the URL that was asked unless another is given."""
    return Answer(f'<?xml version="1.0" encoding="UTF-8"?><Response>{inner}</Response>'.encode(), url=url)


class Block(asyncio.Event):
    """A reply that never comes: the operation runs until it is cancelled. Set once the operation has begun."""


@dataclass
class Step:
    """What is expected next, what comes of it, how long it takes (seconds), and the call's status after it."""

    name: str
    value: Any = None
    reply: Any = None
    seconds: float = 2.0
    status: CallStatus | None = None
    params: dict[str, str] = field(default_factory=dict)

    def __rshift__(self, reply: Any) -> Self:
        self.reply = reply
        return self

    def taking(self, seconds: float) -> Self:
        """The same, lasting another time than two seconds."""
        self.seconds = seconds
        return self

    def then(self, status: CallStatus) -> Self:
        """The same, after which the call has this status."""
        self.status = status
        return self

    def shown(self) -> tuple[Any, ...]:
        return (self.name, self.value, self.params)


def op(name: str, value: Any = None) -> Step:
    """An operation on the call."""
    return Step(name, value)


def fetch(hook: Hook, **params: str) -> Step:
    """A request for a document with these parameters besides the standard ones."""
    return Step("fetch", hook, params=params)


def hang_up(step: Step) -> Step:
    """The step during which the caller hangs up."""
    return (step >> LegGone("the caller hung up")).then(CallStatus.COMPLETED)


async def unless_gone(work: "asyncio.Future[T]", gone: asyncio.Event) -> T:
    """The result of work that nobody waits for once the caller is gone. Raises LegGone then."""
    leaving = asyncio.ensure_future(gone.wait())
    try:
        await asyncio.wait({work, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            raise LegGone("the caller left")
        return work.result()
    finally:
        leaving.cancel()
        work.cancel()
        await asyncio.gather(work, leaving, return_exceptions=True)


class Playbook:
    """The recording fake: a `CallControl` and a source of documents that follow one script."""

    def __init__(
        self,
        *steps: Step,
        status: CallStatus = CallStatus.RINGING,
        direction: Direction = Direction.INBOUND,
        application: Application | None = None,
        last_resort: str = "apology",
    ) -> None:
        self.steps = list(steps)
        self.status = status
        self.direction = direction
        self.application = application or Application(voice=VOICE)
        self.sid, self.account_sid = STANDARD["CallSid"], STANDARD["AccountSid"]
        self.from_, self.to = STANDARD["From"], STANDARD["To"]
        self.notes: list[tuple[str, dict[str, object]]] = []
        self.prefetched: list[Prompt] = []
        self.cancelled: list[str] = []
        self.gone = asyncio.Event()
        self.recording = False
        self.returned: tuple[tuple[str, str], ...] = ()
        self.time = 0.0
        self.waiting = False
        self.session = Session(self, self, self.application, last_resort=last_resort, time=lambda: self.time)

    async def play_out(self) -> None:
        """Runs the session to its end and checks that every step was taken."""
        await self.session.run()
        self.finish()

    def finish(self) -> None:
        """Checks that every step was taken."""
        assert not self.steps, f"never reached: {[step.shown() for step in self.steps]}"

    @property
    def warnings(self) -> list[object]:
        """The codes that were warned about, in order."""
        return [data["code"] for kind, data in self.notes if kind == "warning"]

    async def _take(self, name: str, value: Any = None, params: dict[str, str] | None = None) -> Any:
        assert self.steps, f"nothing was expected, but got {(name, value, params)}"
        step = self.steps.pop(0)
        assert step.shown() == (name, value, params or {}), (
            f"expected {step.shown()}\n but got {(name, value, params or {})}"
        )
        if isinstance(step.reply, Block):
            step.reply.set()
            try:
                await asyncio.get_running_loop().create_future()
            except asyncio.CancelledError:
                self.cancelled.append(name)
                raise
        self.time += step.seconds
        self.status = step.status or self.status
        if isinstance(step.reply, Exception):
            raise step.reply
        return step.reply

    # documents

    async def get(self, hook: Hook, params: dict[str, str], parse: Callable[[SessionAnswer], T]) -> T:
        extra = {key: value for key, value in params.items() if key not in STANDARD}
        assert {key: params.get(key) for key in STANDARD} == STANDARD
        answer = await self._take("fetch", hook, extra)
        assert isinstance(answer, Answer), f"{hook} is answered with {answer!r}"
        return parse(Answer(answer.body, answer.content_type, answer.url or hook.url))

    async def given(self, text: str, params: dict[str, str], parse: Callable[[SessionAnswer], T]) -> T:
        assert {key: params.get(key) for key in STANDARD} == STANDARD
        return parse(Answer(text.encode(errors="replace"), "text/xml", ""))

    def amend(self, application: Application) -> None:
        self.application = application

    # control

    def parameters(self) -> dict[str, str]:
        return dict(STANDARD)

    def note(self, kind: str, **data: object) -> None:
        self.notes.append((kind, data))

    def prefetch(self, prompts: Sequence[Prompt]) -> None:
        self.prefetched.extend(prompts)

    async def during(self, work: "asyncio.Future[T]") -> T:
        return await unless_gone(work, self.gone)

    async def answer(self) -> None:
        await self._media("answer")

    async def play(self, prompts: Sequence[Prompt]) -> None:
        await self._media("play", list(prompts))

    async def pause(self, seconds: float) -> None:
        await self._take("pause", seconds)

    async def gather(self, plan: GatherPlan) -> Gathered:
        reply = await self._media("gather", plan)
        assert isinstance(reply, Gathered)
        return reply

    async def record(self, plan: RecordPlan) -> Recorded | None:
        reply = await self._media("record", plan)
        assert reply is None or isinstance(reply, Recorded)
        return reply

    async def start_recording(self, plan: DialRecording) -> None:
        await self._media("start_recording", plan)

    def stop_recording(self) -> bool:
        self.notes.append(("stop_recording", {}))
        return self.recording

    async def echo(self) -> None:
        await self._media("echo")

    async def refer(self, plan: ReferPlan) -> Referred:
        reply = await self._take("refer", plan)
        assert isinstance(reply, Referred)
        return reply

    async def message(self, plan: MessagePlan) -> Sent:
        reply = await self._take("message", plan)
        assert isinstance(reply, Sent)
        return reply

    async def dial(self, plan: DialPlan) -> Dialled:
        reply = await self._media("dial", plan)
        assert isinstance(reply, Dialled)
        return reply

    @property
    def rooms(self) -> "Playbook":
        return self

    async def confer(self, plan: ConferencePlan) -> Dialled | None:
        reply = await self._media("confer", plan)
        assert reply is None or isinstance(reply, Dialled)
        return reply

    async def enqueue(self, plan: EnqueuePlan) -> Enqueued:
        reply = await self._media("enqueue", plan)
        assert isinstance(reply, Enqueued)
        return reply

    async def dequeue(self, plan: DequeuePlan) -> Dialled:
        reply = await self._media("dequeue", plan)
        assert isinstance(reply, Dialled)
        return reply

    def leave(self) -> bool:
        was, self.waiting = self.waiting, False
        return was

    async def reject(self, reason: str) -> None:
        await self._take("reject", reason)
        self.status = CallStatus.BUSY if reason == "busy" else CallStatus.NO_ANSWER

    async def fail(self) -> None:
        await self._take("fail")
        answered = self.status is CallStatus.IN_PROGRESS
        self.status = CallStatus.COMPLETED if answered else CallStatus.FAILED

    def give_back(self, parameters: Sequence[tuple[str, str]]) -> None:
        self.returned = tuple(parameters)

    async def hangup(self) -> None:
        await self._take("hangup")
        self.status = CallStatus.COMPLETED

    async def _media(self, name: str, value: Any = None) -> Any:
        if self.status is CallStatus.RINGING:
            self.status = CallStatus.IN_PROGRESS
        return await self._take(name, value)


def speech(text: str) -> Step:
    """One <Say> with nothing but text."""
    return op("play", [Speech(text)])


def sound(url: str) -> Step:
    """One <Play> with nothing but a URL."""
    return op("play", [File(url)])


def unreachable(code: int = 11200) -> ApplicationError:
    """What remains when the secondary URI has failed, too."""
    return ApplicationError("app.example answered 500", code=code, url=VOICE.url)


def document(inner: str, url: str = VOICE.url) -> Document:
    """A parsed document with these verbs."""
    return parse(f"<Response>{inner}</Response>".encode(), "text/xml", url)


def codes(parsed: Document) -> list[int]:
    """The codes that a document was warned about."""
    return [warning.code for warning in parsed.warnings]
