"""Words that no dictionary holds."""

from pathlib import Path

import pytest

from callwright.media.speech.pronunciation import ARPABET, arpabet, pronounced

_PHONES = "AA AE AH AO AW AY B CH D DH EH ER EY F G HH IH IY JH K L M N NG OW OY P R S SH T TH UH UW V W Y Z ZH"
PHONES = frozenset(_PHONES.split())
"""Those of the recogniser's model."""


def test_every_phone_is_the_model_s() -> None:
    assert {phone for phones in ARPABET.values() for phone in phones} == PHONES


@pytest.mark.parametrize(
    ("phonemes", "phones"),
    [
        ("k_'O:_l_r_aI_t", "K AO L R AY T"),
        (",A@_t_'i:", "AA R T IY"),
        ("b_'V_t#_3", "B AH T ER"),
        ("z_'i:_;_,E", "Z IY EH"),
        ("a_@@@", None),
        ("", None),
        ("?", None),
    ],
)
def test_phonemes_of_espeak_in_arpabet(phonemes: str, phones: str | None) -> None:
    assert arpabet(phonemes) == phones


def test_words() -> None:
    found = pronounced(["callwright", "siobhan", "o'grady", "4u", "x" * 31, "na\u00efve"], "espeak-ng")
    assert set(found) == {"callwright", "siobhan", "o'grady"}
    assert found["callwright"] == "K AO L R AY T"
    assert all(set(phones.split()) <= PHONES for phones in found.values())
    assert pronounced([], "espeak-ng") == {}


def test_without_a_program(caplog: pytest.LogCaptureFixture) -> None:
    assert pronounced(["callwright"], "/nonexistent/espeak-ng") == {}
    assert "/nonexistent/espeak-ng" in caplog.text


def test_a_program_that_says_something_else(tmp_path: Path) -> None:
    program = tmp_path / "speaker"
    program.write_text("#!/bin/sh\necho one\necho two\n")
    program.chmod(0o755)
    assert pronounced(["callwright"], str(program)) == {}
