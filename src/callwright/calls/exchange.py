"""What every call of one daemon shares: the endpoint, the sounds, the store, the callbacks."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from callwright.calls.application import Account, Hook
from callwright.calls.capacity import Capacity
from callwright.calls.tasks import Tasks
from callwright.engine import Sound
from callwright.media.speech.recognition import Recognition
from callwright.sip.endpoint import Endpoint
from callwright.sip.trunks import Trunks
from callwright.store.store import Store

if TYPE_CHECKING:
    from callwright.calls.call import Call


class Sounds(Protocol):
    """Where sounds come from: the media library."""

    async def file(self, url: str, account: Account) -> Sound: ...
    async def speech(self, text: str, *, voice: str, language: str, ssml: bool) -> Sound: ...


class Callbacks(Protocol):
    """The durable queue of status callbacks. `post` never blocks; parameters are final."""

    def post(self, *, account: Account, call_sid: str, hook: Hook, params: dict[str, str], kind: str) -> None: ...


class RecordingFiles(Protocol):
    """Where recordings lie on disk."""

    @property
    def directory(self) -> Path: ...
    def path(self, account_sid: str, sid: str) -> Path: ...


@dataclass(frozen=True)
class Exchange:
    """The shared parts.

    Attributes:
        owns: whether an account (its SID) may show a number as its caller ID.
        public_url: what resource URLs begin with; no trailing slash.
        call_seconds: the longest that any call may last.
        tasks: the calls' own tasks, and what outlives a call (its recordings being finished).
        outcomes: finished calls by (direction, final status), for the metrics.
        recognition: who understands speech; None when nobody does.
        live: calls that have not reached a final status, by CallSid.
    """

    endpoint: Endpoint
    trunks: Trunks
    sounds: Sounds
    store: Store
    callbacks: Callbacks
    recordings: RecordingFiles
    owns: Callable[[str, str], bool]
    public_url: str
    call_seconds: float
    capacity: Capacity
    recognition: Recognition | None = None
    live: "dict[str, Call]" = field(default_factory=dict)
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    tasks: Tasks = field(default_factory=Tasks)
