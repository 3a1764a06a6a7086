"""What an account is told of its application's failures: Notifications and the monitor's Alerts, one source."""

import asyncio
import ssl
from typing import Any
from urllib.parse import parse_qs

import pytest

from tests.harness.application import Answer, Break
from tests.harness.certificates import Authority
from tests.harness.ports import free_port

from .line import Line
from .site import Site

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="session")]


async def notifications(site: Site, sid: str) -> list[Any]:
    """A call's notifications, oldest first."""
    return list(reversed(await site.do(lambda client: client.calls(sid).notifications.list())))


def message(notification: Any) -> str:
    """What a notification says."""
    return parse_qs(notification.message_text)["Msg"][0]


async def test_S14_a_notification_of_the_failure(line: Line) -> None:
    """S14: VoiceUrl 500 -> the fallback runs; Notification NO with error_code 11200, log 0; the same is an Alert."""
    site = await Site.on(line)
    line.application.on("/voice", Answer("it broke", status=500, headers={"X-Reason": "disk"}))
    line.on("/fallback", '<Reject reason="busy"/>')
    call = await line.call()
    await call.refused()
    sid = (await line.request("/fallback")).form["CallSid"]
    [found] = await notifications(site, sid)
    assert (found.log, found.error_code, found.call_sid) == ("0", "11200", sid)
    assert (found.request_method, found.request_url) == ("POST", line.plan.application + "/voice")
    assert message(found).endswith("answered 500")
    one = await site.do(lambda client: client.calls(sid).notifications(found.sid).fetch())
    assert one.response_body == "it broke" and "X-Reason=disk" in one.response_headers
    assert f"CallSid={sid}" in one.request_variables
    alert = await site.do(lambda client: client.monitor.v1.alerts(found.sid).fetch())
    assert (alert.log_level, alert.error_code, alert.resource_sid) == ("error", "11200", sid)
    assert alert.alert_text == found.message_text and alert.response_body == "it broke"
    listed = await site.do(lambda client: client.monitor.v1.alerts.list(log_level="error", limit=20))
    assert found.sid in [alert.sid for alert in listed]
    events = await site.do(lambda client: client.calls(sid).fetch())
    assert events.subresource_uris["notifications"].endswith(f"/Calls/{sid}/Notifications.json")


async def test_every_transition_of_a_search(line: Line) -> None:
    """Two retries, the fallback, and the end of it: warnings, then errors, each with its URL."""
    site = await Site.on(line)
    line.application.on("/shaky", Break.RESET)
    line.application.on("/fallback", Answer("<broken"))
    call = await line.call("<Redirect>/shaky#rc=2</Redirect>")
    await call.until_ended(timeout=10)
    sid = (await line.request("/fallback")).form["CallSid"]
    await line.request("/status")
    found = await notifications(site, sid)
    assert [(one.log, one.error_code) for one in found] == [
        ("1", "11205"), ("1", "11205"), ("0", "11205"), ("0", "12100")
    ]  # fmt: skip
    urls = [line.plan.application + path for path in ["/shaky#rc=2"] * 3 + ["/fallback"]]
    assert [one.request_url for one in found] == urls


async def test_warnings_of_a_document_and_of_its_sounds(line: Line) -> None:
    """What is passed over in a document is told too, as warnings."""
    site = await Site.on(line)
    call = await line.call("<Nonsense/><Play>/missing.wav</Play>")
    await call.until_ended()
    sid = (await line.request("/voice")).form["CallSid"]
    await line.request("/status")
    found = await notifications(site, sid)
    assert [(one.log, one.error_code) for one in found] == [("1", "12200"), ("1", "11200")]
    assert await site.do(lambda client: client.calls(sid).notifications.list(log=0)) == []


async def test_a_status_callback_that_is_refused(line: Line) -> None:
    """15003, a warning (call-control reference §2.2), with what was answered."""
    site = await Site.on(line)
    line.application.on("/status", Answer("who are you", status=404))
    call = await line.call('<Reject reason="busy"/>')
    await call.refused()
    sid = (await line.request("/status")).form["CallSid"]
    await line.warned(15003)
    [found] = await notifications(site, sid)
    assert (found.log, found.error_code) == ("1", "15003")
    assert found.request_url == line.plan.application + "/status"
    one = await site.do(lambda client: client.notifications(found.sid).fetch())
    assert one.response_body == "who are you" and "CallStatus=busy" in one.request_variables


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://name.invalid/voice", "11210"),
        ("http://2130706433/voice", "11210"),
        ("http://under_score.example/voice", "21205"),
        ("ftp://app.example/voice", "11100"),
        ("http://app.example/voice#rp=sometimes", "11243"),
        ("https://{host}:{port}/voice", "11202"),
    ],
)
async def test_urls_that_nobody_can_be_asked_at(line: Line, url: str, code: str) -> None:
    """A name that does not exist, an address in disguise, a malformed URL: the fallback is told, and the account."""
    site = await Site.on(line)
    where = url.format(host=line.daemon.host, port=free_port())
    line.on("/fallback", '<Reject reason="busy"/>')
    call = await line.call(f"<Redirect>{where}</Redirect>")
    form = (await line.request("/fallback", 12)).form
    assert (form["ErrorCode"], form["ErrorUrl"]) == (code, where)
    await call.refused()
    found = await notifications(site, form["CallSid"])
    assert (found[-1].log, found[-1].error_code, found[-1].request_url) == ("0", code, where)


async def test_a_certificate_that_nobody_knows(line: Line) -> None:
    """11237: the handshake is broken off before anything of the call is sent, and nothing else is tried."""
    site = await Site.on(line)
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.read(1))
        writer.close()

    shown = Authority().issue(line.daemon.host).context(ssl.Purpose.CLIENT_AUTH)
    async with await asyncio.start_server(serve, line.daemon.host, 0, ssl=shown) as server:
        where = f"https://{line.daemon.host}:{server.sockets[0].getsockname()[1]}/voice"
        line.on("/fallback", '<Reject reason="busy"/>')
        call = await line.call(f"<Redirect>{where}</Redirect>")
        form = (await line.request("/fallback")).form
        assert (form["ErrorCode"], form["ErrorUrl"]) == ("11237", where)
        await call.refused()
    assert asked == []
    [found] = await notifications(site, form["CallSid"])
    assert (found.log, found.error_code, found.request_url) == ("0", "11237", where)


async def test_a_callback_of_a_conference(line: Line) -> None:
    """Its alert has the code of conferences, and is of no call: the monitor names the conference."""
    site = await Site.on(line)
    line.application.on("/room", Answer(status=404))
    room = f'<Conference statusCallback="/room" statusCallbackEvent="join">room of {line.plan.number}</Conference>'
    since = len(line.daemon.log)
    call = await line.call(f"<Dial>{room}</Dial>")
    await call.answered()
    conference = (await line.request("/room")).form["ConferenceSid"]
    await call.hangup()
    await line.daemon.logged(f"conference={conference}.* is given up", since=since)
    alerts = await site.do(lambda client: client.monitor.v1.alerts.list(limit=50))
    [alert] = [one for one in alerts if one.resource_sid == conference]
    assert alert.error_code == "16011"
    found = await site.do(lambda client: client.notifications(alert.sid).fetch())
    assert (found.error_code, found.call_sid) == ("16011", None)
