"""The recogniser itself: real processes, real speech through a telephone's band."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from callwright.errors import MediaError, StartError
from callwright.media.speech import sphinx
from callwright.media.speech.recognition import Heard, Listening, Recognition
from callwright.media.speech.sphinx import Model, SphinxRecognition
from tests.harness import tones
from tests.harness.spoken import VOICES, spoken
from tests.harness.tones import Pcm

HINTS = ("sales", "technical support", "billing question", "operator", "cancel my subscription")


@pytest.fixture
async def recognition() -> AsyncIterator[SphinxRecognition]:
    made = SphinxRecognition(Model.embedded(), processes=2)
    yield made
    await made.close()


async def understood(
    recognition: Recognition, pcm: Pcm, listening: Listening, rate: int = 8000, partials: list[str] | None = None
) -> Heard:
    """What is understood of samples that come in pieces of 100 ms."""
    hearing = recognition.hear(listening, rate, None if partials is None else partials.append)
    data = pcm.tobytes()
    try:
        for start in range(0, len(data), rate // 5):
            hearing.feed(data[start : start + rate // 5])
        return await hearing.finish()
    finally:
        hearing.close()


def workers() -> list[str]:
    """Process ids of recognisers that are children of this process."""
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
    return [pid for pid in children if sphinx.WORKER.encode() in Path(f"/proc/{pid}/cmdline").read_bytes()]


async def test_hints_are_understood_of_every_voice(recognition: SphinxRecognition) -> None:
    said = [(phrase, voice) for phrase in HINTS for voice in VOICES]
    heard = await asyncio.gather(
        *(understood(recognition, spoken(phrase, voice), Listening(hints=HINTS)) for phrase, voice in said)
    )
    wrong = [(*who, one) for who, one in zip(said, heard, strict=True) if one.text != who[0]]
    assert len(wrong) <= 1, wrong
    assert all(0.4 <= one.confidence <= 1 for one in heard if one.text)
    assert len(workers()) == 2, "the pool is bounded"


async def test_what_is_no_hint_is_not_taken_for_one(recognition: SphinxRecognition) -> None:
    said = [(phrase, voice) for phrase in ("hello world", "tomorrow morning", "banana") for voice in VOICES]
    heard = [await understood(recognition, spoken(*who), Listening(hints=HINTS)) for who in said]
    taken = [(*who, one) for who, one in zip(said, heard, strict=True) if one.text]
    assert len(taken) <= 1, taken


async def test_numbers_are_figures(recognition: SphinxRecognition) -> None:
    heard = await understood(recognition, spoken("four two"), Listening(commands=True))
    assert heard.text == "42"


@pytest.mark.parametrize("rate", [8000, 16000, 48000])
async def test_every_rate_of_the_mixer(recognition: SphinxRecognition, rate: int) -> None:
    heard = await understood(recognition, spoken("technical support", rate=rate), Listening(hints=HINTS), rate)
    assert heard.text == "technical support"


async def test_a_quiet_speaker(recognition: SphinxRecognition) -> None:
    heard = await understood(recognition, spoken("operator", level=-38.0), Listening(hints=HINTS))
    assert heard.text == "operator"


@pytest.mark.parametrize("pcm", [tones.silence(1.0), tones.silence(0.0)], ids=["silence", "no sample"])
async def test_nothing_is_understood_of_nothing(recognition: SphinxRecognition, pcm: Pcm) -> None:
    assert await understood(recognition, pcm, Listening(hints=HINTS)) == Heard()


async def test_partial_results_come_before_the_end(recognition: SphinxRecognition) -> None:
    partials: list[str] = []
    heard = await understood(recognition, spoken("cancel my subscription"), Listening(hints=HINTS), partials=partials)
    assert partials[-1] == heard.text == "cancel my subscription"
    assert len(partials) == len(set(partials))


async def test_free_speech_without_hints(recognition: SphinxRecognition) -> None:
    """The large language model: it understands something, and the next utterance has hints again."""
    heard = await understood(recognition, spoken("one two three four five", "en-us+m3", rate=16000), Listening(), 16000)
    assert {"three", "four"} & set(heard.text.split()), heard
    again = await understood(recognition, spoken("operator"), Listening(hints=HINTS))
    assert again.text == "operator"


async def test_a_hint_that_cannot_be_pronounced(recognition: SphinxRecognition) -> None:
    heard = await understood(recognition, spoken("operator"), Listening(hints=("xqzzt", "operator")))
    assert heard == Heard("operator", heard.confidence, ("xqzzt",))


async def test_a_name_that_no_dictionary_holds() -> None:
    """espeak-ng knows how it is said."""
    names = ("Callwright", "Siobhan", "operator")
    one = SphinxRecognition(Model.embedded(), processes=1, speaker="espeak-ng")
    try:
        for name in names:
            heard = await understood(one, spoken(name, "en-us+f3"), Listening(hints=names))
            assert (heard.text, heard.left_out) == (name, ())
    finally:
        await one.close()


async def test_an_utterance_does_not_depend_on_the_one_before(recognition: SphinxRecognition) -> None:
    one = SphinxRecognition(Model.embedded(), processes=1)
    try:
        first = await understood(one, spoken("sales"), Listening(hints=HINTS))
        await understood(one, spoken("technical support", "en-us+f3", level=-35), Listening(hints=HINTS))
        again = await understood(one, spoken("sales"), Listening(hints=HINTS))
        assert (again.text, again.confidence) == (first.text, pytest.approx(first.confidence, abs=0.3))
        assert len(workers()) == 1
    finally:
        await one.close()
    assert workers() == []


async def test_who_leaves_in_the_middle_leaves_the_process_usable() -> None:
    one = SphinxRecognition(Model.embedded(), processes=1)
    try:
        await understood(one, spoken("sales"), Listening(hints=HINTS))
        hearing = one.hear(Listening(hints=HINTS), 8000)
        hearing.feed(spoken("technical support")[:4000].tobytes())
        hearing.close()
        assert (await understood(one, spoken("operator"), Listening(hints=HINTS))).text == "operator"
    finally:
        await one.close()


async def test_idle_processes_end() -> None:
    one = SphinxRecognition(Model.embedded(), processes=1, idle=0.05)
    try:
        await understood(one, spoken("sales"), Listening(hints=HINTS))
        async with asyncio.timeout(10):
            while workers():
                await asyncio.wait([asyncio.get_running_loop().create_future()], timeout=0.02)
    finally:
        await one.close()


async def test_a_process_that_dies_fails_its_utterance_and_no_other(
    recognition: SphinxRecognition, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(sphinx, "WORKER", "callwright.no_such_module")
        with pytest.raises(MediaError) as caught:
            await understood(recognition, spoken("sales"), Listening(hints=HINTS))
        assert caught.value.code == 13340
    assert (await understood(recognition, spoken("operator"), Listening(hints=HINTS))).text == "operator"


async def test_a_process_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "hangs.py").write_text("import sys, threading\nthreading.Event().wait()\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(sphinx, "WORKER", "hangs")
    monkeypatch.setattr(sphinx, "ANSWER_S", 0.5)
    one = SphinxRecognition(Model.embedded(), processes=1)
    with pytest.raises(MediaError, match="longer than"):
        await understood(one, spoken("sales"), Listening(hints=HINTS))
    await one.close()
    assert workers() == []


async def test_no_interpreter(recognition: SphinxRecognition, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")
    with pytest.raises(MediaError, match="cannot be started"):
        await understood(recognition, spoken("sales"), Listening(hints=HINTS))


async def test_the_loop_is_free_while_people_speak(
    recognition: SphinxRecognition, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Searching is done elsewhere: no callback of the loop takes 50 ms of its thread's time."""
    spent: list[float] = []
    run = asyncio.Handle._run

    def timed(handle: asyncio.Handle) -> None:
        begun = time.thread_time()
        run(handle)
        spent.append(time.thread_time() - begun)

    monkeypatch.setattr(asyncio.Handle, "_run", timed)
    said = [spoken(phrase, voice) for phrase in HINTS for voice in VOICES]
    await asyncio.gather(*(understood(recognition, pcm, Listening(hints=HINTS)) for pcm in said))
    assert len(spent) > 100 and max(spent) < 0.05


def test_languages() -> None:
    made = SphinxRecognition.__new__(SphinxRecognition)
    made._language = "en-US"
    assert made.knows("en-GB") and made.knows("en") and not made.knows("de-DE")


def test_a_model_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(StartError, match=r"speech\.recognition_model: .*no an acoustic model"):
        Model.at(tmp_path)
    (tmp_path / "acoustic").mkdir()
    (tmp_path / "acoustic" / "mdef").touch()
    (tmp_path / "words.dict").touch()
    with pytest.raises(StartError, match=r"no \*\.lm\.bin there"):
        Model.at(tmp_path)
    (tmp_path / "x-phone.lm.bin").touch()
    (tmp_path / "x.lm.bin").touch()
    assert Model.at(tmp_path) == Model(tmp_path / "acoustic", tmp_path / "words.dict", tmp_path / "x.lm.bin")
