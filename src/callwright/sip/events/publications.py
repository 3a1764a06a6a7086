"""The event state compositor: what users' phones publish about them (RFC 3903 §6)."""

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
from callwright.sip.events import pidf
from callwright.sip.events.commits import TOGETHER, Commits
from callwright.sip.events.deadlines import Deadlines
from callwright.sip.events.package import PRESENCE, event_of
from callwright.sip.events.publication import Publication
from callwright.sip.events.subscribing import granted, required
from callwright.sip.registration import Refusal, Terms
from callwright.sip.request import Request
from callwright.sip.users import User, Users
from callwright.store import tables
from callwright.store.store import Store

logger = logging.getLogger(__name__)

QUIET = frozenset({412, 423})
"""Refusals that a phone mends by itself."""
ALLOWED = ("Allow-Events", PRESENCE.name)


class Publications:
    """What is published of all users; a change is in the store before its 200 is sent.

    Args:
        draw: random numbers of 0 to 1.

    Attributes:
        outcomes: PUBLISHes by what became of them: published, refreshed, modified, removed, refused_412, ...
        changed: told the address of record of whom something else is published now.
    """

    def __init__(
        self,
        users: Users,
        store: Store,
        commits: Commits,
        terms: Terms,
        *,
        now: Callable[[], datetime] = clock.now,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self.outcomes: Counter[str] = Counter()
        self.changed: Callable[[str], None] = lambda aor: None
        self._users, self._store, self._commits, self._terms = users, store, commits, terms
        self._now, self._draw = now, draw
        self._of: dict[str, dict[str, Publication]] = {}  # by address of record and id
        self._deadlines: Deadlines[tuple[str, str]] = Deadlines()

    def __len__(self) -> int:
        """How many there are."""
        return len(self._deadlines)

    async def load(self) -> None:
        """Takes up what the daemon before this one kept.

        Raises:
            StoreError: it cannot be read.
        """
        now, owners = self._now(), {user.aor for user in self._users}
        for row in await self._store.fetch(select(tables.publications)):
            publication = Publication.of(row)
            if publication.aor in owners and publication.lives(now):
                self._keep(publication)
            else:
                self._store.delete(tables.publications, publication.key)

    def of(self, aor: str) -> tuple[Publication, ...]:
        """What is published of a user now, the oldest first."""
        now = self._now()
        return tuple(one for one in self._of.get(aor, {}).values() if one.lives(now))

    def take(self, request: Request) -> None:
        """One PUBLISH. Its answer follows when its change is in the store."""
        owner = self._addressed(request)
        if isinstance(owner, Refusal):
            self._refuse(request, owner)
            return
        after = self._after(request, owner)
        if isinstance(after, Refusal):
            self._refuse(request, after)
            return
        publication, outcome, seconds = after
        self.outcomes[outcome] += 1
        if outcome == "removed":
            self._forget(publication)
        else:
            self._make_room(publication, owner.max_contacts)
            self._keep(publication)
            self._store.put(tables.publications, publication.row())
        if outcome != "refreshed":
            where = f"{request.source_host}:{request.source_port}"
            logger.info("%s presence of %s from %s", outcome, publication.aor, where)
            self.changed(publication.aor)
        headers = [("SIP-ETag", publication.etag), ("Expires", str(seconds))]
        self._commits.confirm(request, headers, lambda stored: None)

    def _addressed(self, request: Request) -> User | Refusal:
        """Of whom something is published: of him who has authenticated, and of no other."""
        owner = self._users.proven(request.user, request.realm, request.from_uri) if request.user else None
        if owner is None or owner != self._users.named(request.request_uri):
            return Refusal(403, f"{request.user or 'nobody'} may not publish for {request.request_uri}")
        if event_of(request.values("Event"))[0] != PRESENCE.name:
            return Refusal(489, "only presence can be published", headers=[ALLOWED])
        return required(request) or owner

    def _after(self, request: Request, owner: User) -> tuple[Publication, str, int] | Refusal:
        """What the PUBLISH makes: it, how it came about, and for how many seconds it holds (RFC 3903 §6)."""
        before = self._matched(request, owner)
        seconds = granted(request.expires, self._terms, self._draw)
        for found in (before, seconds):
            if isinstance(found, Refusal):
                return found
        assert not isinstance(before, Refusal) and not isinstance(seconds, Refusal)
        if before is not None and seconds == 0:
            return before, "removed", 0
        if before is None and not request.body:
            return Refusal(400, "nothing is published", "Missing Body")
        if request.body and (fault := _unreadable(request)) is not None:
            return fault
        etag, expires_at = secrets.token_hex(8), self._now() + timedelta(seconds=seconds)
        if before is None:
            text = request.body.decode()
            made = Publication(owner.aor, secrets.token_hex(8), etag, expires_at, text)
            return made, "published" if seconds else "removed", seconds
        if not request.body:
            return replace(before, etag=etag, expires_at=expires_at), "refreshed", seconds
        text = request.body.decode()
        return replace(before, etag=etag, expires_at=expires_at, document=text), "modified", seconds

    def _matched(self, request: Request, owner: User) -> Publication | Refusal | None:
        """Which publication it is about; None for a new one."""
        tags = request.values("SIP-If-Match")
        if not tags:
            return None
        if len(tags) > 1:
            return Refusal(400, "more than one SIP-If-Match", "Bad SIP-If-Match")
        found = next((one for one in self.of(owner.aor) if one.etag == tags[0].strip()), None)
        return found or Refusal(412, f"nothing of {owner.aor} is published with that SIP-If-Match")

    def _make_room(self, publication: Publication, most: int) -> None:
        """A phone that has forgotten its publications, and publishes anew, must not be shut out by them."""
        others = [one for one in self._of.get(publication.aor, {}).values() if one.id != publication.id]
        for oldest in others[: max(0, len(others) + 1 - most)]:
            self._forget(oldest)

    def _keep(self, publication: Publication) -> None:
        self._of.setdefault(publication.aor, {})[publication.id] = publication
        self._deadlines.put(publication.key, publication.expires_at)

    def _forget(self, publication: Publication) -> None:
        self._deadlines.drop(publication.key)
        published = self._of.get(publication.aor, {})
        if published.pop(publication.id, None) is not None:
            self._store.delete(tables.publications, publication.key)
        if not published:
            self._of.pop(publication.aor, None)

    async def expire(self) -> None:
        """Forgets what has expired by now."""
        for number, (aor, id_) in enumerate(self._deadlines.due(self._now()), 1):
            self._forget(self._of[aor][id_])
            logger.info("expired presence of %s", aor)
            self.changed(aor)
            if number % TOGETHER == 0:
                await asyncio.sleep(0)

    def _refuse(self, request: Request, refusal: Refusal) -> None:
        self.outcomes[f"refused_{refusal.code}"] += 1
        level = logging.DEBUG if refusal.code in QUIET else logging.WARNING
        where = f"{request.source_host}:{request.source_port}"
        logger.log(level, "PUBLISH from %s refused with %d: %s", where, refusal.code, refusal.why)
        request.respond(refusal.code, refusal.reason, refusal.headers)


def _unreadable(request: Request) -> Refusal | None:
    """Why a body is none that can be kept."""
    if len(request.body) > pidf.MOST_BYTES:
        return Refusal(413, f"a document of more than {pidf.MOST_BYTES} bytes")
    if any(value.strip().lower() != "identity" for value in request.values("Content-Encoding")):
        return Refusal(415, "its encoding is unknown", headers=[("Accept-Encoding", "identity")])
    if request.content_type.partition(";")[0].strip().lower() != PRESENCE.content_type:
        return Refusal(415, f"not {PRESENCE.content_type}", headers=[("Accept", PRESENCE.content_type)])
    try:
        pidf.parse(request.body)
    except ValueError as fault:
        return Refusal(400, str(fault), "Bad Presence Document")
    return None
