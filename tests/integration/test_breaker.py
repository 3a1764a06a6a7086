"""Applications that let callers wait: a breaker spares the next ones; callers who leave are not waited for."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.harness import ApplicationServer
from tests.harness.application import Break
from tests.harness.daemon import TOKEN

from .line import document
from .site import Site

pytestmark = pytest.mark.integration

Sites = Callable[..., Awaitable[Site]]
Applications = Callable[..., Awaitable[ApplicationServer]]

SICK = "+15550003000"


@pytest.fixture
async def sick(applications: Applications) -> ApplicationServer:
    """An application server beside the good one."""
    server = await applications(TOKEN)
    server.on("/status", "")
    return server


@pytest.fixture
async def spare(applications: Applications) -> ApplicationServer:
    """The server of the secondary URI."""
    server = await applications(TOKEN)
    server.on("/fallback", document('<Reject reason="busy"/>'))
    return server


def number(sick: ApplicationServer, **keys: str) -> dict[str, str]:
    """The [[number]] table of a number that the sick server runs."""
    return {"number": SICK, "voice_url": sick.url("/voice"), "status_callback": sick.url("/status"), **keys}


async def test_A1_a_breaker_opens_and_closes(sites: Sites, sick: ApplicationServer, spare: ApplicationServer) -> None:
    """Two callers wait in vain; the third one's call goes to the secondary URI at once. When the server is back, one
    call tries it, and the breaker closes."""
    web = {"read_timeout_ms": 700, "breaker_failures": 2, "breaker_open_ms": 2500}
    table = number(sick, voice_fallback_url=spare.url("/fallback"))
    site = await sites(sections={"outbound_http": web}, numbers=[table])
    sick.on("/voice", Break.HANG)
    for _ in range(2):
        assert (await (await site.dial_in(SICK)).refused(timeout=5)).status == 486
    await site.daemon.logged(r"WARNING .*breaker of http://\S+ is open: .* sent nothing for 0.7 s")
    origin = sick.base_url
    metrics = await site.daemon.metrics()
    assert metrics[f'callwright_breaker{{origin="{origin}",state="open"}}'] == 1
    loop = asyncio.get_running_loop()
    began = loop.time()
    third = await site.dial_in(SICK)
    assert (await third.refused(timeout=5)).status == 486
    assert loop.time() - began < 0.6
    told = [await spare.request("/fallback") for _ in range(3)]
    assert {request.form["ErrorCode"] for request in told} == {"11200"} and sick.count("/voice") == 2
    assert (await site.daemon.metrics())["callwright_breaker_refusals_total"] == 1
    last = told[-1].form["CallSid"]
    listed = await site.do(lambda client: client.calls(last).notifications.list())
    assert [(one.log, one.error_code) for one in listed] == [("0", "11200")] and "is+not+asked" in listed[
        0
    ].message_text

    sick.on("/voice", document('<Reject reason="rejected"/>'))
    opened = loop.time()
    while (await (await site.dial_in(SICK)).refused(timeout=5)).status != 603:
        assert loop.time() - opened < 10, "the breaker stays open"
    await site.daemon.logged(rf"WARNING .*breaker of {origin} is closed")
    assert not [name for name in await site.daemon.metrics() if name.startswith("callwright_breaker{")]


async def test_A1_a_server_that_is_back_is_asked_at_once(sites: Sites, sick: ApplicationServer) -> None:
    """Refused connections open no breaker: they cost nobody any time."""
    web = {"breaker_failures": 1, "breaker_open_ms": 60000}
    site = await sites(sections={"outbound_http": web}, numbers=[number(sick, last_resort="reject")])
    await sick.refuse_connections()
    for _ in range(3):
        assert (await (await site.dial_in(SICK)).refused()).status == 480
    await sick.listen()
    sick.on("/voice", document('<Reject reason="busy"/>'))
    assert (await (await site.dial_in(SICK)).refused()).status == 486


async def test_A1_a_caller_who_leaves_before_the_answer(sites: Sites, sick: ApplicationServer) -> None:
    """CANCEL while the first document is awaited: the request ends with the call, long before its time is up."""
    site = await sites(numbers=[number(sick, voice_fallback_url=sick.url("/fallback"))])
    sick.on("/voice", Break.HANG)
    call = await site.dial_in(SICK)
    sid = (await sick.request("/voice")).form["CallSid"]
    await call.cancel()
    told = (await sick.request("/status")).form
    assert (told["CallSid"], told["CallStatus"]) == (sid, "canceled")
    await site.daemon.logged(rf"{sid} abandoned state=primary url={sick.url('/voice')}", 2)
    assert sick.count("/fallback") == 0
    assert await site.do(lambda client: client.calls(sid).notifications.list()) == []


async def test_A1_a_caller_who_leaves_during_an_action(sites: Sites, sick: ApplicationServer) -> None:
    """BYE while the action of a Gather is awaited."""
    site = await sites(numbers=[number(sick)])
    sick.on("/voice", document('<Gather numDigits="1" action="/key" timeout="20"/>'))
    sick.on("/key", Break.HANG)
    call = await site.dial_in(SICK)
    await call.answered()
    await call.media.send_digits("1")
    sid = (await sick.request("/key")).form["CallSid"]
    await call.hangup()
    assert (await sick.request("/status")).form["CallStatus"] == "completed"
    await site.daemon.logged(rf"{sid} abandoned state=primary url={sick.url('/key')}", 2)


async def test_the_action_of_a_recording_is_requested_after_the_hang_up(sites: Sites, sick: ApplicationServer) -> None:
    """Record's action (call-control reference §1.1), asked of a server that takes its time, is waited for."""
    site = await sites(numbers=[number(sick)])
    sick.on("/voice", document('<Record action="/done" playBeep="false" trim="do-not-trim" timeout="20"/>'))
    held = sick.hold("/done", document("<Say>Unheard</Say>"))
    call = await site.dial_in(SICK)
    await call.answered()
    call.media.tone(500)
    await call.media.received(60)
    await call.hangup()
    asked = await sick.request("/done")
    assert (asked.form["Digits"], asked.form["CallStatus"]) == ("hangup", "completed")
    sid = asked.form["CallSid"]
    assert (await sick.request("/status")).form["CallStatus"] == "completed"
    held.set()
    await site.daemon.logged(rf"{sid} fetch url={sick.url('/done')} .*status=200")
    assert not any(f"{sid} abandoned" in line for line in site.daemon.log)


