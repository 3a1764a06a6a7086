"""Live control among forty calls: each request takes effect, whatever a call does (call-control reference §3.2)."""

import asyncio
from typing import Any

import pytest

from tests.harness import PhoneCall, tones
from tests.harness.application import Received
from tests.harness.waiting import within

from .crowd import Crowd
from .line import Line, document
from .meeting import HERTZ, Meeting, music_heard

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="session")]

OLD_HZ, WAIT_HZ, NEW_HZ, NEWS_HZ, ASIDE_HZ = 440.0, 1500.0, 880.0, 1900.0, 2300.0
LONG = "This goes on and on. " * 20
DOING = {
    "say": f'<Say loop="0">{LONG}</Say>',
    "play": '<Play loop="0">/long.wav</Play>',
    "pause": '<Play>/short.wav</Play><Pause length="60"/>',
    "gather": '<Gather action="/never" timeout="60"><Play loop="0">/long.wav</Play></Gather>',
    "listen": '<Gather action="/never" input="dtmf speech" hints="yes, no" timeout="60"/>',
    "record": '<Record action="/never" timeout="60" playBeep="false"/>',
    "ringing": '<Dial action="/never">{ringing}</Dial>',
    "talking": '<Dial action="/never">{talking}</Dial>',
    "conference": '<Dial action="/never"><Conference beep="false">alone {index}</Conference></Dial>',
    "queue": '<Dial action="/never" timeout="60"><Queue>empty {index}</Queue></Dial>',
    "enqueue": '<Enqueue action="/left" waitUrl="/wait">full {index}</Enqueue>',
    "echo": "<Echo/>",
}
"""What the controlled calls do, each by its caller's name."""

BUSY_WITH = {"listen": "Gather", "ringing": "Dial", "talking": "Dial", "conference": "Dial", "queue": "Dial"}


class Stage:
    """One call for each thing that a call can do.

    Attributes:
        calls, sids: by the name of what they do.
        callees: whom two of them have dialled.
    """

    def __init__(self, line: Line) -> None:
        self.line = line
        self.calls: dict[str, PhoneCall] = {}
        self.sids: dict[str, str] = {}
        self.callees: dict[str, PhoneCall] = {}

    async def begin(self) -> None:
        """Returns when each call does what it should."""
        line = self.line
        line.sound("/long.wav", OLD_HZ, 10.0)
        line.sound("/short.wav", OLD_HZ, 0.3)
        line.sound("/wait.wav", WAIT_HZ, 0.5)
        line.sound("/new.wav", NEW_HZ, 10.0)
        line.on("/wait", "<Play>/wait.wav</Play>")
        line.application.on("/left", "")
        await line.daemon.rest.do(lambda client: client.queues.create(friendly_name=f"empty {line.plan.index}"))
        gateway = await line.gateway()
        line.application.on("/voice", self._document)
        for name in DOING:
            self.calls[name] = await line.call(phone=await line.phone(name))
        for request in await line.requests("/voice", len(DOING)):
            self.sids[_caller(request)] = request.form["CallSid"]
        for _ in range(2):
            callee = await gateway.incoming()
            self.callees["ringing" if callee.to_user == line.dialled(1) else "talking"] = callee
        await self.callees["ringing"].ring()
        await self.callees["talking"].answer()
        await asyncio.gather(*(call.answered() for call in self.calls.values()))
        await asyncio.gather(*(self._busy(name) for name in DOING))

    def _document(self, request: Received) -> str:
        facts = {"ringing": self.line.dialled(1), "talking": self.line.dialled(2), "index": self.line.plan.index}
        return document(DOING[_caller(request)].format(**facts))

    async def _busy(self, name: str) -> None:
        """What is heard of it, where it can be heard; for the rest, that the verb has begun."""
        media = self.calls[name].media
        verb = BUSY_WITH.get(name, name.capitalize())
        await self.line.daemon.logged(rf"{self.sids[name]} verb name={verb}\b")
        if name in ("play", "gather"):
            await media.heard_tone(OLD_HZ)
        elif name == "enqueue":
            await media.heard_tone(WAIT_HZ)
        elif name in ("echo", "talking"):
            media.tone(HERTZ[0])
            other = media if name == "echo" else self.callees[name].media
            await other.heard_tone(HERTZ[0])

    async def update(self, place: int, **changes: Any) -> Any:
        """Changes a call: every other one by the client's asynchronous half."""
        sid, rest = list(self.sids.values())[place], self.line.daemon.rest
        if place % 2:
            return await rest.go(lambda client: client.calls(sid).update_async(**changes))
        return await rest.do(lambda client: client.calls(sid).update(**changes))

    async def update_all(self, **changes: Any) -> None:
        """All at once; each answer must be of its own call."""
        answers = await asyncio.gather(*(self.update(place, **changes) for place in range(len(self.sids))))
        assert [answer.sid for answer in answers] == list(self.sids.values())


def _caller(request: Received) -> str:
    return request.form["From"].removeprefix("sip:").partition("@")[0]


