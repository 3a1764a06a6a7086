"""Hints, as a document writes them and as people say them."""

import pytest

from callwright.media.speech.grammar import ANSWERS, COMMANDS, DIGITS, MONTHS, Grammar, grammar, spoken


def anything(word: str) -> bool:
    return True


@pytest.mark.parametrize(
    ("phrase", "ways"),
    [
        ("Technical Support", ["technical support"]),
        ("  yes!  ", ["yes"]),
        ("don't know", ["don't know"]),
        ("don\u2019t know", ["don't know"]),
        ("check-in", ["check in"]),
        ("R&D", ["r and d"]),
        ("5", ["five"]),
        ("line 42", ["line forty two", "line four two"]),
        ("15", ["fifteen", "one five"]),
        ("20", ["twenty", "two zero"]),
        ("07", ["zero seven"]),
        ("911", ["nine one one"]),
        ("B2B", ["b two b"]),
        ("...", []),
        ("\u00fcber", ["ber"]),
    ],
)
def test_how_a_phrase_is_said(phrase: str, ways: list[str]) -> None:
    assert spoken(phrase) == ways


def test_many_numbers_in_a_phrase_have_few_readings() -> None:
    assert len(spoken("11 22 33 44 55 66")) == 4


def test_a_grammar_of_hints() -> None:
    made = grammar(["Sales", "Line 12"], False, anything)
    assert made == Grammar({"sales": "Sales", "line twelve": "Line 12", "line one two": "Line 12"})
    text = made.jsgf()
    assert text.startswith("#JSGF V1.0;\ngrammar hints;\npublic <utterance> = /10/ <hint> | /1/ <answer>")
    assert "<hint> = sales | line twelve | line one two;" in text
    assert f"<digit> = {' | '.join(DIGITS)};" in text and f"<answer> = {' | '.join(ANSWERS)};" in text
    assert "<digit>+" not in text


def test_words_that_nobody_can_pronounce_are_left_out() -> None:
    made = grammar(["sales", "xyzzy desk", "?"], False, lambda word: word != "xyzzy")
    assert made.left_out == ("xyzzy desk", "?") and dict(made.phrases) == {"sales": "sales"}


def test_class_tokens() -> None:
    assert set(grammar(["$MONTH"], False, anything).phrases) == set(MONTHS)
    assert not grammar(["$MONTH"], False, anything).numbers
    assert grammar(["$OPERAND"], False, anything) == Grammar({}, numbers=True)
    assert "/1/ <digit> <digit>+" in grammar(["$OPERAND"], False, anything).jsgf()


def test_commands() -> None:
    made = grammar([], True, anything)
    assert made.numbers and set(made.phrases) == set(COMMANDS)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("line twelve", "Line 12"),
        ("four oh two", "402"),
        ("seven", "7"),
        ("yes", "yes"),
        ("", ""),
        ("one day", "one day"),
    ],
)
def test_what_was_understood_is_written_as_the_document_did(text: str, written: str) -> None:
    assert grammar(["Line 12"], True, anything).written(text) == written
