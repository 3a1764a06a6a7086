"""Live calls sent to another document, whatever they are doing (call-control reference §3.2, §9 S15)."""

import asyncio
from typing import Any

import pytest
import pytest_asyncio

from tests.harness import PhoneCall

from .line import Line, document
from .site import Site

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="session")]

NEW_HZ = 880.0

DOING = {
    "play": "<Play>/long.wav</Play>",
    "gather": '<Gather action="/never" timeout="30"><Play>/long.wav</Play></Gather>',
    "gather waiting": '<Gather action="/never" timeout="30"/>',
    "pause": "<Play>/short.wav</Play><Pause length='30'/>",
    "record": '<Record action="/never" timeout="30" playBeep="false"/>',
    "dial ringing": "<Dial action='/never'>{callee}</Dial>",
}


@pytest_asyncio.fixture(loop_scope="session")
async def site(line: Line) -> Site:
    """The shared daemon's line, its carrier at the trunk's first target, with the sounds of these tests."""
    site = await Site.on(line)
    site.serve_tone("/long.wav", 440)
    site.serve_tone("/short.wav", 440, 0.3)
    site.serve_tone("/new.wav", NEW_HZ, 0.6)
    return site


async def in_the_middle(site: Site, verbs: str) -> tuple[str, PhoneCall]:
    """A call that came in and does this now; its CallSid and the caller's side of it."""
    site.script("/voice", verbs.format(callee=site.callee))
    call = await site.dial_in()
    sid = (await site.application.request("/voice")).form["CallSid"]
    await call.answered()
    name = verbs[1:].split()[0].split(">")[0]
    name = "Pause" if "<Pause" in verbs else name
    await site.daemon.logged(rf"{sid} verb name={name}\b")
    return sid, call


def new_document(site: Site, by: str) -> dict[str, Any]:
    """The update that asks for it."""
    verbs = f"<Play>{site.url('/new.wav')}</Play>"
    if by == "twiml":
        return {"twiml": document(verbs)}
    site.script("/new", verbs)
    return {"url": site.url("/new"), "method": by}


async def changed(site: Site, sid: str, call: PhoneCall, by: str) -> Any:
    """The update that was answered, once its document has been heard: that may come before the answer, and be over."""
    updated, _ = await asyncio.gather(
        site.update(sid, **new_document(site, by)), call.media.heard_tone(NEW_HZ, timeout=10.0)
    )
    return updated


@pytest.mark.parametrize("doing", DOING)
@pytest.mark.parametrize("by", ["POST", "twiml"])
async def test_S15_redirected_in_the_middle(site: Site, doing: str, by: str) -> None:
    """S15: the verb is left at once, its action is not run, the new document is, and then the call ends."""
    sid, call = await in_the_middle(site, DOING[doing])
    child = await site.carrier.incoming() if doing.startswith("dial") else None
    updated = await changed(site, sid, call, by)
    assert (updated.sid, updated.status) == (sid, "in-progress")
    if child is not None:
        assert (await child.until_ended()).how == "cancelled"
    assert (await call.until_ended()).how == "bye received"
    if by != "twiml":
        request = await site.application.request("/new")
        assert (request.method, request.form["CallSid"], request.form["CallStatus"]) == (by, sid, "in-progress")
    await site.over(sid)
    assert site.application.count("/never") == 0


async def test_S15_by_get(site: Site) -> None:
    """Method=GET of an update."""
    sid, call = await in_the_middle(site, DOING["play"])
    await site.update(sid, **new_document(site, "GET"))
    request = await site.application.request("/new")
    assert (request.method, request.query["CallSid"]) == ("GET", sid)
    await call.until_ended()


