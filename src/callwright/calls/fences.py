"""What keeps an account's calls, and whoever has stolen its credentials, from running up a bill (promise S8).

Every INVITE that leaves the house is asked for here, whatever has asked for it: `outbound.attempts` makes them all, and
the switchboard asks once more before it accepts a call, so that who places it over the API hears of it. A fence is
about numbers: those of calls through a trunk or a gateway of an account's own, and those in SIP URIs.
"""

import asyncio
import logging
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from callwright.account import Account
from callwright.calls.alerts import Alert, Level
from callwright.calls.capacity import Pace
from callwright.calls.control import NumberTarget, SipTarget, Target
from callwright.calls.destinations import international
from callwright.calls.ledger import Charged, Ledger, Party, Rates, parties
from callwright.calls.user_part import read
from callwright.config import Config
from callwright.sip.gateways import Gateways, Match, Place
from callwright.sip.security import Occasion
from callwright.sip.uri import is_sip
from callwright.store.store import Store

if TYPE_CHECKING:
    from callwright.calls.alerts import Alerts
    from callwright.calls.call import Call

logger = logging.getLogger(__name__)
# where an operator's fire wall looks for it
security = logging.getLogger("callwright.sip.security")

WATCH_S = 1.0
EMERGENCY = frozenset({"112", "911", "999", "000"})
"""Never held back by a bound of the day or the second."""

_DIGITS = re.compile(r"\+?[0-9]{3,20}\Z")
_SEPARATORS = str.maketrans("", "", " -().")


class Reason(NamedTuple):
    """Why a call is not placed: its code in the call's story, and over the API with the HTTP status."""

    code: int
    rest_code: int
    status: int = 400


FORBIDDEN = Reason(13227, 21215)
BLOCKED = Reason(13225, 21216)
UNREADABLE = Reason(13224, 21211)
NOT_OWNED = Reason(13214, 21210)
SPENT = Reason(20429, 20429, 429)


@dataclass(frozen=True, slots=True)
class Denial:
    """A call that is not placed."""

    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class Bounds:
    """What an account, or a trunk, may do. 0: no bound.

    Attributes:
        deny, allow: digits that numbers begin with, as `_spelled` makes them; the longest decides.
        minutes, money: of a day.
        per_second: calls to numbers.
    """

    deny: Sequence[str] = ()
    allow: Sequence[str] = ()
    minutes: float = 0.0
    money: float = 0.0
    per_second: float = 0.0

    @property
    def daily(self) -> bool:
        """Whether the day has a bound."""
        return bool(self.minutes or self.money)

    def says(self, number: str) -> bool | None:
        """Whether a number may be called; None when neither list has it."""
        spellings = {_spelled(number), f"+{international(number)}"}

        def longest(prefixes: Iterable[str]) -> int:
            return max((len(p) for p in prefixes if any(one.startswith(p) for one in spellings)), default=-1)

        denied, allowed = longest(self.deny), longest(self.allow)
        return None if denied == allowed == -1 else allowed > denied


NO_BOUNDS = Bounds()


def _spelled(number: str) -> str:
    return number.translate(_SEPARATORS)


@dataclass(frozen=True, slots=True)
class Way:
    """What a target means to the fences.

    Attributes:
        number: that is called; "" when none is.
        carried: it goes to the telephone network by a trunk or gateway: its caller ID must be owned, and it is charged.
        trunk: whose gateway a SIP URI names; "" for none.
        readable: whether a gateway can take it for that number only.
    """

    number: str = ""
    carried: bool = False
    trunk: str = ""
    readable: bool = True


def everything(account: Account, number: str) -> bool:
    """Where nothing is forbidden."""
    return True


def nowhere(uri: str) -> bool:
    """Where no URI is one of ours."""
    return False


def everybody(account_sid: str, number: str) -> bool:
    """Where every caller ID may be shown."""
    return True


