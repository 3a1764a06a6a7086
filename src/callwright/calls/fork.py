"""One call to all phones of a user: they ring at once, and the first that answers is the call (RFC 3261 §16.7).

A fork is a leg: whoever rings it need not know in how many places it rings. When a phone has answered, the fork is that
phone's leg, and the others get a CANCEL.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from callwright.sip.leg import ELSEWHERE, Ending, Headers, Leg

if TYPE_CHECKING:
    from callwright.sip.endpoint import Endpoint

DECLINED_EVERYWHERE = 600
BUSY, UNAVAILABLE, NO_RESPONSE, TERMINATED = 486, 480, 408, 487


class Fork(Leg):
    """The legs to several phones, until one answers.

    Args:
        branches: sends one INVITE each and returns its leg; at least two. Raises ValueError when its address cannot
            be used.

    Raises:
        ValueError: no address can be used.
    """

    def __init__(self, endpoint: "Endpoint", branches: Sequence[Callable[[], Leg]]) -> None:
        super().__init__(endpoint, 0)
        self._ringing: dict[int, Branch] = {}
        self._endings: list[Ending] = []
        faults = []
        for send in branches:
            try:
                node = send().node
            except ValueError as fault:
                faults.append(str(fault))
                continue
            endpoint.legs[node] = self._ringing[node] = Branch(self, node)
        if not self._ringing:
            raise ValueError("; ".join(faults))
        self.node = next(iter(self._ringing))

    def hang_up(self, code: int = 0, reason: str = "", headers: Headers = ()) -> None:
        """CANCEL to every phone that rings; BYE to the one that has answered."""
        if not self._ringing:
            super().hang_up(code, reason, headers)
        for branch in tuple(self._ringing.values()):
            branch.hang_up(code, reason, headers)

    def _stop_ringing(self) -> None:
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
        others = [one for one in self._ringing.values() if one is not branch]
        self._ringing.clear()
        self.node = branch.node
        self.endpoint.legs[branch.node] = self
        for other in others:
            other.hang_up()
        self.on_established(detail)

    def on_branch_ended(self, branch: "Branch", ending: Ending) -> None:
        """A phone has refused or is not there; the last one's end is the end of all."""
        if self._ringing.pop(branch.node, None) is None:
            return
        self._endings.append(ending)
        if ending.code >= DECLINED_EVERYWHERE:
            for other in tuple(self._ringing.values()):
                other.hang_up()
        if not self._ringing:
            best = min(self._endings, key=_rank)
            detail = {"by": best.by, "headers": best.headers, "call_id": best.call_id}
            self.on_ended(best.code, best.reason, detail)


class Branch(Leg):
    """The leg to one of the phones, until one has answered."""

    def __init__(self, fork: Fork, node: int) -> None:
        super().__init__(fork.endpoint, node)
        self._fork = fork

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
        self._fork.on_branch_ended(self, self.ended.result())


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
