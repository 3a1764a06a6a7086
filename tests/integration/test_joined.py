"""Two callers who each wait in a Dial, and whom the phone that both have reached leaves with each other (RFC 5589 §7),
on a whole daemon (call-control reference §1.6, §1.10)."""

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest

from tests.harness import Codec, Phone, PhoneCall, tones
from tests.harness.call import How
from tests.harness.sdp import PCMA

from .line import Line, both, seconds_of, steady
from .test_bridge import referred_to, replaces, reported

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="session")]

FIRST_HZ, SECOND_HZ, DESK_HZ, AFTER_HZ = 500.0, 700.0, 1100.0, 1500.0
DONE = ["SIP/2.0 100 Trying", "SIP/2.0 200 OK"]


@dataclass
class Desk:
    """A phone with two calls, each of a caller who waits in a Dial of his own.

    Attributes:
        first, second: the callers' calls, who send 500 and 700 Hz.
        one, other: the phone's, which sends 1100 Hz in both.
        sids: of the callers' calls, by these names.
    """

    line: Line
    first: PhoneCall
    one: PhoneCall
    second: PhoneCall
    other: PhoneCall
    sids: dict[str, str]

    @classmethod
    async def busy(
        cls, line: Line, first: str = "", second: str = "", phone: Phone | None = None, codec: Codec | None = None
    ) -> "Desk":
        """Everybody talks; the first call is on hold.

        Args:
            first, second: further attributes of the two Dials; their actions are /first and /second.
            phone, codec: of the second caller.
        """
        line.sound("/after.wav", AFTER_HZ, 10.0)
        for path in ("/first", "/second"):
            line.on(path, "<Play>/after.wav</Play>")
        gateway, calls, sids = await line.gateway(), [], {}
        for name, attributes, hz in (("first", first, FIRST_HZ), ("second", second, SECOND_HZ)):
            verbs = (
                f"<Dial action='/{name}' {attributes}><Number statusCallback='/leg'>{line.dialled()}</Number></Dial>"
            )
            if codec is not None and name == "second":
                caller = await line.call_with((codec,), verbs)
            else:
                caller = await line.call(verbs, phone=phone if name == "second" else None)
            sids[name] = (await line.request("/voice")).form["CallSid"]
            desk = await gateway.incoming()
            await desk.answer()
            await caller.answered()
            caller.media.tone(hz)
            desk.media.tone(DESK_HZ)
            await asyncio.gather(caller.media.heard_tone(DESK_HZ), desk.media.heard_tone(hz))
            calls += [caller, desk]
            if name == "first":
                await desk.hold()
        line.application.on("/leg", "")
        return cls(line, *calls, sids)

    async def leaves(self, *, backwards: bool = False) -> None:
        """Its phone transfers them to each other, and is released.

        Args:
            backwards: the REFER comes on the second call.
        """
        asking, named = (self.other, self.one) if backwards else (self.one, self.other)
        assert (await asking.refer(referred_to(named))).status == 202
        assert await reported(asking) == DONE
        for call in (self.one, self.other):
            assert (await call.until_ended()).how is How.BYE_RECEIVED
        await asyncio.gather(self.first.media.heard_tone(SECOND_HZ), self.second.media.heard_tone(FIRST_HZ))
        for caller in (self.first, self.second):
            await caller.media.received(15)
            assert not tones.contains(caller.media.pcm(last=0.2), DESK_HZ), "nothing of the desk"

    async def went_on(self, name: str) -> dict[str, str]:
        """What the action of one's Dial was told; he hears what it says."""
        form = (await self.line.request(f"/{name}")).form
        assert (form["CallSid"], form["DialCallStatus"]) == (self.sids[name], "completed")
        assert form["DialBridged"] == "true"
        await getattr(self, name).media.heard_tone(AFTER_HZ)
        return form

    async def update(self, name: str, **changes: Any) -> None:
        """A change of one's call by the API."""
        sid = self.sids[name]
        await self.line.daemon.rest.do(lambda client: client.calls(sid).update(**changes))


