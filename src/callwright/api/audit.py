"""Who changed which stored resource, and how: the audit events of monitor v1 (call-control reference §3.16)."""

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


class Audit:
    """Writes a row for each change that a request makes."""

    def __init__(self, directory: Directory, store: Store) -> None:
        self._store = store
        directory.overhear(self._changed)

    def _changed(self, old: Record | None, new: Record | None) -> None:
        actor, record = ACTOR.get(), new or old
        if actor is None or record is None:
            return
        action = "created" if old is None else "deleted" if new is None else "updated"
        resource = type_of(record.kind)
        row = {
            "sid": ids.new(ids.AUDIT_EVENT),
            "account_sid": record.account_sid,
            "date_created": clock.now(),
            "event_type": f"{resource}.{action}",
            "resource_type": resource,
            "resource_sid": record.sid,
            "actor_sid": actor.sid,
            "actor_type": actor.kind,
            "source_ip_address": actor.address,
            "data": {"resource_properties": properties(old, new)},
        }
        self._store.put(changes, row)
