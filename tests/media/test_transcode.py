"""Decoding: every format gives the tone that was put into it; caps and garbage end in MediaError 13420."""

import random
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from callwright.errors import MediaError
from callwright.media import transcode
from callwright.media.formats import Format, recognise
from callwright.media.transcode import DecodeLimits
from tests.harness import tones
from tests.media import sounds

LIMITS = DecodeLimits()


def decoded(
    path: Path, *, content_type: str = "", url: str = "", rate: int = 16000, limits: DecodeLimits = LIMITS
) -> bytes:
    form = recognise(path, content_type=content_type, url=url)
    if form is None:
        raise MediaError("not a sound", code=13420)
    return transcode.decode(path, form, rate, limits)


@pytest.mark.parametrize("kind", sounds.KINDS)
@pytest.mark.parametrize("rate", [8000, 16000])
def test_every_format_gives_the_tone_at_its_level(kind: str, rate: int, tmp_path: Path) -> None:
    make, content_type, url = sounds.KINDS[kind]
    pcm = sounds.heard(decoded(sounds.write(tmp_path, make()), content_type=content_type, url=url, rate=rate))
    assert len(pcm) / rate == pytest.approx(1.0, abs=0.13)  # MP3 and AAC pad with up to two frames
    middle = pcm[rate // 4 : rate * 3 // 4]
    strongest = tones.frequencies(middle, rate)[0]
    assert strongest.hz == pytest.approx(sounds.HZ, abs=3)
    assert strongest.dbov == pytest.approx(sounds.DBOV, abs=1.0)
    assert tones.level_dbov(middle) == pytest.approx(sounds.DBOV, abs=1.0)  # and nothing else is heard


def test_sixteen_bits_at_the_clock_rate_pass_unchanged(tmp_path: Path) -> None:
    pcm = np.random.default_rng(7).integers(-32768, 32768, 16000).astype(np.int16)
    assert decoded(tones.write_wav(tmp_path / "a.wav", pcm, 16000)) == pcm.tobytes()


def test_channels_are_mixed_with_equal_weight(tmp_path: Path) -> None:
    both = sounds.stereo(tones.tone(500, 1, rate=16000, dbov=-10), tones.tone(2000, 1, rate=16000, dbov=-20))
    soundfile.write(tmp_path / "a.wav", both, 16000)
    pcm = sounds.heard(decoded(tmp_path / "a.wav"))
    assert tones.tone_dbov(pcm, 500, rate=16000) == pytest.approx(-16.02, abs=0.2)
    assert tones.tone_dbov(pcm, 2000, rate=16000) == pytest.approx(-26.02, abs=0.2)


def test_samples_beyond_full_scale_are_clipped_and_not_a_number_is_silence(tmp_path: Path) -> None:
    wild = np.array([2.0, -3.0, np.nan, np.inf, -np.inf, 0.5], dtype=np.float32)
    soundfile.write(tmp_path / "a.wav", wild, 16000, subtype="FLOAT")
    assert sounds.heard(decoded(tmp_path / "a.wav")).tolist() == [32767, -32768, 0, 32767, -32768, 16384]


def test_resampling_leaves_no_image_above_the_old_band(tmp_path: Path) -> None:
    pcm = sounds.heard(decoded(tones.write_wav(tmp_path / "a.wav", tones.tone(3000, 1, rate=8000), 8000)))
    assert tones.tone_dbov(pcm, 3000, rate=16000) == pytest.approx(-13, abs=0.3)
    assert tones.tone_dbov(pcm, 5000, rate=16000) < -75


def test_resampled_speech_keeps_its_length_and_level() -> None:
    samples = tones.tone(440, 3, rate=22050).tobytes()
    pcm = sounds.heard(transcode.resample(samples, 22050, 16000))
    assert len(pcm) == pytest.approx(48000, abs=2)
    assert tones.tone_dbov(pcm, 440, rate=16000) == pytest.approx(-13, abs=0.2)
    assert transcode.resample(samples, 22050, 22050) is samples


def test_a_bomb_is_stopped_by_its_length_while_it_is_decoded(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "bomb.flac", np.zeros(48000 * 600, dtype=np.int16), 48000)
    assert (tmp_path / "bomb.flac").stat().st_size < 200_000
    with pytest.raises(MediaError, match="longer than 5 s") as raised:
        decoded(tmp_path / "bomb.flac", limits=DecodeLimits(sound_seconds=5))
    assert raised.value.code == 13420


def test_decoding_ends_at_its_deadline(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "long.flac", np.zeros(48000 * 300, dtype=np.int16), 48000)
    started = time.monotonic()
    with pytest.raises(MediaError, match="too long"):
        decoded(tmp_path / "long.flac", limits=DecodeLimits(decode_seconds=0.005))
    assert time.monotonic() - started < 2


@pytest.mark.parametrize(
    ("body", "content_type", "url"),
    [
        (b"", "audio/mpeg", "http://h/a.mp3"),
        (b"<html><body>Not found</body></html>", "text/html", "http://h/a.ulaw"),
        (b"<html><body>Not found</body></html>", "audio/mpeg", "http://h/a.mp3"),
        (b'{"error": 1}', "application/json", "http://h/a.wav"),
        (b"#EXTM3U\n#EXT-X-TARGETDURATION:1\nfile:///etc/passwd\n", "audio/mpegurl", "http://h/a.m3u8"),
        (b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n/etc/passwd\n", "audio/mpeg", "http://h/a.mp3"),
        (b"RIFF\x00\x00\x00\x00WAVE", "audio/wav", "http://h/a.wav"),
        (b"RIFF\x00\x00\x00\x00AVI LIST", "", "http://h/a.wav"),
        (b"not gsm at all, but long enough to hold a frame or two" * 3, "audio/gsm", "http://h/a.gsm"),
        (b"fLaC" + bytes(100), "", ""),
        (b"OggS" + bytes(100), "", ""),
        (b"\x00\x00\x00\x18ftypM4A " + bytes(200), "", ""),
    ],
)
def test_what_is_no_sound_is_refused(body: bytes, content_type: str, url: str, tmp_path: Path) -> None:
    with pytest.raises(MediaError) as raised:
        decoded(sounds.write(tmp_path, body), content_type=content_type, url=url)
    assert raised.value.code == 13420


def test_a_header_that_claims_many_channels_is_refused(tmp_path: Path) -> None:
    body = bytearray(sounds.by_sndfile("WAV", "PCM_16"))
    body[22:24] = (60000).to_bytes(2, "little")
    with pytest.raises(MediaError):
        decoded(sounds.write(tmp_path, bytes(body)))


def test_a_cut_file_gives_what_it_holds(tmp_path: Path) -> None:
    body = sounds.by_sndfile("WAV", "PCM_16")
    assert len(decoded(sounds.write(tmp_path, body[: 44 + 8000]), rate=8000)) == 8000


def test_a_damaged_mp3_packet_costs_only_its_own_sound(tmp_path: Path) -> None:
    body = bytearray(sounds.by_sndfile("MP3", "MPEG_LAYER_III", rate=44100, seconds=3))
    middle = len(body) // 2
    body[middle : middle + 200] = bytes(200)
    pcm = sounds.heard(decoded(sounds.write(tmp_path, bytes(body))))
    assert len(pcm) / 16000 > 2.7
    assert tones.contains(pcm[: 16000 // 2], sounds.HZ, rate=16000)
    assert tones.contains(pcm[-16000 // 2 :], sounds.HZ, rate=16000)


FUZZED = ["wav-pcm-16", "wav-gsm610", "wav-ima-adpcm", "wav-mp3-inside", "aifc-mulaw", "au-mulaw", "caf", "w64"]
FUZZED += ["ogg-vorbis", "ogg-opus", "flac-48k-six-channels", "mp3-8k", "m4a-aac", "aac-adts", "webm-opus"]


def mutated(whole: bytes, dice: random.Random, round_: int) -> bytes:
    """A file with up to eight bytes of its head changed; every fourth is cut as well. Ogg pages get a true checksum."""
    body = bytearray(whole)
    for _ in range(dice.randint(1, 8)):
        body[dice.randrange(min(len(body), 256))] = dice.choice((0, 0xFF, 0x7F, 0x80, dice.randrange(256)))
    if round_ % 4 == 0:
        body = body[: dice.randrange(len(body))]
    return sounds.checksummed(bytes(body)) if whole.startswith(b"OggS") else bytes(body)


@pytest.mark.parametrize("kind", FUZZED)
def test_M8_mutated_headers_end_in_a_sound_or_an_error(kind: str, tmp_path: Path) -> None:
    make, content_type, url = sounds.KINDS[kind]
    whole, dice = make(), random.Random(kind)
    limits = DecodeLimits(sound_seconds=30, decode_seconds=5)
    refused = 0
    for round_ in range(40):
        file = sounds.write(tmp_path, mutated(whole, dice, round_))
        started = time.monotonic()
        try:
            samples = decoded(file, content_type=content_type, url=url, limits=limits)
        except MediaError as error:
            assert error.code == 13420
            refused += 1
        else:
            assert 0 < len(samples) <= 30 * 16000 * 2 + 64
        assert time.monotonic() - started < 10
    assert 0 < refused < 40  # harsh enough to break files, mild enough to reach the decoders


@pytest.mark.parametrize("form", [form for form in Format if form not in (Format.MULAW, Format.ALAW)])
def test_noise_is_refused(form: Format, tmp_path: Path) -> None:
    noise = sounds.write(tmp_path, random.Random(13420).randbytes(300))
    with pytest.raises(MediaError) as raised:
        transcode.decode(noise, form, 8000, LIMITS)
    assert raised.value.code == 13420
