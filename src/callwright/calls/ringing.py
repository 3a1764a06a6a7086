"""An outbound call is placed: one INVITE after the other, until somebody answers or nobody is left to try."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from callwright.calls.failover import Next, after
from callwright.calls.outbound import Attempt, redirected
from callwright.errors import Fenced, NotRegistered
from callwright.sip.leg import Ending, Leg
from callwright.sip.trunks import Trunk
from callwright.sip.uri import place_of

if TYPE_CHECKING:
    from callwright.calls.call import Call

NO_ADDRESS = 13254
UNAVAILABLE, NO_RESPONSE = 503, 408
MOST_REDIRECTS = 5
RESPONSE_S = 4.0
"""For the first response of a party that is no trunk's, when another can be tried."""
FULL = Ending(UNAVAILABLE, "every trunk that carries this number is full", "local")
UNROUTABLE = Ending(404, "no trunk carries this number", "local")


async def ring_out(call: "Call", attempts: Sequence[Attempt], on_progress: Callable[[Leg, bool], None]) -> bool:
    """Places a call, one attempt after the other while gateways fail.

    Args:
        attempts: none when nothing carries it.
        on_progress: told of each provisional response: (leg, early media).

    Returns:
        Whether it was answered; if not, the call has its final status.
    """
    return not call.status.final and await Placing(call, attempts, on_progress).run()


