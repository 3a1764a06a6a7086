"""Recordings that are written down, on real calls (call-control reference §1.5, §3.3)."""

import numpy as np
import pytest

from tests.harness.application import Received
from tests.harness.spoken import quiet, spoken

from .line import LATER, Line

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="session")]

SAID = np.concatenate([quiet(0.5), spoken("i would like to order a large pizza", speed=130), quiet(1.0)])
ORDER = {"would", "like", "order", "large"}


async def message(line: Line, pcm: np.ndarray[tuple[int], np.dtype[np.int16]]) -> Received:
    """The action's request of a caller who says this and presses a key."""
    line.on("/done", LATER)
    line.application.on("/text", "")
    call = await line.call(
        '<Record action="/done" playBeep="false" timeout="0" trim="do-not-trim" transcribe="true" '
        'transcribeCallback="/text"/>'
    )
    await call.answered()
    await call.media.play(pcm)
    await call.media.send_digits("#")
    return await line.request("/done")


async def test_a_message_is_written_down(line: Line) -> None:
    """The text comes after the call, and stays until it is deleted."""
    done = (await message(line, SAID)).form
    told = (await line.request("/text", 60)).form
    facts = {"TranscriptionStatus": "completed", "TranscriptionType": "fast", "CallSid": done["CallSid"]}
    assert {name: told[name] for name in facts} == facts
    assert (told["RecordingSid"], told["RecordingUrl"]) == (done["RecordingSid"], done["RecordingUrl"])
    words = set(told["TranscriptionText"].split())
    assert len(words & ORDER) >= 3, told["TranscriptionText"]
    rest, sid = line.daemon.rest, told["TranscriptionSid"]
    (listed,) = await rest.do(lambda client: client.recordings(done["RecordingSid"]).transcriptions.list())
    assert (listed.sid, listed.status, listed.transcription_text) == (sid, "completed", told["TranscriptionText"])
    fetched = await rest.go(lambda client: client.transcriptions(sid).fetch_async())
    assert (fetched.recording_sid, fetched.duration) == (done["RecordingSid"], done["RecordingDuration"])
    assert told["TranscriptionUrl"].endswith(f"/Recordings/{done['RecordingSid']}/Transcriptions/{sid}")
    path = told["TranscriptionUrl"].removeprefix(line.daemon.base_url)
    assert await line.daemon.get(f"{path}.txt") == (200, told["TranscriptionText"])
    assert await rest.go(lambda client: client.transcriptions(sid).delete_async()) is True
    assert await rest.do(lambda client: client.recordings(done["RecordingSid"]).transcriptions.list()) == []


async def test_a_message_that_nobody_understands(line: Line) -> None:
    """A second is too short: the transcription has failed, and says so."""
    done = (await message(line, spoken("hello")[:6000])).form
    assert done["RecordingDuration"] == "1"
    told = (await line.request("/text", 30)).form
    assert (told["TranscriptionStatus"], told["TranscriptionText"]) == ("failed", "")
    await line.warned(13340)
    line.allowed.append("code=13340")
    shown = await line.daemon.rest.do(lambda client: client.transcriptions(told["TranscriptionSid"]).fetch())
    assert shown.status == "failed"