@pytest.mark.parametrize("backwards", [False, True])
async def test_two_callers_are_left_with_each_other(line: Line, backwards: bool) -> None:
    """The phone's legs are over and reported; one hangs up, and the other one's document goes on."""
    desk = await Desk.busy(line)
    began = desk.first.media.mark()
    await desk.leaves(backwards=backwards)
    told = [(await line.request("/leg")).form for _ in range(2)]
    assert {form["CallStatus"] for form in told} == {"completed"}
    assert {form["ParentCallSid"] for form in told} == set(desk.sids.values())
    await desk.first.media.received(60)
    assert steady(desk.first.media.pcm(since=began)), "he heard the one or the other all the time"
    assert sorted(form["CallDuration"] for form in told)[0] == "1"
    await desk.second.hangup()
    form = await desk.went_on("first")
    assert int(form["DialCallDuration"]) >= 2, "the talk counts, not the phone's leg"
    assert form["DialCallSid"] in {one["CallSid"] for one in told}
    left = (await line.request("/second")).form
    assert (left["DialCallStatus"], left["CallStatus"]) == ("completed", "completed")
    await desk.first.hangup()


async def test_no_gap_when_they_are_joined(line: Line) -> None:
    """He who is not on hold hears the phone, and within a few packets whom it leaves him with."""
    desk = await Desk.busy(line)
    began = desk.second.media.mark()
    await desk.leaves()
    heard = desk.second.media.pcm(since=began)
    assert steady(heard), tones.gaps(heard, longer_than_ms=20)


async def test_they_speak_different_codecs(line: Line) -> None:
    """Nothing is relayed then: each hears the other in his own codec, without a hole."""
    desk = await Desk.busy(line, codec=PCMA)
    await desk.leaves()
    began = [caller.media.mark() for caller in (desk.first, desk.second)]
    await desk.second.media.received(60)
    for caller, since, hz in zip((desk.first, desk.second), began, (SECOND_HZ, FIRST_HZ), strict=True):
        heard = caller.media.pcm(since=since)
        assert steady(heard) and tones.contains(heard, hz)
    for call in (desk.first, desk.second):
        await call.hangup()


async def test_keys_cross_and_a_star_ends_the_talk(line: Line) -> None:
    """Of the Dial that wants it; both documents go on."""
    desk = await Desk.busy(line, second="hangupOnStar='true'")
    await desk.leaves()
    await desk.first.media.send_digits("7*")
    await desk.second.media.heard_digits("7*")
    await desk.second.media.send_digits("8*")
    await desk.first.media.heard_digits("8")
    await asyncio.gather(desk.went_on("first"), desk.went_on("second"))
    for call in (desk.first, desk.second):
        await call.hangup()


async def test_a_time_limit_ends_the_talk(line: Line) -> None:
    """The shorter one of the two, from the answer in its Dial."""
    desk = await Desk.busy(line, second="timeLimit='3'")
    await desk.leaves()
    forms = await asyncio.gather(desk.went_on("first"), desk.went_on("second"))
    assert 3 <= int(forms[1]["DialCallDuration"]) <= 4
    for call in (desk.first, desk.second):
        await call.hangup()


async def test_the_recording_of_a_dial_goes_on(line: Line) -> None:
    """On its left channel the caller, on its right one the phone, and then the other caller."""
    desk = await Desk.busy(line, "record='record-from-answer-dual'")
    await desk.leaves()
    await desk.first.media.received(40)
    await desk.second.hangup()
    form = await desk.went_on("first")
    [left, right], _ = await line.recording(form["RecordingUrl"])
    assert seconds_of(left, FIRST_HZ) > 1.2 and not tones.contains(left, SECOND_HZ)
    assert seconds_of(right, DESK_HZ) > 0.2 and seconds_of(right, SECOND_HZ) > 0.8
    assert "RecordingUrl" not in (await line.request("/second")).form
    await desk.first.hangup()