async def test_S15_out_of_a_bridged_dial(site: Site) -> None:
    """The parent is redirected: its child is hung up, and the dial's action is not requested."""
    site.script("/voice", f"<Dial action='/never'>{site.callee}</Dial>")
    call = await site.dial_in()
    sid = (await site.application.request("/voice")).form["CallSid"]
    callee = await site.carrier.incoming()
    await callee.answer()
    await call.answered()
    call.media.tone(500)
    await callee.media.heard_tone(500)
    await changed(site, sid, call, "twiml")
    assert (await callee.until_ended()).how == "bye received"
    assert (await call.until_ended()).how == "bye received"
    await site.over(sid)
    assert site.application.count("/never") == 0


async def test_S15_before_the_first_document(site: Site) -> None:
    """A call whose application server has not answered yet is redirected all the same."""
    held = site.application.hold("/voice", document("<Reject/>"))
    call = await site.dial_in()
    sid = (await site.application.request("/voice")).form["CallSid"]
    await asyncio.gather(changed(site, sid, call, "twiml"), call.answered())
    held.set()
    await call.until_ended()


async def test_S15_twice_the_last_one_wins(site: Site) -> None:
    """A second update while the first document is being fetched."""
    held = site.application.hold("/slow", document("<Hangup/>"))
    sid, call = await in_the_middle(site, DOING["play"])
    await site.update(sid, url=site.url("/slow"))
    await site.application.request("/slow")
    await changed(site, sid, call, "twiml")
    held.set()
    assert (await call.until_ended()).how == "bye received"


async def test_S15_a_placed_call_before_its_answer(site: Site) -> None:
    """An update of a ringing REST call changes the document that its answer will run."""
    placed = await site.create()
    callee = await site.carrier.incoming()
    await callee.ring()
    await site.told("initiated", placed.sid)
    await site.told("ringing", placed.sid)
    await site.update(placed.sid, **new_document(site, "twiml"))
    await callee.answer()
    await callee.media.heard_tone(NEW_HZ)
    await callee.until_ended()
    assert site.application.count("/voice") == 0


async def test_S15_a_recording_that_is_cut_short_is_kept(site: Site) -> None:
    """What Record had until the redirect is a completed recording of the call."""
    sid, call = await in_the_middle(site, DOING["record"])
    call.media.tone(620)
    mark = call.media.mark()
    await call.media.received(50, since=mark)
    await site.update(sid, **new_document(site, "twiml"))
    await call.until_ended()
    await site.over(sid)
    recordings = await site.do(lambda client: client.recordings.list(call_sid=sid))
    assert [(one.status, one.source) for one in recordings] == [("completed", "RecordVerb")]
    pcm, rate = await site.wav(recordings[0].sid)
    assert len(pcm) / rate > 0.7


async def test_S15_a_dialled_child(site: Site) -> None:
    """The child runs the new document; the parent goes on with its dial's action, and neither ends the other."""
    site.script("/voice", f"<Dial action='/done'>{site.callee}</Dial>")
    site.script("/done", "<Play>/long.wav</Play>")
    call = await site.dial_in()
    sid = (await site.application.request("/voice")).form["CallSid"]
    callee = await site.carrier.incoming()
    await callee.answer()
    await call.answered()
    call.media.tone(500)
    await callee.media.heard_tone(500)
    children = await site.do(lambda client: client.calls.list(parent_call_sid=sid))
    assert [(child.direction, child.status) for child in children] == [("outbound-dial", "in-progress")]
    await site.update(children[0].sid, **new_document(site, "POST"))
    request = await site.application.request("/new")
    assert (request.form["CallSid"], request.form["ParentCallSid"]) == (children[0].sid, sid)
    assert request.form["Direction"] == "outbound-dial"
    await callee.media.heard_tone(NEW_HZ)
    done = await site.application.request("/done")
    assert (done.form["CallSid"], done.form["DialCallSid"]) == (sid, children[0].sid)
    await call.media.heard_tone(440)
    assert (await callee.until_ended()).how == "bye received"
    await call.hangup()
    await site.over(sid)
    assert (await site.fetch(children[0].sid)).status == "completed"
