"""espeak-ng itself: real processes, real sound; and programs that misbehave in its place."""

import asyncio
import os
import stat
import sys
from pathlib import Path

import numpy as np
import pytest

from callwright.errors import MediaError, StartError
from callwright.media.library import Library
from callwright.media.speech.espeak import EspeakSynthesis
from callwright.media.speech.protocol import Synthesis, Utterance
from tests.harness import tones
from tests.media import sounds
from tests.media.conftest import Opener, Sound


def alive(pid: str) -> bool:
    """Whether a process exists; one that was reaped does not."""
    return os.path.exists(f"/proc/{pid}")


@pytest.fixture
async def espeak() -> EspeakSynthesis:
    synthesis = EspeakSynthesis()
    await synthesis.check()
    return synthesis


async def say(espeak: Synthesis, text: str, voice: str = "", language: str = "", *, ssml: bool = False) -> Utterance:
    return await espeak.synthesise(text, voice=voice, language=language, ssml=ssml)


def seconds(utterance: Utterance) -> float:
    return len(utterance.samples) / 2 / utterance.rate


def fundamental(utterance: Utterance) -> float:
    """The voice's pitch in Hz: the median over frames of 50 ms of the shortest period that repeats itself well."""
    pcm = sounds.heard(utterance.samples).astype(np.float64)
    size = utterance.rate // 20
    low, high = utterance.rate // 400, utterance.rate // 60
    found = []
    for start in range(0, len(pcm) - size - high, size):
        frame = pcm[start : start + size]
        if np.abs(frame).max() < 1000:
            continue
        likeness = []
        for lag in range(low, high):
            later = pcm[start + lag : start + lag + size]
            likeness.append(frame @ later / (np.linalg.norm(frame) * np.linalg.norm(later) + 1))
        best = max(likeness)
        if best > 0.7:
            first = next(i for i, value in enumerate(likeness) if value > 0.9 * best)
            while likeness[first + 1] > likeness[first]:
                first += 1
            found.append(utterance.rate / (low + first))
    return float(np.median(found))


async def code_of(espeak: Synthesis, text: str, voice: str = "", language: str = "", *, ssml: bool = False) -> int:
    with pytest.raises(MediaError) as raised:
        await say(espeak, text, voice, language, ssml=ssml)
    return raised.value.code


async def test_text_becomes_speech(espeak: EspeakSynthesis) -> None:
    utterance = await say(espeak, "Good morning, you have reached the office.")
    assert 1.5 < seconds(utterance) < 6
    assert tones.level_dbov(sounds.heard(utterance.samples)) > -35
    assert espeak.identity.startswith("espeak-ng 1.")


async def test_men_and_women_sound_different(espeak: EspeakSynthesis) -> None:
    text = "Good morning, you have reached the office."
    man, woman, joanna = [await say(espeak, text, voice) for voice in ("man", "woman", "Polly.Joanna-Neural")]
    assert fundamental(woman) > fundamental(man) * 1.3
    assert len({man.samples, woman.samples, joanna.samples}) == 3


async def test_languages_sound_different(espeak: EspeakSynthesis) -> None:
    spoken = {
        language: (await say(espeak, "Paris 1999", "man", language)).samples
        for language in ("en-US", "en-GB", "fr-FR", "de-DE", "es-MX", "cmn-CN", "ja-JP", "pt-BR")
    }
    assert len(set(spoken.values())) == len(spoken)
    assert spoken["fr-FR"] == (await say(espeak, "Paris 1999", "", "fr-CA")).samples


async def test_what_cannot_be_spoken_has_its_code(espeak: EspeakSynthesis) -> None:
    assert await code_of(espeak, "hello", "robot") == 13511
    assert await code_of(espeak, "hello", "man", "xx-XX") == 13512
    assert await code_of(espeak, "\x00\x01", "man") == 13520
    assert await code_of(espeak, "<break", ssml=True) == 13520
    assert await code_of(espeak, '<lang xml:lang="xx">hello</lang>', ssml=True) == 13512


async def test_markup_is_heard_and_not_spoken(espeak: EspeakSynthesis) -> None:
    plain = await say(espeak, "hello world")
    markup = await say(espeak, "hello world", ssml=True)
    assert seconds(markup) == pytest.approx(seconds(plain), abs=0.2)
    paused = await say(espeak, 'hello <break time="2s"/> world', ssml=True)
    assert max(gap.length for gap in tones.gaps(sounds.heard(paused.samples), rate=paused.rate)) > 1.9
    slow = await say(espeak, '<prosody rate="50%">hello world</prosody>', ssml=True)
    assert seconds(slow) > seconds(markup) * 1.4
    high = await say(espeak, '<prosody pitch="+50%">hello world how are you</prosody>', ssml=True)
    low = await say(espeak, '<prosody pitch="-50%">hello world how are you</prosody>', ssml=True)
    assert fundamental(high) > fundamental(low) * 1.2
    loud = await say(espeak, '<prosody volume="+6dB">hello world</prosody>', ssml=True)
    level = tones.level_dbov(sounds.heard(markup.samples))
    assert tones.level_dbov(sounds.heard(loud.samples)) == pytest.approx(level + 6, abs=2.5)


