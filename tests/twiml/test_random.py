"""Whatever an application answers and a caller does, a session ends its call and raises nothing."""

import asyncio
import random
from collections.abc import Callable, Sequence
from typing import TypeVar
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from callwright.calls.application import Application, Hook
from callwright.calls.conference.plan import ConferencePlan
from callwright.calls.control import (
    Dialled,
    DialPlan,
    DialRecording,
    Gathered,
    GatherPlan,
    MessagePlan,
    Prompt,
    Recorded,
    RecordPlan,
    ReferPlan,
    Referred,
    Sent,
)
from callwright.calls.queue.plan import DequeuePlan, Enqueued, EnqueuePlan, QueueResult
from callwright.calls.status import CallStatus, Direction
from callwright.errors import ApplicationError, DocumentError, EngineError, LegGone, MediaError
from callwright.twiml import replies
from callwright.twiml.document import parse
from callwright.twiml.session import Answer as SessionAnswer
from callwright.twiml.session import Session, SessionState
from callwright.twiml.verbs import VERBS, later
from callwright.twiml.verbs.conference import ATTRIBUTES as CONFERENCE
from callwright.twiml.verbs.dial import LATER, PARTIES, ROOMS
from callwright.twiml.verbs.number import ATTRIBUTES as NUMBER
from callwright.twiml.verbs.queue import ATTRIBUTES as QUEUE
from callwright.twiml.verbs.sip import ATTRIBUTES as SIP
from callwright.twiml.verbs.ssml import ELEMENTS
from callwright.twiml.verbs.streams import CONNECTED, FORKED
from tests.twiml.playbook import STANDARD, VOICE, Answer, unless_gone

T = TypeVar("T")

NAMES = [
    *VERBS,
    *later.VERBS,
    *LATER,
    *ROOMS,
    *PARTIES,
    "Identity",
    "ApplicationSid",
    "Recording",
    *CONNECTED,
    *FORKED,
    "Body",
    "Media",
    "Uri",
    "Headers",
    "Header",
    "Parameter",
    "Unknown",
    *ELEMENTS,
]
ATTRIBUTES = sorted(
    {attribute.name for verb in VERBS.values() for attribute in verb.attributes}
    | {attribute.name for attribute in NUMBER}
    | {attribute.name for attribute in SIP}
    | {attribute.name for attribute in (*CONFERENCE, *QUEUE)}
    | {"priority", "weight", "name", "value", "strength", "time", "unknown"}
)
WORDS = [
    *[
        "true",
        "false",
        "GET",
        "POST",
        "auto",
        "0",
        "1",
        "5",
        "30",
        "601",
        "-1",
        "dtmf",
        "speech",
        "#",
        "*",
        "busy",
        "rejected",
        "trim-silence",
        "de",
        "completed",
    ],
    *[
        "record-from-answer",
        "ringing",
        "alice",
        "Polly.Joanna",
        "en-US",
        "X-Name",
        "/next",
        "next?a=1",
        "?b",
        "#c",
        "//h/x",
        "ftp://x/",
    ],
    *("", " ", "dtmf speech", "http://app.example/x", "http://[x", "+15550001111", "sip:bob@pbx.example?X-A=%0D%0A"),
    *("\t\n", "é", "\u2028", "1" * 300, "http://a b/"),
]
WORD = st.sampled_from(WORDS) | st.text(max_size=20)
TYPES = st.sampled_from(
    ["text/xml", "text/xml", "text/xml", "text/html; charset=utf-8", "text/plain", "audio/wav", "", "image/png"]
)


@st.composite
def elements(draw: st.DrawFn, depth: int = 3) -> str:
    """An element of the schema, in any place, with any attributes and values."""
    name = draw(st.sampled_from(NAMES if depth < 3 else [*VERBS, *VERBS, *later.VERBS]))
    attributes = draw(st.dictionaries(st.sampled_from(ATTRIBUTES), WORD, max_size=4))
    inner = [escape(draw(WORD))]
    if depth:
        inner += draw(st.lists(elements(depth - 1), max_size=3))
    given = "".join(f" {key}={quoteattr(value)}" for key, value in attributes.items())
    return f"<{name}{given}>{''.join(inner)}</{name}>"


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """A document of such elements, with a few bytes of it changed, dropped or repeated."""
    inner = "".join(draw(st.lists(elements(), max_size=4)))
    body = bytearray(f"<Response>{inner}</Response>".encode("utf-8", "surrogatepass"))
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 3]))):
        at = draw(st.integers(0, len(body) - 1)) if body else 0
        match draw(st.integers(0, 2)):
            case 0:
                body[at : at + 1] = bytes([draw(st.integers(0, 255))])
            case 1:
                del body[at : at + draw(st.integers(1, 20))]
            case 2:
                body[at:at] = body[at : at + 50]
    return bytes(body)


