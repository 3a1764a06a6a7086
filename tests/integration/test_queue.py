"""Queues on real calls: waiting, being taken, talking, leaving (call-control reference §1.7, §9 S7)."""

import asyncio
from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException

from tests.harness import PhoneCall, tones
from tests.harness.application import Received

from .line import Line, both, document
from .meeting import music_heard

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="session")]


class Desk:
    """A queue of a line, those who wait in it and those who dial it.

    Attributes:
        name: of the queue; the line's alone.
    """

    def __init__(self, line: Line) -> None:
        self.line = line
        self.name = f"desk {line.plan.index}"
        line.on("/waited", "<Play>/waited.wav</Play>")
        line.on("/dialled", "<Play>/dialled.wav</Play>")
        line.sound("/waited.wav", 900, 0.6)
        line.sound("/dialled.wav", 1300, 0.6)

    async def caller(self, attributes: str = "", after: str = "") -> tuple[PhoneCall, str]:
        """Somebody who waits; the call and its CallSid."""
        verb = f'<Enqueue action="/waited" {attributes}>{self.name}</Enqueue>'
        self.line.application.on("/voice", document(verb + after))
        call = await self.line.call()
        await call.answered()
        sid = (await self.line.request("/voice")).form["CallSid"]
        await self.line.daemon.logged(rf"{sid} queued sid=")
        return call, sid

    async def agent(self, attributes: str = "", dial: str = "") -> tuple[PhoneCall, str]:
        """Somebody who dials the queue."""
        noun = f"<Queue {attributes}>{self.name}</Queue>"
        self.line.application.on("/voice", document(f'<Dial action="/dialled" {dial}>{noun}</Dial>'))
        call = await self.line.call()
        return call, (await self.line.request("/voice")).form["CallSid"]

    async def waited(self, result: str, sid: str, **facts: str) -> Received:
        """The Enqueue's action, which must be told this."""
        request = await self.line.request("/waited")
        expected = {"QueueResult": result, "CallSid": sid, **facts}
        assert {name: request.form.get(name) for name in expected} == expected
        assert request.form["QueueSid"].startswith("QU") and request.form["QueueTime"].isdigit()
        return request

    async def do(self, work: Any) -> Any:
        """What a function returns that gets the vendor's client."""
        return await self.line.daemon.rest.do(work)

    async def queue(self) -> Any:
        """The queue as the API shows it."""
        queues = await self.do(lambda client: client.queues.list())
        return next(one for one in queues if one.friendly_name == self.name)


async def test_S7_a_caller_waits_an_agent_dials_they_talk(line: Line) -> None:
    """S7: wait documents with the position, a whisper to the caller, the talk, both actions."""
    desk = Desk(line)
    line.sound("/wait.wav", 700, 0.5)
    line.sound("/whisper.wav", 1100, 0.5)
    line.on("/w", "<Play>/wait.wav</Play>")
    line.on("/q", "<Play>/whisper.wav</Play>")
    caller, sid = await desk.caller('waitUrl="/w"')
    asked = (await line.request("/w")).form
    position = {"QueuePosition": "1", "CurrentQueueSize": "1", "MaxQueueSize": "1000", "QueueTime": "0"}
    assert {name: asked[name] for name in position} == position
    assert asked["AvgQueueTime"] == "0" and asked["QueueSid"].startswith("QU") and asked["CallSid"] == sid
    await caller.media.heard_tone(700)
    await line.request("/w")
    agent, agent_sid = await desk.agent('url="/q"')
    whisper = (await line.request("/q")).form
    assert (whisper["CallSid"], whisper["DequeingCallSid"]) == (sid, agent_sid)
    assert whisper["QueueSid"] == asked["QueueSid"] and whisper["QueueTime"].isdigit()
    await caller.media.heard_tone(1100)
    assert tones.tone_dbov(agent.media.pcm(), 1100) < -50
    await both(caller, agent)
    await caller.media.received(20)
    assert tones.tone_dbov(caller.media.pcm(last=0.3), 1100) < -45
    await agent.hangup()
    await desk.waited("bridged", sid, CallStatus="in-progress")
    await caller.media.heard_tone(900)
    told = (await line.request("/dialled")).form
    expected = {
        "DialCallStatus": "completed",
        "DialBridged": "true",
        "DialCallSid": sid,
        "DequeueResult": "bridged",
        "DequeuedCallSid": sid,
        "QueueSid": asked["QueueSid"],
        "CallSid": agent_sid,
    }
    assert {name: told.get(name) for name in expected} == expected


