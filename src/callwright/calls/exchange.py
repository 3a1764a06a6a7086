"""What every call of one daemon shares: the endpoint, the sounds, the store, the callbacks."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from callwright.calls.alerts import Alerts
from callwright.calls.application import Account, Application, Hook
from callwright.calls.attestation import Attestation
from callwright.calls.capacity import Capacity
from callwright.calls.fences import Fences
from callwright.calls.pager import Pager
from callwright.calls.rooms import Rooms
from callwright.calls.tasks import Tasks
from callwright.calls.transcription import Transcribers
from callwright.calls.unanswered import Unanswered
from callwright.engine import Sound
from callwright.media.speech.recognition import Recognition
from callwright.sip.endpoint import Endpoint
from callwright.sip.events.dialogs import Dialogs
from callwright.sip.health import Health
from callwright.sip.registrar import Registrar
from callwright.sip.trunks import Trunks
from callwright.store.store import Store

if TYPE_CHECKING:
    from callwright.calls.bridge import Bridge
    from callwright.calls.call import Call


class Sounds(Protocol):
    """Where sounds come from: the media library."""

    def at_hand(self, url: str, account: Account) -> Sound | None: ...
    async def file(self, url: str, account: Account) -> Sound: ...
    async def speech(self, text: str, *, voice: str, language: str, ssml: bool) -> Sound: ...


class Callbacks(Protocol):
    """The durable queue of status callbacks. `post` never blocks; parameters are final."""

    def post(
        self, *, account: Account, call_sid: str, hook: Hook, params: dict[str, str], kind: str, subject: str = ""
    ) -> None: ...


class RecordingFiles(Protocol):
    """Where recordings lie on disk."""

    @property
    def directory(self) -> Path: ...
    def path(self, account_sid: str, sid: str) -> Path: ...


class Scripts(Protocol):
    """Documents that calls run besides those of their own sessions."""

    async def screen(self, call: "Call", hook: Hook, params: Mapping[str, str]) -> bool:
        """Runs a document on a callee before it is connected; False when it refuses, or the document cannot be had.

        Raises:
            LegGone: the callee left.
        """
        ...

    async def serve(self, call: "Call") -> None:
        """Runs a call's application to the end of the call."""
        ...


class NoScripts:
    """Nobody runs documents: every screened callee refuses, and no application is there."""

    async def screen(self, call: "Call", hook: Hook, params: Mapping[str, str]) -> bool:
        """Refuses."""
        return False

    async def serve(self, call: "Call") -> None:
        """Ends the call."""
        call.hang_up()


def no_application(account_sid: str, application_sid: str) -> Application | None:
    """Nothing is stored."""
    return None


def no_gateways(account_sid: str, sid: str) -> tuple[str, ...]:
    """Nobody has brought a trunk along."""
    return ()


@dataclass(frozen=True)
class Exchange:
    """The shared parts.

    Attributes:
        registrar: where users' phones are.
        owns: whether an account (its SID) may show a number as its caller ID.
        attestation: what is signed of outbound calls, and believed of inbound ones.
        fences: what every outbound call is held against.
        byoc: gateways of a trunk that an account brings along, by the SIDs of both.
        public_url: what resource URLs begin with; no trailing slash.
        call_seconds: the longest that any call may last.
        tasks: the calls' own tasks, and what outlives a call (its recordings being finished).
        applications: the stored application with this SID (AP...) that an account's call may be passed on to, if any.
        gateway: where text messages are posted; "" when nobody takes them.
        outcomes: finished calls by (direction, final status), for the metrics.
        rooms: conferences and queues.
        pager: sends text messages over SIP.
        recognition: who understands speech; None when nobody does.
        transcribers: who writes down what recordings say.
        dialogs: of users' phones, for those who watch them.
        live: calls that have not reached a final status, by CallSid.
        health: which of the trunks' gateways are left alone.
        bridges: who talks with whom in a dial, by the nodes of both legs.
        unanswered: whose dial rings.
    """

    endpoint: Endpoint
    trunks: Trunks
    registrar: Registrar
    sounds: Sounds
    store: Store
    callbacks: Callbacks
    recordings: RecordingFiles
    owns: Callable[[str, str], bool]
    public_url: str
    call_seconds: float
    capacity: Capacity
    alerts: Alerts
    rooms: Rooms
    pager: Pager
    scripts: Scripts = field(default_factory=NoScripts)
    gateway: str = ""
    applications: Callable[[str, str], Application | None] = no_application
    attestation: Attestation = field(default_factory=Attestation)
    fences: Fences = field(default_factory=Fences)
    byoc: Callable[[str, str], tuple[str, ...]] = no_gateways
    recognition: Recognition | None = None
    live: "dict[str, Call]" = field(default_factory=dict)
    dialogs: Dialogs = field(default_factory=Dialogs)
    bridges: "dict[int, Bridge]" = field(default_factory=dict)
    unanswered: Unanswered = field(default_factory=Unanswered)
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    tasks: Tasks = field(default_factory=Tasks)
    transcribers: Transcribers = field(default_factory=Transcribers)
    health: Health = field(default_factory=Health)
