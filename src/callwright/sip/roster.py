"""The users whom applications vouch for: what each application has said, for as long as its word holds.

The engine holds a request of such a domain that proves nothing by the credentials it has, and Python asks the domain's
application who the user is. Its word is kept for a while, and meanwhile the engine decides alone. What must not be told
apart from outside (promise S2): a user whom the application does not know, one with another password, one of the
configuration file, and one who was asked for a moment ago; all are refused as late, and all get 503 when the
application cannot be asked.
"""

import asyncio
import logging
import re
import secrets
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Protocol

from callwright.domains import USER_NAME
from callwright.errors import ApplicationError
from callwright.sip.credentials import Credential
from callwright.sip.events.deadlines import Deadlines
from callwright.sip.inquiries import Inquiries
from callwright.sip.users import User
from callwright.sip.vouching import Ask, Question, Vouching

logger = logging.getLogger(__name__)

MOST_VOUCHED, MOST_REFUSED = 100_000, 10_000
"""Names whose users, and whose absence, are remembered; the oldest makes room."""
LEASE_S = 30.0
"""For how long a user whose application fails is let in before it is asked again."""
SEEN_AGAIN_S = 60.0
TICK_S = 1.0
TOGETHER = 500
_NAME = re.compile(USER_NAME)
_LONGEST_NAME = 64
NEVER = float("-inf")

Key = tuple[str, str]
"""Name and realm."""


class Gatekeeper(Protocol):
    """The engine, as far as it is told who may come in."""

    def add_credential(self, username: str, realm: str, ha1_md5: str, ha1_sha256: str) -> None: ...
    def remove_credential(self, username: str, realm: str) -> None: ...
    def judge(self, request: int, *, conclusive: bool = True, delay: float = 0.0) -> None: ...


@dataclass(frozen=True, slots=True)
class Entry:
    """A user whom an application has vouched for. Times are the roster's clock's.

    Attributes:
        good_until: until then the engine has his credential.
        settled_until: until then nobody is asked for him, whatever comes in his name.
        grace_until: until then he is let in if the application cannot be asked.
    """

    user: User
    good_until: float = NEVER
    settled_until: float = NEVER
    grace_until: float = NEVER


async def _nobody(question: Question) -> User | None:
    raise ApplicationError("nobody can be asked yet")