async def turn() -> None:
    """One turn of the event loop."""
    event = asyncio.Event()
    asyncio.get_running_loop().call_soon(event.set)
    await event.wait()


class Chance:
    """A call and an application that do anything that they may do, by a seeded chance."""

    MOST_OPERATIONS = 150
    """After so many the call has lasted its longest, and is cut."""

    def __init__(self, answers: Sequence[Answer], seed: int) -> None:
        self.random = random.Random(seed)
        self.answers = answers
        self.status = CallStatus.RINGING
        self.direction = Direction.INBOUND
        self.sid, self.account_sid = STANDARD["CallSid"], STANDARD["AccountSid"]
        self.from_, self.to = STANDARD["From"], STANDARD["To"]
        self.time = 0.0
        self.operations = 0
        self.gone = asyncio.Event()

    def session(self) -> Session:
        """The session that runs it, with one of the last resorts."""
        resort = self.random.choice(["apology", "reject", "+15550003333", "sip:desk@pbx.example"])
        return Session(self, self, Application(voice=VOICE), last_resort=resort, time=lambda: self.time)

    async def _happens(self, *, media: bool = True) -> None:
        await turn()
        self.operations += 1
        if media and not self.status.final:
            self.status = CallStatus.IN_PROGRESS
        self.time += self.random.choice([0, 0, 0.01, 3])
        chance = self.random.random()
        if chance < 0.05 or self.operations > self.MOST_OPERATIONS or self.status.final:
            self.status = CallStatus.COMPLETED
            raise LegGone("the caller hung up")
        if chance < 0.1:
            raise MediaError("cannot be had", code=11200)
        if chance < 0.13:
            raise EngineError("no port")

    def _left(self) -> bool:
        if self.operations > self.MOST_OPERATIONS or self.random.random() < 0.2:
            self.status = CallStatus.COMPLETED
            return True
        return False

    async def get(self, hook: Hook, params: dict[str, str], parse: Callable[[SessionAnswer], T]) -> T:
        await turn()
        self.operations += 1
        if self.random.random() < 0.05:
            raise ApplicationError("refused", code=11202, url=hook.url)
        if self.random.random() < 0.05 and not self.status.final:
            self.status = CallStatus.COMPLETED
            self.gone.set()
            await asyncio.get_running_loop().create_future()  # an application that thinks for ever
        answer = self.random.choice(self.answers)
        return parse(Answer(answer.body, answer.content_type, hook.url))

    async def given(self, text: str, params: dict[str, str], parse: Callable[[SessionAnswer], T]) -> T:
        await turn()
        return parse(Answer(text.encode(errors="replace"), "text/xml", ""))

    def amend(self, application: Application) -> None:
        raise AssertionError("nobody changes a random call's settings")

    def parameters(self) -> dict[str, str]:
        return dict(STANDARD)

    def note(self, kind: str, **data: object) -> None:
        assert kind

    def prefetch(self, prompts: Sequence[Prompt]) -> None:
        assert prompts

    async def during(self, work: "asyncio.Future[T]") -> T:
        return await unless_gone(work, self.gone)

    async def answer(self) -> None:
        await self._happens()

    async def play(self, prompts: Sequence[Prompt]) -> None:
        assert prompts
        await self._happens()

    async def pause(self, seconds: float) -> None:
        await self._happens(media=False)

    async def gather(self, plan: GatherPlan) -> Gathered:
        await self._happens()
        return Gathered(self.random.choice(["", "1", "12#"]), self.random.choice(["", plan.finish_on]))

    async def record(self, plan: RecordPlan) -> Recorded | None:
        await self._happens()
        digits = "hangup" if self._left() else "#"
        return self.random.choice([None, Recorded("RE1", "http://api.example/RE1", 1, digits)])

    async def dial(self, plan: DialPlan) -> Dialled:
        assert 1 <= len(plan.targets) <= 10
        await self._happens()
        return Dialled(self.random.choice(["completed", "busy", "failed"]), hung_up=self._left())

    @property
    def rooms(self) -> "Chance":
        return self

    async def confer(self, plan: ConferencePlan) -> Dialled | None:
        assert 1 <= len(plan.name) <= 128
        await self._happens()
        left = self._left()
        return None if self.random.random() < 0.1 and not left else Dialled("answered", hung_up=left)

    async def enqueue(self, plan: EnqueuePlan) -> Enqueued:
        assert 1 <= len(plan.name) <= 64
        await self._happens()
        return Enqueued(self.random.choice(list(QueueResult)), "QU1", 3, hung_up=self._left())

    async def dequeue(self, plan: DequeuePlan) -> Dialled:
        assert 1 <= len(plan.name) <= 64
        await self._happens()
        return Dialled("completed", hung_up=self._left())

    def leave(self) -> bool:
        return self.random.random() < 0.5

    @property
    def waiting(self) -> bool:
        return self.random.random() < 0.5

    async def start_recording(self, plan: DialRecording) -> None:
        await self._happens()

    def stop_recording(self) -> bool:
        return self.random.random() < 0.5

    async def echo(self) -> None:
        await self._happens()

    async def refer(self, plan: ReferPlan) -> Referred:
        assert plan.uri.startswith("sip")
        await self._happens()
        return Referred("failed", hung_up=self._left())

    async def message(self, plan: MessagePlan) -> Sent:
        assert 1 <= len(plan.body) <= 1600
        return Sent("SM1", self.random.choice(["queued", "failed"]))

    async def reject(self, reason: str) -> None:
        assert reason in ("busy", "rejected")
        if self.random.random() < 0.1:
            await self._happens(media=False)
        self.status = CallStatus.NO_ANSWER

    async def fail(self) -> None:
        if self.random.random() < 0.1:
            await self._happens(media=False)
        self.status = CallStatus.FAILED

    def give_back(self, parameters: Sequence[tuple[str, str]]) -> None:
        assert parameters and all(name for name, _ in parameters)

    async def hangup(self) -> None:
        self.status = CallStatus.COMPLETED