async def test_the_last_resort_takes_the_call(sites: Sites, sick: ApplicationServer) -> None:
    """Neither URI answers: the caller is connected with the number that the configuration names, then with nobody."""
    site = await sites(numbers=[number(sick, last_resort="+15550009999")])
    sick.on("/voice", document("<nonsense"))
    call = await site.dial_in(SICK)
    desk = await site.carrier.incoming()
    await desk.ring()
    await desk.answer()
    await call.answered()
    call.media.tone(500)
    desk.media.tone(700)
    await asyncio.gather(call.media.heard_tone(700), desk.media.heard_tone(500))
    await desk.hangup()
    assert (await call.until_ended()).how == "bye received"
    assert (await sick.request("/status")).form["CallStatus"] == "completed"
    await site.daemon.logged(r"last_resort how=\+15550009999")

    again = await site.dial_in(SICK)
    await (await site.carrier.incoming()).refuse(486)
    await again.answered()
    mark = again.media.mark()
    await again.until_ended(timeout=10)
    assert max(abs(int(sample)) for sample in again.media.pcm(since=mark)) > 1000, "no apology was spoken"


async def test_the_last_resort_of_an_account(sites: Sites, sick: ApplicationServer) -> None:
    """`last_resort` of the [[account]] holds for numbers that have none of their own."""
    site = await sites(numbers=[number(sick)])
    site.daemon.config["account"][0]["last_resort"] = "reject"
    await site.daemon.restart()
    sick.on("/voice", document("<nonsense"))
    assert (await (await site.dial_in(SICK)).refused()).status == 480
    assert (await sick.request("/status")).form["CallStatus"] == "failed"
