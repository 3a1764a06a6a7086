"""WAV headers: closed, streamed, under way and broken."""

from pathlib import Path

import pytest

from callwright.media import wave
from tests.harness import tones

PCM = tones.tone(1000, 1.0)
BODY = tones.wav_bytes(PCM)


def test_a_closed_file(tmp_path: Path) -> None:
    facts = wave.measure(tones.write_wav(tmp_path / "a.wav", PCM))
    assert (facts.channels, facts.rate, facts.bits, facts.data_offset, facts.data_bytes) == (1, 8000, 16, 44, 16000)
    assert facts.duration == 1.0


@pytest.mark.parametrize("claimed", [0, 100, 0x7FFFF000, 0xFFFFFFFF])
def test_sizes_that_do_not_fit_give_way_to_the_file(claimed: int) -> None:
    size = claimed.to_bytes(4, "little")
    broken = BODY[:4] + size + BODY[8:40] + size + BODY[44:]
    assert wave.parse(broken, len(broken)).data_bytes == 16000
    assert wave.parse(broken[:-3], len(broken) - 3).data_bytes == 15996


def test_chunks_around_the_data_are_no_samples() -> None:
    extra = b"LIST" + (5).to_bytes(4, "little") + b"abcde\0"
    body = BODY[:12] + extra + BODY[12:] + extra
    body = body[:4] + (len(body) - 8).to_bytes(4, "little") + body[8:]
    facts = wave.parse(body, len(body))
    assert (facts.data_offset, facts.data_bytes) == (44 + len(extra), 16000)


def test_a_header_that_was_written_is_read() -> None:
    header = wave.header(2, 16000, 6400)
    facts = wave.parse(header, len(header) + 6400)
    assert (facts.channels, facts.rate, facts.bits, facts.frame_bytes) == (2, 16000, 16, 4)
    assert facts.duration == pytest.approx(0.1)
    assert tones.wav_bytes(PCM)[:44] == wave.header(1, 8000, 16000)


def test_offsets_are_on_frames_and_inside() -> None:
    facts = wave.parse(wave.header(2, 8000, 3200), 44 + 3200)
    assert [facts.offset(seconds) for seconds in (-1, 0, 0.01, 0.010001, 5)] == [0, 0, 320, 320, 3200]


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"RIFF",
        b"RIFF\0\0\0\0WAVE",
        b"OggS" + BODY[4:],
        BODY[:12] + BODY[36:],
        BODY[:20] + b"\x07\0" + BODY[22:],
        BODY[:22] + b"\0\0" + BODY[24:],
        BODY[:24] + bytes(4) + BODY[28:],
        BODY[:34] + b"\x0c\0" + BODY[36:],
    ],
)
def test_what_is_no_pcm_wave_file(head: bytes) -> None:
    with pytest.raises(ValueError):
        wave.parse(head, len(head))