async def test_music_and_the_caller_who_leaves_the_talk(line: Line) -> None:
    desk = Desk(line)
    caller, sid = await desk.caller()
    await caller.media.received(50)
    assert music_heard(caller.media.pcm(last=0.7))
    agent, _ = await desk.agent()
    await both(caller, agent)
    await caller.hangup()
    await desk.waited("bridged", sid, CallStatus="completed")
    told = (await line.request("/dialled")).form
    assert (told["DialCallStatus"], told["CallStatus"]) == ("completed", "in-progress")
    await agent.media.heard_tone(1300)


async def test_an_agent_waits_for_the_next_caller(line: Line) -> None:
    """The queue is empty: the agent hears it ring until somebody comes."""
    desk = Desk(line)
    first, sid = await desk.caller()
    await first.hangup()
    await desk.waited("hangup", sid)
    agent, _ = await desk.agent()
    await agent.media.heard_tone(440)
    caller, _ = await desk.caller()
    await both(caller, agent)
    await agent.hangup()


async def test_nobody_comes_and_no_such_queue(line: Line) -> None:
    desk = Desk(line)
    await desk.agent()
    assert (await line.request("/dialled")).form["DialCallStatus"] == "failed"
    await line.warned(14212)
    line.allowed.append("code=14212")
    await desk.do(lambda client: client.queues.create(friendly_name=desk.name))
    await desk.agent(dial='timeout="5"')
    told = (await line.request("/dialled", 8)).form
    assert (told["DialCallStatus"], told["DequeueResult"], told["DialBridged"]) == ("no-answer", "timeout", "false")


async def test_the_first_is_the_first(line: Line) -> None:
    desk = Desk(line)
    line.on("/w", "<Pause length='60'/>")
    calls = [await desk.caller('waitUrl="/w"') for _ in range(3)]
    positions = [(await line.request("/w")).form["QueuePosition"] for _ in range(3)]
    assert positions == ["1", "2", "3"]
    queue = await desk.queue()
    assert (queue.current_size, queue.max_size) == (3, 1000)
    members = await desk.do(lambda client: client.queues(queue.sid).members.list())
    assert [(one.call_sid, one.position) for one in members] == [(sid, n + 1) for n, (_, sid) in enumerate(calls)]
    front = await desk.do(lambda client: client.queues(queue.sid).members("Front").fetch())
    assert (front.call_sid, front.queue_sid) == (calls[0][1], queue.sid) and front.wait_time >= 0
    agent, _ = await desk.agent()
    await both(calls[0][0], agent)
    second = await desk.do(lambda client: client.queues(queue.sid).members(calls[1][1]).fetch())
    assert second.position == 1
    with pytest.raises(TwilioRestException) as refused:
        await desk.do(lambda client: client.queues(queue.sid).delete())
    assert (refused.value.status, refused.value.code) == (400, 22003)


async def test_leave_and_gather_in_a_wait_document(line: Line) -> None:
    """A key leads to another document, which leaves the queue."""
    desk = Desk(line)
    line.on("/w", "<Gather numDigits='1' timeout='60' action='/key'/>")
    line.on("/key", "<Leave/><Hangup/>")
    caller, sid = await desk.caller('waitUrl="/w"')
    await line.request("/w")
    await caller.media.send_digits("1")
    assert (await line.request("/key")).form["Digits"] == "1"
    await desk.waited("leave", sid, CallStatus="in-progress")
    await caller.media.heard_tone(900)


async def test_hangup_in_a_wait_document(line: Line) -> None:
    desk = Desk(line)
    line.on("/w", "<Hangup/>")
    caller, sid = await desk.caller('waitUrl="/w"')
    assert (await caller.until_ended()).how == "bye received"
    await desk.waited("hangup", sid, CallStatus="completed")


async def test_a_wait_document_that_never_sounds_is_not_asked_for_ever(line: Line) -> None:
    """100 documents without a second of sound: music in their place."""
    desk = Desk(line)
    line.on("/w", "")
    caller, _ = await desk.caller('waitUrl="/w"')
    await line.warned(14106)
    line.allowed.append("code=14106")
    assert line.application.count("/w") == 100
    await caller.media.received(40)
    assert music_heard(caller.media.pcm(last=0.4))


async def test_full(line: Line) -> None:
    desk = Desk(line)
    await desk.caller('maxQueueSize="1" waitUrl=""')
    verb = f'<Enqueue action="/waited" maxQueueSize="1">{desk.name}</Enqueue>'
    second = await line.call(verb)
    sid = (await line.request("/voice")).form["CallSid"]
    await line.warned(14207)
    line.allowed.append("code=14207")
    await desk.waited("queue-full", sid)
    await second.media.heard_tone(900)