ANSWERS = st.lists(st.builds(Answer, bodies(), TYPES), min_size=1, max_size=4)
PATIENT = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
PARTS = 4  # of a thousand, for processes that share the work


@pytest.mark.parametrize("part", range(PARTS))
@settings(PATIENT, max_examples=1000 // PARTS)
@given(ANSWERS, st.integers(0, 2**32))
def test_every_session_ends_its_call(part: int, answers: list[Answer], seed: int) -> None:
    async def scenario() -> None:
        call = Chance(answers, seed)
        session = call.session()
        await asyncio.wait_for(session.run(), 20)
        assert call.status.final
        assert session.state is SessionState.ENDED

    asyncio.run(scenario())


@PATIENT
@given(ANSWERS, st.integers(0, 2**32), st.lists(st.integers(0, 30), max_size=4))
def test_every_redirected_session_ends_its_call(answers: list[Answer], seed: int, moments: list[int]) -> None:
    async def scenario() -> None:
        call = Chance(answers, seed)
        session = call.session()
        task = asyncio.create_task(session.run())
        for ticks in moments:
            for _ in range(ticks):
                await turn()
            text = answers[0].body.decode("utf-8", "replace")
            session.redirect(VOICE if call.random.random() < 0.5 else text)
        await asyncio.wait_for(task, 20)
        assert call.status.final
        assert session.state is SessionState.ENDED

    asyncio.run(scenario())


@settings(PATIENT, max_examples=1000)
@given(st.binary(max_size=300) | bodies(), TYPES, st.sampled_from(["", VOICE.url, "http://[x", "mailto:x"]))
def test_parsing_gives_a_document_or_its_own_error(body: bytes, content_type: str, url: str) -> None:
    try:
        parsed = parse(body, content_type, url)
    except DocumentError as fault:
        assert fault.code in (11750, 11770, 12100, 12101, 12102, 12300)
    else:
        assert all(11100 <= warning.code <= 64001 for warning in parsed.warnings)
        assert all(warning.message for warning in parsed.warnings)


@PATIENT
@given(st.binary(max_size=300) | bodies(), TYPES, st.sampled_from(["", VOICE.url, "http://[x", "mailto:x"]))
def test_an_answer_to_a_message_gives_replies_or_its_own_error(body: bytes, content_type: str, url: str) -> None:
    try:
        found = replies.parse(body, content_type, url)
    except DocumentError as fault:
        assert fault.code in (11750, 12100, 12101, 12102, 12300)
    else:
        assert all(reply.body or reply.media for reply in found.messages)
        assert all(warning.message for warning in found.warnings)
