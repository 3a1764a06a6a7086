"""`<Dial>`: connects the caller with another party (call-control reference §1.6)."""

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Self

from callwright.calls.application import Hook
from callwright.calls.conference.plan import ConferencePlan
from callwright.calls.control import (
    ApplicationTarget,
    CallControl,
    ClientTarget,
    Dialled,
    DialPlan,
    DialRecording,
    NumberTarget,
    SipTarget,
    Target,
)
from callwright.calls.queue.plan import DequeuePlan
from callwright.sip.identity import ANONYMOUS
from callwright.twiml.attribute import (
    DAY,
    SCHEMA_WARNING,
    Attribute,
    Values,
    address,
    boolean,
    choice,
    idle,
    integer,
    method,
    text,
)
from callwright.twiml.outcome import Finish, Next, Step
from callwright.twiml.reading import Element, Reading, text_of
from callwright.twiml.verbs import application, client, conference, number, queue, sip
from callwright.twiml.verbs.callbacks import (
    RECORDING_CONFIGURATION,
    RECORDING_EVENTS,
    RECORDING_METHOD,
    RECORDING_URL,
    recording_callback,
)
from callwright.twiml.verbs.later import NOUNS, SIM_UNSUPPORTED
from callwright.twiml.verbs.schema import check
from callwright.twiml.verbs.verb import Verb

MOST_PARTIES = 10
BAD_CALLER_ID = 13214
NESTED = 13215
BAD_SIP_CALLER_ID = 13247
LONG_CALLER_ID = 13248
CONFERENCE_MIXED = 13000
LONGEST_CALLER_ID = 100
FAILED = "failed"

RECORDINGS: dict[str, DialRecording | None] = {
    "do-not-record": None,
    "false": None,
    "record-from-answer": DialRecording(),
    "true": DialRecording(),
    "record-from-ringing": DialRecording(from_ringing=True),
    "record-from-answer-dual": DialRecording(dual=True),
    "record-from-ringing-dual": DialRecording(from_ringing=True, dual=True),
}
# fmt: off
RING_TONES = (
    "at", "au", "bg", "br", "be", "ch", "cl", "cn", "cz", "de", "dk", "ee", "es", "fi", "fr", "gr", "hu", "il", "in",
    "it", "lt", "jp", "mx", "my", "nl", "no", "nz", "ph", "pl", "pt", "ru", "se", "sg", "th", "uk", "us", "us-old",
    "tw", "ve", "za",
)
# fmt: on

ACTION = address("action")
METHOD = method(code=13210)
TIMEOUT = integer("timeout", 30, 5, 600, 13212)
TIME_LIMIT = integer("timeLimit", 14400, 1, DAY, 13216)
HANGUP_ON_STAR = boolean("hangupOnStar", False, 13213)
CALLER_ID: Attribute[str] = Attribute("callerId", str.strip, "", BAD_CALLER_ID)
RECORD = choice("record", RECORDINGS, "do-not-record", 13217)
TRIM = choice("trim", ("trim-silence", "do-not-trim"), "do-not-trim")
RECORDING_TRACK = choice("recordingTrack", ("both", "inbound", "outbound"), "both")
ANSWER_ON_BRIDGE = boolean("answerOnBridge", False, 13219)
RING_TONE = choice("ringTone", RING_TONES, "", 13220)
SEQUENTIAL = boolean("sequential", False, 13218)
REFER_URL = address("referUrl", SCHEMA_WARNING)
REFER_METHOD = method("referMethod")
CALL_REASON = text("callReason", most=50)
IDLE = (
    RECORDING_CONFIGURATION,
    idle(choice("events", ("call-progress-event",), ""), "each noun's statusCallback is told", warned=False),
    idle(text("passports"), "the trunk's key vouches, not a document"),
)

PARTIES: dict[str, Callable[[Element, Reading], "Party | None"]] = {
    "Number": number.parse,
    "Sip": sip.parse,
    "Client": client.parse,
    "Application": application.parse,
}
LATER: dict[str, int] = {
    "WhatsApp": SCHEMA_WARNING,
    "Sim": SIM_UNSUPPORTED,
}
"""Nouns that are known and cannot be dialled here, with the warning that says so."""

ROOMS = {"Conference": conference.parse, "Queue": queue.parse}
"""Nouns that stand alone: nobody is called."""

Party = NumberTarget | ClientTarget | ApplicationTarget | sip.Sip
Room = ConferencePlan | DequeuePlan


