"""Answers to calls, synthesised: people, machines, faxes and lines on which nobody speaks; and how well they are told.

python -m tests.media.answers          # the table of README.md
"""

import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from callwright.media.machine import AnsweredBy, Detector, Thresholds
from tests.harness import tones
from tests.harness.spoken import quiet, spoken
from tests.harness.tones import Pcm

RATE = 8000
VOICES = ("en-us", "en-us+f3", "en-us+m3", "en-gb", "de", "en-us+whisper")
PEOPLE = (
    "hello?",
    "hi",
    "yes?",
    "hello, this is Alice speaking",
    "Acme support, good morning",
    "hello ... hello?",
)
GREETINGS = (
    "Hi, you have reached Bob. I can not come to the phone right now. Please leave a message after the tone.",
    "The person you are calling is not available. At the tone, please record your message. "
    "When you have finished recording, you may hang up.",
    "Hello, this is the mailbox of the Smith family. We are not at home, leave us a message and we will call you back.",
)
BEEPS = (425.0, 620.0, 800.0, 1000.0, 1400.0, 2000.0)
NOISES = (-75.0, -50.0)
"""dBov of the line."""
LEVELS = (-16.0, -22.0, -28.0, -34.0)
SPEEDS = (125, 150, 180)
"""Words a minute."""


@dataclass(frozen=True)
class Answer:
    """One answer and what must be told of it, when a machine's greeting is heard to its end or not."""

    kind: str
    pcm: Pcm
    started: AnsweredBy
    ended: AnsweredBy


def _line(parts: list[Pcm], noise: float, seed: int) -> Pcm:
    """Parts one after the other on a noisy line, as G.711 carries it; 8 s of the line follow."""
    whole = np.concatenate([*parts, tones.silence(8.0)])
    noisy = whole.astype(np.int32) + quiet(len(whole) / RATE, level=noise, seed=seed)
    return tones.decode(tones.encode(np.clip(noisy, -32768, 32767).astype(np.int16)))


def _said(words: str, voice: str, seed: int) -> Pcm:
    return spoken(words, voice, level=LEVELS[seed % len(LEVELS)], speed=SPEEDS[seed % len(SPEEDS)])


def people() -> Iterator[Answer]:
    for seed, (words, voice, noise) in enumerate(itertools.product(PEOPLE, VOICES, NOISES)):
        pcm = _line([tones.silence(0.3 + seed % 5 * 0.3), _said(words, voice, seed)], noise, seed)
        yield Answer("a person", pcm, AnsweredBy.HUMAN, AnsweredBy.HUMAN)


def machines() -> Iterator[Answer]:
    cases = itertools.product(GREETINGS, VOICES, NOISES)
    for seed, (words, voice, noise) in enumerate(cases):
        greeting = [tones.silence(0.5), _said(words, voice, seed)]
        beep = tones.tone(BEEPS[seed % len(BEEPS)], 0.2 + seed % 4 * 0.2, dbov=-12.0 - seed % 3 * 5)
        pcm = _line([*greeting, tones.silence(0.3 + seed % 3 * 0.4), beep], noise, seed)
        yield Answer("a greeting and a beep", pcm, AnsweredBy.MACHINE_START, AnsweredBy.MACHINE_END_BEEP)
        pcm = _line(greeting, noise, seed)
        yield Answer("a greeting without a beep", pcm, AnsweredBy.MACHINE_START, AnsweredBy.MACHINE_END_SILENCE)


def short_machines() -> Iterator[Answer]:
    for seed, (hz, voice) in enumerate(itertools.product(BEEPS, VOICES[:4])):
        parts = [tones.silence(0.4), _said("Leave a message.", voice, seed), tones.silence(0.3), tones.tone(hz, 0.4)]
        pcm = _line(parts, NOISES[seed % 2], seed)
        yield Answer("a short greeting and a beep", pcm, AnsweredBy.MACHINE_START, AnsweredBy.MACHINE_END_BEEP)


def faxes() -> Iterator[Answer]:
    for seed, level in enumerate((-10.0, -20.0, -28.0)):
        answering = [tones.silence(1.0), tones.tone(2100.0, 3.0, dbov=level)]
        calling = [tones.silence(0.5), tones.tone(1100.0, 0.5, dbov=level), tones.silence(3.0)]
        for parts, noise in itertools.product((answering, calling), NOISES):
            yield Answer("a fax", _line(parts, noise, seed), AnsweredBy.FAX, AnsweredBy.FAX)


def nobody() -> Iterator[Answer]:
    for seed, noise in enumerate((-120.0, -75.0, -60.0, -50.0, -40.0, -30.0)):
        yield Answer("silence or noise", _line([tones.silence(1.0)], noise, seed), *[AnsweredBy.UNKNOWN] * 2)


def answers() -> Iterator[Answer]:
    """All of them."""
    return itertools.chain(people(), machines(), short_machines(), faxes(), nobody())


def verdict(pcm: Pcm, thresholds: Thresholds, rate: int = RATE) -> AnsweredBy | None:
    """What a detector says of samples that come in pieces of 60 ms."""
    detector, data, piece = Detector(thresholds, rate), pcm.tobytes(), rate * 2 * 60 // 1000
    for start in range(0, len(data), piece):
        if found := detector.feed(data[start : start + piece]):
            return found.answered_by
    return None


@dataclass
class Score:
    """How many answers of a kind there are, and what became of those that were told wrongly."""

    answers: int = 0
    started: Counter[str] = field(default_factory=Counter)
    ended: Counter[str] = field(default_factory=Counter)


def scores() -> dict[str, Score]:
    """By the kind of answer."""
    found: dict[str, Score] = {}
    for answer in answers():
        score = found.setdefault(answer.kind, Score())
        score.answers += 1
        for wanted, to_end, wrong in ((answer.started, False, score.started), (answer.ended, True, score.ended)):
            if (told := verdict(answer.pcm, Thresholds(to_end=to_end))) is not wanted:
                wrong[str(told)] += 1
    return found


def table(found: dict[str, Score]) -> str:
    """Markdown."""
    rows = ["| What answers | Answers | Right, Enable | Right, DetectMessageEnd |", "|---|---|---|---|"]
    for kind, score in found.items():
        rows.append(f"| {kind} | {score.answers} | {_right(score, score.started)} | {_right(score, score.ended)} |")
    return "\n".join(rows)


def _right(score: Score, wrong: Counter[str]) -> str:
    share = f"{100 * (score.answers - wrong.total()) / score.answers:.0f} %"
    return f"{share} ({', '.join(f'{name} {count}' for name, count in wrong.items())})" if wrong else share


if __name__ == "__main__":
    print(table(scores()))
