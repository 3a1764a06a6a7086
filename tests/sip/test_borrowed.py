"""Legs on loan are proved where they are lent: the crossing of applications. Here: what the loan itself promises."""

import asyncio
from typing import Any, cast

import pytest

from callwright.errors import LegGone
from callwright.sip.borrowed import Borrowed
from callwright.sip.endpoint import Endpoint
from callwright.sip.leg import Digit, Invite, Leg, LegState


class Wire:
    """An endpoint that counts hang-ups."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.engine = self
        self.hangups: list[int] = []
        self.permits: list[int] = []

    def permit(self, leg: int, **values: bool) -> None:
        self.permits.append(leg)

    def hangup(self, leg: int, **values: Any) -> None:
        self.hangups.append(leg)


async def lent() -> tuple[Leg, Borrowed, Wire, list[str]]:
    wire, accepted = Wire(), list[str]()
    invite = Invite("sip:a@b", "", "", "", "", "", "call-1", "", 0, "UDP")
    lender = Leg(cast(Endpoint, wire), 7, invite)
    return lender, Borrowed(lender, lambda: accepted.append("200")), wire, accepted


async def test_it_rings_until_it_is_answered() -> None:
    _, borrowed, _, accepted = await lent()
    assert borrowed.answerable and (borrowed.node, borrowed.call_id) == (7, "call-1")
    borrowed.accept()
    assert not borrowed.answerable and accepted == ["200"] and borrowed.state is LegState.CONFIRMED


async def test_a_caller_on_loan_transfers_nobody() -> None:
    lender, borrowed, wire, _ = await lent()
    with borrowed.referring(lambda referral: None, blind=True, attended=True):
        assert wire.permits == []
    with lender.referring(lambda referral: None, blind=True, attended=True):
        assert wire.permits == [7]


async def test_its_end_is_not_the_lenders() -> None:
    lender, borrowed, wire, _ = await lent()
    borrowed.accept()
    waiting = borrowed.waiter()
    borrowed.hang_up()
    borrowed.hang_up()
    with pytest.raises(LegGone):
        await waiting
    assert (await borrowed.ended).code == 200 and not lender.gone and not wire.hangups
    heard: list[str] = []
    with borrowed.digits(lambda digit: heard.append(digit.key)):
        lender.on_digit(Digit("1", 100, "rfc4733"))
    assert heard == []


@pytest.mark.parametrize(("code", "ended"), [(0, 603), (486, 486)])
async def test_a_refusal_has_its_code(code: int, ended: int) -> None:
    _, borrowed, _, _ = await lent()
    borrowed.hang_up(code)
    assert (await borrowed.ended).code == ended


async def test_the_lenders_end_is_its_end() -> None:
    lender, borrowed, _, _ = await lent()
    lender.on_ended(487, "cancelled", {"by": "remote"})
    ending = await borrowed.ended
    assert (ending.code, ending.by) == (487, "remote")
