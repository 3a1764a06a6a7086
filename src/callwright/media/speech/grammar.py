"""From a document's hints to what a grammar-driven recogniser listens for, and back to what the document wrote.

A grammar is JSGF (W3C note of 5 June 2000): the hints, and beside them a digit, yes and no; numbers of several digits
only where they are asked for, because out of a line's noise one digit more is easily heard.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

DIGITS = {
    "zero": "0",
    "oh": "0",
    "one": "1",
    "two": "2",
    "three": "3",
    "four": "4",
    "five": "5",
    "six": "6",
    "seven": "7",
    "eight": "8",
    "nine": "9",
}
ANSWERS = ("yes", "no")
COMMANDS = (
    *ANSWERS,
    *("yeah", "yep", "nope", "okay", "cancel", "stop", "help", "repeat", "continue", "goodbye", "operator", "agent"),
    *("representative", "start over", "go back", "main menu"),
)
MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
CLASSES: Mapping[str, tuple[str, ...]] = {"$MONTH": MONTHS, "$DAY": WEEKDAYS}
"""Class tokens that stand for words; any other stands for a number."""

_ONES = ("", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_TEENS = (
    *("ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen"),
    *("sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_WORD = re.compile(r"[a-z0-9']+")
_FIGURE = {figure: word for word, figure in DIGITS.items() if word != "oh"}


def spoken(phrase: str) -> list[str]:
    """The ways in which a phrase is said, each as lower-case words with a blank between them; [] for no word at all.

    Figures are read one by one, and numbers below a hundred as numbers, too.
    """
    readings: list[list[str]] = [[]]
    for word in _WORD.findall(phrase.lower().replace("\u2019", "'").replace("&", " and ")):
        ways = _ways(word.strip("'"))
        readings = [[*reading, *way] for reading in readings for way in ways][:4]
    return [" ".join(reading) for reading in readings if reading]


def _ways(word: str) -> list[list[str]]:
    if not word:
        return [[]]
    if not any(character.isdigit() for character in word):
        return [[word]]
    parts = re.findall(r"[a-z']+|[0-9]", word)
    singly = [_FIGURE.get(part, part) for part in parts]
    if word.isdigit() and len(word) == 2 and word[0] != "0":
        return [_number(int(word)), singly]
    return [singly]


def _number(number: int) -> list[str]:
    if number < 20:
        return [_TEENS[number - 10]]
    return [word for word in (_TENS[number // 10], _ONES[number % 10]) if word]


@dataclass(frozen=True, slots=True)
class Grammar:
    """What is listened for.

    Attributes:
        phrases: as spoken -> as the document wrote it.
        numbers: digits may follow one another.
        left_out: hints of which a word is in no dictionary.
    """

    phrases: Mapping[str, str]
    numbers: bool = False
    left_out: tuple[str, ...] = ()

    def jsgf(self) -> str:
        """The grammar's text; a hint is ten times as likely as what stands beside it."""
        rules = {"answer": ANSWERS, "digit": tuple(DIGITS)}
        choices = ["/1/ <answer>", "/1/ <digit>"]
        if self.phrases:
            rules["hint"] = tuple(self.phrases)
            choices.insert(0, "/10/ <hint>")
        if self.numbers:
            choices.append("/1/ <digit> <digit>+")
        lines = [f"<{name}> = {' | '.join(words)};" for name, words in rules.items()]
        return "\n".join(["#JSGF V1.0;", "grammar hints;", f"public <utterance> = {' | '.join(choices)};", *lines])

    def written(self, text: str) -> str:
        """What was understood, as the document wrote it; digits as figures."""
        if text in self.phrases:
            return self.phrases[text]
        words = text.split()
        if words and all(word in DIGITS for word in words):
            return "".join(DIGITS[word] for word in words)
        return text


def grammar(hints: Iterable[str], commands: bool, known: Callable[[str], bool]) -> Grammar:
    """The grammar of a document's hints.

    Args:
        commands: short commands are expected beside them.
        known: whether a word can be pronounced.
    """
    phrases: dict[str, str] = {}
    left_out, numbers = [], commands
    for hint in hints:
        if hint.startswith("$"):
            phrases.update({word: word for word in CLASSES.get(hint, ())})
            numbers = numbers or hint not in CLASSES
            continue
        sayable = [way for way in spoken(hint) if all(known(word) for word in way.split())]
        if not sayable:
            left_out.append(hint)
        for way in sayable:
            phrases.setdefault(way, hint)
    for command in COMMANDS if commands else ():
        phrases.setdefault(command, command)
    return Grammar(phrases, numbers, tuple(left_out))