class Fences:
    """All of them, for one daemon. Without arguments there are none.

    Args:
        permits: whether an account may call a number.
        owns: whether an account (its SID) may show a number as its caller ID.
        is_local: whether a URI is of a user of ours, who is no number however he is called.
        bounds: of accounts that the file declares, and of trunks.
        gateways: where trunks' calls go to.
        time: a monotonic clock, in seconds.
    """

    def __init__(
        self,
        *,
        permits: Callable[[Account, str], bool] = everything,
        owns: Callable[[str, str], bool] = everybody,
        is_local: Callable[[str], bool] = nowhere,
        bounds: Mapping[Party, Bounds] | None = None,
        gateways: Gateways | None = None,
        ledger: Ledger | None = None,
        time: Callable[[], float] | None = None,
    ) -> None:
        self.ledger = ledger or Ledger(Rates())
        self.denied = 0
        self._permits, self._owns, self._is_local = permits, owns, is_local
        self._bounds, self.gateways = bounds or {}, gateways or Gateways()
        self._time = time or (lambda: asyncio.get_running_loop().time())
        self._paces = {who: Pace(own.per_second) for who, own in self._bounds.items() if own.per_second}

    @classmethod
    def of(
        cls,
        config: Config,
        *,
        permits: Callable[[Account, str], bool],
        owns: Callable[[str, str], bool],
        is_local: Callable[[str], bool],
    ) -> "Fences":
        """Those that the configuration file declares."""
        bounds = {
            Party("account", one.sid): Bounds(
                one.deny_prefixes, one.allow_prefixes, one.max_minutes_day, one.max_spend_day, one.max_calls_second
            )
            for one in config.account
        }
        for trunk in config.trunk:
            own = Bounds(trunk.deny_prefixes, (), trunk.max_minutes_day, trunk.max_spend_day)
            bounds[Party("trunk", trunk.name)] = own
        return cls(
            permits=permits,
            owns=owns,
            is_local=is_local,
            bounds=bounds,
            gateways=Gateways.of(config),
            ledger=Ledger(Rates(config.rate)),
        )

    @property
    def watched(self) -> bool:
        """Whether a day of anybody has a bound."""
        return any(own.daily for own in self._bounds.values())

    async def load(self, store: Store, accounts: Mapping[str, Account]) -> None:
        """Reads what has been used of the day before this start.

        Raises:
            StoreError: the database cannot be read.
        """

        def charged(to: str, trunk: str) -> tuple[str, str]:
            way = self.way(to)
            if trunk and is_sip(to):  # its gateway had another name
                way = Way(read(to).number, carried=True, trunk=trunk)
            return (way.number, way.trunk) if way.carried else ("", "")

        if self.watched:
            await self.ledger.load(store, accounts, charged)

    # what is called

    def way(self, target: Target | str) -> Way:
        """What a target, or the `To` of a call, means to the fences."""
        if isinstance(target, NumberTarget):
            return Way(_spelled(target.number), carried=True)
        if isinstance(target, SipTarget):
            return self._way_of_uri(target.uri)
        if not isinstance(target, str):
            return Way()
        if is_sip(target):
            return self._way_of_uri(target)
        return Way(_spelled(target), carried=True) if _DIGITS.match(_spelled(target)) else Way()

    def _way_of_uri(self, uri: str) -> Way:
        """A user part leads to the telephone network when the host is a trunk's gateway; elsewhere it may as well be a
        number, and is not called either when that is forbidden."""
        if self._is_local(uri):
            return Way()
        if (gateway := self.gateways.named(uri)) is not None:
            return _through(gateway, uri)
        reading = read(uri)
        return Way(reading.number) if reading.dials else Way()

    def way_at(self, uri: str, place: str) -> Way:
        """What a URI means that has been found to lead to a place, a URI of an address: more than its text says, when
        its name is one of a gateway's address.

        Args:
            place: "" for none.
        """
        gateway = self.gateways.at(Place.of(place)) if place else None
        return self._way_of_uri(uri) if gateway is None else _through(gateway, uri)

    # whether it may be

    def denial(self, account: Account, target: Target | str, shown: str, others: Iterable[str] = ()) -> Denial | None:
        """Why a call is not placed; None when it may be. Nothing is counted by asking.

        Args:
            shown: its caller ID.
            others: numbers that may be shown besides those that the account owns.
        """
        return self._denial(account, self.way(target), shown, others)

    def _denial(self, account: Account, way: Way, shown: str, others: Iterable[str]) -> Denial | None:
        if way.number and (found := self._destination(account, way)) is not None:
            return found
        if not way.readable:
            return Denial(UNREADABLE, f"a gateway of trunk {way.trunk} is called, and the user part is not one number")
        if not way.carried:
            return None
        if not (shown in others or _spelled(shown) == way.number or self._owns(account.sid, shown)):
            return Denial(NOT_OWNED, f"{shown} is not a caller ID of the account")
        return self._day(way.number, [*parties(account, way.trunk)])

    def _destination(self, account: Account, way: Way) -> Denial | None:
        said = self._of_account(account).says(way.number)
        if said is False:
            return Denial(BLOCKED, f"deny_prefixes of the account has {way.number}")
        if said is None and not self._permits(account, way.number):
            return Denial(FORBIDDEN, f"the account may not call {way.number}: its country, or what it costs")
        return self._of_trunk(way.trunk, way.number) if way.trunk else None

    def _of_account(self, account: Account) -> Bounds:
        found = (self._bounds.get(Party("account", sid)) for sid in account.lineage)
        return next((own for own in found if own is not None), NO_BOUNDS)

    def _of_trunk(self, trunk: str, number: str) -> Denial | None:
        if self._bounds.get(Party("trunk", trunk), NO_BOUNDS).says(number) is False:
            return Denial(BLOCKED, f"deny_prefixes of trunk {trunk} has {number}")
        return None

    def _day(self, number: str, whom: Iterable[Party]) -> Denial | None:
        if number in EMERGENCY:
            return None
        for party in whom:
            own = self._bounds.get(party, NO_BOUNDS)
            if own.money and self.ledger.rates.of(number) is None:
                return Denial(BLOCKED, f"no [[rate]] has {number}, and {party.name} has a max_spend_day")
            if own.daily and (why := self._exhausted(party, own)):
                return Denial(SPENT, why)
        return None

    def _exhausted(self, party: Party, own: Bounds) -> str:
        spent = self.ledger.spent(party)
        if own.minutes and spent.minutes >= own.minutes:
            return f"max_minutes_day of {party.kind} {party.name} is used up ({own.minutes:g})"
        if own.money and spent.money >= own.money:
            return f"max_spend_day of {party.kind} {party.name} is used up ({own.money:g})"
        return ""

    # and what becomes of it

    def take(self, call: "Call", target: Target) -> Denial | None:
        """Lets an INVITE of a call out, and counts it; else says why not."""
        return self._take(call, self.way(target))

    def arrive(self, call: "Call", uri: str, place: str) -> Denial | None:
        """Lets an INVITE of a call that has been let out go to the place that its URI has been found to lead to, a URI
        of an address; else says why not: the place is a gateway, which the URI did not say."""
        way = self.way_at(uri, place)
        if way == self._way_of_uri(uri):
            return None
        found = self._take(call, way)
        if found is None and way.trunk and call.trunk != way.trunk:
            call.carried_by(way.trunk)
        return found

    def _take(self, call: "Call", way: Way) -> Denial | None:
        before = call.parent or call.forwards
        shown = call.caller_id or call.from_
        found = self._denial(call.account, way, shown, known(before) if before else ())
        if found is None and way.carried:
            found = self._start(call, way)
        if found is not None:
            self._tell(found, call.account, _source(call))
        return found

    def carry(self, call: "Call", target: Target, trunk: str) -> Denial | None:
        """Whether a trunk takes a call that has been let out; else why not."""
        number = self.way(target).number
        found = self._of_trunk(trunk, number) or self._day(number, [Party("trunk", trunk)])
        if found is not None:
            self._tell(found, call.account, _source(call))
        return found

    def _start(self, call: "Call", way: Way) -> Denial | None:
        """A further attempt of a call that has begun takes no further start."""
        if call.sid not in self.ledger.live and way.number not in EMERGENCY:
            for party in parties(call.account, ""):
                if party in self._paces and not self._paces[party].admits(self._time()):
                    return Denial(SPENT, f"max_calls_second of account {party.name} is used up")
        if self.watched or self._paces:
            self.ledger.follow(Charged(call, way.number, way.trunk))
        return None

    def refuse(self, account: Account, denial: Denial, alerts: "Alerts") -> None:
        """A call that is not even accepted: there is none to tell its story."""
        self._tell(denial, account, ("", 0))
        alerts.add(account.sid, "", Alert(Level.WARNING, denial.reason.rest_code, denial.message))

    def transfer(self, call: "Call", uri: str, place: str = "") -> Denial | None:
        """Why a call may not be transferred to a URI, whoever asks for that: `<Refer>`, or a REFER that comes in.

        A transfer that the daemon carries out by a call of its own is asked again for it.

        Args:
            place: that a SIP URI has been found to lead to.
        """
        way = self.way_at(uri, place) if place else self.way(uri)
        found = self._denial(call.account, way, call.from_, known(call))
        if found is not None:
            self._tell(found, call.account, _source(call))
        return found

    def _tell(self, denial: Denial, account: Account, source: tuple[str, int]) -> None:
        self.denied += 1
        security.warning("%s", Occasion("fenced", *source, method="INVITE", user=account.sid).line())
        logger.warning("account %s: a call is held back: %s", account.sid, denial.message)

    # while it lasts

    async def watch(self) -> None:
        """Ends the calls of whoever has used up a day; runs until it is cancelled."""
        while self.watched:
            await asyncio.sleep(WATCH_S)
            self.enforce()

    def enforce(self) -> None:
        """Ends the live calls whose account, owner or trunk has used up its day."""
        verdicts: dict[Party, str] = {}
        for one in tuple(self.ledger.live.values()):
            for party in one.parties():
                own = self._bounds.get(party, NO_BOUNDS)
                if own.daily and party not in verdicts:
                    verdicts[party] = self._exhausted(party, own)
            why = next((verdicts[party] for party in one.parties() if verdicts.get(party)), "")
            if why and one.number not in EMERGENCY and not one.call.status.final:
                one.call.note("warning", code=SPENT.code, message=f"the call is ended: {why}")
                self._tell(Denial(SPENT, why), one.call.account, _source(one.call))
                one.call.hang_up()


def _through(gateway: Match, uri: str) -> Way:
    """Through a gateway: what cannot be read as a number does not leave, for the gateway may read one in it."""
    reading = read(uri)
    if gateway.source and not reading.dials:
        return Way()  # an extension, or a name, of a PBX that calls in
    if reading.named and not gateway.sure:
        return Way()  # somebody else, who listens beside it
    return Way(reading.number, carried=True, trunk=gateway.trunk, readable=reading.exact)


def known(call: "Call") -> set[str]:
    """Numbers that a call may show although its account does not own them: those that it was called by or has
    called, and the one that the file gives to its user. What an account itself has put into a From is none."""
    found: set[str] = set()
    one: Call | None = call
    while one is not None:
        if one.direction.called:
            found |= {one.from_, one.to, one.caller_id}
        elif not read(one.to).number:
            found.add(one.to)  # not a SIP URI that holds a number: whoever wrote it has made that up
        one = one.parent
    return found - {""}


def _source(call: "Call") -> tuple[str, int]:
    """Where the call came from that has led to this one; nothing when it began here."""
    while call.parent is not None:
        call = call.parent
    invite = call.leg.invite if call.leg is not None else None
    return (invite.source_host, invite.source_port) if invite is not None else ("", 0)