async def test_break_strengths_grow(espeak: EspeakSynthesis) -> None:
    lengths = [
        seconds(await say(espeak, f'one <break strength="{strength}"/> two', ssml=True))
        for strength in ("weak", "medium", "strong", "x-strong")
    ]
    assert lengths == sorted(lengths)
    assert lengths[-1] - lengths[0] > 0.7


@pytest.mark.parametrize(("time", "lasts"), [("250ms", 0.25), ("1s", 1.0), ("2.5s", 2.5)])
async def test_breaks_last_as_long_as_they_say(espeak: EspeakSynthesis, time: str, lasts: float) -> None:
    without = seconds(await say(espeak, 'one <break time="1ms"/> two', ssml=True))
    paused = seconds(await say(espeak, f'one <break time="{time}"/> two', ssml=True))
    assert paused - without == pytest.approx(lasts, abs=0.15)


async def test_rates_shorten_what_is_said(espeak: EspeakSynthesis) -> None:
    text = "the quick brown fox jumps over the lazy dog"
    lengths = [
        seconds(await say(espeak, f'<prosody rate="{rate}">{text}</prosody>', ssml=True))
        for rate in ("x-slow", "slow", "medium", "fast", "x-fast")
    ]
    assert lengths == sorted(lengths, reverse=True) and lengths[0] > 1.5 * lengths[-1]
    half, twice = [
        seconds(await say(espeak, f'<prosody rate="{rate}">{text}</prosody>', ssml=True)) for rate in ("50%", "200%")
    ]
    assert half > 1.6 * lengths[2] and twice < 0.7 * lengths[2]


@pytest.mark.parametrize(
    ("alphabet", "ph", "word"), [("ipa", "həlˈoʊ", "hello"), ("x-sampa", 'h@l"oU', "hello"), ("ipa", "fˈɑks", "fox")]
)
async def test_phonemes_are_heard_in_place_of_the_word(
    espeak: EspeakSynthesis, alphabet: str, ph: str, word: str
) -> None:
    quoted = ph.replace('"', "&quot;")
    heard = await say(espeak, f'<phoneme alphabet="{alphabet}" ph="{quoted}">x</phoneme>', ssml=True)
    assert seconds(heard) == pytest.approx(seconds(await say(espeak, word, ssml=True)), rel=0.2)
    assert heard.samples != (await say(espeak, "x", ssml=True)).samples


async def test_a_word_has_its_role(espeak: EspeakSynthesis) -> None:
    now = await say(espeak, '<w role="amazon:VB">read</w>', ssml=True)
    past = await say(espeak, '<w role="amazon:VBD">read</w>', ssml=True)
    assert now.samples != past.samples
    assert seconds(past) == pytest.approx(seconds(await say(espeak, "red", ssml=True)), rel=0.2)
    follows = await say(espeak, 'I <w role="amazon:VBD">read</w>', ssml=True)
    assert seconds(follows) == pytest.approx(seconds(await say(espeak, "I red", ssml=True)), rel=0.2)


async def test_say_as_and_sub_change_the_words(espeak: EspeakSynthesis) -> None:
    number = await say(espeak, "1234", ssml=True)
    digits = await say(espeak, '<say-as interpret-as="digits">1234</say-as>', ssml=True)
    assert digits.samples == (await say(espeak, "1 2 3 4", ssml=True)).samples != number.samples
    alias = await say(espeak, '<sub alias="World Wide Web">WWW</sub>', ssml=True)
    assert alias.samples == (await say(espeak, "World Wide Web", ssml=True)).samples


async def test_another_language_inside_keeps_the_gender(espeak: EspeakSynthesis) -> None:
    text = '<lang xml:lang="fr-FR">bonjour tout le monde, comment allez vous</lang>'
    woman, man = [await say(espeak, text, voice, ssml=True) for voice in ("woman", "man")]
    assert fundamental(woman) > fundamental(man) * 1.2


async def test_M8_markup_reaches_no_file_and_no_program(espeak: EspeakSynthesis, tmp_path: Path) -> None:
    bait = tones.write_wav(tmp_path / "bait.wav", tones.tone(3000, 2, rate=22050), 22050)
    said = await say(espeak, f'hello <audio src="{bait}">there</audio>', ssml=True)
    pcm = sounds.heard(said.samples)
    assert not tones.contains(pcm, 3000, rate=said.rate, below_total_db=10)
    assert said.samples == (await say(espeak, "hello there", ssml=True)).samples
    assert (await say(espeak, "[[h@l@U]]")).samples != (await say(espeak, "hello")).samples


