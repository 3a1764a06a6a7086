"""What the API needs from the rest of the daemon."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from prometheus_client import CollectorRegistry

from callwright.account import Account
from callwright.api.validation import Validations
from callwright.calls.application import Application, Hook
from callwright.calls.arrivals import Arrivals
from callwright.calls.call import Call
from callwright.calls.control import DialRecording
from callwright.calls.messages import Messages
from callwright.calls.order import CallOrder
from callwright.calls.rooms import Rooms
from callwright.config import Config
from callwright.store.directory import Directory
from callwright.store.idempotency import Answers
from callwright.store.store import Store


class Switchboard(Protocol):
    """Places calls and reaches the live ones. Every change shows in the store's row of the call."""

    async def place(self, order: CallOrder) -> str:
        """Accepts a call; its row is durable when this returns. Returns the CallSid, or raises RestError."""
        ...

    def forwarded(self, account_sid: str, token: str) -> Call | None:
        """The live inbound call of an account that a CallToken is of; None when it is of none."""
        ...

    async def redirect(self, sid: str, *, hook: Hook | None, twiml: str | None) -> None:
        """Runs another document on a live call. Raises RestError 21220 when it is not live."""
        ...

    async def end(self, sid: str, *, canceled: bool) -> None:
        """Ends a live call; `canceled`: only if it is not answered. Raises RestError 21220 in a wrong state."""
        ...

    async def amend(
        self,
        sid: str,
        *,
        fallback: Hook | None = None,
        status_callback: Hook | None = None,
        time_limit: float | None = None,
    ) -> None:
        """Changes a live call's settings; None leaves one as it is. Raises RestError 21220 when it is not live."""
        ...

    async def record(self, sid: str, plan: DialRecording) -> str:
        """Begins to record a live call. Returns the RecordingSid; raises RestError 21220 or 16108."""
        ...

    def recording(self, sid: str, recording_sid: str) -> str:
        """The SID of a recording that goes on ("Twilio.CURRENT": the last). Raises RestError 21220."""
        ...

    async def steer(self, sid: str, recording_sid: str, status: str, *, silence: bool) -> None:
        """Pauses, continues or stops a recording. Raises RestError 21220 when it does not go on."""
        ...


class Mp3(Protocol):
    """Encodes a WAV file as MP3; `channels` 1 mixes two channels into one. Raises MediaError."""

    async def __call__(self, source: Path, target: Path, *, channels: int) -> None: ...


@dataclass(frozen=True, slots=True)
class Services:
    """The parts that answer requests.

    Attributes:
        public_url: what absolute resource URLs begin with, without a trailing slash.
        recordings: the directory that the paths of recordings are relative to.
        owns: whether an account may call from a number.
        applications: an account's stored application, by the SIDs of both.
        config: what the configuration file says.
        byoc: gateways of a trunk that an account brings along, by the SIDs of both.
        in_use: whether a live call runs a stored application.
        rooms: the conferences and queues.
        messages: who sends text messages.
        arrivals: who takes those that come in.
        health: the HTTP status of /health (200, 429, 503) and the facts that it tells.
        metrics: what /metrics shows.
    """

    public_url: str
    accounts: Mapping[str, Account]
    store: Store
    directory: Directory
    answers: Answers
    applications: Callable[[str, str], Application | None]
    byoc: Callable[[str, str], tuple[str, ...]]
    in_use: Callable[[str], bool]
    validations: Validations
    config: Config
    switchboard: Switchboard
    recordings: Path
    mp3: Mp3
    owns: Callable[[str, str], bool]
    rooms: Rooms
    messages: Messages
    arrivals: Arrivals
    health: Callable[[], tuple[int, Mapping[str, Any]]]
    metrics: CollectorRegistry
