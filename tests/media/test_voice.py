"""Voice, noise, tones and silence on a line, and where an utterance begins and ends."""

import numpy as np
import pytest

from callwright.media.voice import FRAME_MS, SILENT_DBOV, Analysis, Endpointer, Frame, Turn, VoiceActivity
from tests.harness import tones
from tests.harness.spoken import VOICES, quiet, spoken
from tests.harness.tones import Pcm


def frames(pcm: Pcm, rate: int = 8000) -> list[Frame]:
    return Analysis(rate).feed(pcm.tobytes())


def activity(pcm: Pcm, rate: int = 8000) -> list[bool]:
    """Whether each frame is voice."""
    line = VoiceActivity()
    return [line.feed(frame) for frame in frames(pcm, rate)]


def seconds(voiced: list[bool]) -> float:
    return sum(voiced) * FRAME_MS / 1000


@pytest.mark.parametrize("rate", [8000, 16000, 32000, 48000])
@pytest.mark.parametrize("hz", [440, 1100, 2100])
def test_a_tone_is_a_tone_at_every_rate(rate: int, hz: int) -> None:
    found = frames(tones.tone(hz, 0.2, rate=rate), rate)
    assert len(found) == 10
    for frame in found:
        assert frame.tone == pytest.approx(hz, abs=30)
        assert frame.level == pytest.approx(-13, abs=0.5)
        assert frame.flatness < 0.2 and not frame.key


@pytest.mark.parametrize("rate", [8000, 16000, 48000])
@pytest.mark.parametrize("digit", tones.DTMF_TONES)
def test_a_digit_is_a_key_and_no_tone(rate: int, digit: str) -> None:
    found = frames(tones.dtmf(digit, 0.2, rate=rate), rate)
    assert {(frame.tone, frame.key, frame.signal) for frame in found} == {(0.0, True, True)}


def test_silence() -> None:
    assert {(frame.level, frame.tone) for frame in frames(tones.silence(0.04))} == {(SILENT_DBOV, 0.0)}


def test_pieces_of_any_size_make_the_same_frames() -> None:
    data = spoken("hello").tobytes()
    analysis = Analysis(8000)
    pieces = [frame for start in range(0, len(data), 222) for frame in analysis.feed(data[start : start + 222])]
    whole = frames(spoken("hello"))
    assert [frame.level for frame in pieces] == pytest.approx([frame.level for frame in whole])
    assert [frame.flatness for frame in pieces] == pytest.approx([frame.flatness for frame in whole])


@pytest.mark.parametrize("voice", VOICES)
@pytest.mark.parametrize("level", [-15.0, -22.0, -32.0])
def test_speech_is_voice(voice: str, level: float) -> None:
    pcm = spoken("please tell me the balance of my account", voice, level=level)
    assert seconds(activity(pcm)) > 0.6 * len(pcm) / 8000


@pytest.mark.parametrize(
    "pcm",
    [
        tones.silence(3.0),
        quiet(3.0, level=-60),
        quiet(3.0, level=-35),
        quiet(3.0, level=-20),
        tones.tone(440, 3.0),
        tones.tone(1000, 3.0, dbov=-30),
        tones.dtmf("5", 3.0),
    ],
    ids=["digital silence", "quiet noise", "noise", "loud noise", "tone", "faint tone", "digit"],
)
def test_what_is_no_voice(pcm: Pcm) -> None:
    assert seconds(activity(pcm)) < 0.1


def test_speech_over_noise() -> None:
    pcm = quiet(4.0, level=-45)
    words = spoken("technical support", level=-22)
    pcm[16000 : 16000 + len(words)] += words
    voiced = activity(pcm)
    assert seconds(voiced[:95]) < 0.1 and seconds(voiced[100 : 100 + len(words) // 160]) > 0.5


def test_the_beginning_of_an_utterance_is_found_within_200_ms() -> None:
    words = spoken("operator")
    line = np.concatenate([quiet(1.0), words])
    begun = np.flatnonzero(np.abs(words) > 500)[0] / 8000 + 1.0
    point, found = Endpointer(1.0, 60.0), None
    for place, voice in enumerate(activity(line)):
        if point.feed(voice) is Turn.SPEAKING:
            found = (place + 1) * FRAME_MS / 1000
            break
    assert found is not None and begun < found < begun + 0.2


def test_an_utterance_ends_after_its_pause() -> None:
    point = Endpointer(0.5, 60.0)
    turns = [point.feed(voice) for voice in [True] * 20 + [False] * 20 + [True] * 5 + [False] * 30]
    assert turns.index(Turn.SPEAKING) == 5
    assert turns.index(Turn.OVER) == 20 + 20 + 5 + 24, "a pause shorter than that does not end it"
    assert point.feed(True) is Turn.OVER
    point.reset()
    assert point.turn is Turn.WAITING and point.feed(True) is Turn.WAITING


def test_an_utterance_ends_when_it_is_too_long() -> None:
    point = Endpointer(5.0, 2.0)
    turns = [point.feed(True) for _ in range(150)]
    assert turns.index(Turn.OVER) == 5 + 100


def test_clicks_are_no_utterance() -> None:
    point = Endpointer(0.5, 60.0)
    assert {point.feed(voice) for voice in [True, True, False, False, False, False] * 30} == {Turn.WAITING}
