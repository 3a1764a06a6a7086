"""What the PBX of an elastic trunk may do with whom it talks to: TransferMode and TransferCallerId."""

from typing import Any

import pytest

from tests.harness import PhoneCall
from tests.harness.call import How

from .line import both
from .site import CALLEE, CALLER
from .test_bridge import referred_to
from .test_elastic_trunks import DOMAIN, NUMBER, OTHER, PREMIUM, Offices
from .test_elastic_trunks import offices as offices  # the fixture

pytestmark = pytest.mark.integration


async def reported(call: PhoneCall) -> list[str]:
    """The status lines of the two NOTIFYs of a transfer."""
    return [(await call.expect("NOTIFY")).body.decode().split()[1] for _ in range(2)]


@pytest.mark.parametrize(("shown", "expected"), [("from-transferee", CALLER), ("from-transferor", NUMBER)])
async def test_a_caller_is_transferred_to_a_number(offices: Offices, shown: str, expected: str) -> None:
    office = await offices(transfer_mode="enable-all", transfer_caller_id=shown)
    call, callee = await office.in_()
    assert (await call.refer(f"<sip:{OTHER}@{DOMAIN}>")).status == 603, "who calls the PBX transfers nobody"
    assert (await callee.refer(f"<sip:{OTHER}@{DOMAIN}>")).status == 202
    assert await reported(callee) == ["100", "200"]
    assert (await callee.until_ended()).how is How.BYE_RECEIVED
    third = await office.site.carrier.incoming()
    assert (third.to_user, third.from_user) == (OTHER, expected)
    await third.answer()
    await both(call, third)
    assert (await third.refer(f"<sip:{OTHER}@{DOMAIN}>")).status == 603
    await third.hangup()
    assert (await call.until_ended()).how is How.BYE_RECEIVED


@pytest.mark.parametrize(("shown", "expected"), [("from-transferee", CALLEE), ("from-transferor", NUMBER)])
async def test_a_callee_is_transferred_to_a_number(offices: Offices, shown: str, expected: str) -> None:
    """He was called by the PBX, and is called no more: the rest of the call is his."""
    office = await offices(transfer_mode="enable-all", transfer_caller_id=shown)
    call, callee = await office.out()
    assert (await call.refer(f"<tel:{OTHER}>")).status == 202
    assert (await call.until_ended()).how is How.BYE_RECEIVED
    third = await office.site.carrier.incoming()
    assert (third.to_user, third.from_user) == (OTHER, expected)
    await third.answer()
    await both(callee, third)
    await callee.hangup()
    assert (await third.until_ended()).how is How.BYE_RECEIVED


async def test_sip_only(offices: Offices) -> None:
    """To a SIP address, not to a number; a number that is fenced off is called by nobody either."""
    office = await offices(transfer_mode="sip-only")
    call, callee = await office.in_()
    assert (await callee.refer(f"<sip:{OTHER}@{DOMAIN}>")).status == 202
    assert await reported(callee) == ["100", "603"]
    await both(call, callee)
    assert (await callee.refer(f"<sip:600@{office.pbx.address}:{office.pbx.port}>")).status == 202
    again = await office.pbx.incoming()
    assert again.to_user == "600"
    await again.answer()
    await both(call, again)
    await again.hangup()
    await call.until_ended()


async def test_S8_transfers_are_fenced(offices: Offices) -> None:
    office = await offices(transfer_mode="enable-all")
    call, callee = await office.in_()
    assert (await callee.refer(f"<sip:{PREMIUM}@{DOMAIN}>")).status == 202
    assert await reported(callee) == ["100", "603"]
    await both(call, callee)
    await call.hangup()
    await callee.until_ended()


async def test_none_by_default_and_a_change_holds_at_once(offices: Offices) -> None:
    office = await offices()
    call, callee = await office.out()
    assert (await call.refer(f"<sip:{OTHER}@{DOMAIN}>")).status == 603
    assert (await callee.refer(f"<sip:{OTHER}@{DOMAIN}>")).status == 603
    await both(call, callee)
    await call.hangup()
    await callee.until_ended()

    def allow(of: Any) -> None:
        of.update(transfer_mode="enable-all")

    await office.do(allow)
    call, callee = await office.out()
    assert (await call.refer(f"<sip:{OTHER}@{DOMAIN}>")).status == 202
    await (await office.site.carrier.incoming()).refuse(486)
    assert (await callee.until_ended()).how is How.BYE_RECEIVED


async def test_two_calls_of_the_pbx_are_joined(offices: Offices) -> None:
    """Attended: it was called by one, has called another, and leaves them with each other."""
    office = await offices(transfer_mode="enable-all")
    first, desk = await office.in_()
    asked, second = await office.out()
    assert (await desk.refer(referred_to(asked))).status == 202
    assert await reported(desk) == ["100", "200"]
    for call in (desk, asked):
        assert (await call.until_ended()).how is How.BYE_RECEIVED
    await both(first, second)
    await first.hangup()
    assert (await second.until_ended()).how is How.BYE_RECEIVED


async def test_sip_only_joins_nobody(offices: Offices) -> None:
    """The other call may go anywhere."""
    office = await offices(transfer_mode="sip-only")
    first, desk = await office.in_()
    asked, second = await office.out()
    assert (await desk.refer(referred_to(asked))).status == 603
    await both(first, desk)
    for call, other in ((first, desk), (asked, second)):
        await call.hangup()
        await other.until_ended()
