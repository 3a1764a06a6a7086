import numpy as np
import pytest

from callwright.calls.conference.plan import ConferenceSettings
from callwright.calls.conference.speech import VoiceActivity, level_dbov
from tests.calls.attending import TOLD, Attendance, events
from tests.calls.fakes import Room
from tests.calls.jumping import turns


def pcm(dbov: float, ms: int = 100) -> bytes:
    samples = np.full(8 * ms, 32768 * 10 ** (dbov / 20))
    samples[::2] *= -1
    return samples.astype("<i2").tobytes()


@pytest.mark.parametrize("dbov", [-10.0, -30.0, -45.0])
def test_levels(dbov: float) -> None:
    assert level_dbov(pcm(dbov)) == pytest.approx(dbov, abs=0.2)


def test_silence_and_nothing() -> None:
    assert level_dbov(b"\0\0" * 100) == level_dbov(b"") == -127.0


def test_a_click_is_no_speech_and_a_pause_no_end() -> None:
    activity = VoiceActivity()
    assert not activity.hear(-20, 100) and not activity.hear(-60, 100) and not activity.hear(-20, 100)
    assert activity.hear(-20, 100) and activity.speaking
    assert not activity.hear(-60, 900) and not activity.hear(-20, 100) and not activity.hear(-60, 900)
    assert activity.hear(-60, 100) and not activity.speaking


async def test_who_speaks_is_told_and_who_is_muted_does_not(room: Room) -> None:
    one, two = await Attendance.begin(room), await Attendance.begin(room)
    taps = {command.node: command for command in room.engine.of("tap")}
    connected = {(source, sink) for source, sink in room.engine.edges() if sink in taps}
    assert {source for source, _ in connected} == {one.leg, two.leg}
    tap = next(sink for source, sink in connected if source == one.leg)

    async def says(dbov: float, pieces: int) -> None:
        for _ in range(pieces):
            room.engine.say(one.leg, pcm(dbov))
            await turns()

    await says(-20, 3)
    await says(-70, 10)
    told = [posted for posted in room.posts.of(TOLD.url) if "speech" in posted["StatusCallbackEvent"]]
    assert [posted["StatusCallbackEvent"] for posted in told] == [
        "participant-speech-start",
        "participant-speech-stop",
    ]
    assert {posted["CallSid"] for posted in told} == {one.call.sid}
    one.conference.mute(one.participant, True)
    await says(-20, 5)
    assert events(room)[-1] == "participant-mute"
    await one.leaves()
    assert room.engine.of("stop", tap)


async def test_nobody_listens_when_nobody_asked(room: Room) -> None:
    settings = ConferenceSettings(callback=None)
    await Attendance.begin(room, settings=settings)
    await Attendance.begin(room, settings=settings)
    assert room.engine.of("tap") == []
