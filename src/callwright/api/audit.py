"""Who changed which stored resource, and how: the audit events of monitor v1 (call-control reference §3.16)."""

from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from callwright import clock, ids
from callwright.store.directory import Directory, Record
from callwright.store.store import Store
from callwright.store.traces import changes

ACTOR: "ContextVar[Actor | None]" = ContextVar("actor", default=None)
"""Who makes the request that this task answers."""

NAMES = {"incoming_phone_numbers": "phone-number", "keys": "api-key", "domains": "sip-domain"}
"""Types of resources whose names are not those of their lists."""
SECRET = frozenset({"auth_token", "secondary_auth_token", "secret", "ha1_md5", "ha1_sha256"})
HIDDEN = "(hidden)"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who changes something.

    Attributes:
        sid: of an account (AC...), or of an API key (SK...).
        address: where the request came from; "" when nobody knows.
    """

    sid: str
    address: str = ""

    @property
    def kind(self) -> str:
        """ActorType."""
        return "account" if ids.valid(self.sid, ids.ACCOUNT) else "api-key"


def type_of(kind: str) -> str:
    """The type of a kind of resource: "applications" -> "application"."""
    if kind in NAMES:
        return NAMES[kind]
    single = kind.removesuffix("ies") + "y" if kind.endswith("ies") else kind.removesuffix("s")
    return single.removesuffix("e").replace("_", "-") if kind.endswith("sses") else single.replace("_", "-")


def properties(old: Record | None, new: Record | None) -> dict[str, Any]:
    """What has changed, by name, with what it was before; secrets are hidden."""
    before, after = old.fields if old else {}, new.fields if new else {}
    found = {}
    for name in sorted(before.keys() | after.keys()):
        values = before.get(name), after.get(name)
        if values[0] != values[1]:
            shown = [HIDDEN if value and name in SECRET else value for value in values]
            found[name] = {"previous": shown[0], "updated": shown[1]}
    return found


DELETED = {"Calls": "call", "Messages": "message", "Recordings": "recording", "Transcriptions": "transcription"}
"""Types of what calls have left, by the list that it is deleted from; no directory tells of it."""


class Audit:
    """Writes a row for each change of a stored resource, and for each record that is deleted, by a request."""

    def __init__(self, directory: Directory, store: Store) -> None:
        self._store = store
        directory.overhear(self._changed)

    def _changed(self, old: Record | None, new: Record | None) -> None:
        if (record := new or old) is None:
            return
        action = "created" if old is None else "deleted" if new is None else "updated"
        self._put(record.account_sid, type_of(record.kind), record.sid, action, properties(old, new))

    def deleted(self, account_sid: str, path: Sequence[str]) -> None:
        """A request has deleted what its path names, by its segments: a record of a call, perhaps."""
        if len(path) > 1 and path[-2] in DELETED:
            self._put(account_sid, DELETED[path[-2]], path[-1], "deleted", {})

    def _put(self, account_sid: str, resource: str, sid: str, action: str, changed: dict[str, Any]) -> None:
        if (actor := ACTOR.get()) is None:
            return
        row = {
            "sid": ids.new(ids.AUDIT_EVENT),
            "account_sid": account_sid,
            "date_created": clock.now(),
            "event_type": f"{resource}.{action}",
            "resource_type": resource,
            "resource_sid": sid,
            "actor_sid": actor.sid,
            "actor_type": actor.kind,
            "source_ip_address": actor.address,
            "data": {"resource_properties": changed},
        }
        self._store.put(changes, row)