@dataclass(frozen=True, slots=True)
class Dial(Verb):
    """Parties to call, and how.

    Attributes:
        parties: none when no noun can be dialled: the dial fails.
        time_limit: seconds that the bridge may last.
        caller_id: "" for the caller's own.
        room: the conference or queue to enter in place of parties; the rest of its plan is here.
        refer: what runs on who is left when a party is transferred by the other one; None: no transfers.
        reason: what the parties are told that the call is about; "" for nothing.
    """

    name: ClassVar[str] = "Dial"
    attributes = (
        ACTION,
        METHOD,
        TIMEOUT,
        TIME_LIMIT,
        HANGUP_ON_STAR,
        CALLER_ID,
        RECORD,
        TRIM,
        RECORDING_TRACK,
        RECORDING_URL,
        RECORDING_METHOD,
        RECORDING_EVENTS,
        ANSWER_ON_BRIDGE,
        RING_TONE,
        SEQUENTIAL,
        REFER_URL,
        REFER_METHOD,
        CALL_REASON,
        *IDLE,
    )

    parties: tuple[Party, ...] = ()
    action: Hook | None = None
    timeout: int = TIMEOUT.default
    time_limit: int = TIME_LIMIT.default
    hangup_on_star: bool = HANGUP_ON_STAR.default
    caller_id: str = CALLER_ID.default
    recording: DialRecording | None = None
    answer_on_bridge: bool = ANSWER_ON_BRIDGE.default
    ring_tone: str = RING_TONE.default
    sequential: bool = SEQUENTIAL.default
    room: Room | None = None
    refer: Hook | None = None
    reason: str = CALL_REASON.default

    @classmethod
    def parse(cls, element: Element, reading: Reading) -> Self | None:
        values = reading.values(element, cls.attributes)
        alone = _alone(element)
        return cls(
            parties=_parties(element, reading) if alone is None else (),
            room=_room(element, alone, reading) if alone is not None else None,
            action=reading.action(element, values[ACTION], values[METHOD]),
            timeout=values[TIMEOUT],
            time_limit=values[TIME_LIMIT],
            hangup_on_star=values[HANGUP_ON_STAR],
            caller_id=values[CALLER_ID],
            recording=_recording(element, values, reading),
            answer_on_bridge=values[ANSWER_ON_BRIDGE],
            ring_tone=values[RING_TONE],
            sequential=values[SEQUENTIAL],
            refer=reading.hook(element, values[REFER_URL], values[REFER_METHOD], REFER_URL.code),
            reason=values[CALL_REASON],
        )

    async def execute(self, control: CallControl) -> Step:
        if self.room is not None:
            dialled = await self._enter(control, self.room)
            return self._after(dialled) if dialled is not None else None
        targets = self._targets()
        fault = self._caller_id_fault(control, targets)
        if fault:
            control.note("warning", code=fault, message="<Dial>: callerId cannot be used: the dial fails")
        if fault or not targets:
            return self._after(Dialled(FAILED))
        return self._after(
            await control.dial(
                DialPlan(
                    targets=targets,
                    caller_id=self._caller_id(control),
                    timeout=self.timeout,
                    time_limit=self.time_limit,
                    hangup_on_star=self.hangup_on_star,
                    answer_on_bridge=self.answer_on_bridge,
                    ring_tone=self.ring_tone,
                    sequential=self.sequential,
                    recording=self.recording,
                    refer=self.refer,
                    reason=self.reason,
                )
            )
        )

    async def _enter(self, control: CallControl, room: Room) -> Dialled | None:
        if isinstance(room, ConferencePlan):
            return await control.rooms.confer(
                replace(room, time_limit=self.time_limit, hangup_on_star=self.hangup_on_star, recording=self.recording)
            )
        return await control.rooms.dequeue(
            replace(
                room,
                timeout=self.timeout,
                time_limit=self.time_limit,
                hangup_on_star=self.hangup_on_star,
                answer_on_bridge=self.answer_on_bridge,
                ring_tone=self.ring_tone,
                recording=self.recording,
            )
        )

    def _targets(self) -> tuple[Target, ...]:
        targets: list[Target] = []
        for party in self.parties:
            if isinstance(party, sip.Sip):
                first, *others = party.ordered(random.random)
                targets.append(replace(first, alternatives=tuple(others)))
            else:
                targets.append(party)
        return tuple(targets)

    def _caller_id(self, control: CallControl) -> str:
        if self.caller_id in (control.from_, control.to):
            return self.caller_id
        if self.caller_id.lower() == "anonymous":
            return ANONYMOUS
        try:
            return number.telephone(self.caller_id)
        except ValueError:
            return self.caller_id

    def _caller_id_fault(self, control: CallControl, targets: Sequence[Target]) -> int:
        """The code that says why the caller ID cannot be used; 0 when it can. Whose number it is, is checked where
        the call is placed."""
        if not self.caller_id or self.caller_id in (control.from_, control.to):
            return 0
        if len(self.caller_id) > LONGEST_CALLER_ID:
            return LONG_CALLER_ID
        if any(isinstance(target, NumberTarget) for target in targets):
            return 0 if re.fullmatch(r"\+?[0-9]{1,20}", self._caller_id(control)) else BAD_CALLER_ID
        form = r"[A-Za-z0-9+\-_.]+"
        if any(isinstance(target, SipTarget) for target in targets):
            return 0 if re.fullmatch(form, self._caller_id(control)) else BAD_SIP_CALLER_ID
        if targets:
            return 0 if re.fullmatch(f"(client:)?{form}", self._caller_id(control)) else BAD_CALLER_ID
        return 0

    def _after(self, dialled: Dialled) -> Step:
        if dialled.transferred_to and self.refer is not None:
            return Next(self.refer, {"ReferTransferTarget": dialled.transferred_to}, final=dialled.hung_up)
        if self.action is not None:
            return Next(self.action, parameters(dialled), final=dialled.hung_up)
        return Finish(hung_up=True) if dialled.hung_up else None


