"""Which dialogs users' phones are in: the busy lamps of their colleagues (RFC 4235)."""

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from callwright.sip.events.document import Document, attribute, element, newest
from callwright.sip.events.package import DIALOG
from callwright.sip.events.subscription import tag_of
from callwright.sip.leg import Invite, LegState


class DialogState(Enum):
    """States of a dialog (RFC 4235 §3.7.1)."""

    TRYING = "trying"
    PROCEEDING = "proceeding"
    EARLY = "early"
    CONFIRMED = "confirmed"
    TERMINATED = "terminated"


INITIATOR, RECIPIENT = "initiator", "recipient"

_OF_LEG = {
    LegState.EARLY: DialogState.EARLY,
    LegState.CONFIRMED: DialogState.CONFIRMED,
    LegState.DISCONNECTED: DialogState.TERMINATED,
}
_ORDER = list(DialogState)


@dataclass(frozen=True, slots=True)
class Dialog:
    """One dialog of a user's phone.

    Attributes:
        id: among all that a document names.
        direction: "initiator" when the phone called, "recipient" when it was called.
        local_tag, remote_tag: the phone's, and ours; "" while they are not known.
        remote: URI of the other party.
    """

    id: str
    direction: str
    state: DialogState
    remote: str
    call_id: str = ""
    local_tag: str = ""
    remote_tag: str = ""

    def element(self, entity: str) -> str:
        """Of a dialog-info document. Who picks the call up sends his INVITE to the remote target: the dialog's other
        side is ours, whoever the party behind us is."""
        named = {"id": self.id, "call-id": self.call_id, "local-tag": self.local_tag, "remote-tag": self.remote_tag}
        known = "".join(f" {name}={attribute(value)}" for name, value in named.items() if value)
        remote = f"<identity>{element(self.remote)}</identity><target uri={attribute(self.remote)}/>"
        return (
            f'<dialog{known} direction="{self.direction}"><state>{self.state.value}</state>'
            f"<local><identity>{element(entity)}</identity></local>"
            f"<remote>{remote}</remote></dialog>"
        )


class Dialogs:
    """The live dialogs of all users, and the last one that has ended of who is in none.

    Attributes:
        changed: told the address of record of whose dialogs are others now.
    """

    def __init__(self) -> None:
        self.changed: Callable[[str], None] = _nobody
        self._owners: dict[int, str] = {}
        self._dialogs: dict[str, dict[int, Dialog]] = {}
        self._last: dict[str, Dialog] = {}
        self._ids = itertools.count(1)

    def __len__(self) -> int:
        """How many are live."""
        return len(self._owners)

    def of(self, aor: str) -> tuple[Dialog, ...]:
        """The live dialogs of a user's phones, the oldest first."""
        return tuple(self._dialogs.get(aor, {}).values())

    def owner(self, node: int) -> str:
        """The address of record of the user whose phone's leg this is; "" when it is no user's."""
        return self._owners.get(node, "")

    def begin(
        self, aor: str, node: int, *, direction: str, remote: str, call_id: str = "", local_tag: str = ""
    ) -> None:
        """A leg to or from a user's phone. It ends with the leg."""
        # a phone that called has had our 100 (RFC 4235 §3.7.1)
        state = DialogState.PROCEEDING if direction == INITIATOR else DialogState.TRYING
        dialog = Dialog(str(next(self._ids)), direction, state, remote, call_id, local_tag)
        self._owners[node] = aor
        self._dialogs.setdefault(aor, {})[node] = dialog
        self.changed(aor)

    def called(self, aor: str, node: int, invite: Invite) -> None:
        """A phone of a user calls."""
        tag = tag_of(invite.from_header)
        self.begin(aor, node, direction=INITIATOR, remote=invite.to_uri, call_id=invite.call_id, local_tag=tag)

    def moved(self, node: int, state: LegState, detail: Mapping[str, Any]) -> None:
        """What an endpoint tells of any leg.

        Args:
            detail: of the engine's event: call_id, local_tag and remote_tag (ours, and the phone's), if it tells them.
        """
        aor, now = self._owners.get(node), _OF_LEG.get(state)
        if aor is None or now is None:
            return
        dialogs = self._dialogs[aor]
        dialog = dialogs[node]
        ids = {"call_id": "call_id", "local_tag": "remote_tag", "remote_tag": "local_tag"}
        known = {own: detail[name] for own, name in ids.items() if detail.get(name)}
        after = replace(dialog, state=max(dialog.state, now, key=_ORDER.index), **known)
        if after == dialog:
            return
        dialogs[node] = after
        if after.state is DialogState.TERMINATED:
            self._last[aor] = after
            del self._owners[node], dialogs[node]
            if not dialogs:
                del self._dialogs[aor]
        self.changed(aor)

    def talking(self, aor: str) -> bool:
        """Whether a phone of a user is in use: it has called, or was called and has answered."""
        return any(one.direction == INITIATOR or one.state is DialogState.CONFIRMED for one in self.of(aor))

    def document(self, aor: str) -> Document:
        """The dialog-info of a user, always all of it (of very many dialogs the newest).

        Who is in no dialog is told with the last one that has ended: there are phones that do not understand that a
        lamp goes out when nothing is left to be named.
        """
        entity = f"sip:{aor}"
        dialogs = newest(dialog.element(entity) for dialog in self._named(aor))
        return Document(
            DIALOG.content_type,
            '<?xml version="1.0" encoding="UTF-8"?>\n<dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version="',
            f'" state="full" entity={attribute(entity)}>{dialogs}</dialog-info>\n',
        )

    def _named(self, aor: str) -> Iterator[Dialog]:
        live = self.of(aor)
        if not live and (last := self._last.get(aor)) is not None:
            yield last
        yield from live


def _nobody(aor: str) -> None:
    """Nobody watches."""
