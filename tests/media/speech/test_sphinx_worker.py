"""The recogniser's process from within: its messages, and what it believes."""

import io
import json
import struct
from typing import Any, cast

import numpy as np
import pytest

from callwright.media.speech.sphinx_worker import BELIEVED, Ear, confidence, serve, speech_frames


def test_confidence_grows_with_score_and_cover() -> None:
    scores = [confidence(score, 1.0) for score in (-80.0, -50.0, -44.0, -30.0, -10.0)]
    assert scores == sorted(scores) and scores[2] == 0.5 and scores[0] < 0.01 and scores[-1] > 0.99
    covers = [confidence(-20.0, cover) for cover in (0.0, 0.5, 0.6, 0.7, 0.85, 1.0)]
    assert covers == sorted(covers) and covers[:2] == [0.0, 0.0] and covers[-1] == covers[-2]
    assert confidence(-44.0, 1.0) > BELIEVED > confidence(-20.0, 0.65)


def test_frames_with_speech() -> None:
    loud, faint = np.full(1600, 3000, np.float32), np.full(1600, 20, np.float32)
    assert speech_frames(np.concatenate([faint, loud, faint])).tolist() == [False] * 10 + [True] * 10 + [False] * 10
    assert not speech_frames(np.zeros(0, np.float32)).any()


class Deaf:
    """Remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def open(self, **wanted: Any) -> dict[str, Any]:
        self.asked.append(wanted)
        return {}

    def hear(self, samples: bytes) -> dict[str, Any]:
        self.asked.append(samples)
        return {"partial": "so far"}

    def end(self) -> dict[str, Any]:
        self.asked.append("end")
        return {"text": "\u00e4"}


def test_each_message_is_answered() -> None:
    ear, wanted, answers = Deaf(), {"rate": 8000, "hints": ["a"], "commands": False}, io.BytesIO()
    messages = [(b"O", json.dumps(wanted).encode()), (b"A", b"\1\2"), (b"E", b"")]
    given = b"".join(struct.pack("<cI", kind, len(body)) + body for kind, body in messages)
    serve(cast(Ear, ear), io.BytesIO(given), answers)
    assert ear.asked == [wanted, b"\1\2", "end"]
    data, found = answers.getvalue(), []
    while data:
        (length,) = struct.unpack("<I", data[:4])
        found.append(json.loads(data[4 : 4 + length]))
        data = data[4 + length :]
    assert found == [{}, {"partial": "so far"}, {"text": "\u00e4"}]


@pytest.mark.parametrize("given", [b"", b"E"])
def test_the_end_of_its_input_is_its_end(given: bytes) -> None:
    answers = io.BytesIO()
    serve(cast(Ear, Deaf()), io.BytesIO(given), answers)
    assert answers.getvalue() == b""
