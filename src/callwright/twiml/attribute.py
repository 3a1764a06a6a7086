"""Typed attributes: what each may say, what it means when absent, and the warning code of a bad value.

A verb declares its attributes as a table of these; the table is read by `reading.Reading.values` and walked by tests.
A bad value never fails a document: it is warned about and the default holds (call-control reference §1.1).
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar, cast

from callwright.twiml.characters import has_controls

T = TypeVar("T")

SCHEMA_WARNING = 12200
DAY = 86400
ENDLESS_CAP = 1000


@dataclass(frozen=True, slots=True)
class Attribute(Generic[T]):
    """One attribute of an element.

    Attributes:
        read: the value of its text; raises ValueError for a bad one.
        default: when absent or bad.
        code: the warning of a bad value.
        unsupported: any value but the default is warned about, for it has no effect here.
        why: it has no effect here, in words; "" for one that has, or whose whole element has none.
        allowed: its values, in words.
        good, bad: samples of values that are taken, and of values that are not.
        location: a URL, judged by the reading.
    """

    name: str
    read: Callable[[str], T]
    default: T
    code: int = SCHEMA_WARNING
    unsupported: bool = False
    allowed: str = ""
    good: tuple[str, ...] = ()
    bad: tuple[str, ...] = ()
    location: bool = False
    why: str = ""


class Values:
    """The attributes of one element, read: typed look-up by the attribute's declaration."""

    __slots__ = ("_given",)

    def __init__(self, given: Mapping[str, object]) -> None:
        self._given = given

    def __getitem__(self, attribute: Attribute[T]) -> T:
        return cast(T, self._given.get(attribute.name, attribute.default))

    def given(self, attribute: Attribute[Any]) -> bool:
        """Whether the element has it, with a good value."""
        return attribute.name in self._given


def _boolean(text: str) -> bool:
    match text.strip().lower():
        case "true":
            return True
        case "false":
            return False
    raise ValueError("neither true nor false")


def boolean(name: str, default: bool, code: int = SCHEMA_WARNING) -> Attribute[bool]:
    """`true` or `false`, in any case of letters."""
    return Attribute(name, _boolean, default, code, False, "true, false", ("true", "false"), ("yes", ""))


def whole(text: str, low: int, high: int) -> int:
    """The whole number in `text`.

    Raises:
        ValueError: it is none, or outside of low..high.
    """
    text = text.strip()
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise ValueError("not a whole number")
    if not low <= (number := int(text)) <= high:
        raise ValueError(f"not within {low}..{high}")
    return number


def integer(name: str, default: int, low: int, high: int, code: int = SCHEMA_WARNING) -> Attribute[int]:
    """A whole number of low..high."""
    beyond = (str(high + 1), "x", *([str(low - 1)] if low else []))
    spread = f"{low} to {high}"
    return Attribute(
        name, lambda text: whole(text, low, high), default, code, False, spread, (str(low), str(high)), beyond
    )


def loop(name: str, code: int) -> Attribute[int]:
    """How often a sound is played: 1; 0 without end; capped at 1000."""
    return Attribute(
        name,
        lambda text: min(whole(text, 0, 999_999_999), ENDLESS_CAP),
        1,
        code,
        False,
        f"0 (endless) to {ENDLESS_CAP}",
        ("0", "3"),
        ("-1", "often"),
    )


def choice(name: str, values: Iterable[str], default: str, code: int = SCHEMA_WARNING) -> Attribute[str]:
    """One of a few words, spelt exactly."""
    given = tuple(values)

    def read(text: str) -> str:
        if (word := text.strip()) not in given:
            raise ValueError("not one of its values")
        return word

    return Attribute(name, read, default, code, False, ", ".join(given), given, ("no such word", ""))


def method(name: str = "method", code: int = SCHEMA_WARNING) -> Attribute[str]:
    """GET or POST (POST)."""

    def read(text: str) -> str:
        if (word := text.strip().upper()) not in ("GET", "POST"):
            raise ValueError("neither GET nor POST")
        return word

    return Attribute(name, read, "POST", code, False, "GET, POST", ("GET", "POST"), ("PUT", ""))


def pattern(name: str, expression: str, default: str = "", code: int = SCHEMA_WARNING) -> Attribute[str]:
    """Text that matches a regular expression from end to end, blanks around it removed."""
    matcher = re.compile(expression)

    def read(text: str) -> str:
        if not matcher.fullmatch(text := text.strip()):
            raise ValueError("not of its form")
        return text

    return Attribute(name, read, default, code, allowed=expression)


def keys(name: str, default: str, code: int, *, most: int) -> Attribute[str]:
    """Keys of a telephone, none to `most` of them; "" is none."""
    written = pattern(name, rf"[0-9*#]{{0,{most}}}", default, code)
    return replace(written, allowed=f"0 to {most} of 0-9 * #", good=("", "5"), bad=("a", "#" * (most + 1)))


def text(name: str, code: int = SCHEMA_WARNING, *, most: int = 4096) -> Attribute[str]:
    """Free text without control characters, blanks around it removed."""

    def read(raw: str) -> str:
        raw = raw.strip()
        if len(raw) > most or has_controls(raw):
            raise ValueError("too long, or holds a control character")
        return raw

    allowed = f"text of up to {most} characters"
    return Attribute(name, read, "", code, False, allowed, ("some text",), ("x" * (most + 1),))


def address(name: str, code: int = 11100) -> Attribute[str]:
    """A URL, absolute or relative; "" is none. The reading resolves and checks it; that of an `action` is only found
    out when it is requested."""
    judged = name != "action"
    bad = ("ftp://x/",) if judged else ()
    return Attribute(name, str.strip, "", code, False, "a URL", ("/next",), bad, judged)


def idle(attribute: Attribute[T], why: str, *, warned: bool = True) -> Attribute[T]:
    """The same attribute, which is read and changes nothing here.

    Args:
        why: in words, for whoever looks for its effect.
        warned: whether a call's log says so; not of what only chooses between things of which there is one here.
    """
    bad = () if attribute.location else attribute.bad  # nobody requests it, and so nobody judges it
    return replace(attribute, unsupported=warned, why=why, location=False, bad=bad)


def words(name: str, allowed: frozenset[str], default: frozenset[str], code: int) -> Attribute[frozenset[str]]:
    """A list of words separated by blanks, as SDKs join them."""

    def read(text: str) -> frozenset[str]:
        listed = frozenset(text.replace(",", " ").split())
        if not listed or not listed <= allowed:
            raise ValueError("holds a word that is not one of its values")
        return listed

    given = tuple(sorted(allowed))
    told = "a list of " + ", ".join(given)
    return Attribute(name, read, default, code, False, told, (*given, " ".join(given)), ("no such word", ""))
