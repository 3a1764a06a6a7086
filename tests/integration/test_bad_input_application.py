"""Application servers in trouble: their calls end in order, nobody else's call notices (promises A1, A6)."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.harness import ApplicationServer, Phone
from tests.harness.application import Break
from tests.harness.daemon import TOKEN

from .site import Site, canary, quick_call

pytestmark = pytest.mark.integration

Sites = Callable[..., Awaitable[Site]]
Phones = Callable[..., Awaitable[Phone]]
Applications = Callable[..., Awaitable[ApplicationServer]]

SICK = "+15550003000"
SHORT = {"outbound_http": {"connect_timeout_ms": 1000, "read_timeout_ms": 1500, "total_timeout_ms": 1500}}


@pytest.fixture
async def sick(applications: Applications) -> ApplicationServer:
    """An application server beside the good one."""
    return await applications(TOKEN)


def number(sick: ApplicationServer, last_resort: str = "reject", **keys: str) -> dict[str, str]:
    """The [[number]] table of a number that the sick server runs."""
    urls = {"voice_url": sick.url("/voice"), "status_callback": sick.url("/status")}
    return {"number": SICK, **urls, "last_resort": last_resort, **keys}


async def test_A1_a_server_that_hangs(sites: Sites, sick: ApplicationServer, phones: Phones) -> None:
    """Thirty calls wait for a server that never answers; the canary does not, and each of them gets its end."""
    site = await sites(canary=True, numbers=[number(sick)], sections=SHORT)
    sick.on("/voice", Break.HANG)
    sick.on("/status", "")
    async with canary(site, await phones("canary")):
        waiting = [await site.dial_in(SICK) for _ in range(30)]
        await asyncio.gather(*(sick.request("/voice") for _ in waiting))
        await (await quick_call(site, await phones("second"))).hangup()
        refused = await asyncio.gather(*(call.refused() for call in waiting))
    assert {response.status for response in refused} == {480}
    told = [await sick.request("/status") for _ in waiting]
    assert {request.form["CallStatus"] for request in told} == {"failed"}
    calls = await site.do(lambda client: client.calls.list(to=SICK))
    assert [call.status for call in calls] == ["failed"] * 30


async def test_A1_a_server_that_hangs_in_the_middle(sites: Sites, sick: ApplicationServer, phones: Phones) -> None:
    """The same for the action of an answered call: the caller hears the apology, and the call is completed."""
    site = await sites(canary=True, numbers=[number(sick, "apology")], sections=SHORT)
    sick.on("/voice", '<Response><Gather numDigits="1" action="/key" timeout="20"/></Response>')
    sick.on("/key", Break.HANG)
    sick.on("/status", "")
    async with canary(site, await phones("canary")):
        call = await site.dial_in(SICK)
        await call.answered()
        await call.media.send_digits("1")
        await sick.request("/key")
        mark = call.media.mark()
        await call.until_ended(timeout=10)
        assert max(abs(int(sample)) for sample in call.media.pcm(since=mark)) > 1000, "no apology was spoken"
    assert (await sick.request("/status")).form["CallStatus"] == "completed"


async def test_A1_a_server_that_breaks(sites: Sites, sick: ApplicationServer) -> None:
    """Each way of failing ends the call within the total time, with a record and a callback."""
    site = await sites(numbers=[number(sick)], sections=SHORT)
    sick.on("/status", "")
    for how in (Break.RESET, Break.CLOSE, Break.GARBAGE, Break.TRUNCATED, Break.ENDLESS):
        sick.on("/voice", how)
        call = await site.dial_in(SICK)
        assert (await call.refused(timeout=6)).status == 480, how
        told = await sick.request("/status")
        assert told.form["CallStatus"] == "failed", how
        await site.daemon.logged(rf"{told.form['CallSid']} failure code=112\d\d")


async def test_A1_a_server_that_is_down(sites: Sites, sick: ApplicationServer, phones: Phones) -> None:
    """Connections refused: its calls are refused at once, the canary's are not; when it is back, so are its calls."""
    site = await sites(canary=True, numbers=[number(sick)], sections=SHORT)
    await sick.refuse_connections()
    async with canary(site, await phones("canary")):
        refused = [await (await site.dial_in(SICK)).refused() for _ in range(5)]
    assert {response.status for response in refused} == {480}
    sick.on("/voice", "<Response><Hangup/></Response>")
    sick.on("/status", "")
    await sick.listen()
    call = await site.dial_in(SICK)
    assert (await call.answered()).status == 200
    told = [await sick.request("/status", timeout=15) for _ in range(6)]
    assert sorted(request.form["CallStatus"] for request in told) == ["completed", *["failed"] * 5]


async def test_A1_status_callbacks_into_the_void(sites: Sites, sick: ApplicationServer, phones: Phones) -> None:
    """A server that hangs on status callbacks holds up neither its own calls nor others' callbacks."""
    site = await sites(canary=True, numbers=[number(sick)], sections=SHORT)
    sick.on("/voice", "<Response><Hangup/></Response>")
    sick.on("/status", Break.HANG)
    async with canary(site, await phones("canary")):
        for _ in range(10):
            call = await site.dial_in(SICK)
            await call.answered()
            await call.until_ended()
        site.script("/voice", "<Hangup/>")
        good = await site.dial_in()
        await good.until_ended()
        await site.told("completed", timeout=1)


async def test_A1_sounds_that_never_come(sites: Sites, sick: ApplicationServer, phones: Phones) -> None:
    """A sound server that hangs: the prompt is left out after the total time, and the next verb runs."""
    site = await sites(canary=True, sections=SHORT)
    sick.on("/never.wav", Break.HANG)
    site.serve_tone("/next.wav", 440, 0.5)
    site.script("/voice", f"<Play>{sick.url('/never.wav')}</Play><Play>/next.wav</Play>")
    async with canary(site, await phones("canary")):
        call = await site.dial_in()
        await call.answered()
        await call.media.heard_tone(440, timeout=6)
        await call.until_ended()
    await site.told("completed")


@pytest.mark.parametrize("place", ["url", "redirect", "play", "callback"])
async def test_A6_private_addresses(sites: Sites, sick: ApplicationServer, place: str) -> None:
    """Without allow_private nothing that a request or a document names reaches a private address."""
    site = await sites(sections={"outbound_http": {"allow_private": False}})
    sick.on("/secret", "<Response><Hangup/></Response>")
    secret = sick.url("/secret")
    site.script("/fallback", "<Hangup/>")
    parameters = {"url": site.url("/voice"), "fallback_url": site.url("/fallback")}
    if place == "url":
        parameters["url"] = secret
    elif place == "callback":
        parameters["status_callback"] = secret
        site.script("/voice", "<Hangup/>")
    else:
        site.script("/voice", f"<Redirect>{secret}</Redirect>" if place == "redirect" else f"<Play>{secret}</Play>")
    placed = await site.create(**parameters)
    incoming = await site.carrier.incoming()
    await incoming.answer()
    await incoming.until_ended()
    if place in ("url", "redirect"):
        told = await site.application.request("/fallback")
        assert (told.form["ErrorCode"], told.form["ErrorUrl"]) == ("11210", secret)
    if place == "callback":
        await site.daemon.logged(f"{placed.sid} .*given.up")
    else:
        await site.over(placed.sid)
    assert sick.requests == []
