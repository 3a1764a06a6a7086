"""The start, and what the log tells: a call's story line by line, nothing secret, in text and in JSON (A12)."""

import asyncio
import base64
import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.harness import ApplicationServer, Guard, Phone
from tests.harness.daemon import ACCOUNT, TOKEN, Daemon
from tests.harness.pressure import since_birth, spent
from tests.harness.waiting import SCALE

from .site import CALLEE, NUMBER, Site, sound

pytestmark = pytest.mark.integration

Sites = Callable[..., Awaitable[Site]]
Daemons = Callable[..., Awaitable[Daemon]]
Phones = Callable[..., Awaitable[Phone]]
Applications = Callable[..., Awaitable[ApplicationServer]]

LINE = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z "
    r"(?P<level>[A-Z]+) +(?P<area>[a-z]+) +(?:(?P<sid>CA[0-9a-f]{32}) )?(?P<text>.*)"
)


def story(daemon: Daemon, sid: str) -> list[str]:
    """The kinds of the lines of a call, in order, with the name of each verb."""
    found = []
    for text in daemon.log:
        line = LINE.fullmatch(text)
        assert line is not None, f"not a line of the log: {text!r}"
        if line["sid"] == sid and line["level"] in ("INFO", "WARNING"):
            words = line["text"].split()
            found.append(" ".join([words[0], *(w.removeprefix("name=") for w in words if w.startswith("name="))]))
    return found


async def test_P13_from_the_spawn_to_the_first_call(daemon: Daemons, phones: Phones) -> None:
    """From nothing to an answered call without waiting for anything, and no fault in the log: the bench has figures."""
    phone = await phones("caller")
    loop = asyncio.get_running_loop()
    began = loop.time()
    running = await daemon(numbers=[{"number": NUMBER, "twiml": "<Response><Hangup/></Response>"}])
    call = await phone.invite(running.sip_uri(NUMBER))
    await call.answered()
    took = loop.time() - began - since_birth(running.pid)
    # other programs may keep the disk and the speech program busy: what the daemon itself needs is the sharper bound
    assert spent(running.pid) < 3 * SCALE, f"{spent(running.pid):.2f} s of processor time"
    assert took < 10 * SCALE, f"{took:.2f} s"
    await call.until_ended()
    ready = await running.logged("ready in")
    assert all(part in ready for part in (f"udp:{running.host}:{running.sip_port}", f"tcp:{running.host}", "HTTP"))
    io = next(name for name in ("io_uring", "epoll") if f"RTP by {name}" in ready)
    facts = [name for name in await running.metrics() if name.startswith("callwright_media_info")]
    assert len(facts) == 1 and f'io="{io}"' in facts[0]


async def test_the_story_of_an_ivr_call(sites: Sites) -> None:
    """One INFO line a step, each with the CallSid, in the order of the call; Events?Kind=all tells the same."""
    site = await sites()
    site.serve_tone("/menu.wav", 440, 3.0)
    site.serve_tone("/two.wav", 880, 0.4)
    site.script("/voice", '<Gather numDigits="1" action="/key"><Play>/menu.wav</Play></Gather>')
    site.script("/key", "<Play>/two.wav</Play><Hangup/>")
    call = await site.dial_in()
    sid = (await site.application.request("/voice")).form["CallSid"]
    await call.media.heard_tone(440)
    await call.media.send_digits("2")
    await call.until_ended()
    await site.told("completed", sid)
    await site.daemon.logged(f"{sid} completed")
    steps = ["invite", "fetch", "verb Gather", "answered", "fetch", "verb Play", "verb Hangup", "completed"]
    assert story(site.daemon, sid) == steps
    status, _, body = await site.get(site.path(f"Calls/{sid}/Events.json?Kind=all"))
    assert status == 200
    assert [event["kind"] for event in json.loads(body)["events"]] == [step.split()[0] for step in steps]


async def test_the_story_of_a_placed_call(sites: Sites) -> None:
    """From the request to the end, its dialled child with a story of its own."""
    site = await sites()
    site.script("/voice", f"<Dial>{site.callee}</Dial>")
    placed, first = await site.answered()
    child = await site.carrier.incoming()
    await child.ring()
    await child.answer()
    await site.daemon.logged(f"{placed.sid} bridged")
    await child.hangup()
    await first.until_ended()
    await site.told("completed", placed.sid)
    await site.daemon.logged(f"{placed.sid} completed")
    assert story(site.daemon, placed.sid) == [
        "placed", "initiated", "ringing", "answered", "fetch", "verb Dial", "bridged", "completed",
    ]  # fmt: skip
    calls = await site.do(lambda client: client.calls.list(parent_call_sid=placed.sid))
    assert story(site.daemon, calls[0].sid) == ["initiated", "ringing", "answered", "completed"]


