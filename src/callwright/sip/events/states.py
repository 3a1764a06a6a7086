"""The state of every resource, as watchers are told it: made once for all of them, and anew after a change."""

from collections.abc import Callable

from callwright.sip.events import mailbox, pidf, reginfo, summary
from callwright.sip.events.dialogs import Dialogs
from callwright.sip.events.document import Document
from callwright.sip.events.package import DIALOG, MESSAGE_SUMMARY, PRESENCE, REGISTRATION
from callwright.sip.events.publications import Publications
from callwright.sip.registrar import Registrar


class States:
    """What is known of users: their phones, their dialogs, what they publish, and what waits in mailboxes.

    Attributes:
        changed: told the address of record of whom something else is known now.
    """

    def __init__(self, registrar: Registrar, dialogs: Dialogs, publications: Publications) -> None:
        self.changed: Callable[[str], None] = lambda aor: None
        self._registrar, self._dialogs, self._publications = registrar, dialogs, publications
        self._made: dict[tuple[str, str], Document] = {}
        registrar.changed = dialogs.changed = publications.changed = self.touch

    def touch(self, aor: str) -> None:
        """Something of a user is not as it was."""
        for package in _MAKERS:
            self._made.pop((package, aor), None)
        self.changed(aor)

    def document(self, package: str, aor: str) -> Document:
        """The present state of a resource."""
        if (made := self._made.get((package, aor))) is None:
            made = self._made[package, aor] = _MAKERS[package](self, aor)
        return made

    def has_mailbox(self, resource: str) -> bool:
        """Whether there is a mailbox that users share."""
        return self._publications.has_mailbox(resource)

    def _presence(self, aor: str) -> Document:
        published = [one.document.encode() for one in self._publications.of(aor)]
        registered = bool(self._registrar.bindings_of(aor))
        return pidf.compose(aor, published, registered=registered, talking=self._dialogs.talking(aor))

    def _dialog(self, aor: str) -> Document:
        return self._dialogs.document(aor)

    def _reg(self, aor: str) -> Document:
        return reginfo.document(aor, self._registrar.bindings_of(aor))

    def _message_summary(self, resource: str) -> Document:
        known = (summary.parse(one.document.encode()) for one in self._publications.of(resource, MESSAGE_SUMMARY.name))
        return summary.document(mailbox.uri(resource), summary.together(list(known)))


_MAKERS: dict[str, Callable[[States, str], Document]] = {
    PRESENCE.name: States._presence,
    DIALOG.name: States._dialog,
    REGISTRATION.name: States._reg,
    MESSAGE_SUMMARY.name: States._message_summary,
}
