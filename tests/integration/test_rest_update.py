"""Live calls changed through the API: ended, canceled, limited (call-control reference §3.2, §9 S4)."""

from collections.abc import Awaitable
from typing import Any

import pytest
import pytest_asyncio
from twilio.base.exceptions import TwilioRestException  # type: ignore[import-untyped]  # twilio ships no types

from .line import Line
from .site import Site

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="session")]

WRONG_STATE = 21220


@pytest_asyncio.fixture(loop_scope="session")
async def site(line: Line) -> Site:
    """The shared daemon's line, its carrier at the trunk's first target."""
    return await Site.on(line)


async def refused(work: Awaitable[Any]) -> TwilioRestException:
    """What the SDK raises."""
    with pytest.raises(TwilioRestException) as refusal:
        await work
    return refusal.value


@pytest.mark.parametrize("status", ["canceled", "completed"])
async def test_S4_ended_while_it_rings(site: Site, status: str) -> None:
    """S4: both words end a ringing call as canceled; the callee sees CANCEL, and no document is asked for."""
    placed = await site.create()
    incoming = await site.carrier.incoming()
    await incoming.ring()
    await site.told("initiated", placed.sid)
    await site.told("ringing", placed.sid)
    await site.update(placed.sid, status=status)
    assert (await incoming.until_ended()).how == "cancelled"
    last = await site.told("canceled", placed.sid)
    assert (last.form["SipResponseCode"], last.form["SequenceNumber"]) == ("487", "2")
    assert (await site.fetch(placed.sid)).status == "canceled"
    assert site.application.count("/voice") == 0


async def test_S4_canceled_before_any_response(site: Site) -> None:
    """A CANCEL must wait for a provisional response (RFC 3261 §9.1): the order is kept until one comes."""
    site.carrier.behaviour.trying = False
    placed = await site.create()
    incoming = await site.carrier.incoming()
    await site.told("initiated", placed.sid)
    await site.update(placed.sid, status="canceled")
    await incoming.ring()
    assert (await incoming.until_ended()).how == "cancelled"
    await site.over(placed.sid)
    assert (await site.fetch(placed.sid)).status == "canceled"


async def test_completed_while_they_talk(site: Site) -> None:
    """Status=completed ends an answered call with BYE."""
    site.script("/voice", "<Pause length='30'/>")
    placed, incoming = await site.answered()
    changed = await site.update(placed.sid, status="completed")
    assert changed.sid == placed.sid
    assert (await incoming.until_ended()).how == "bye received"
    await site.told("completed", placed.sid)
    assert (await site.fetch(placed.sid)).status == "completed"


async def test_an_inbound_call_is_completed(site: Site) -> None:
    """The same for a call that came in, in the middle of a prompt."""
    site.serve_tone("/long.wav", 440)
    site.script("/voice", "<Play>/long.wav</Play>")
    call = await site.dial_in()
    sid = (await site.application.request("/voice")).form["CallSid"]
    await call.answered()
    await call.media.heard_tone(440)
    await site.update(sid, status="completed")
    assert (await call.until_ended()).how == "bye received"
    await site.told("completed", sid)


async def test_a_talking_call_cannot_be_canceled(site: Site) -> None:
    """Status=canceled is for calls that are not answered yet; the call goes on."""
    site.script("/voice", "<Pause length='30'/>")
    placed, incoming = await site.answered()
    refusal = await refused(site.update(placed.sid, status="canceled"))
    assert (refusal.status, refusal.code) == (400, WRONG_STATE)
    assert (await site.fetch(placed.sid)).status == "in-progress"
    await incoming.hangup()
    await site.told("completed", placed.sid)


@pytest.mark.parametrize(
    "change",
    [
        {"status": "completed"},
        {"status": "canceled"},
        {"url": "http://127.0.0.1:9/never"},
        {"twiml": "<Response><Hangup/></Response>"},
        {"time_limit": 60},
    ],
)
async def test_a_finished_call_cannot_be_changed(site: Site, change: dict[str, Any]) -> None:
    """21220, and the record stays what it is."""
    placed, incoming = await site.answered(twiml="<Response><Hangup/></Response>")
    await incoming.until_ended()
    await site.told("completed", placed.sid)
    before = await site.fetch(placed.sid)
    refusal = await refused(site.update(placed.sid, **change))
    assert (refusal.status, refusal.code) == (400, WRONG_STATE)
    after = await site.fetch(placed.sid)
    assert (after.status, after.date_updated) == (before.status, before.date_updated)


async def test_a_new_status_callback(site: Site) -> None:
    """StatusCallback of an update holds for what is still to come."""
    site.application.on("/elsewhere", "")
    site.script("/voice", "<Pause length='30'/>")
    placed, incoming = await site.answered()
    await site.update(placed.sid, status_callback=site.url("/elsewhere"))
    await incoming.hangup()
    last = await site.application.request("/elsewhere")
    assert (last.form["CallSid"], last.form["CallStatus"]) == (placed.sid, "completed")
    assert site.application.count("/status") == 3


async def test_a_new_fallback(site: Site) -> None:
    """FallbackUrl of an update is asked when a later document fails."""
    site.script("/voice", "<Pause length='1'/><Redirect>/broken</Redirect>")
    site.script("/rescue", "<Hangup/>")
    placed, incoming = await site.answered()
    await site.application.request("/voice")
    await site.update(placed.sid, fallback_url=site.url("/rescue"))
    rescue = await site.application.request("/rescue")
    assert (rescue.form["ErrorCode"], rescue.form["ErrorUrl"]) == ("11200", site.url("/broken"))
    assert (await incoming.until_ended()).how == "bye received"


async def test_a_new_time_limit(site: Site) -> None:
    """TimeLimit of an update counts from the answer, too."""
    site.script("/voice", "<Pause length='30'/>")
    placed, incoming = await site.answered()
    await site.update(placed.sid, time_limit=1)
    assert (await incoming.until_ended()).how == "bye received"
    last = await site.told("completed", placed.sid)
    assert 1 <= int(last.form["CallDuration"]) <= 3


async def test_an_unknown_call(site: Site) -> None:
    """404 with 20404, in the words of the API."""
    sid = "CA" + "0" * 32
    refusal = await refused(site.update(sid, status="completed"))
    assert (refusal.status, refusal.code) == (404, 20404)
    assert f"{sid}.json was not found" in refusal.msg


async def test_a_status_of_no_meaning(site: Site) -> None:
    """Only canceled and completed can be asked for."""
    site.script("/voice", "<Pause length='30'/>")
    placed, incoming = await site.answered()
    assert (await refused(site.update(placed.sid, status="busy"))).status == 400
    await incoming.hangup()
    await site.told("completed", placed.sid)