async def test_redirected_out_of_every_verb_and_ended(line: Line) -> None:
    """Twelve calls that each do something else are sent to another document at once, and then ended at once."""
    crowd, stage = await Crowd.on(line), Stage(line)
    await stage.begin()
    assert len(crowd.listeners) + len(crowd.talkers) + len(stage.calls) >= 40
    verbs = f'<Play loop="0">{line.application.url("/new.wav")}</Play>'
    await asyncio.gather(
        stage.update_all(twiml=document(verbs)),
        *(call.media.heard_tone(NEW_HZ, timeout=15) for call in stage.calls.values()),
    )
    assert (await stage.callees["ringing"].until_ended()).how == "cancelled"
    assert (await stage.callees["talking"].until_ended()).how == "bye received"
    left = (await line.request("/left")).form
    assert (left["CallSid"], left["QueueResult"]) == (stage.sids["enqueue"], "redirected")
    # a third of a second that begins after the last change
    await asyncio.gather(*(call.media.received(16) for call in stage.calls.values()))
    for name, call in stage.calls.items():
        assert tones.tone_dbov(call.media.pcm(last=0.3), OLD_HZ) < -45, f"nothing is left of what {name} did before"
    await stage.update_all(status="completed")
    endings = await asyncio.gather(*(call.until_ended() for call in stage.calls.values()))
    assert {str(ending.how) for ending in endings} == {"bye received"}
    assert line.application.count("/never") == 0
    await crowd.undisturbed()


async def test_steered_conference_and_recording(line: Line) -> None:
    """Mute, hold, announcement, kick; a recording that is begun, paused, continued and stopped; the end for all."""
    crowd = await Crowd.on(line, listeners=28)
    line.sound("/news.wav", NEWS_HZ, 1.0)
    line.on("/announce", "<Play>/news.wav</Play>")
    line.on("/after", "<Play>/news.wav</Play>")
    meeting = await Meeting.of(line, 4, dial='action="/after"')
    await meeting.hears(3, 0, 1, 2)
    await meeting.participant(0, muted=True)
    await asyncio.gather(meeting.hears(1, 2, 3), meeting.hears(0, 1, 2, 3))
    await meeting.participant(0, muted=False)
    await meeting.hears(1, 0, 2, 3)
    await meeting.participant(2, hold=True)
    await meeting.hears(1, 0, 3)
    await within(_music(meeting.calls[2]), 15, "hold music")
    await meeting.participant(2, hold=False)
    await meeting.hears(2, 0, 1, 3)
    url = line.application.url("/announce")
    sids, rest = meeting.sids, line.daemon.rest
    (room,) = await rest.go(lambda client: client.conferences.list_async(friendly_name=meeting.name))
    await asyncio.gather(
        rest.go(lambda client: client.conferences(room.sid).update_async(announce_url=url)),
        *(call.media.heard_tone(NEWS_HZ) for call in meeting.calls),
    )
    await _recorded(line, meeting)
    kicked = meeting.calls[3].media
    await asyncio.gather(
        rest.do(lambda client: client.conferences(room.sid).participants(sids[3]).delete()), kicked.heard_tone(NEWS_HZ)
    )
    await meeting.hears(1, 0, 2)
    await rest.go(lambda client: client.conferences(room.sid).update_async(status="completed"))
    await asyncio.gather(*(call.until_ended() for call in meeting.calls))
    await crowd.undisturbed()


async def _music(call: PhoneCall) -> None:
    """Hold music is composed when it is first asked for."""
    while not music_heard(call.media.pcm(last=0.5)):
        await call.media.received(1)


async def _over(call: PhoneCall, hz: float) -> None:
    """Returns when a tone was not heard for 0.3 s."""
    while tones.tone_dbov(call.media.pcm(last=0.3), hz) > -60:
        await call.media.received(1)


async def _recorded(line: Line, meeting: Meeting) -> None:
    """Records the first participant's call by requests; what he says while it is paused is not in it."""
    rest, sid, media = line.daemon.rest, meeting.sids[0], meeting.calls[0].media
    line.application.on("/recorded", "")
    callback = line.application.url("/recorded")
    made = await rest.do(
        lambda client: client.calls(sid).recordings.create(
            recording_status_callback=callback, recording_track="inbound"
        )
    )
    await meeting.calls[1].media.received(40)

    async def steer(status: str, **options: Any) -> None:
        changed = await rest.go(
            lambda client: client.calls(sid).recordings("Twilio.CURRENT").update_async(status=status, **options)
        )
        assert (changed.sid, changed.status) == (made.sid, status)

    await steer("paused", pause_behavior="skip")
    media.tone(ASIDE_HZ)
    await meeting.calls[1].media.heard_tone(ASIDE_HZ)
    media.tone(HERTZ[0])
    await within(_over(meeting.calls[1], ASIDE_HZ), 15, "the tone is over")
    await steer("in-progress")
    await meeting.calls[1].media.received(40)
    await steer("stopped")
    done = (await line.request("/recorded")).form
    assert (done["RecordingSid"], done["RecordingStatus"]) == (made.sid, "completed")
    (channel,), rate = await line.recording(done["RecordingUrl"])
    assert tones.contains(channel[:4000], HERTZ[0], rate=rate) and tones.contains(channel[-4000:], HERTZ[0], rate=rate)
    assert tones.tone_dbov(channel, ASIDE_HZ, rate=rate) < -45