class Roster:
    """The users of all domains that ask.

    Args:
        domains: that do.
        time: a monotonic clock, in seconds; None: the loop's.

    Attributes:
        ask: asks an application; set when it can be.
        taken: whether a credential of that name and realm is somebody else's: the file's, or the API's.
        registered: whether a user's address of record has a phone.
        outcomes: held requests by what became of them: vouched, refused, unknown (the application failed), stale (and
            its last word served), remembered (nobody was asked), joined (another request of the user's had asked).
    """

    def __init__(self, domains: Iterable[Vouching], time: Callable[[], float] | None = None) -> None:
        self._time = time or (lambda: asyncio.get_running_loop().time())
        self._inquiries = {one.realm: Inquiries(one, self._time) for one in domains}
        self._realms = {one.vouching.domain: realm for realm, one in self._inquiries.items()}
        self.ask: Ask = _nobody
        self.taken: Callable[[Key], bool] = lambda key: False
        self.registered: Callable[[str], bool] = lambda aor: False
        self.outcomes: Counter[str] = Counter()
        self._engine: Gatekeeper | None = None
        self._vouched: dict[Key, Entry] = {}  # those told last at the end
        self._refused: dict[Key, float] = {}  # until when; likewise
        self._held: dict[Key, list[int]] = {}  # requests that wait for one answer
        self._asking: set[asyncio.Task[None]] = set()
        self._due: Deadlines[Key, float] = Deadlines()

    @property
    def realms(self) -> tuple[str, ...]:
        """Of the domains that ask."""
        return tuple(self._inquiries)

    def __len__(self) -> int:
        """How many users are known."""
        return len(self._vouched)

    # who there is

    def named(self, name: str, domain: str) -> User | None:
        """The user of a name and a domain in lower case, as far as he is known."""
        return self.proven(name, self._realms.get(domain, ""))

    def proven(self, name: str, realm: str) -> User | None:
        """The user whom the engine has authenticated."""
        key = name, realm
        entry = self._vouched.get(key)
        return entry.user if entry is not None and not self.taken(key) else None

    def presume(self, aor: str) -> User | None:
        """Takes somebody for a user as long as his phone is registered, or until his application says otherwise: the
        daemon before this one has let him in."""
        name, _, domain = aor.rpartition("@")
        realm = self._realms.get(domain, "")
        if not realm or not _is_name(name) or len(self._vouched) >= MOST_VOUCHED:
            return None
        if (known := self.named(name, domain)) is None:
            # what nobody knows: it is never handed to the engine
            secret = Credential(name, realm, secrets.token_hex(16), secrets.token_hex(32))
            of = self._inquiries[realm].vouching
            known = User(name, domain, of.account_sid, secret, srtp=of.srtp, srtp_keying=of.srtp_keying)
            self._keep(Entry(known), self._time() + SEEN_AGAIN_S)
        return known

    # requests that are held

    def open(self, engine: Gatekeeper) -> None:
        """From now on the engine is told."""
        self._engine = engine

    @property
    def _gate(self) -> Gatekeeper:
        assert self._engine is not None
        return self._engine

    def take(self, question: Question) -> None:
        """One held request. It is judged when it is known whose it is."""
        key, inquiries = (question.user, question.realm), self._inquiries[question.realm]
        if (waiting := self._held.get(key)) is not None:
            self.outcomes["joined"] += 1
            waiting.append(question.id)
        elif self._is_settled(key) and not (inquiries.overdue and _is_name(question.user)):
            self.outcomes["remembered"] += 1
            self._gate.judge(question.id, conclusive=not inquiries.failing, delay=inquiries.pace())
        else:
            self._held[key] = [question.id]
            task = asyncio.create_task(self._find_out(question), name=f"who is {question.user[:64]}")
            self._asking.add(task)
            task.add_done_callback(self._on_found_out)

    def _is_settled(self, key: Key) -> bool:
        """Whether nobody is to be asked; the credential of who is known is in the engine then."""
        now = self._time()
        if not _is_name(key[0]) or self.taken(key) or self._refused.get(key, NEVER) > now:
            return True
        entry = self._vouched.get(key)
        if entry is None or entry.settled_until <= now:
            return False
        self._let_in(entry)
        return True

    async def _find_out(self, question: Question) -> None:
        key, inquiries = (question.user, question.realm), self._inquiries[question.realm]
        conclusive = False
        try:
            user = await inquiries.put(question, self.ask)
        except ApplicationError as error:
            logger.debug("%s of %s: %s", *key, error.message)
            self._doubt(key)
        else:
            conclusive = True
            self._learn(key, user, inquiries.vouching)
        finally:
            for held in self._held.pop(key):
                self._gate.judge(held, conclusive=conclusive)

    def _on_found_out(self, task: "asyncio.Task[None]") -> None:
        self._asking.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("task %s failed", task.get_name(), exc_info=error)

    def _learn(self, key: Key, user: User | None, terms: Vouching) -> None:
        """What an application has said."""
        now = self._time()
        self._refused.pop(key, None)
        known = self._vouched.pop(key, None)
        if user is None:
            self.outcomes["refused"] += 1
            self._refuse(key, now + terms.refused)
            if known is not None:
                logger.info("%s is vouched for no more", known.user.aor)
                self._shut_out(key)
            return
        self.outcomes["vouched"] += 1
        good = now + terms.cached
        entry = Entry(user, good, min(good, now + terms.refused), good + terms.grace)
        self._keep(entry, good)
        self._let_in(entry)

    def _doubt(self, key: Key) -> None:
        """An application has not said anything: its last word on a user serves for a while."""
        self.outcomes["unknown"] += 1
        entry, now = self._vouched.get(key), self._time()
        if entry is None or entry.grace_until <= now:
            return
        self.outcomes["stale"] += 1
        leased = replace(entry, good_until=max(entry.good_until, now + LEASE_S))
        logger.info("%s is let in by what was said of him before", entry.user.aor)
        self._keep(leased, leased.good_until)
        self._let_in(leased)

    # what is remembered, and for how long

    def _keep(self, entry: Entry, due: float) -> None:
        key = entry.user.credential.username, entry.user.credential.realm
        self._vouched.pop(key, None)
        self._vouched[key] = entry
        self._due.put(key, due)
        if len(self._vouched) > MOST_VOUCHED:
            oldest = next(iter(self._vouched))
            del self._vouched[oldest]
            self._due.drop(oldest)
            self._shut_out(oldest)

    def _refuse(self, key: Key, until: float) -> None:
        self._refused[key] = until
        self._due.put(key, until)
        if len(self._refused) > MOST_REFUSED:
            oldest = next(iter(self._refused))
            del self._refused[oldest]
            self._due.drop(oldest)

    def _let_in(self, entry: Entry) -> None:
        credential = entry.user.credential
        if not self.taken((credential.username, credential.realm)):
            self._gate.add_credential(*credential.as_tuple())

    def _shut_out(self, key: Key) -> None:
        if not self.taken(key):
            self._gate.remove_credential(*key)

    async def serve(self) -> None:
        """Ends what has lasted long enough, until cancelled."""
        while True:
            await asyncio.sleep(TICK_S)
            await self.expire()

    async def expire(self) -> None:
        """Ends what has lasted long enough by now."""
        now = self._time()
        for number, key in enumerate(self._due.due(now), 1):
            self._review(key, now)
            if number % TOGETHER == 0:
                await asyncio.sleep(0)

    def _review(self, key: Key, now: float) -> None:
        if self._refused.get(key, now + 1) <= now:
            del self._refused[key]
        entry = self._vouched.get(key)
        if entry is None or entry.good_until > now:
            return
        self._shut_out(key)
        logger.debug("%s is asked for again", entry.user.aor)
        if entry.grace_until > now:
            self._due.put(key, entry.grace_until)
        elif self.registered(entry.user.aor):  # somebody may call him
            self._due.put(key, now + SEEN_AGAIN_S)
        else:
            del self._vouched[key]

    async def close(self) -> None:
        """Ends the questions under way."""
        tasks = tuple(self._asking)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _is_name(text: str) -> bool:
    return len(text) <= _LONGEST_NAME and _NAME.fullmatch(text) is not None
