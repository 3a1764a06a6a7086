"""People and machines (call-control reference §2.3, §3.2): synthesised answers, thresholds, and how many are right."""

import numpy as np
import pytest

from callwright.media.machine import AnsweredBy, Detector, Thresholds, Verdict
from tests.harness import tones
from tests.harness.spoken import quiet, spoken
from tests.harness.tones import Pcm
from tests.media import answers

GREETING = spoken(answers.GREETINGS[0])
"""Some six seconds."""


def told(thresholds: Thresholds, *parts: Pcm) -> Verdict | None:
    detector = Detector(thresholds, 8000)
    return detector.feed(np.concatenate(parts).tobytes())


def test_answers_are_told_rightly() -> None:
    """At least 95 of 100, of every kind, but for the lines on which nobody speaks, which are few."""
    found = answers.scores()
    print(answers.table(found))
    total = sum(score.answers for score in found.values())
    wrong = sum(score.started.total() + score.ended.total() for score in found.values())
    assert total > 150 and wrong <= 0.03 * 2 * total, answers.table(found)
    for score in found.values():
        allowed = max(1, 0.05 * score.answers)
        assert score.started.total() <= allowed and score.ended.total() <= allowed, answers.table(found)


@pytest.mark.parametrize("rate", [8000, 16000, 48000])
def test_every_rate_of_the_mixer(rate: int) -> None:
    hello = np.concatenate([spoken("hello?", rate=rate), quiet(3.0, rate)])
    assert answers.verdict(hello, Thresholds(), rate) is AnsweredBy.HUMAN
    greeting = np.concatenate([spoken(answers.GREETINGS[0], rate=rate), quiet(3.0, rate)])
    assert answers.verdict(greeting, Thresholds(), rate) is AnsweredBy.MACHINE_START


def test_a_long_greeting_is_a_machine_s_as_soon_as_it_is_too_long() -> None:
    verdict = told(Thresholds(speech=2400), quiet(0.5), GREETING)
    assert verdict is not None and verdict.answered_by is AnsweredBy.MACHINE_START
    assert verdict.duration == pytest.approx(500 + 2400, abs=250)


@pytest.mark.parametrize(("threshold", "answered_by"), [(6000, AnsweredBy.HUMAN), (1000, AnsweredBy.MACHINE_START)])
def test_speech_threshold(threshold: int, answered_by: AnsweredBy) -> None:
    words = spoken("good morning, this is Acme support speaking")
    assert 1.5 < len(words) / 8000 < 5
    verdict = told(Thresholds(speech=threshold), words, quiet(3.0))
    assert verdict is not None and verdict.answered_by is answered_by


@pytest.mark.parametrize("threshold", [500, 1200, 3000])
def test_speech_end_threshold(threshold: int) -> None:
    """A person is known after so much silence behind his word."""
    words = spoken("hello")
    last = np.flatnonzero(np.abs(words) > 500)[-1] / 8
    verdict = told(Thresholds(speech_end=threshold), words, quiet(5.0))
    assert verdict is not None and verdict.answered_by is AnsweredBy.HUMAN
    assert verdict.duration == pytest.approx(last + threshold, abs=200)


@pytest.mark.parametrize("threshold", [2000, 5000])
def test_silence_timeout(threshold: int) -> None:
    assert told(Thresholds(silence=threshold), quiet(12.0)) == Verdict(AnsweredBy.UNKNOWN, threshold)


def test_timeout() -> None:
    """A greeting that never ends: its beginning is known, its end is not."""
    endless = [GREETING] * 3
    verdict = told(Thresholds(to_end=True, timeout=8000), *endless)
    assert verdict == Verdict(AnsweredBy.MACHINE_END_OTHER, 8000)
    short = told(Thresholds(timeout=3000, speech=6000), *endless)
    assert short == Verdict(AnsweredBy.UNKNOWN, 3000)


def test_the_end_of_a_beep_is_the_verdict() -> None:
    before = len(GREETING) / 8 + 400
    verdict = told(Thresholds(to_end=True), GREETING, quiet(0.4), tones.tone(1000, 0.6), quiet(3.0))
    assert verdict is not None and verdict.answered_by is AnsweredBy.MACHINE_END_BEEP
    assert verdict.duration == pytest.approx(before + 600, abs=100)


def test_a_machine_that_only_beeps() -> None:
    beep = [quiet(1.0), tones.tone(800, 0.5), quiet(2.0)]
    starts, ends = told(Thresholds(), *beep), told(Thresholds(to_end=True), *beep)
    assert starts is not None and starts.answered_by is AnsweredBy.MACHINE_START
    assert ends is not None and ends.answered_by is AnsweredBy.MACHINE_END_BEEP


def test_keys_are_no_beep() -> None:
    verdict = told(Thresholds(silence=3000), quiet(0.5), tones.dtmf("5", 0.5), quiet(6.0))
    assert verdict == Verdict(AnsweredBy.UNKNOWN, 3000)


def test_the_verdict_never_changes() -> None:
    detector = Detector(Thresholds(silence=2000), 8000)
    first = detector.feed(quiet(2.5).tobytes())
    assert first is not None and detector.feed(GREETING.tobytes()) == first == detector.verdict
