"""Who answers, on real calls (call-control reference §2.3, §3.2, §9 S5): people and machines that are synthesised."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
from twilio.base.exceptions import TwilioRestException  # type: ignore[import-untyped]  # twilio ships no types

from tests.harness import PhoneCall, tones
from tests.harness.spoken import quiet, spoken
from tests.harness.tones import Pcm
from tests.media.answers import GREETINGS

from .line import Line
from .site import Site

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="session")]

PERSON = [quiet(0.4), spoken("hello?", "en-us+f3")]
GREETING = [quiet(0.4), spoken(GREETINGS[0])]
BEEP = [quiet(0.5), tones.tone(1000, 0.5)]


@pytest_asyncio.fixture(loop_scope="session")
async def site(line: Line) -> Site:
    """The shared daemon's line, its carrier at the trunk's first target."""
    one = await Site.on(line)
    one.script("/voice", "<Pause length='1'/>")
    one.application.on("/amd", "")
    return one


def say(call: PhoneCall, parts: Sequence[Pcm]) -> None:
    """Begins to say something: a machine speaks on whoever listens."""
    call.media.queue(np.concatenate([*parts, quiet(0.2)]))


async def detected(site: Site, **parameters: Any) -> tuple[Any, PhoneCall]:
    """A placed call with detection that was answered."""
    return await site.answered(**{"machine_detection": "Enable", **parameters})


@pytest.mark.parametrize(
    ("parts", "mode", "answered_by"),
    [
        (PERSON, "Enable", "human"),
        (GREETING, "Enable", "machine_start"),
        ([*GREETING, *BEEP], "DetectMessageEnd", "machine_end_beep"),
        (GREETING, "DetectMessageEnd", "machine_end_silence"),
        ([quiet(0.5), tones.tone(2100, 2.5)], "Enable", "fax"),
    ],
    ids=["person", "machine", "beep", "no beep", "fax"],
)
async def test_the_document_waits_for_the_verdict(site: Site, parts: list[Pcm], mode: str, answered_by: str) -> None:
    placed, callee = await detected(site, machine_detection=mode)
    say(callee, parts)
    voice = await site.application.request("/voice", 15)
    assert voice.form["AnsweredBy"] == answered_by
    assert 0 < int(voice.form["MachineDetectionDuration"]) < 12_000
    completed = await site.told("completed", placed.sid, 15)
    assert completed.form["AnsweredBy"] == answered_by
    assert (await site.fetch(placed.sid)).answered_by == answered_by
    assert (await callee.until_ended()).how == "bye received"


async def test_S5_the_document_does_not_wait(site: Site) -> None:
    """S5: Url at once, the verdict later, to its own callback."""
    site.serve_tone("/prompt.wav", 440, 20.0)
    site.script("/voice", "<Play>/prompt.wav</Play>")
    placed, callee = await detected(site, async_amd="true", async_amd_status_callback=site.url("/amd"))
    voice = await site.application.request("/voice")
    assert "AnsweredBy" not in voice.form and site.application.count("/amd") == 0
    await callee.media.heard_tone(440)
    say(callee, GREETING)
    told = (await site.application.request("/amd", 15)).form
    assert set(told) == {"CallSid", "AccountSid", "AnsweredBy", "MachineDetectionDuration"}
    assert (told["CallSid"], told["AnsweredBy"]) == (placed.sid, "machine_start")
    await callee.hangup()
    assert (await site.told("completed", placed.sid)).form["AnsweredBy"] == "machine_start"


async def test_the_application_leaves_its_message_after_the_beep(site: Site) -> None:
    """What detection to the end is for: a redirect at the verdict, and the machine records the message whole."""
    site.serve_tone("/message.wav", 700, 1.0)
    site.script("/voice", "<Pause length='60'/>")
    placed, callee = await detected(
        site,
        machine_detection="DetectMessageEnd",
        async_amd="true",
        async_amd_status_callback=site.url("/amd"),
    )
    await site.application.request("/voice")
    say(callee, [*GREETING, *BEEP])
    assert (await site.application.request("/amd", 15)).form["AnsweredBy"] == "machine_end_beep"
    message = f"<Response><Play>{site.url('/message.wav')}</Play></Response>"
    await site.update(placed.sid, twiml=message)
    await callee.media.heard_tone(700)
    await callee.until_ended()
    await site.told("completed", placed.sid)


async def test_silence_and_thresholds(site: Site) -> None:
    placed, callee = await detected(site, machine_detection_silence_timeout=2000)
    voice = await site.application.request("/voice", 10)
    assert (voice.form["AnsweredBy"], voice.form["MachineDetectionDuration"]) == ("unknown", "2000")
    await callee.until_ended()
    await site.told("completed", placed.sid)


async def test_hang_up_before_the_verdict(site: Site) -> None:
    placed, callee = await detected(site)
    await callee.media.received(10)
    await callee.hangup()
    await site.told("completed", placed.sid)
    assert (await site.fetch(placed.sid)).answered_by == "unknown"
    assert site.application.count("/voice") == 0


async def test_a_dialled_party_talks_while_it_is_found_out(line: Line, site: Site) -> None:
    line.on("/after", "<Hangup/>")
    noun = '<Number machineDetection="Enable" amdStatusCallback="/amd">' + line.dialled() + "</Number>"
    caller = await line.call(f'<Dial action="/after">{noun}</Dial>')
    callee = await site.carrier.incoming()
    await callee.answer()
    await caller.answered()
    caller.media.tone(500)
    await callee.media.heard_tone(500)
    say(callee, PERSON)
    told = (await line.request("/amd", 15)).form
    assert told["AnsweredBy"] == "human"
    child = await site.fetch(told["CallSid"])
    assert (child.answered_by, child.direction) == ("human", "outbound-dial")
    await callee.hangup()
    assert (await line.request("/after")).form["DialCallSid"] == told["CallSid"]
    await caller.until_ended()


async def test_parameters_are_checked(site: Site) -> None:
    for parameters, code in (
        ({"machine_detection": "Sometimes"}, 21234),
        ({"machine_detection": "Enable", "machine_detection_timeout": 60}, 21263),
        ({"machine_detection": "Enable", "async_amd": "true"}, 21262),
    ):
        with pytest.raises(TwilioRestException) as refused:
            await site.create(**parameters)
        assert refused.value.code == code


async def test_detections_at_once_leave_nothing_behind(site: Site) -> None:
    """Six calls, half of them answered by machines; the native objects go with them."""
    placed = [await place(site) for _ in range(6)]
    for number, (_, call) in enumerate(placed):
        say(call, PERSON if number % 2 else GREETING)
    forms = [(await site.application.request("/voice", 20)).form for _ in placed]
    by_sid = {form["CallSid"]: form["AnsweredBy"] for form in forms}
    assert [by_sid[one.sid] for one, _ in placed] == ["machine_start", "human"] * 3
    await site.over(*(one.sid for one, _ in placed), timeout=15)
    metrics = await site.daemon.metrics()
    assert metrics['callwright_native_objects{kind="ports"}'] == 0


async def place(site: Site) -> tuple[Any, PhoneCall]:
    """A placed call with detection that was answered; it tells of its end only."""
    placed = await site.create(machine_detection="Enable", status_callback_event=["completed"])
    callee = await site.carrier.incoming()
    await callee.answer()
    return placed, callee
