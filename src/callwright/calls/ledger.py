"""What calls to numbers have cost today: minutes and money, by account and by trunk.

A day is one of UTC, and a call is of the day on which it was answered. Live calls count as far as they have come. What
had been spent before a start is read from the records.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import func, select

from callwright import clock
from callwright.account import Account
from callwright.calls.destinations import international
from callwright.calls.status import INWARD, CallStatus
from callwright.sections import RateSection
from callwright.store.store import Store
from callwright.store.tables import calls

if TYPE_CHECKING:
    from callwright.calls.call import Call

LONGEST_WAIT = timedelta(days=1)
"""No call waits or rings longer than this before it is answered."""


class Party(NamedTuple):
    """Who is charged: an account by its SID, or a trunk by its name."""

    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Spent:
    """What a party has used of a day. `money` is in the unit of the rates."""

    minutes: float = 0.0
    money: float = 0.0

    def __add__(self, other: "Spent") -> "Spent":
        return Spent(self.minutes + other.minutes, self.money + other.money)


@dataclass(frozen=True, slots=True)
class Charged:
    """A live call to a number.

    Attributes:
        trunk: the trunk whose gateway it goes to by a SIP URI; "" when the call itself knows.
    """

    call: "Call"
    number: str
    trunk: str = ""

    def parties(self) -> list[Party]:
        """Whom it is charged to."""
        return parties(self.call.account, self.trunk or self.call.trunk)


def parties(account: Account, trunk: str) -> list[Party]:
    """Whom a call is charged to: the account, its owner, the trunk that carries it."""
    return [*(Party("account", sid) for sid in account.lineage), *([Party("trunk", trunk)] if trunk else [])]


class Rates:
    """What a minute costs, by prefix."""

    def __init__(self, sections: Iterable[RateSection] = ()) -> None:
        self._by_prefix = {one.prefix.removeprefix("+"): one for one in sections}

    def of(self, number: str) -> RateSection | None:
        """The rate of the longest prefix; None when there is none."""
        digits = international(number) or number
        return next((r for n in range(len(digits), -1, -1) if (r := self._by_prefix.get(digits[:n]))), None)

    def cost(self, number: str, seconds: int) -> float:
        """What a call costs; each increment that has begun is charged."""
        rate = self.of(number)
        if rate is None or seconds <= 0:
            return 0.0
        return math.ceil(seconds / rate.increment) * rate.increment / 60 * rate.per_minute


class Ledger:
    """Today's account of calls to numbers.

    Args:
        now: the wall clock, aware, UTC.
    """

    def __init__(self, rates: Rates, now: Callable[[], datetime] = clock.now) -> None:
        self.rates = rates
        self.live: dict[str, Charged] = {}
        self._now = now
        self._day = now().date()
        self._spent: dict[Party, Spent] = {}

    def follow(self, charged: Charged) -> None:
        """A call goes out: it counts until it ends, and what it has cost from then on."""
        call = charged.call
        if call.sid not in self.live:
            call.ended.add_done_callback(partial(self._on_ended, call.sid))
        self.live[call.sid] = charged

    def _on_ended(self, sid: str, _ended: object) -> None:
        charged = self.live.pop(sid)
        self._charge(charged.parties(), charged.number, charged.call.duration)

    def _charge(self, whom: Iterable[Party], number: str, seconds: int) -> None:
        if seconds and self._answered_on(seconds) == self._today():
            for party in whom:
                self._spent[party] = self._spent.get(party, Spent()) + self._spend(number, seconds)

    def _spend(self, number: str, seconds: int) -> Spent:
        return Spent(seconds / 60, self.rates.cost(number, seconds))

    def _answered_on(self, seconds: int) -> date:
        return (self._now() - timedelta(seconds=seconds)).date()

    def _today(self) -> date:
        today = self._now().date()
        if today != self._day:
            self._day, self._spent = today, {}
        return today

    def spent(self, party: Party) -> Spent:
        """What a party has used today, live calls included."""
        today = self._today()
        total = self._spent.get(party, Spent())
        for one in self.live.values():
            seconds = one.call.duration if one.call.status is CallStatus.IN_PROGRESS else 0
            if seconds and party in one.parties() and self._answered_on(seconds) == today:
                total += self._spend(one.number, seconds)
        return total

    async def load(
        self, store: Store, accounts: Mapping[str, Account], carried: Callable[[str, str], tuple[str, str]]
    ) -> None:
        """Reads what today's calls have cost before this start. Run before the first call is placed.

        Args:
            carried: the number that a call's `To` is charged for, "" for none, and the trunk whose gateway it names;
                told besides the trunk that has carried the call, "" for none.

        Raises:
            StoreError: the database cannot be read.
        """
        began = datetime.combine(self._today(), time(), UTC)
        what = (calls.c.account_sid, calls.c.trunk, calls.c.to, calls.c.duration)
        query = (
            select(*what, func.count().label("calls"))
            .where(
                calls.c.account_sid.in_(list(accounts)),
                calls.c.date_created >= began - LONGEST_WAIT,
                calls.c.start_time >= began,
                calls.c.direction.not_in([str(one) for one in INWARD]),
                calls.c.duration > 0,
            )
            .group_by(*what)
        )
        for row in await store.fetch(query):
            number, trunk = carried(row["to"], row["trunk"] or "")
            if number:
                spend = self._spend(number, row["duration"])
                spend = Spent(spend.minutes * row["calls"], spend.money * row["calls"])
                for party in parties(accounts[row["account_sid"]], row["trunk"] or trunk):
                    self._spent[party] = self._spent.get(party, Spent()) + spend
