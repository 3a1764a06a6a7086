"""What is written in short, as it is said."""

import subprocess

import pytest

from callwright.media.speech import wording


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("1/2", "1 half"),
        ("3/2", "3 halves"),
        ("3/8", "3 eighths"),
        ("1 1/2", "1 and 1 half"),
        ("2+3/20", "2 and 3 twentieths"),
        ("5/17", "5 over 17"),
        ("half", "half"),
        ("1/2/3", "1/2/3"),
    ],
)
def test_fractions(written: str, said: str) -> None:
    assert wording.fraction(written) == said


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("5kg", "5 kilograms"),
        ("1 kg", "1 kilogram"),
        ("6ft 2in", "6 feet 2 inches"),
        ("65mph", "65 miles per hour"),
        ("-4.5°C", "-4.5 degrees Celsius"),
        ("100%", "100 percent"),
        ("3 cats", "3 cats"),
    ],
)
def test_units(written: str, said: str) -> None:
    assert wording.measure(written) == said


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("1'21\"", "1 minute 21 seconds"),
        ("2'", "2 minutes"),
        ('1"', "1 second"),
        ("10:30", "10:30"),
        ("", ""),
    ],
)
def test_durations(written: str, said: str) -> None:
    assert wording.duration(written) == said


def test_addresses() -> None:
    assert wording.address("150 NW Park Blvd., Apt. 4") == "150 Northwest Park Boulevard, Apartment 4"


@pytest.mark.parametrize(
    ("word", "role", "letters"),
    [
        ("read", "amazon:VB", "r'i:d"),
        ("Read", "amazon:VBD", "r'Ed"),
        ("record", "amazon:NN", "r'Ek3d"),
        ("word", "amazon:NN", ""),
        ("read", "amazon:SENSE_1", ""),
        ("read", "", ""),
    ],
)
def test_words_that_are_said_in_two_ways(word: str, role: str, letters: str) -> None:
    assert wording.by_role(word, role) == letters


def test_espeak_knows_their_letters() -> None:
    for letters in {letters for table in wording.ROLES.values() for letters in table.values()}:
        run = ["espeak-ng", "-q", "-x", "-v", "en-us", f"[[{letters}]]"]
        read = subprocess.run(run, capture_output=True, text=True, check=True).stdout
        assert read.strip().replace("'", "") == letters.replace("'", ""), letters
