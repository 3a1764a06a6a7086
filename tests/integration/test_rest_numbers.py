"""Numbers and applications made over the API answer real calls, from the next call on (§3.6, §3.7)."""

from typing import Any

import pytest
import pytest_asyncio
from twilio.base.exceptions import TwilioRestException  # type: ignore[import-untyped]  # twilio ships no types

from .line import Line
from .site import Site

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="session")]


@pytest_asyncio.fixture(loop_scope="session")
async def site(line: Line) -> Site:
    """The shared daemon's line, its carrier at the trunk's first target."""
    return await Site.on(line)


async def heard(site: Site, number: str, hz: float) -> None:
    """A call to the number plays a tone."""
    call = await site.dial_in(number)
    await call.answered()
    await call.media.heard_tone(hz)
    await call.hangup()


async def test_a_bought_number_answers_as_it_is_told(site: Site) -> None:
    """Bought: 404 before, its URL afterwards; changed: another URL; with an application: that one; released: 404."""
    number = f"+1666{site.number[-7:]}"
    for path, hz in (("/one", 500.0), ("/two", 700.0), ("/three", 900.0)):
        site.serve_tone(f"{path}.wav", hz)
        site.script(path, f"<Play>{path}.wav</Play>")
    call = await site.dial_in(number)
    assert (await call.refused()).status == 404
    made: Any = await site.do(
        lambda client: client.incoming_phone_numbers.create(phone_number=number, voice_url=site.url("/one"))
    )
    await heard(site, number, 500.0)
    await site.do(lambda client: client.incoming_phone_numbers(made.sid).update(voice_url=site.url("/two")))
    await heard(site, number, 700.0)
    application: Any = await site.do(lambda client: client.applications.create(voice_url=site.url("/three")))
    await site.do(lambda client: client.incoming_phone_numbers(made.sid).update(voice_application_sid=application.sid))
    await heard(site, number, 900.0)
    assert (await site.application.request("/three")).form["ApplicationSid"] == application.sid
    assert await site.do(lambda client: client.incoming_phone_numbers(made.sid).delete())
    call = await site.dial_in(number)
    assert (await call.refused()).status == 404


async def test_an_application_runs_a_placed_call(site: Site) -> None:
    """POST Calls with ApplicationSid; the application cannot be deleted while it runs the call."""
    site.script("/app", "<Pause length='30'/>")
    application: Any = await site.do(
        lambda client: client.applications.create(voice_url=site.url("/app"), status_callback=site.url("/status"))
    )
    placed: Any = await site.do(
        lambda client: client.calls.create(
            to=site.callee,
            from_=site.number,
            application_sid=application.sid,
            status_callback_event=["initiated", "ringing", "answered", "completed"],
        )
    )
    incoming = await site.carrier.incoming()
    await incoming.ring()
    await incoming.answer()
    for status in ("initiated", "ringing", "in-progress"):
        await site.told(status, placed.sid)
    assert (await site.application.request("/app")).form["ApplicationSid"] == application.sid
    with pytest.raises(TwilioRestException) as busy:
        await site.do(lambda client: client.applications(application.sid).delete())
    assert busy.value.code == 20009
    await incoming.hangup()
    await site.told("completed", placed.sid)
    assert await site.do(lambda client: client.applications(application.sid).delete())
