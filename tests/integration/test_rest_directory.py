"""What the API creates outlives the daemon, and accounts that are not active make and take no calls (§3.9, §6.5)."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException  # type: ignore[import-untyped]  # twilio ships no types
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]  # as above

from .site import Site

pytestmark = pytest.mark.integration

Sites = Callable[..., Awaitable[Site]]
BOUGHT = "+15550003001"


async def subaccount(site: Site) -> Any:
    """An account of the daemon's, with a number that /part answers."""
    made: Any = await site.do(lambda client: client.api.v2010.accounts.create(friendly_name="Part"))
    site.serve_tone("/part.wav", 440)
    site.script("/part", "<Play loop='0'>/part.wav</Play>")
    await site.do(
        lambda client: client.api.v2010.accounts(made.sid).incoming_phone_numbers.create(
            phone_number=BOUGHT, voice_url=site.url("/part"), status_callback=site.url("/status")
        )
    )
    return made


async def test_what_was_created_outlives_a_crash(sites: Sites) -> None:
    """kill -9 right after the answers: number, application, key and subaccount are there and at work."""
    site = await sites(sections={"numbers": {"ranges": [{"first": "+15550003000", "last": "+15550003009"}]}})
    made = await subaccount(site)
    key: Any = await site.do(lambda client: client.new_keys.create(friendly_name="deploy"))
    await site.daemon.kill()
    await site.daemon.run()
    call = await site.dial_in(BOUGHT)
    asked = await site.application.request("/part")
    assert asked.form["AccountSid"] == made.sid
    await call.answered()
    await call.hangup()
    await site.told("completed", asked.form["CallSid"])
    accounts: Any = await site.do(lambda client: client.api.v2010.accounts.list(friendly_name="Part"))
    assert [(one.sid, one.auth_token) for one in accounts] == [(made.sid, made.auth_token)]
    listed: Any = await site.do(lambda client: client.keys.list())
    assert [one.sid for one in listed] == [key.sid]
    free: Any = await site.do(lambda client: client.available_phone_numbers("US").local.list())
    assert BOUGHT not in {one.phone_number for one in free} and len(free) == 9


async def test_a_subaccounts_call_is_signed_with_its_own_token(sites: Sites) -> None:
    site = await sites()
    made = await subaccount(site)
    call = await site.dial_in(BOUGHT)
    asked = await site.application.request("/part")
    validator = RequestValidator(made.auth_token)
    assert validator.validate(site.url("/part"), asked.form, asked.headers["X-Twilio-Signature"])
    await call.answered()
    await call.hangup()


async def test_suspended_and_closed(sites: Sites) -> None:
    """Suspended: new calls are refused both ways, the live one goes on. Closed: it ends, and the number is gone."""
    site = await sites()
    made = await subaccount(site)

    async def set_to(status: str) -> None:
        await site.do(lambda client: client.api.v2010.accounts(made.sid).update(status=status))

    live = await site.dial_in(BOUGHT)
    sid = (await site.application.request("/part")).form["CallSid"]
    await live.answered()
    await set_to("suspended")
    refused = await site.dial_in(BOUGHT)
    assert (await refused.refused()).status == 403
    with pytest.raises(TwilioRestException) as inactive:
        await site.do(
            lambda client: client.api.v2010.accounts(made.sid).calls.create(
                to=site.callee, from_=BOUGHT, twiml="<Response/>"
            )
        )
    assert (inactive.value.status, inactive.value.code) == (403, 10001)
    await live.media.received(25)
    await set_to("active")
    again = await site.dial_in(BOUGHT)
    await again.answered()
    await again.hangup()
    await site.told("completed")
    await set_to("closed")
    await live.until_ended()
    await site.told("completed", sid)
    gone = await site.dial_in(BOUGHT)
    assert (await gone.refused()).status == 404