class Placing:
    """One call on its way out."""

    def __init__(self, call: "Call", attempts: Sequence[Attempt], on_progress: Callable[[Leg, bool], None]) -> None:
        self._call = call
        self._left = deque(attempts)
        self._redirects = 0
        self._on_progress = on_progress
        self._health = call.exchange.health
        self._ending = FULL if attempts else UNROUTABLE
        self._next = Next.HOP
        self._useless: set[str] = set()  # trunks that will not take this call
        self._spared: list[tuple[Attempt, str]] = []  # places that are quarantined
        elastic = call.parent.application.elastic if call.parent is not None else None
        self._caught = elastic is not None and elastic.recovery is not None  # by a document, when nobody is reached

    async def run(self) -> bool:
        """See `ring_out`. Who has no other way tries quarantined gateways all the same."""
        while self._left:
            attempt = self._left.popleft()
            if attempt.trunk is not None and attempt.trunk.name in self._useless:
                continue
            try:
                hops = await self._call.exchange.endpoint.hops(attempt.uri)
                if attempt.trunk is None:
                    await self._call.exchange.fences.gateways.ready()  # what the hops are compared with
            except OSError as error:
                self._unsent(error)
                continue
            if self._call.status.final:  # canceled while the name was looked up
                return False
            for place, hop in enumerate(hops):
                last = place == len(hops) - 1 and not (self._left or self._spared or self._caught)
                if self._is_spared(attempt, hop):
                    continue
                if await self._try(attempt, hop, last):
                    return True
                if self._next is not Next.HOP:
                    break
            if self._next is Next.NOWHERE:
                break
        return await self._as_a_last_resort()

    async def _as_a_last_resort(self) -> bool:
        while self._spared and self._next is not Next.NOWHERE and not self._call.status.final:
            attempt, hop = self._spared.pop(0)
            if attempt.trunk is not None and attempt.trunk.name in self._useless:
                continue
            if await self._try(attempt, hop, not (self._spared or self._caught)):
                return True
        if not self._call.status.final:
            self._call.finish(self._ending)
        return False

    def _is_spared(self, attempt: Attempt, hop: str) -> bool:
        trunk, place = attempt.trunk, place_of(attempt.uri, hop)
        if trunk is None or self._health.takes(trunk.name, place):
            return False
        self._call.note("passed over", trunk=trunk.name, via=place, why="quarantined")
        self._spared.append((attempt, hop))
        return True

    async def _try(self, attempt: Attempt, hop: str, last: bool) -> bool:
        """One INVITE. Returns whether it was answered; if not, `_next` says where to go."""
        call, self._next = self._call, Next.HOP
        before, call.via = call.via, place_of(attempt.uri, hop)
        try:
            leg = attempt.send(hop)
        except ValueError as error:
            self._ending = Ending(400, str(error), "local")
            self._next = Next.TARGET
            return False
        except (NotRegistered, Fenced) as error:
            self._unsent(error)
            return False
        if leg is None:
            self._full(attempt)
            return False
        if call.leg is not None:
            facts = {"code": self._ending.code, "reason": self._ending.reason, "at": before, "via": call.via}
            call.note("failover", **{key: value for key, value in facts.items() if value})
        call.leg = leg
        ending = await self._rung(attempt, leg, last)
        self._tell(attempt, leg, ending)
        if ending is None:
            return True
        self._ending = ending
        # failover is for gateways: a party that rang has been reached (call-control reference §7.3)
        self._next = Next.NOWHERE if leg.rang or call.verdict else after(ending.code)
        if self._next is Next.TRUNK:
            self._leave(attempt)
        elif 300 <= ending.code < 400 and attempt.trunk is not None and not call.verdict:
            self._redirected(attempt.trunk, ending)
        return False

    def _redirected(self, trunk: Trunk, ending: Ending) -> None:
        """Elsewhere, as the trunk's gateway says, if that may be followed; at most five times."""
        self._redirects += 1
        found = redirected(self._call, trunk, ending.headers) if self._redirects <= MOST_REDIRECTS else []
        if found:
            self._left = deque(found)
            self._spared.clear()
            self._next = Next.TARGET

    def _leave(self, attempt: Attempt) -> None:
        """The trunk is of no use to this call. Whoever is called without one has no other."""
        if attempt.trunk is None:
            self._next = Next.NOWHERE
        else:
            self._useless.add(attempt.trunk.name)

    async def _rung(self, attempt: Attempt, leg: Leg, last: bool) -> Ending | None:
        """How one attempt ended. Who does not even say that he is trying is not waited for when another can be
        tried."""
        seconds = attempt.trunk.response if attempt.trunk else RESPONSE_S
        silent: list[Leg] = []

        def give_up() -> None:
            if not leg.heard and not leg.gone:
                silent.append(leg)
                leg.hang_up()

        patience = None if last or not attempt.uri else leg.endpoint.loop.call_later(seconds, give_up)
        try:
            ending = await self._call.rung(leg, self._on_progress)
        finally:
            if patience is not None:
                patience.cancel()
        if ending is not None and silent and not self._call.verdict:
            return replace(ending, code=NO_RESPONSE, reason=f"no response within {seconds:g} s", by="remote")
        return ending

    def _tell(self, attempt: Attempt, leg: Leg, ending: Ending | None) -> None:
        """What a trunk's place has shown."""
        trunk, place = attempt.trunk, self._call.via
        if trunk is None:
            return
        failed = ending is not None and ending.by == "remote" and not leg.rang and _is_fault(ending.code, leg)
        if failed and ending is not None:
            self._health.failed(trunk.name, place, trunk.patience, f"{ending.code} {ending.reason}")
        elif ending is None or ending.by == "remote" or leg.heard:
            self._health.passed(trunk.name, place)

    def _full(self, attempt: Attempt) -> None:
        """A trunk that has as many calls as it may, or starts them as fast as it may."""
        if attempt.trunk is not None:
            self._useless.add(attempt.trunk.name)
            self._call.note("passed over", trunk=attempt.trunk.name, why="full")
        self._next = Next.TARGET

    def _unsent(self, error: OSError | NotRegistered | Fenced) -> None:
        """An attempt that has not left the house."""
        code, sip_code = NO_ADDRESS, UNAVAILABLE
        if isinstance(error, NotRegistered | Fenced):
            code, sip_code = error.code, error.sip_code
        self._call.note("warning", code=code, message=str(error))
        self._ending = Ending(sip_code, str(error), "local")
        self._next = Next.TARGET


def _is_fault(code: int, leg: Leg) -> bool:
    """Whether a response tells of a gateway that cannot work, not of the call. A 408 of one that has said that it
    tries tells of somebody behind it."""
    return not leg.heard if code == NO_RESPONSE else 500 <= code < 600
