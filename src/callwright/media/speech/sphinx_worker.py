"""The recogniser's own process: one utterance at a time, from standard input to standard output.

PocketSphinx holds Python's global lock while it searches, so it has a process where nobody waits for that lock. A
message is one letter, four bytes of length (little-endian) and a body; each is answered by four bytes of length and
one JSON object:

    O  JSON {"rate", "hints", "commands"}: a new utterance   -> {}
    A  int16 little-endian mono samples                      -> {"partial": what was understood so far}
    E  the end of the utterance                              -> {"text", "confidence", "left_out"}
"""

import json
import math
import os
import struct
import sys
from typing import Any, BinaryIO

import numpy as np
import soxr
from numpy.typing import NDArray
from pocketsphinx import Decoder

from callwright.media.speech.grammar import Grammar, grammar, spoken
from callwright.media.speech.pronunciation import pronounced

RATE = 16000
FRAME = RATE // 100
"""PocketSphinx scores frames of 10 ms."""
NICE = 5

DITHER = 100.0
"""The acoustic model has never met a band without any energy, which is what a telephone's upper half is: noise at
-50 dBov fills it. Of 102 synthesised words in G.711 87 are understood with it, 74 without."""
LEVEL = 3500.0
"""Root mean square of the loudest 100 ms of speech that the model is used to."""
GAINS = (0.25, 16.0)
MEASURED = RATE * 8 // 10
"""So many samples say how loud somebody speaks; none is decoded before."""
MEAN = "49.08,-6.27,-2.65,6.24,-0.21,-7.79,-2.26,-6.51,-5.50,-0.93,-2.73,-1.71,0.65"
"""The cepstral mean of telephone speech, from which each utterance begins: none depends on the one before."""
LEAD = np.zeros(RATE // 5, np.float32)

FILLERS = frozenset({"<sil>", "<s>", "</s>", "(NULL)", "[NOISE]", "[SPEECH]"})
GRAMMAR_BEAMS = {"beam": 1e-80, "wbeam": 1e-60, "pbeam": 1e-80}
DICTATION_BEAMS = {"beam": 1e-48, "wbeam": 7e-29, "pbeam": 1e-48}

SCORE_HALF, SCORE_SLOPE = -44.0, 4.0
"""The acoustic score of a frame (ten-thousandths of a neper) at which a word is as likely wrong as right."""
COVERED = (0.55, 0.85)
"""Of the frames with speech, the share that the words explain: below the first nothing is believed."""
BELIEVED = 0.4

MOST_ADDED = 5000
"""Words that are added to the dictionary, at most; further ones are left out of their grammars."""


def confidence(score: float, covered: float) -> float:
    """How sure a result is, 0 to 1.

    Args:
        score: the mean acoustic score of its frames.
        covered: the share of the speech that its words explain.
    """
    low, high = COVERED
    share = min(1.0, max(0.0, (covered - low) / (high - low)))
    return share / (1.0 + math.exp((SCORE_HALF - score) / SCORE_SLOPE))


def speech_frames(samples: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which frames of 10 ms stand out: within 25 dB of the loudest."""
    count = len(samples) // FRAME
    power = np.mean(np.square(samples[: count * FRAME].reshape(count, FRAME)), axis=1)
    return np.asarray(power > max(float(power.max(initial=0.0)) / 316.0, DITHER**2 * 2))


class Ear:
    """One decoder and the utterance that it hears.

    Args:
        model: directory of the acoustic model.
        dictionary: its pronouncing dictionary.
        language_model: for utterances without hints.
        speaker: espeak-ng, which knows how words are said that the dictionary does not hold; "" for none.
    """

    def __init__(self, model: str, dictionary: str, language_model: str, speaker: str = "") -> None:
        self._decoder = Decoder(
            hmm=model, dict=dictionary, lm=None, bestpath=False, maxhmmpf=3000, loglevel="FATAL", **GRAMMAR_BEAMS
        )
        self._language_model = language_model
        self._speaker = speaker
        self._asked: set[str] = set()
        self._dictation = self._running = False
        self._grammar: Grammar | None = None
        self._resampler: Any = None
        self._random = np.random.default_rng(1)
        self._gain = 0.0
        self._early: NDArray[np.float32] = np.zeros(0, np.float32)
        self._heard: list[NDArray[np.float32]] = []

    def open(self, rate: int, hints: list[str], commands: bool) -> dict[str, Any]:
        """A new utterance, whatever became of the one before."""
        if self._running:
            self._decoder.end_utt()
        self._grammar = None
        if hints or commands:
            self._learn(hints)
            self._grammar = grammar(hints, commands, self._knows)
            self._with_beams(GRAMMAR_BEAMS)
            self._decoder.add_jsgf_string("hints", self._grammar.jsgf())
            self._decoder.activate_search("hints")
        else:
            self._dictate()
        self._resampler = soxr.ResampleStream(rate, RATE, 1, dtype="float32") if rate != RATE else None
        self._gain, self._early, self._heard = 0.0, np.zeros(0, np.float32), []
        self._random = np.random.default_rng(1)
        self._decoder.set_cmn(MEAN)
        self._decoder.start_utt()
        self._running = True
        self._process(LEAD)
        return {}

    def _knows(self, word: str) -> bool:
        return self._decoder.lookup_word(word) is not None

    def _learn(self, hints: list[str]) -> None:
        """Adds words of the hints to the dictionary, as espeak-ng says them; each is asked for once."""
        words = {word for hint in hints for way in spoken(hint) for word in way.split()}
        new = sorted(word for word in words - self._asked if not self._knows(word))
        new = new[: MOST_ADDED - len(self._asked)]
        if not new or not self._speaker:
            return
        self._asked.update(new)
        for word, phones in pronounced(new, self._speaker).items():
            self._decoder.add_word(word, phones, False)

    def _dictate(self) -> None:
        if not self._dictation:
            self._with_beams(DICTATION_BEAMS)
            self._decoder.add_lm_file("dictation", self._language_model)
            self._dictation = True
        self._decoder.activate_search("dictation")

    def _with_beams(self, beams: dict[str, float]) -> None:
        for name, value in beams.items():
            self._decoder.config[name] = value

    def hear(self, samples: bytes) -> dict[str, Any]:
        """More of the utterance."""
        pcm = np.frombuffer(samples, "<i2").astype(np.float32)
        self._take(pcm, last=False)
        found = self._decoder.hyp()
        text = found.hypstr if found is not None else ""
        return {"partial": self._grammar.written(text) if self._grammar else text}

    def _take(self, pcm: NDArray[np.float32], *, last: bool) -> None:
        if self._resampler is not None:
            pcm = self._resampler.resample_chunk(pcm, last=last)
        if self._gain:
            self._process(pcm * self._gain)
            return
        self._early = np.concatenate([self._early, pcm])
        if len(self._early) >= MEASURED or last:
            self._gain = _gain(self._early)
            self._process(self._early * self._gain)

    def _process(self, pcm: NDArray[np.float32]) -> None:
        if not len(pcm):
            return
        self._heard.append(pcm)
        noisy = pcm + self._random.normal(0.0, DITHER, len(pcm))
        self._decoder.process_raw(np.clip(noisy, -32768, 32767).astype("<i2").tobytes(), False, False)

    def end(self) -> dict[str, Any]:
        """What was said."""
        self._take(np.zeros(0, np.float32), last=True)
        self._process(LEAD)
        self._decoder.end_utt()
        self._running = False
        words, score, covered = self._result()
        sure = confidence(score, covered) if words else 0.0
        text = " ".join(words) if sure >= BELIEVED else ""
        if self._grammar is None:
            return {"text": text, "confidence": sure, "left_out": []}
        return {"text": self._grammar.written(text), "confidence": sure, "left_out": list(self._grammar.left_out)}

    def _result(self) -> tuple[list[str], float, float]:
        """The words, the mean score of a frame of theirs, and the share of the speech that they cover."""
        speech = speech_frames(np.concatenate(self._heard))
        words, total, frames, covered = [], 0.0, 0, 0
        for segment in self._decoder.seg() or ():
            if segment.word in FILLERS:
                continue
            words.append(segment.word.partition("(")[0])
            total += math.log(segment.ascore)
            frames += segment.end_frame - segment.start_frame + 1
            covered += int(speech[segment.start_frame : segment.end_frame + 1].sum())
        return words, 1e4 * total / max(1, frames), covered / max(1, int(speech.sum()))


def _gain(pcm: NDArray[np.float32]) -> float:
    """What brings the loudest 100 ms of the first samples to the level that the model is used to."""
    size = RATE // 10
    parts = np.array_split(pcm, max(1, len(pcm) // size)) if len(pcm) else []
    loudest = max((float(np.sqrt(np.mean(np.square(part)))) for part in parts), default=0.0)
    low, high = GAINS
    return min(high, max(low, LEVEL / max(1.0, loudest)))


def serve(ear: Ear, given: BinaryIO, answers: BinaryIO) -> None:
    """Answers messages until there are none."""
    while len(head := given.read(5)) == 5:
        kind, length = struct.unpack("<cI", head)
        body = given.read(length)
        if kind == b"O":
            answer = ear.open(**json.loads(body))
        elif kind == b"A":
            answer = ear.hear(body)
        else:
            answer = ear.end()
        text = json.dumps(answer).encode()
        answers.write(struct.pack("<I", len(text)) + text)
        answers.flush()


if __name__ == "__main__":
    os.nice(NICE)
    serve(Ear(*sys.argv[1:5]), sys.stdin.buffer, sys.stdout.buffer)
