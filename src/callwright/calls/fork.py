"""One call to all phones of a user (RFC 3261 §16.6, §16.7): those that he prefers equally ring at once, then the next
ones; the first that answers is the call.

A fork is a leg: whoever rings it need not know in how many places it rings. When a phone has answered, the fork is that
phone's leg, and the others get a CANCEL.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from callwright.sip.leg import ELSEWHERE, Ending, Headers, Leg

if TYPE_CHECKING:
    from callwright.sip.endpoint import Endpoint

DECLINED_EVERYWHERE = 600
BUSY, UNAVAILABLE, NO_RESPONSE, TERMINATED = 486, 480, 408, 487


def _nobody(ending: Ending) -> None:
    """Nobody wants to know."""


@dataclass(frozen=True, slots=True)
class Way:
    """The way to one phone.

    Attributes:
        send: sends an INVITE and returns its leg; raises ValueError when its address cannot be used.
        q: how much it is preferred, 0 to 1.
        ended: told how its leg has ended, but for the one that was answered and is the call.
    """

    send: Callable[[], Leg]
    q: float = 1.0
    ended: Callable[[Ending], None] = _nobody


class Fork(Leg):
    """The legs to several phones, until one answers.

    Args:
        ways: at least two.
        seconds: how long the phones may ring in all: when not all are preferred equally, each rank rings for an equal
            share of it.

    Raises:
        ValueError: no address can be used.
    """

    def __init__(self, endpoint: "Endpoint", ways: Sequence[Way], *, seconds: float) -> None:
        super().__init__(endpoint, 0)
        ranked = sorted(ways, key=lambda way: -way.q)
        self._later = deque([list(ways) for _, ways in groupby(ranked, key=lambda way: way.q)])
        self._share = seconds / len(self._later)
        self._turn: asyncio.TimerHandle | None = None
        self._ringing: dict[int, Branch] = {}
        self._endings: list[Ending] = []
        self._faults: list[str] = []
        if not self._ring():
            raise ValueError("; ".join(self._faults))

    def _ring(self) -> bool:
        """The phones of the next rank ring; whether there are any."""
        self._wait_no_longer()
        while self._later:
            rung = [branch for way in self._later.popleft() if (branch := self._send(way)) is not None]
            if rung:
                self.node = rung[0].node
                if self._later:
                    self._turn = self.endpoint.loop.call_later(self._share, self._pass_on)
                return True
        return False

    def _send(self, way: Way) -> "Branch | None":
        try:
            node = way.send().node
        except ValueError as fault:
            self._faults.append(str(fault))
            return None
        branch = self.endpoint.legs[node] = self._ringing[node] = Branch(self, node, way)
        return branch

    def _pass_on(self) -> None:
        """The time of this rank is up. Where the next one cannot be rung, it goes on."""
        before = tuple(self._ringing.values())
        if self._ring():
            for branch in before:
                branch.hang_up()

    def _wait_no_longer(self) -> None:
        if self._turn is not None:
            self._turn.cancel()
            self._turn = None

    def _settle(self) -> None:
        """No other phone rings any more than do now."""
        self._wait_no_longer()
        self._later.clear()

    def hang_up(self, code: int = 0, reason: str = "", headers: Headers = ()) -> None:
        """CANCEL to every phone that rings; BYE to the one that has answered."""
        self._settle()
        if not self._ringing:
            super().hang_up(code, reason, headers)
        for branch in tuple(self._ringing.values()):
            branch.hang_up(code, reason, headers)

    def _stop_ringing(self) -> None:
        self._settle()
        branches = tuple(self._ringing.values())
        self._ringing.clear()
        for branch in branches:
            branch.hang_up(headers=ELSEWHERE)

    def on_branch_progress(self, code: int) -> None:
        """A phone rings. Its early media are not heard: another one's would be mixed with it."""
        if self._ringing:
            self.on_progress(code, False)

    def on_branch_established(self, branch: "Branch", detail: dict[str, Any]) -> None:
        """A phone has answered. A second one that has done so at the same time gets a BYE."""
        if branch.node not in self._ringing:
            branch.hang_up()
            return
        self._settle()
        others = [one for one in self._ringing.values() if one is not branch]
        self._ringing.clear()
        self.node = branch.node
        self.endpoint.legs[branch.node] = self
        for other in others:
            other.hang_up()
        self.on_established(detail)

    def on_branch_ended(self, branch: "Branch", ending: Ending) -> None:
        """A phone has refused or is not there: the last one's end is the next ones' turn, or the end of all."""
        if self._ringing.pop(branch.node, None) is None:
            return
        self._endings.append(ending)
        if ending.code >= DECLINED_EVERYWHERE:
            self._settle()
            for other in tuple(self._ringing.values()):
                other.hang_up()
        if not self._ringing and not self._ring():
            best = min(self._endings, key=_rank)
            detail = {"by": best.by, "headers": best.headers, "call_id": best.call_id}
            self.on_ended(best.code, best.reason, detail)


class Branch(Leg):
    """The leg to one of the phones, until one has answered."""

    def __init__(self, fork: Fork, node: int, way: Way) -> None:
        super().__init__(fork.endpoint, node)
        self._fork, self._way = fork, way

    @property
    def whole(self) -> Leg:
        """The fork."""
        return self._fork

    def on_progress(self, code: int, early_media: bool) -> None:
        super().on_progress(code, early_media)
        self._fork.on_branch_progress(code)

    def on_established(self, detail: dict[str, Any]) -> None:
        super().on_established(detail)
        self._fork.on_branch_established(self, detail)

    def on_ended(self, code: int, reason: str, detail: dict[str, Any]) -> None:
        super().on_ended(code, reason, detail)
        ending = self.ended.result()
        self._way.ended(ending)
        self._fork.on_branch_ended(self, ending)


def _rank(ending: Ending) -> tuple[int, int]:
    """The order of what tells a caller most: declined for all phones, busy, not available, other refusals of a phone
    that is there, phones that do not respond, faults; our own CANCEL says least (RFC 3261 §16.7, 6)."""
    code = ending.code
    if ending.by == "local" and code == TERMINATED:
        return 9, code
    first = {BUSY: 1, UNAVAILABLE: 2, NO_RESPONSE: 5}
    if code >= DECLINED_EVERYWHERE:
        return 0, code
    return first.get(code, 3 if 400 <= code < 500 else 4 if code < 400 else 6), code