def parameters(dialled: Dialled) -> dict[str, str]:
    """What the action is told about a dial."""
    told = {"DialCallStatus": dialled.status, "DialBridged": "true" if dialled.bridged else "false"}
    if dialled.call_sid:
        told["DialCallSid"] = dialled.call_sid
    if dialled.duration is not None:
        told["DialCallDuration"] = str(dialled.duration)
    if dialled.recording is not None:
        told["RecordingUrl"] = dialled.recording.url
        told["RecordingSid"] = dialled.recording.sid
        told["RecordingDuration"] = str(dialled.recording.duration)
    if dialled.sip:
        told["DialSipCallId"] = dialled.sip_call_id
        told["DialSipResponseCode"] = str(dialled.sip_code) if dialled.sip_code else ""
        for name, value in dialled.sip_headers:
            told[f"DialSipHeader_{name}"] = value
    for name, value in dialled.returned:
        told[f"ReturnParam_{name}"] = value
    return told | dialled.queue.parameters() if dialled.queue is not None else told


def _recording(element: Element, values: Values, reading: Reading) -> DialRecording | None:
    callback = recording_callback(element, values, reading)
    if (kind := RECORDINGS[values[RECORD]]) is None:
        return None
    return DialRecording(
        from_ringing=kind.from_ringing,
        dual=kind.dual,
        trim=values[TRIM] == "trim-silence",
        track=values[RECORDING_TRACK],
        callback=callback,
    )


def _alone(element: Element) -> Element | None:
    """The conference or queue that is the only noun; None when there is none, or others beside it."""
    nouns = [child for child in element if child.tag in PARTIES or child.tag in LATER or child.tag in ROOMS]
    return nouns[0] if len(nouns) == 1 and nouns[0].tag in ROOMS else None


def _room(element: Element, noun: Element, reading: Reading) -> Room | None:
    reading.children(element, frozenset(ROOMS), NESTED)
    if text_of(element):
        reading.warn(element, SCHEMA_WARNING, "text beside nouns is ignored")
    return ROOMS[str(noun.tag)](noun, reading)


def _parties(element: Element, reading: Reading) -> tuple[Party, ...]:
    written = text_of(element)
    nouns = reading.children(element, frozenset(PARTIES.keys() | LATER.keys() | ROOMS.keys()), NESTED)
    if not nouns:
        lone = number.plain(element, written, reading)
        return (lone,) if lone else ()
    if written:
        reading.warn(element, SCHEMA_WARNING, "text beside nouns is ignored")
    if len(nouns) > MOST_PARTIES:
        reading.warn(element, SCHEMA_WARNING, f"more than {MOST_PARTIES} parties: the first {MOST_PARTIES} are dialled")
    parties = []
    for noun in nouns[:MOST_PARTIES]:
        if (code := LATER.get(str(noun.tag))) is not None:
            if schema := NOUNS.get(str(noun.tag)):
                check(noun, schema, reading)
            reading.warn(noun, code, "is not supported: this party is not dialled")
        elif noun.tag in PARTIES and (party := PARTIES[str(noun.tag)](noun, reading)):
            parties.append(party)
    return () if _mixed(element, [str(noun.tag) for noun in nouns], reading) else tuple(parties)


def _mixed(element: Element, tags: Sequence[str], reading: Reading) -> bool:
    """Whether nouns stand together that exclude each other; the dial then fails."""
    for alone, code in (("Conference", CONFERENCE_MIXED), ("Queue", NESTED), ("Application", NESTED)):
        if alone in tags and len(tags) > 1:
            reading.warn(element, code, f"<{alone}> cannot be dialled together with another noun")
            return True
    return False