@pytest.mark.parametrize("name", ["first", "second"])
async def test_one_is_redirected_by_the_api(line: Line, name: str) -> None:
    """He hears the other document; the one who is left goes on with his."""
    line.sound("/news.wav", 1900, 10.0)
    desk = await Desk.busy(line)
    await desk.leaves()
    url = line.application.url("/news.wav")
    left = "second" if name == "first" else "first"
    await desk.update(name, twiml=f"<Response><Play>{url}</Play></Response>")
    await asyncio.gather(getattr(desk, name).media.heard_tone(1900), desk.went_on(left))
    assert line.application.count(f"/{name}") == 0
    for call in (desk.first, desk.second):
        await call.hangup()


async def test_one_is_ended_by_the_api(line: Line) -> None:
    desk = await Desk.busy(line)
    await desk.leaves()
    await desk.update("second", status="completed")
    assert (await desk.second.until_ended()).how is How.BYE_RECEIVED
    await desk.went_on("first")
    await desk.first.hangup()


async def test_one_transfers_the_other_one_once_more(line: Line) -> None:
    """The second caller is a phone too: it calls somebody, and leaves the first caller with him."""
    phone = await line.phone()
    desk = await Desk.busy(line, phone=phone)
    await desk.leaves()
    third = await line.call(f"<Dial>{line.dialled()}</Dial>", phone=phone)
    callee = await desk.one.phone.incoming()
    await callee.answer()
    await third.answered()
    await both(third, callee)
    assert (await desk.second.refer(referred_to(third))).status == 202
    assert await reported(desk.second) == DONE
    for call in (desk.second, third):
        assert (await call.until_ended()).how is How.BYE_RECEIVED
    await both(desk.first, callee)
    left = (await line.request("/second")).form
    assert left["DialCallStatus"] == "completed"
    await callee.hangup()
    await desk.went_on("first")
    await desk.first.hangup()


async def test_a_call_takes_the_place_of_one(line: Line) -> None:
    """INVITE with Replaces: who sends it talks with the first caller."""
    desk = await Desk.busy(line)
    await desk.leaves()
    newcomer = await line.call(headers=[("Replaces", replaces(desk.second))])
    await newcomer.answered()
    assert (await desk.second.until_ended()).how is How.BYE_RECEIVED
    await both(desk.first, newcomer)
    await newcomer.hangup()
    await desk.went_on("first")
    await desk.first.hangup()


async def test_both_refers_at_once(line: Line) -> None:
    """One is carried out; the other one finds nothing left to do, or its dialog over."""
    desk = await Desk.busy(line)
    asking = {call: call.refer(referred_to(named)) for call, named in ((desk.one, desk.other), (desk.other, desk.one))}
    answers = await asyncio.gather(*asking.values())
    taken = [call for call, answer in zip(asking, answers, strict=True) if answer.status == 202]
    told = [(await reported(call))[1] for call in taken]
    assert told.count(DONE[1]) == 1 and len(told) == 1 + told.count("SIP/2.0 480 Temporarily Unavailable")
    await both(desk.first, desk.second)
    for call in asking:
        assert (await call.until_ended()).how is How.BYE_RECEIVED
    await desk.first.hangup()
    await desk.went_on("second")
    await desk.second.hangup()


async def test_S7_a_dialog_that_is_nobodys(line: Line) -> None:
    """481, and everybody talks on; the phone may ask again."""
    desk = await Desk.busy(line)
    for _ in range(2):
        wrong = referred_to(desk.other).replace("to-tag%3D", "to-tag%3Dx")
        assert (await desk.one.refer(wrong)).status == 202
        assert await reported(desk.one) == [DONE[0], "SIP/2.0 481 Call/Transaction Does Not Exist"]
    await desk.first.media.heard_tone(DESK_HZ)
    await desk.leaves()
    for call in (desk.first, desk.second):
        await call.hangup()


async def test_one_who_has_left_meanwhile(line: Line) -> None:
    """The phone keeps the caller that it has."""
    desk = await Desk.busy(line)
    named = referred_to(desk.other)
    await desk.second.hangup()
    await desk.other.until_ended()
    assert (await desk.one.refer(named)).status == 202
    assert (await reported(desk.one))[1].startswith("SIP/2.0 481")
    await desk.first.media.heard_tone(DESK_HZ)
    await desk.first.hangup()
