"""What applications tell of mailboxes, beside what voicemail servers publish of them."""

import secrets
from dataclasses import dataclass

from callwright.sip.events import mailbox, summary
from callwright.sip.events.package import MESSAGE_SUMMARY
from callwright.sip.events.publication import NEVER, Publication
from callwright.sip.events.publications import Publications
from callwright.sip.events.summary import Summary
from callwright.sip.users import Users

SOURCE = "api"
"""Id of what applications tell, among the publications of a mailbox."""


@dataclass(frozen=True, slots=True)
class Mailbox:
    """One mailbox.

    Attributes:
        resource: see `mailbox`.
        told: by applications.
        shown: what phones are told: that, and what is published.
    """

    resource: str
    told: Summary
    shown: Summary

    @property
    def address(self) -> str:
        """NAME@DOMAIN."""
        return mailbox.address(self.resource)


class Mailboxes:
    """The mailboxes of all accounts. What is told is staged at once: it is durable when the store is flushed."""

    def __init__(self, users: Users, publications: Publications) -> None:
        self._users, self._publications = users, publications

    def find(self, account_sid: str, address: str) -> Mailbox | None:
        """A mailbox of an account: a user's, or one that has been made.

        Args:
            address: NAME@DOMAIN.
        """
        exists = self._publications.has_mailbox
        resource = mailbox.named(f"sip:{address}", account_sid, self._users, exists)
        return self._shown(resource) if resource else None

    def of(self, account_sid: str) -> list[Mailbox]:
        """Those of an account of which anything is known, by their addresses."""
        known = self._publications.resources(MESSAGE_SUMMARY.name)
        return [self._shown(one) for one in known if mailbox.account_of(one, self._users) == account_sid]

    def open(self, account_sid: str, address: str, told: Summary) -> Mailbox:
        """Makes a mailbox that an account's users share.

        Raises:
            ValueError: its domain is none of ours.
        """
        if not self._users.is_local(f"sip:{address}"):
            raise ValueError("its domain is none of ours")
        return self.tell(mailbox.shared(mailbox.at(f"sip:{address}"), account_sid), told)

    def tell(self, resource: str, told: Summary) -> Mailbox:
        """From now on this is what applications know of a mailbox."""
        etag = secrets.token_hex(8)
        self._publications.put(Publication(resource, SOURCE, etag, NEVER, str(told), MESSAGE_SUMMARY.name))
        return self._shown(resource)

    def forget(self, resource: str) -> None:
        """Nothing is known of a mailbox any more; one that is shared is gone."""
        for one in self._publications.of(resource, MESSAGE_SUMMARY.name):
            if one.id == SOURCE or mailbox.is_shared(resource):
                self._publications.remove(one)

    def _shown(self, resource: str) -> Mailbox:
        known = {
            one.id: summary.parse(one.document.encode())
            for one in self._publications.of(resource, MESSAGE_SUMMARY.name)
        }
        return Mailbox(resource, known.get(SOURCE, Summary()), summary.together(list(known.values())))
