"""Recognising formats: content first, then content type, then extension, and a frame's sync last."""

from pathlib import Path

import pytest

from callwright.media.formats import Format, extension, recognise, sniff
from tests.media import sounds

EXPECTED = {
    "wav": Format.WAV,
    "rf64": Format.WAV,
    "w64": Format.W64,
    "aiff": Format.AIFF,
    "aifc": Format.AIFF,
    "au": Format.AU,
    "caf": Format.CAF,
    "flac": Format.FLAC,
    "ogg": Format.OGG,
    "mp3": Format.MP3,
    "m4a": Format.MP4,
    "aac": Format.AAC,
    "webm": Format.WEBM,
}


@pytest.mark.parametrize("kind", [kind for kind in sounds.KINDS if not kind.startswith("raw")])
def test_content_alone_tells_and_outweighs_the_rest(kind: str, tmp_path: Path) -> None:
    file = sounds.write(tmp_path, sounds.KINDS[kind][0]())
    expected = EXPECTED[kind.partition("-")[0]]
    assert recognise(file) is expected
    if expected not in (Format.MP3, Format.AAC) or kind == "mp3-id3":
        assert recognise(file, content_type="audio/basic", url="http://h/a.gsm") is expected


@pytest.mark.parametrize(
    ("head", "content_type", "url", "expected"),
    [
        (b"\xff" * 64, "", "", None),
        (b"\xff" * 64, "audio/basic", "", Format.MULAW),
        (b"\xff\xfb\x90\x64" + bytes(60), "", "", Format.MP3),
        (b"\xff\xfb\x90\x64" + bytes(60), "audio/x-mulaw", "", Format.MULAW),
        (b"\xff\xf1\x50\x80" + bytes(60), "", "", Format.AAC),
        (b"anything", "AUDIO/PCMA; rate=8000", "http://h/a.gsm", Format.ALAW),
        (b"anything", "application/octet-stream", "http://h/a.GSM?b=c.mp3#d", Format.GSM),
        (b"anything", "text/html", "http://h/a.gsm", None),
        (b"anything", "", "http://h/a%2Eulaw", Format.MULAW),
        (b"anything", "audio/wav", "http://h/a.wav", None),
        (b"anything", "", "http://h/wav", None),
        (b"", "", "", None),
        (b"RIFF", "", "", None),
        (b"RIFF....AVI ", "audio/basic", "", Format.MULAW),
    ],
)
def test_sniffing(head: bytes, content_type: str, url: str, expected: Format | None) -> None:
    assert sniff(head, content_type=content_type, url=url) is expected


@pytest.mark.parametrize(
    ("behind", "expected"),
    [(b"fLaC" + bytes(40), Format.FLAC), (b"\xff\xfb\x90\x64" + bytes(40), Format.MP3), (b"", Format.MP3)],
)
def test_a_tag_in_front_is_passed_over(behind: bytes, expected: Format, tmp_path: Path) -> None:
    tag = b"ID3\x04\x00\x00\x00\x00\x02\x00" + bytes(256)
    assert recognise(sounds.write(tmp_path, tag + tag + behind)) is expected
    assert recognise(sounds.write(tmp_path, b"ID3\x04\x00\x00\xff\xff\xff\xff" + behind)) is Format.MP3


def test_extensions() -> None:
    assert extension("http://h/a/b.WAV?x=.mp3") == ".wav"
    assert extension("http://h.mp3/a") == ""
    assert extension("http://[") == ""
    assert extension("") == ""