async def test_taken_out_by_request(line: Line) -> None:
    """The call runs the new document; the action is told, and its answer is nobody's document."""
    desk = Desk(line)
    line.sound("/new.wav", 1700, 0.6)
    line.on("/new", "<Play>/new.wav</Play>")
    first, first_sid = await desk.caller()
    second, second_sid = await desk.caller()
    queue, url = await desk.queue(), line.application.url("/new")
    taken = await desk.do(lambda client: client.queues(queue.sid).members("Front").update(url=url, method="GET"))
    assert (taken.call_sid, taken.position) == (first_sid, 1)
    assert (await line.request("/new")).query["CallSid"] == first_sid
    await desk.waited("redirected", first_sid)
    await first.media.heard_tone(1700)
    await desk.do(lambda client: client.queues(queue.sid).members(second_sid).update(url=url))
    await desk.waited("redirected", second_sid)
    await second.media.heard_tone(1700)
    assert line.application.count("/waited.wav") == 0
    with pytest.raises(TwilioRestException) as empty:
        await desk.do(lambda client: client.queues(queue.sid).members("Front").fetch())
    assert empty.value.status == 404


async def test_redirected_out_of_the_talk(line: Line) -> None:
    """The caller runs the new document, the agent's dial is over."""
    desk = Desk(line)
    line.sound("/new.wav", 1700, 0.6)
    line.on("/new", "<Play>/new.wav</Play>")
    caller, sid = await desk.caller()
    agent, _ = await desk.agent()
    await both(caller, agent)
    url = line.application.url("/new")
    await desk.do(lambda client: client.calls(sid).update(url=url))
    await caller.media.heard_tone(1700)
    await desk.waited("redirected-from-bridged", sid)
    assert (await line.request("/dialled")).form["DialCallStatus"] == "completed"
    await agent.media.heard_tone(1300)


async def test_an_agent_who_hangs_up_during_the_whisper_gives_the_caller_back(line: Line) -> None:
    desk = Desk(line)
    line.sound("/long.wav", 1100, 10)
    line.on("/q", "<Play>/long.wav</Play>")
    caller, _ = await desk.caller('waitUrl=""')
    agent, _ = await desk.agent('url="/q"')
    await caller.media.heard_tone(1100)
    await agent.hangup()
    await caller.media.silence_heard(0.4)
    queue = await desk.queue()
    assert queue.current_size == 1
    other, _ = await desk.agent()
    await both(caller, other)


async def test_a_caller_who_hangs_up_during_the_whisper_is_followed_by_the_next(line: Line) -> None:
    desk = Desk(line)
    line.sound("/long.wav", 1100, 10)
    line.application.on("/q", [document("<Play>/long.wav</Play>"), document("")])
    first, first_sid = await desk.caller('waitUrl=""')
    second, _ = await desk.caller('waitUrl=""')
    agent, _ = await desk.agent('url="/q"')
    await first.media.heard_tone(1100)
    await first.hangup()
    await desk.waited("hangup", first_sid)
    await both(second, agent)


async def test_star_time_limit_digits_and_recording(line: Line) -> None:
    desk = Desk(line)
    caller, sid = await desk.caller()
    agent, _ = await desk.agent(dial='hangupOnStar="true" record="record-from-answer-dual"')
    await both(caller, agent)
    await agent.media.send_digits("12")
    await caller.media.heard_digits("12")
    await agent.media.send_digits("*")
    await desk.waited("bridged", sid)
    form = (await line.request("/dialled")).form
    (left, right), _ = await line.recording(form["RecordingUrl"])
    assert tones.contains(left[:8000], 700) and tones.contains(right[:8000], 500)
    await asyncio.gather(caller.media.heard_tone(900), agent.media.heard_tone(1300))


async def test_queues_by_the_api(line: Line) -> None:
    desk = Desk(line)
    made = await desk.do(lambda client: client.queues.create(friendly_name=desk.name, max_size=2))
    assert (made.friendly_name, made.max_size, made.current_size, made.average_wait_time) == (desk.name, 2, 0, 0)
    with pytest.raises(TwilioRestException) as twice:
        await desk.do(lambda client: client.queues.create(friendly_name=desk.name))
    assert (twice.value.status, twice.value.code) == (400, 22003)
    changed = await desk.do(lambda client: client.queues(made.sid).update(friendly_name=f"{desk.name} b", max_size=5))
    assert (changed.friendly_name, changed.max_size) == (f"{desk.name} b", 5)
    assert (await desk.do(lambda client: client.queues(made.sid).fetch())).friendly_name == f"{desk.name} b"
    assert await desk.do(lambda client: client.queues(made.sid).members.list()) == []
    assert await desk.do(lambda client: client.queues(made.sid).delete()) is True
    with pytest.raises(TwilioRestException) as gone:
        await desk.do(lambda client: client.queues(made.sid).fetch())
    assert gone.value.status == 404