async def test_the_story_of_a_failing_application(sites: Sites) -> None:
    """Why a call was not served stands in its story, as a failure with its code."""
    site = await sites()
    site.application.on("/voice", "<Response>")
    call = await site.dial_in()
    await call.until_ended(timeout=10)
    sid = (await site.application.request("/voice")).form["CallSid"]
    await site.told("completed", sid)
    steps = ["invite", "fetch", "given_up", "failure", "last_resort", "answered", "completed"]
    assert story(site.daemon, sid) == steps
    assert "code=12100" in await site.daemon.logged(f"WARNING .*{sid} failure")


async def test_the_log_as_json(sites: Sites) -> None:
    """log_format = json: one object a line, with the call and its account."""
    site = await sites(sections={"server": {"log_format": "json"}})
    site.script("/voice", "<Hangup/>")
    call = await site.dial_in()
    await call.until_ended()
    sid = (await site.told("completed")).form["CallSid"]
    await site.daemon.logged("completed status=completed")
    lines: list[dict[str, Any]] = [json.loads(line) for line in site.daemon.log]
    assert all({"at", "level", "area", "message"} <= line.keys() for line in lines)
    mine = [line for line in lines if line.get("call_sid") == sid]
    assert {line["account_sid"] for line in mine} == {ACCOUNT}
    assert [line["message"].split()[0] for line in mine] == ["invite", "fetch", "verb", "answered", "completed"]


SECRETS = {
    "trunk": "trunk-pass-8642",
    "sip": "sip-pass-9753",
    "voice": "voice-pass-1357",
    "status": "status-pass-2468",
    "play": "play-pass-3691",
    "url": "url-pass-7418",
}


def with_user(url: str, password: str) -> str:
    """A URL with credentials in it."""
    return url.replace("://", f"://agent:{password}@")


async def test_A12_no_secret_in_the_log(daemon: Daemons, applications: Applications, phones: Phones) -> None:
    """At DEBUG: tokens, SIP and trunk passwords, digests, and passwords in URLs are nowhere in the log."""
    application, gateway = await applications(TOKEN), await phones("gateway")
    gateway.guard = Guard("callwright", SECRETS["trunk"])
    number = {
        "number": NUMBER,
        "voice_url": with_user(application.url("/voice"), SECRETS["voice"]),
        "status_callback": with_user(application.url("/status"), SECRETS["status"]),
    }
    trunk = {
        "name": "carrier",
        "allow": ["127.0.0.0/8"],
        "targets": [f"sip:{gateway.address}:{gateway.port}"],
        "username": "callwright",
        "password": SECRETS["trunk"],
    }
    running = await daemon(numbers=[number], trunks=[trunk], sections={"server": {"log_level": "DEBUG"}})
    site = Site(running, application, gateway)
    application.serve_sound("/tone.wav", sound(440, 0.5))
    play = with_user(application.url("/tone.wav"), SECRETS["play"])
    site.script("/voice", f"<Play>{play}</Play><Dial>{CALLEE}</Dial><Redirect>/broken</Redirect>")
    site.script("/bye", "<Hangup/>")
    application.on("/status", "")

    call = await site.dial_in()
    dialled = await gateway.incoming()
    await dialled.answer()
    await dialled.hangup()
    await call.until_ended()
    await site.told("completed")

    phone = await phones("bob")
    phone.guard = Guard("carol", SECRETS["sip"], proxy=True)
    placed = await site.create(
        to=phone.uri,
        from_="alice",
        url=with_user(application.url("/missing"), SECRETS["url"]),
        fallback_url=with_user(application.url("/bye"), SECRETS["url"]),
        sip_auth_username="carol",
        sip_auth_password=SECRETS["sip"],
    )
    incoming = await phone.incoming()
    await incoming.answer()
    await incoming.until_ended(timeout=10)
    await site.over(placed.sid)
    await site.get(site.path("Calls.json"))

    log = "\n".join(running.log)
    assert "DEBUG" in log
    secrets = [*SECRETS.values(), TOKEN, *digests(gateway), *digests(phone)]
    secrets += [base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()]
    secrets += [base64.b64encode(f"agent:{password}".encode()).decode() for password in SECRETS.values()]
    assert len(secrets) > 14
    assert [secret for secret in secrets if secret in log] == []
    assert not re.search(r"(?i)(proxy-)?authorization: ?(basic|digest) \S", log)


def digests(phone: Phone) -> list[str]:
    """The responses to its challenges that a phone has received."""
    text = b"\n".join(entry.data for entry in phone.trace.entries if not entry.sent).decode(errors="replace")
    found = re.findall(r'(?<!\w)response="([0-9a-f]{32,64})"', text)
    assert found, phone.ladder()
    return found
