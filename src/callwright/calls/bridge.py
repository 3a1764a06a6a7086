"""A bridge: a caller and a callee of a dial who talk, and what their phones ask for meanwhile: transfers to somebody
else, to each other's other calls, and calls that take a place (call-control reference §1.10; RFC 3891, RFC 5589).

Every account's bridges are closed to every other account: what is named across that border does not exist.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from callwright.calls.control import DialPlan
from callwright.calls.elastic import NOTHING, Grant, Transfers
from callwright.calls.party import Party, waiting
from callwright.calls.pickup import named
from callwright.sip.leg import Leg
from callwright.sip.transfer import Referral

if TYPE_CHECKING:
    from callwright.calls.call import Call

NO_REFER_URL = 13802
NO_TRANSFER = 32218
RINGING, OK, NOT_HERE, DECLINED, OVER = 180, 200, 481, 603, 480


class Bridge:
    """Two who talk.

    Of two callers who have been transferred to each other, each has one of his own, in which the other one is the
    callee: what a phone asks for in one of them is of the other phone's place.

    Args:
        party: whom the caller talks with.
        plan: of the dial: who may transfer the other one, and what runs on who is left then.
        settle: ends the talk.

    Attributes:
        target: whom the callee has transferred the caller to.
        successor: who is to talk with the caller from now on, in the callee's place.
    """

    def __init__(self, caller: "Call", party: Party, plan: DialPlan, settle: Callable[[], None]) -> None:
        self.caller, self.callee = caller, party.call
        self.target = ""
        self.successor: Party | None = None
        self._party = party
        self._refer, self._transfers, self._settle = plan.refer, plan.transfers, settle
        self._over = False

    @property
    def account_sid(self) -> str:
        """AC... of the owner."""
        return self.caller.account_sid

    @property
    def over(self) -> bool:
        """Whether they talk no more, or one of them is about to leave."""
        return self._over or self._party.left or self.caller.leg is None or self.caller.leg.ending

    @contextmanager
    def open(self, caller: Leg, callee: Leg) -> Iterator[None]:
        """Hears what their phones ask for while the block runs."""
        bridges = self.caller.exchange.bridges
        sides = [(self.callee, callee)] if self._party.waits else [(self.caller, caller), (self.callee, callee)]
        try:
            with ExitStack() as referring:
                for call, leg in sides:
                    bridges[leg.node] = self
                    blind, attended = self._grant(call)
                    referring.enter_context(leg.referring(partial(self._asked, call), blind=blind, attended=attended))
                self.caller.exchange.unanswered.settled(caller.node)
                yield
        finally:
            self._over = True
            for leg in (caller, callee):  # whose next bridge may be open already
                if bridges.get(leg.node) is self:
                    del bridges[leg.node]

    def _grant(self, call: "Call") -> Grant:
        """What the phone of one of the two may ask for."""
        if self._transfers is None:
            return Grant(blind=self._refer is not None, attended=True)
        if self._party.lent or self._party.waits:
            return NOTHING  # he has come in the place of the trunk's PBX, and is not the PBX
        return self._transfers.grant(call is self.caller)

    def replace(self, node: int, by: "Call") -> bool:
        """Gives the place of one of the two to an answered call; False when it cannot be given away."""
        if self.over:
            return False
        if self._is_callee(node):
            self._succeed(Party(by))
            self.callee.hang_up()
        else:
            self._let_go()
            self._leave_together(by, self.callee, self._transfers)
            self.caller.hang_up()
        self.caller.note("replaced", by=by.sid)
        return True

    # what a phone asks for

    def _asked(self, by: "Call", referral: Referral) -> None:
        if not referral.accepted:
            self._refused(by, referral)
        elif self.over:
            referral.tell(OVER)
        elif referral.attended and (self._is_ours(referral.replaced) or not self._grant(by).blind):
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
            by.hang_up()
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
            self._decline(by, referral, DECLINED, elastic)
            return
        by.note("transfer", target=referral.target, of=stays.sid)
        referral.tell(OK)
        stays.application = replace(stays.application, elastic=elastic)
        if stays is self.caller:
            self.target = referral.target
            self._end()
            by.hang_up()
            return
        self._let_go()
        stays.exchange.tasks.spawn(stays.exchange.scripts.serve(stays), stays.sid)
        by.hang_up()

    def _join(self, by: "Call", referral: Referral) -> None:
        """An attended transfer: who is left here, and who is left there, talk with each other."""
        other = self._named(by, referral.replaced)
        if other is None and self._rings(by, referral):
            return
        if other is None:
            self._decline(by, referral, NOT_HERE, "the other call is not connected")
            return
        here = self.caller if by is self.callee else self.callee
        gone, there = other._parted(referral.replaced)
        if not other._grant(gone).attended:
            self._decline(by, referral, DECLINED, "the other call may not be given away")
            return
        by.note("transfer", to=there.sid, of=here.sid)
        referral.tell(OK)
        if here is self.callee:
            self._let_go()
        if there is other.callee:
            other._let_go()
        if here is self.caller and there is other.caller:
            for bridge, party in zip((other, self), waiting(here, there), strict=True):
                bridge._succeed(party)
        elif here is self.caller:
            self._succeed(Party(there, lent=True))
        elif there is other.caller:
            other._succeed(Party(here, lent=True))
        else:
            self._leave_together(here, there, self._transfers or other._transfers)
        by.hang_up()
        gone.hang_up()

    def _decline(self, by: "Call", referral: Referral, code: int, why: str) -> None:
        """They talk on, and may ask for something else."""
        if by.leg is not None:
            blind, attended = self._grant(by)
            by.leg.permit(blind=blind, attended=attended)  # a permission is for one; before it hears that it may
        referral.tell(code)
        by.note("warning", code=NO_TRANSFER, message=f"REFER: {why}")

    def _is_ours(self, node: int) -> bool:
        """Whether a leg is of this account: no other one's dialog exists, and what names it may be anybody's."""
        call = named(self.caller.exchange, node)
        return call is not None and call.account_sid == self.account_sid

    def _named(self, by: "Call", replaced: int) -> "Bridge | None":
        """Where the leg talks that a phone wants to be replaced; None when it does not, or is not the phone's."""
        other = by.exchange.bridges.get(replaced)
        if other is None or other.over or by in other._parted(replaced):  # these two talk with each other already
            return None
        return other if self._is_theirs(by, replaced) else None

    def _is_theirs(self, by: "Call", node: int) -> bool:
        """Whether a leg is of this account and the phone's own user: nobody transfers the calls of others."""
        dialogs = by.exchange.dialogs
        return by.leg is not None and self._is_ours(node) and dialogs.owner(by.leg.node) == dialogs.owner(node)

    def _rings(self, by: "Call", referral: Referral) -> bool:
        """Whether it has to be waited for: who was called by the phone has not answered yet."""

        def answered() -> None:
            if self.over:
                referral.tell(OVER)
            else:
                self._join(by, referral)

        if not self._is_theirs(by, referral.replaced):
            return False
        waits = by.exchange.unanswered.wait(referral.replaced, answered)
        if waits:
            by.note("transfer", waits="until it is answered")
            referral.tell(RINGING)
        return waits

    def _is_callee(self, node: int) -> bool:
        leg = self.callee.leg
        return leg is not None and leg.node == node

    def _parted(self, node: int) -> "tuple[Call, Call]":
        """Whose leg a node is, and the other one."""
        return (self.callee, self.caller) if self._is_callee(node) else (self.caller, self.callee)

    def _succeed(self, by: Party) -> None:
        self.successor = by
        self._end()

    def _let_go(self) -> None:
        """The callee lives on without this talk."""
        self._party.let_go()
        self._end()

    def _leave_together(self, one: "Call", other: "Call", transfers: Transfers | None) -> None:
        """Two whom nobody runs talk with each other; on a trunk neither of them is its PBX."""
        from callwright.calls.conversation import join  # which is made of bridges

        one.exchange.tasks.spawn(join(one, other, transfers), f"join of {one.sid}")

    def _end(self) -> None:
        self._over = True
        self._settle()
