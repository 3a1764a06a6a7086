"""A conversation: somebody who talks with one party after the other, as transfers bring them (RFC 5589 §7)."""

import asyncio
import math
from contextlib import nullcontext
from typing import TYPE_CHECKING

from callwright.calls.bridge import Bridge
from callwright.calls.control import DialPlan
from callwright.calls.elastic import Transfers
from callwright.calls.party import Party
from callwright.errors import LegGone
from callwright.sip.leg import Digit, Leg

if TYPE_CHECKING:
    from callwright.calls.call import Call


class Conversation:
    """All talk of one dial, of one who was in a queue, or of two whom nobody runs.

    Args:
        call: who talks.
        plan: how long, and what keys and phones may do meanwhile.

    Attributes:
        target: whom the last party has transferred the call to; "" when it has not.
        seconds: from the answer of the first party to the end; 0 while it was the only one.
    """

    def __init__(self, call: "Call", plan: DialPlan) -> None:
        self._call = call
        self._plan = plan
        self._endpoint = call.exchange.endpoint
        self._bridge: Bridge | None = None
        self.target = ""
        self.seconds = 0
        self._began = 0.0

    async def run(self, caller: Leg, first: Party, *, since: float | None = None) -> None:
        """Until one of the two leaves, or the party goes elsewhere; another may take its place meanwhile.

        Args:
            since: from when the time limit counts, on the loop's clock; None: from the answer of the first party.

        Raises:
            LegGone: the caller had left before.
        """
        party: Party | None = first
        self._began = since if since is not None else self._endpoint.loop.time() - first.call.since_answer
        outlived = False
        try:
            while party is not None and (party is first or not caller.gone):
                party = await self._talk(caller, party)
                outlived = outlived or party is not None
        finally:
            if self._bridge is not None and self._bridge.successor is not None:
                self._bridge.successor.part()
        if outlived:
            self.seconds = max(1, math.ceil(self._endpoint.loop.time() - self._began))

    async def _talk(self, caller: Leg, party: Party) -> Party | None:
        """Two hear each other, until that is over. Returns who takes the other one's place then."""
        callee = party.call.leg
        if callee is None or party.left:
            party.part()
            return None
        over: asyncio.Future[None] = caller.waiter()
        bridge = self._bridge = Bridge(self._call, party, self._plan, lambda: _settle(over))
        party.on_leaving(lambda: _settle(over))
        limit = self._limit(party, over)
        # of two dials whose callers talk, each lets its own caller hear the other one
        wires = self._endpoint.engine if party.waits else self._endpoint
        wires.connect(callee.node, caller.node)
        self._call.note("bridged", child=party.call.sid)
        try:
            with (
                bridge.open(caller, callee),
                caller.digits(lambda digit: self._pass_on(digit, callee, over)),
                nullcontext() if party.waits else callee.digits(caller.relay),
            ):
                await over
        except LegGone:
            self._call.log.debug("- the caller left its dial")
        finally:
            if limit is not None:
                limit.cancel()
            wires.disconnect(callee.node, caller.node)
            party.part()
        self.target = bridge.target
        return bridge.successor

    def _limit(self, party: Party, over: "asyncio.Future[None]") -> asyncio.TimerHandle | None:
        """Ends the talk when its time is up. The leg of one who waits in a dial of his own outlives it."""
        if not party.waits:
            party.call.limit_to(self._plan.time_limit)
            return None

        def on_limit() -> None:
            self._call.note("limit", seconds=self._plan.time_limit)
            _settle(over)

        return self._endpoint.loop.call_at(self._began + self._plan.time_limit, on_limit)

    def _pass_on(self, digit: Digit, callee: Leg, over: "asyncio.Future[None]") -> None:
        """A key of the caller: the dial's own, or one for the callee (RFC 4733 events cross no bridge)."""
        if digit.key == "*" and self._plan.hangup_on_star:
            _settle(over)
        elif not over.done():
            callee.relay(digit)


async def join(one: "Call", other: "Call", transfers: Transfers | None = None) -> None:
    """Two calls that nobody else runs any more talk until one of them leaves; they may be transferred again.

    Args:
        transfers: of the elastic trunk that one of them is of.
    """
    party, leg = Party(other, lent=True), one.leg
    plan = DialPlan((), time_limit=other.time_limit, transfers=transfers)
    try:
        if leg is not None and not leg.gone:
            await Conversation(one, plan).run(leg, party)
    except LegGone:
        one.log.debug("- left whom it was joined with")
    finally:
        party.part()
        one.hang_up()


def _settle(over: "asyncio.Future[None]") -> None:
    if not over.done():
        over.set_result(None)
