"""The live conferences of a daemon: one of each name in an account."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from callwright.account import Account
from callwright.calls.conference.conference import Conference
from callwright.calls.conference.participant import Participant
from callwright.calls.conference.plan import COACHED_ABSENT, ConferencePlan
from callwright.errors import RoomError

if TYPE_CHECKING:
    from callwright.calls.call import Call
    from callwright.calls.exchange import Exchange


class Conferences:
    """Finds, makes and forgets conferences. A completed one is only in the database."""

    def __init__(self) -> None:
        self._by_name: dict[tuple[str, str], Conference] = {}
        self._by_sid: dict[str, Conference] = {}

    def __len__(self) -> int:
        return len(self._by_sid)

    def __iter__(self) -> Iterator[Conference]:
        return iter(tuple(self._by_sid.values()))

    def find(self, account_sid: str, reference: str) -> Conference | None:
        """The live conference of an account with this SID or name."""
        found = self._by_sid.get(reference)
        if found is not None and found.account.sid == account_sid:
            return found
        return self._by_name.get((account_sid, reference))

    def check(self, account: Account, plan: ConferencePlan) -> None:
        """Whether one more may come into the conference of this name, which need not be there yet.

        Raises:
            RoomError: see `Conference.check`.
        """
        conference = self._by_name.get((account.sid, plan.name))
        if conference is not None:
            conference.check(plan)
        elif plan.coach:
            raise RoomError("nobody is in the conference who could be coached", code=COACHED_ABSENT)

    def expect(self, call: "Call", plan: ConferencePlan) -> Conference:
        """The conference that a call is being placed into; it begins with that call if it is not there yet."""
        conference = self._open(call.exchange, call.account, plan)
        conference.expect(call, plan)
        return conference

    def join(self, call: "Call", plan: ConferencePlan) -> tuple[Conference, Participant]:
        """Lets a call into the conference of this name; it begins with that call if it is not there yet.

        Raises:
            RoomError: see `Conference.check`.
        """
        conference = self._by_name.get((call.account.sid, plan.name))
        if conference is None or call.sid not in conference.participants:
            self.check(call.account, plan)
        conference = self._open(call.exchange, call.account, plan)
        return conference, conference.join(call, plan)

    def _open(self, exchange: "Exchange", account: Account, plan: ConferencePlan) -> Conference:
        key = (account.sid, plan.name)
        if (conference := self._by_name.get(key)) is None:
            conference = Conference(exchange, account, plan.name, plan.settings, self._forget)
            self._by_name[key] = self._by_sid[conference.sid] = conference
        return conference

    def _forget(self, conference: Conference) -> None:
        del self._by_name[conference.account.sid, conference.name]
        del self._by_sid[conference.sid]
