"""The event state compositor: what phones publish about their users, and servers about mailboxes (RFC 3903 §6)."""

import asyncio
import logging
import random
import secrets
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import select

from callwright import clock
from callwright.sip.events import mailbox
from callwright.sip.events.commits import TOGETHER, Commits
from callwright.sip.events.deadlines import Deadlines
from callwright.sip.events.package import MESSAGE_SUMMARY, PRESENCE
from callwright.sip.events.publication import NEVER, Publication
from callwright.sip.events.publishing import PACKAGES, Subject, subject, unreadable
from callwright.sip.events.subscribing import granted
from callwright.sip.registration import Refusal, Terms
from callwright.sip.request import Request
from callwright.sip.trunks import Trunks
from callwright.sip.users import Users
from callwright.store import tables
from callwright.store.store import Store

logger = logging.getLogger(__name__)

QUIET = frozenset({412, 423})
"""Refusals that a phone mends by itself."""


class Publications:
    """What is published of all users and mailboxes; a change is in the store before its 200 is sent.

    Args:
        draw: random numbers of 0 to 1.

    Attributes:
        outcomes: PUBLISHes by what became of them: published, refreshed, modified, removed, refused_412, ...
        changed: told the resource of which something else is published now.
    """

    def __init__(
        self,
        users: Users,
        trunks: Trunks,
        store: Store,
        commits: Commits,
        terms: Terms,
        *,
        now: Callable[[], datetime] = clock.now,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self.outcomes: Counter[str] = Counter()
        self.changed: Callable[[str], None] = lambda aor: None
        self._users, self._trunks, self._terms = users, trunks, terms
        self._store, self._commits = store, commits
        self._now, self._draw = now, draw
        self._of: dict[tuple[str, str], dict[str, Publication]] = {}  # by package and resource, and by id
        self._deadlines: Deadlines[tuple[str, str], datetime] = Deadlines()

    def __len__(self) -> int:
        """How many there are that must be refreshed."""
        return len(self._deadlines)

    async def load(self) -> None:
        """Takes up what the daemon before this one kept.

        Raises:
            StoreError: it cannot be read.
        """
        now = self._now()
        for row in await self._store.fetch(select(tables.publications)):
            publication = Publication.of(row)
            if mailbox.account_of(publication.aor, self._users) and publication.lives(now):
                self._keep(publication)
            else:
                self._store.delete(tables.publications, publication.key)

    def of(self, resource: str, package: str = PRESENCE.name) -> tuple[Publication, ...]:
        """What is published of a user, or a mailbox, now, the oldest first."""
        now = self._now()
        return tuple(one for one in self._of.get((package, resource), {}).values() if one.lives(now))

    def has_mailbox(self, resource: str) -> bool:
        """Whether there is a mailbox that users share: somebody has told what is in it."""
        return bool(self.of(resource, MESSAGE_SUMMARY.name))

    def resources(self, package: str) -> list[str]:
        """All of which something is published."""
        return sorted(resource for name, resource in self._of if name == package)

    def take(self, request: Request) -> None:
        """One PUBLISH. Its answer follows when its change is in the store."""
        about = subject(request, self._users, self._trunks, self.has_mailbox)
        if isinstance(about, Refusal):
            self._refuse(request, about)
            return
        after = self._after(request, about)
        if isinstance(after, Refusal):
            self._refuse(request, after)
            return
        publication, outcome, seconds = after
        self.outcomes[outcome] += 1
        if outcome == "removed":
            self.remove(publication)
        else:
            self._make_room(publication, about.most)
            self.put(publication, changes=outcome != "refreshed")
        if outcome != "refreshed":
            where = f"{request.source_host}:{request.source_port}"
            logger.info("%s %s of %s from %s", outcome, publication.package, publication.aor, where)
        headers = [("SIP-ETag", publication.etag), ("Expires", str(seconds))]
        self._commits.confirm(request, headers, lambda stored: None)

    def put(self, publication: Publication, *, changes: bool = True) -> None:
        """From now on this is published; what had its id is not any more.

        Args:
            changes: whether it says something else.
        """
        self._keep(publication)
        self._store.put(tables.publications, publication.row())
        if changes:
            self.changed(publication.aor)

    def remove(self, publication: Publication) -> None:
        """From now on this is not published."""
        self._forget(publication)
        self.changed(publication.aor)

    def _after(self, request: Request, about: Subject) -> tuple[Publication, str, int] | Refusal:
        """What the PUBLISH makes: it, how it came about, and for how many seconds it holds (RFC 3903 §6)."""
        before = self._matched(request, about)
        seconds = granted(request.expires, self._terms, self._draw)
        for found in (before, seconds):
            if isinstance(found, Refusal):
                return found
        assert not isinstance(before, Refusal) and not isinstance(seconds, Refusal)
        if before is not None and seconds == 0:
            return before, "removed", 0
        if before is None and not request.body:
            return Refusal(400, "nothing is published", "Missing Body")
        if request.body and (fault := unreadable(request, about.package)) is not None:
            return fault
        etag, expires_at = secrets.token_hex(8), self._now() + timedelta(seconds=seconds)
        if before is None:
            id_, text = about.source or secrets.token_hex(8), request.body.decode()
            made = Publication(about.resource, id_, etag, expires_at, text, about.package.name)
            return made, "published" if seconds else "removed", seconds
        if not request.body:
            return replace(before, etag=etag, expires_at=expires_at), "refreshed", seconds
        text = request.body.decode()
        return replace(before, etag=etag, expires_at=expires_at, document=text), "modified", seconds

    def _matched(self, request: Request, about: Subject) -> Publication | Refusal | None:
        """Which publication it is about; None for a new one."""
        tags = request.values("SIP-If-Match")
        if not tags:
            return None
        if len(tags) > 1:
            return Refusal(400, "more than one SIP-If-Match", "Bad SIP-If-Match")
        known = self.of(about.resource, about.package.name)
        found = next((one for one in known if one.etag == tags[0].strip() and about.source in ("", one.id)), None)
        return found or Refusal(412, f"nothing of {about.resource} is published with that SIP-If-Match")

    def _make_room(self, publication: Publication, most: int) -> None:
        """A phone that has forgotten its publications, and publishes anew, must not be shut out by them."""
        published = self._of.get((publication.package, publication.aor), {}).values()
        others = [one for one in published if one.id != publication.id and one.expires_at != NEVER]
        for oldest in others[: max(0, len(others) + 1 - most)]:
            self._forget(oldest)

    def _keep(self, publication: Publication) -> None:
        self._of.setdefault((publication.package, publication.aor), {})[publication.id] = publication
        if publication.expires_at != NEVER:
            self._deadlines.put(publication.key, publication.expires_at)

    def _forget(self, publication: Publication) -> None:
        self._deadlines.drop(publication.key)
        place = publication.package, publication.aor
        published = self._of.get(place, {})
        if published.pop(publication.id, None) is not None:
            self._store.delete(tables.publications, publication.key)
        if not published:
            self._of.pop(place, None)

    async def expire(self) -> None:
        """Forgets what has expired by now."""
        for number, (aor, id_) in enumerate(self._deadlines.due(self._now()), 1):
            for package in PACKAGES:
                if (publication := self._of.get((package, aor), {}).get(id_)) is not None:
                    logger.info("expired %s of %s", package, aor)
                    self.remove(publication)
            if number % TOGETHER == 0:
                await asyncio.sleep(0)

    def _refuse(self, request: Request, refusal: Refusal) -> None:
        self.outcomes[f"refused_{refusal.code}"] += 1
        level = logging.DEBUG if refusal.code in QUIET else logging.WARNING
        where = f"{request.source_host}:{request.source_port}"
        logger.log(level, "PUBLISH from %s refused with %d: %s", where, refusal.code, refusal.why)
        request.respond(refusal.code, refusal.reason, refusal.headers)
