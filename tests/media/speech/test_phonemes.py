"""Pronunciations in espeak-ng's letters."""

import subprocess

import pytest

from callwright.media.speech.phonemes import ALPHABETS, spelled


@pytest.mark.parametrize(
    ("alphabet", "written", "letters"),
    [
        ("ipa", "təˈmeɪtoʊ", "t@'meItoU"),
        ("IPA", " tʃɜːtʃ ", "tS3:tS"),
        ("ipa", "ˈwʊd.tʃʌk wɔːk", "'wUdtSVk wO:k"),
        ("x-sampa", 't@"meItoU', "t@'meItoU"),
        ("x-sampa", "tS3:tS", "tS3:tS"),
        ("x-sampa", 'h@"l@U', "h@'loU"),
    ],
)
def test_what_can_be_said(alphabet: str, written: str, letters: str) -> None:
    assert spelled(alphabet, written, "en-GB") == letters


@pytest.mark.parametrize(
    ("alphabet", "written", "language"),
    [
        ("ipa", "œ̃", "en-US"),
        ("ipa", "", "en-US"),
        ("ipa", "ˈ", "en-US"),
        ("ipa", "a" * 201, "en-US"),
        ("ipa", "a", "de-DE"),
        ("x-amazon-pinyin", "bo2", "en-US"),
        ("x-sampa", "]]", "en-US"),
        ("x-sampa", "<a>", "en-US"),
    ],
)
def test_what_cannot_be_said_is_not_guessed(alphabet: str, written: str, language: str) -> None:
    assert spelled(alphabet, written, language) == ""


@pytest.mark.parametrize("alphabet", ALPHABETS)
def test_espeak_knows_every_letter(alphabet: str) -> None:
    """Each is read back as it was written, but for the stress that a lone vowel is given."""
    for letters in sorted({one for one in ALPHABETS[alphabet].values() if one.strip("', ")}):
        read = subprocess.run(
            ["espeak-ng", "-q", "-x", "-v", "en-us", f"[[{letters}]]"], capture_output=True, text=True, check=True
        ).stdout
        assert read.strip(" '\n").lower() == letters.removesuffix("#").lower(), letters
