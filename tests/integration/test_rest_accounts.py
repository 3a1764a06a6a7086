"""Limits and borders of accounts: the queue of starts, the room for calls, and what another account sees (A8, A9)."""

import asyncio
from collections.abc import Awaitable, Callable

import aiohttp
import pytest
from twilio.base.exceptions import TwilioRestException  # type: ignore[import-untyped]  # twilio ships no types

from tests.harness import tones
from tests.harness.daemon import ACCOUNT, TOKEN
from tests.harness.rest import Rest

from .site import CALLEE, NUMBER, Site, authorization

pytestmark = pytest.mark.integration

Sites = Callable[..., Awaitable[Site]]
OTHER, OTHER_TOKEN = "AC0000000000000000000000000000000b", "b" * 32
OTHER_NUMBER = "+15550002000"
HANG_UP = "<Response><Hangup/></Response>"


async def test_starts_are_paced_and_queue_time_tells_it(sites: Sites) -> None:
    """calls_per_second = 1: one starts at once, the next ones wait; queue_time says how long (§3.2, §6.4)."""
    site = await sites(sections={"limits": {"calls_per_second": 1}})
    loop = asyncio.get_running_loop()
    placed = await asyncio.gather(*(site.create(twiml=HANG_UP) for _ in range(3)))
    assert "queued" in [(await site.fetch(call.sid)).status for call in placed], "a queued call held its request"
    arrivals = []
    for _ in range(3):
        incoming = await site.carrier.incoming()
        arrivals.append(loop.time())
        await incoming.answer()
    await site.over(*(call.sid for call in placed))
    assert arrivals[2] - arrivals[0] > 1.7
    waits = sorted([int((await site.fetch(call.sid)).queue_time) for call in placed])
    assert waits[0] == 0 < waits[1] <= 1000 < waits[2] <= 2000


async def test_S4_canceled_in_the_queue(sites: Sites) -> None:
    """S4: a queued call that is canceled is never placed, and is told as canceled only."""
    site = await sites(sections={"limits": {"calls_per_second": 0.5}})
    first, second = await site.create(twiml=HANG_UP), await site.create(twiml=HANG_UP)
    assert (await site.fetch(second.sid)).status == "queued"
    await site.update(second.sid, status="canceled")
    last = await site.over(second.sid)
    assert (last.form["CallStatus"], last.form["SequenceNumber"], last.form["CallDuration"]) == ("canceled", "0", "0")
    incoming = await site.carrier.incoming()
    await incoming.answer()
    await site.over(first.sid)
    third = await site.create(twiml=HANG_UP)
    await (await site.carrier.incoming(timeout=8)).answer()
    await site.over(third.sid)
    assert len(site.carrier.calls) == 2
    assert (await site.fetch(second.sid)).status == "canceled"


async def test_an_account_that_is_full(sites: Sites) -> None:
    """concurrent_calls: 429 with 10004 and Retry-After for the API, 503 for a trunk; room again after an end."""
    site = await sites(sections={"limits": {"concurrent_calls": 1}})
    site.script("/voice", "<Pause length='30'/>")
    placed, incoming = await site.answered()
    with pytest.raises(TwilioRestException) as refusal:
        await site.create()
    assert (refusal.value.status, refusal.value.code) == (429, 10004)
    response = await (await site.dial_in()).refused()
    assert response.status == 503 and "Retry-After" in response.headers
    await incoming.hangup()
    await site.told("completed", placed.sid)
    again = await site.dial_in()
    await site.application.request("/voice")
    await again.cancel()


async def test_A8_another_accounts_calls(sites: Sites) -> None:
    """Two accounts see nothing of each other: lists are apart, and every route of the other's SIDs is 404."""
    accounts = [{"sid": ACCOUNT, "auth_token": TOKEN}, {"sid": OTHER, "auth_token": OTHER_TOKEN}]
    theirs = {"number": OTHER_NUMBER, "account": OTHER, "twiml": HANG_UP}
    site = await sites(accounts=accounts, numbers=[theirs])
    site.script("/voice", '<Record playBeep="false" finishOnKey="#" trim="do-not-trim" action="/hold"/>')
    site.script("/hold", "<Pause length='30'/>")
    call = await site.dial_in()
    sid = (await site.application.request("/voice")).form["CallSid"]
    await call.answered()
    await call.media.play(tones.tone(500, 0.5))
    await call.media.send_digits("#")
    recording = (await site.application.request("/hold")).form["RecordingSid"]

    recordings = f"Calls/{sid}/Recordings"
    routes = [
        *(("GET", f"Calls/{sid}{rest}.json") for rest in ("", "/Events", "/Recordings", f"/Recordings/{recording}")),
        *(("GET", f"Recordings/{recording}{suffix}") for suffix in ("", ".json", ".wav", ".mp3")),
        *((method, f"Calls/{sid}.json") for method in ("POST", "DELETE")),
        *(("DELETE", f"{place}/{recording}.json") for place in ("Recordings", recordings)),
    ]
    borders = [(method, f"Accounts/{account}/{path}") for account in (OTHER, ACCOUNT) for method, path in routes]
    borders += [("GET", f"Accounts/{ACCOUNT}{path}.json") for path in ("", "/Calls", "/Recordings")]
    async with aiohttp.ClientSession(headers=authorization(OTHER, OTHER_TOKEN), trust_env=False) as session:
        for method, path in borders:
            url = f"{site.daemon.base_url}/2010-04-01/{path}"
            async with session.request(method, url, data={"Status": "completed"}) as response:
                assert (response.status, b"20404" in await response.read()) == (404, True), f"{method} {path}"
        for name in ("Calls", "Recordings"):
            async with session.get(f"{site.daemon.base_url}/2010-04-01/Accounts/{OTHER}/{name}.json") as response:
                assert (response.status, (await response.json())[name.lower()]) == (200, [])
    assert (await site.fetch(sid)).status == "in-progress"
    assert (await site.do(lambda client: client.recordings(recording).fetch())).status == "completed"
    await call.hangup()


async def test_A8_another_accounts_numbers_and_trunks(sites: Sites) -> None:
    """A caller ID must be the account's own; its calls leave through no other account's trunk, and arrive at none."""
    accounts = [{"sid": ACCOUNT, "auth_token": TOKEN}, {"sid": OTHER, "auth_token": OTHER_TOKEN}]
    theirs = {"number": OTHER_NUMBER, "account": OTHER, "twiml": HANG_UP}
    site = await sites(accounts=accounts, numbers=[theirs])
    other = Rest(site.daemon.base_url, OTHER, OTHER_TOKEN)
    try:
        with pytest.raises(TwilioRestException) as refusal:
            await other.do(lambda client: client.calls.create(to=CALLEE, from_=NUMBER, twiml=HANG_UP))
        assert refusal.value.code == 21210
        callback = site.url("/status")
        placed = await other.do(
            lambda client: client.calls.create(to=CALLEE, from_=OTHER_NUMBER, twiml=HANG_UP, status_callback=callback)
        )
    finally:
        other.close()
    told = await site.application.request("/status")
    assert (told.form["CallSid"], told.form["CallStatus"], told.form["AccountSid"]) == (placed.sid, "failed", OTHER)
    assert told.signed is False, "the callback of another account is signed with this account's token"
    assert site.carrier.calls == []
    assert (await (await site.dial_in(OTHER_NUMBER)).refused()).status == 404
