"""A bridge: a caller and a callee of a dial who talk, and what their phones ask for meanwhile: transfers to somebody
else, to each other's other calls, and calls that take a place (call-control reference §1.10; RFC 3891, RFC 5589).

Every account's bridges are closed to every other account: what is named across that border does not exist.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from callwright.calls.control import DialPlan
from callwright.calls.elastic import Grant, Transfers
from callwright.errors import LegGone
from callwright.sip.leg import Leg
from callwright.sip.transfer import Referral

if TYPE_CHECKING:
    from callwright.calls.call import Call

NO_REFER_URL = 13802
NO_TRANSFER = 32218
OK, NOT_HERE, DECLINED, OVER = 200, 481, 603, 480


class Bridge:
    """Two who talk.

    Args:
        plan: of the dial: who may transfer the other one, and what runs on who is left then.
        settle: ends the talk.

    Attributes:
        target: whom the callee has transferred the caller to.
        successor: who is to talk with the caller from now on, in the callee's place.
    """

    def __init__(self, caller: "Call", callee: "Call", plan: DialPlan, settle: Callable[[], None]) -> None:
        self.caller, self.callee = caller, callee
        self.target = ""
        self.successor: Call | None = None
        self._refer, self._transfers, self._settle = plan.refer, plan.transfers, settle
        self._bound = callee.taken.done()  # to this bridge: the dial that called it has let it go
        self._over = False

    @property
    def account_sid(self) -> str:
        """AC... of the owner."""
        return self.caller.account_sid

    @contextmanager
    def open(self, caller: Leg, callee: Leg) -> Iterator[None]:
        """Hears what their phones ask for while the block runs."""
        bridges, callers, callees = self.caller.exchange.bridges, self._grants(True), self._grants(False)
        bridges[caller.node] = bridges[callee.node] = self
        try:
            with (
                caller.referring(
                    lambda one: self._asked(self.caller, one),
                    blind=callers.blind and not self._bound,
                    attended=callers.attended and not self._bound,
                ),
                callee.referring(
                    lambda one: self._asked(self.callee, one), blind=callees.blind, attended=callees.attended
                ),
            ):
                yield
        finally:
            self._over = True
            for leg in (caller, callee):  # whose next bridge may be open already
                if bridges.get(leg.node) is self:
                    del bridges[leg.node]

    def _grants(self, caller: bool) -> Grant:
        """What the caller, or the callee, may ask for."""
        if self._transfers is not None:
            return self._transfers.grant(caller)
        return Grant(blind=self._refer is not None, attended=True)

    def replace(self, node: int, by: "Call") -> bool:
        """Gives the place of one of the two to an answered call; False when it cannot be given away."""
        if self._over:
            return False
        if self._is_callee(node):
            self._succeed(by)
        elif self._bound:
            return False
        else:
            self._let_go()
            self.caller.exchange.tasks.spawn(join(by, self.callee), f"join of {by.sid}")
            self.caller.hang_up()
        self.caller.note("replaced", by=by.sid)
        return True

    # what a phone asks for

    def _asked(self, by: "Call", referral: Referral) -> None:
        if not referral.accepted:
            self._refused(by, referral)
        elif self._over:
            referral.tell(OVER)
        elif referral.replaced:
            self._join(by, referral)
        elif self._transfers is not None:
            self._carry_on(by, referral, self._transfers)
        else:
            self._pass_on(by, referral)

    def _refused(self, by: "Call", referral: Referral) -> None:
        code, why = NO_TRANSFER, f"REFER refused with {referral.code}"
        if self._transfers is None and self._refer is None and referral.code == DECLINED:
            code, why = NO_REFER_URL, "REFER refused: its <Dial> has no referUrl"
        by.note("warning", code=code, message=why)

    def _pass_on(self, by: "Call", referral: Referral) -> None:
        """Who is left hears what the application says; who has asked for it is released."""
        assert self._refer is not None, "permitted without a referUrl"
        stays = self.caller if by is self.callee else self.callee
        by.note("transfer", target=referral.target, of=stays.sid)
        referral.tell(OK)
        if stays is self.caller:
            self.target = referral.target
            self._end()
            return
        told = {"ReferTransferTarget": referral.target}
        stays.application = replace(stays.application, voice=self._refer, twiml=None, told=told)
        self._let_go()
        stays.exchange.tasks.spawn(stays.exchange.scripts.serve(stays), stays.sid)
        by.hang_up()

    def _carry_on(self, by: "Call", referral: Referral, transfers: Transfers) -> None:
        """Who is left is connected by the trunk with whom it is transferred to; who has asked for it is released."""
        stays = self.caller if by is self.callee else self.callee
        elastic = transfers.moved(stays, referral.target)
        if isinstance(elastic, str):
            referral.tell(DECLINED)
            by.note("warning", code=NO_TRANSFER, message=f"REFER: {elastic}")
            if by.leg is not None:
                blind, attended = transfers.grant(by is self.caller)
                by.leg.permit(blind=blind, attended=attended)  # the next one: a permission is for one
            return
        by.note("transfer", target=referral.target, of=stays.sid)
        referral.tell(OK)
        stays.application = replace(stays.application, elastic=elastic)
        if stays is self.caller:
            self.target = referral.target
            self._end()
            return
        self._let_go()
        stays.exchange.tasks.spawn(stays.exchange.scripts.serve(stays), stays.sid)
        by.hang_up()

    def _join(self, by: "Call", referral: Referral) -> None:
        """An attended transfer: who is left here, and who is left there, talk with each other."""
        other = self.caller.exchange.bridges.get(referral.replaced)
        if other is None or other is self or other._over or other.account_sid != self.account_sid:
            referral.tell(NOT_HERE)
            by.note("warning", code=NO_TRANSFER, message="REFER: the other call is not connected")
            return
        here = self.caller if by is self.callee else self.callee
        gone, there = other._parted(referral.replaced)
        if (here is self.caller and there is other.caller) or (there is other.callee and other._bound):
            referral.tell(DECLINED)
            by.note("warning", code=NO_TRANSFER, message="REFER: both parties wait for documents of their own")
            return
        by.note("transfer", to=there.sid, of=here.sid)
        referral.tell(OK)
        if here is self.caller:
            other._let_go()
            self._succeed(there)
        elif there is other.caller:
            self._let_go()
            other._succeed(here)
        else:
            self._let_go()
            other._let_go()
            here.exchange.tasks.spawn(join(here, there), f"join of {here.sid}")
        by.hang_up()
        gone.hang_up()

    def _is_callee(self, node: int) -> bool:
        leg = self.callee.leg
        return leg is not None and leg.node == node

    def _parted(self, node: int) -> "tuple[Call, Call]":
        """Whose leg a node is, and the other one."""
        return (self.callee, self.caller) if self._is_callee(node) else (self.caller, self.callee)

    def _succeed(self, by: "Call") -> None:
        self.successor = by
        self._end()

    def _let_go(self) -> None:
        """The callee lives on without its dial."""
        self._over = True
        self.callee.taken.set_result(None)

    def _end(self) -> None:
        self._over = True
        self._settle()


async def join(one: "Call", other: "Call") -> None:
    """Two calls that nobody else runs any more talk until one of them leaves."""
    left, right = one.leg, other.leg
    if left is None or right is None or left.gone or right.gone:
        one.hang_up()
        other.hang_up()
        return
    over: asyncio.Future[None] = left.waiter()
    right.ended.add_done_callback(lambda _: None if over.done() else over.set_result(None))
    one.exchange.endpoint.connect(left.node, right.node)
    one.note("joined", other=other.sid)
    try:
        with left.digits(right.relay), right.digits(left.relay):
            await over
    except LegGone:
        one.log.debug("- left whom it was joined with")
    finally:
        one.exchange.endpoint.disconnect(left.node, right.node)
        left.hang_up()
        right.hang_up()
