"""Telling an application what happens in a conference (call-control reference §2.4)."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from callwright import clock
from callwright.account import Account
from callwright.calls.application import Hook
from callwright.calls.conference.participant import Participant
from callwright.calls.control import StatusCallback

if TYPE_CHECKING:
    from callwright.calls.exchange import Callbacks

GROUPS = {
    "conference-start": "start",
    "conference-end": "end",
    "participant-join": "join",
    "participant-leave": "leave",
    "participant-mute": "mute",
    "participant-unmute": "mute",
    "participant-hold": "hold",
    "participant-unhold": "hold",
    "participant-modify": "modify",
    "participant-speech-start": "speaker",
    "participant-speech-stop": "speaker",
    "announcement-end": "announcement",
    "announcement-fail": "announcement",
}
"""Each event and the group by which it is subscribed to."""


def parameters(
    *, sid: str, name: str, account_sid: str, sequence: int, event: str, extra: Mapping[str, str]
) -> dict[str, str]:
    """What a conference's callback tells."""
    return {
        "ConferenceSid": sid,
        "FriendlyName": name,
        "AccountSid": account_sid,
        "SequenceNumber": str(sequence),
        "Timestamp": clock.rfc2822(clock.now()),
        "StatusCallbackEvent": event,
        **extra,
    }


class Reports:
    """The status callbacks of one conference, numbered from 1.

    Args:
        save: writes columns of the conference's row.
    """

    def __init__(
        self,
        callbacks: "Callbacks",
        account: Account,
        sid: str,
        name: str,
        wanted: StatusCallback | None,
        save: Callable[..., None],
    ) -> None:
        self._callbacks = callbacks
        self._account = account
        self._sid, self._name = sid, name
        self._wanted = wanted
        self._save = save
        self._sequence = 1

    @property
    def speakers(self) -> bool:
        """Whether anybody wants to know who speaks."""
        return self._wanted is not None and "speaker" in self._wanted.events

    def stored(self) -> dict[str, Any] | None:
        """Where events are posted, as a restart after a crash needs it; None when they are not."""
        if self._wanted is None:
            return None
        hook, events = self._wanted.hook, sorted(self._wanted.events)
        return {"url": hook.url, "method": hook.method, "events": events, "sequence": self._sequence}

    def post(self, event: str, participant: Participant | None = None, **extra: str) -> None:
        """Posts an event, if it is wanted."""
        if self._wanted is None or GROUPS[event] not in self._wanted.events:
            return
        told = participant.parameters() if participant is not None else {}
        params = parameters(
            sid=self._sid,
            name=self._name,
            account_sid=self._account.sid,
            sequence=self._sequence,
            event=event,
            extra=told | extra,
        )
        self._sequence += 1
        self._save(status_callback=self.stored())
        self.send(self._wanted.hook, params, event)

    def send(self, hook: Hook, params: dict[str, str], kind: str) -> None:
        """Posts anything about the conference, in order with the rest to the same server."""
        self._callbacks.post(account=self._account, call_sid=self._sid, hook=hook, params=params, kind=kind)