async def test_text_never_becomes_an_option(espeak: EspeakSynthesis, tmp_path: Path) -> None:
    assert seconds(await say(espeak, f"-w {tmp_path}/out.wav")) > 1
    assert os.listdir(tmp_path) == []


async def test_many_texts_at_once_are_all_spoken(espeak: EspeakSynthesis) -> None:
    found = await asyncio.gather(*(say(espeak, f"number {number}") for number in range(20)))
    assert len({utterance.samples for utterance in found}) == 20


async def test_the_library_speaks_at_the_clock_rate(espeak: EspeakSynthesis, opened: Opener) -> None:
    library: Library[Sound] = await opened(synthesis=espeak)
    sound = await library.speech("hello world", voice="woman", language="en-US")
    direct = await say(espeak, "hello world", "woman", "en-US")
    assert len(sound.samples) / 2 / 16000 == pytest.approx(seconds(direct), abs=0.001)
    level = tones.level_dbov(sounds.heard(direct.samples))
    assert tones.level_dbov(sounds.heard(sound.samples)) == pytest.approx(level, abs=1)


# programs in its place


def program(folder: Path, body: str) -> str:
    """An executable that answers --version and --voices as espeak-ng does, and otherwise runs `body`."""
    path = folder / "fake-espeak"
    path.write_text(
        f"#!{sys.executable}\n"
        "import os, signal, sys, time\n"
        "if '--version' in sys.argv: print('eSpeak NG text-to-speech: 9.9  Data at: /x')\n"
        "elif '--voices' in sys.argv: print('Pty Language A V File\\n 5 en-us --/M English gmw/en-US')\n"
        "else:\n" + "".join(f"    {line}\n" for line in body.splitlines())
    )
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


async def checked(command: str, *, limit: float = 20.0, sound: float = 1.0) -> EspeakSynthesis:
    synthesis = EspeakSynthesis(command, seconds=limit, sound_seconds=sound)
    await synthesis.check()
    return synthesis


@pytest.mark.parametrize("command", ["no-such-program-at-all", "/dev/null", "true"])
async def test_a_missing_program_stops_the_start_with_one_line_that_helps(command: str) -> None:
    with pytest.raises(StartError) as raised:
        await EspeakSynthesis(command).check()
    assert "apt-get install espeak-ng" in raised.value.message
    assert "\n" not in raised.value.message
    assert command in raised.value.message


async def test_a_program_that_hangs_is_killed(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    body = f"open({str(pid_file)!r}, 'w').write(str(os.getpid()))\nsignal.pause()"
    synthesis = await checked(program(tmp_path, body), limit=1.0)
    with pytest.raises(MediaError, match="longer than 1 s"):
        await say(synthesis, "hello")
    assert not alive(await asyncio.to_thread(pid_file.read_text))


async def test_a_program_that_never_stops_speaking_is_killed(tmp_path: Path) -> None:
    synthesis = await checked(program(tmp_path, "while True: sys.stdout.buffer.write(bytes(65536))"))
    assert await code_of(synthesis, "hello") == 13521


async def test_a_program_that_fails_is_quoted(tmp_path: Path) -> None:
    synthesis = await checked(program(tmp_path, "sys.exit('the dictionary is broken')"))
    with pytest.raises(MediaError, match="failed with 1: the dictionary is broken") as raised:
        await say(synthesis, "hello" * 20000)
    assert raised.value.code == 12400


@pytest.mark.parametrize("output", ["b'not a WAV file'", "b'RIFF' + bytes(4) + b'WAVE'"])
async def test_a_program_that_gives_no_sound_is_an_error(tmp_path: Path, output: str) -> None:
    synthesis = await checked(program(tmp_path, f"sys.stdin.read()\nsys.stdout.buffer.write({output})"))
    assert await code_of(synthesis, "hello") == 12400


async def test_a_cancelled_text_leaves_no_process(tmp_path: Path) -> None:
    fifo, begun = tmp_path / "fifo", asyncio.Event()
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDWR | os.O_NONBLOCK)
    asyncio.get_running_loop().add_reader(reader, begun.set)
    body = f"open({str(fifo)!r}, 'w').write(str(os.getpid()))\nsignal.pause()"
    synthesis = await checked(program(tmp_path, body))
    speaking = asyncio.create_task(say(synthesis, "hello"))
    await begun.wait()
    asyncio.get_running_loop().remove_reader(reader)
    pid = os.read(reader, 20).decode()
    os.close(reader)
    assert alive(pid)
    speaking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await speaking
    assert not alive(pid)


async def test_it_must_be_checked_first() -> None:
    with pytest.raises(RuntimeError, match="check"):
        await say(EspeakSynthesis(), "hello")
