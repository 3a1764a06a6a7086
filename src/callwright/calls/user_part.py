"""The number that a gateway may take the user part of a SIP URI for (RFC 3261 §19.1.6, RFC 3966 §3)."""

import re
from dataclasses import dataclass
from urllib.parse import unquote

from callwright.sip.uri import is_sip

SHORTEST = 11
"""Digits of a user part without a plus that is taken for a number wherever the URI points."""
MOST_ESCAPES = 3
"""So many times over may an escape be escaped until nobody undoes it."""

_USER_INFO = re.compile(r"<?\s*sips?:([^@>]*)@(.*)", re.IGNORECASE | re.DOTALL)
_EXACT = re.compile(r"\+?[0-9A-D*#]{1,32}\Z")
_LETTER = re.compile(r"[A-D]")  # keys of a military telephone, and of many a name
_BEGINS = re.compile(r"\+?[0-9]{3,20}(?![0-9A-Za-z])")
_VISUAL = str.maketrans("", "", " -().")  # RFC 3966 §5.1.1, and what people write besides
_ANY_MARK = str.maketrans("", "", " -()./")
_CONTEXT, _REROUTES = "phone-context", frozenset({"rn", "cic"})
"""Parameters that make another number of one, or another carrier carry it (RFC 3966 §5.1.5, RFC 4694 §4)."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a user part says.

    Attributes:
        number: digits, "*", "#" and A to D, perhaps behind a plus; "" when it does not even begin as a number.
        exact: whether it is that number, and no gateway can read another one in it.
        named: whether it begins with a letter, as names do.
    """

    number: str
    exact: bool
    named: bool = False

    @property
    def dials(self) -> bool:
        """Whether the number is one wherever the URI points."""
        long = self.number.startswith(("+", "00", "011")) or len(self.number) >= SHORTEST
        return long and not _LETTER.search(self.number)


NOTHING = Reading("", exact=False)


def read(uri: str) -> Reading:
    """A SIP URI's user part: escapes undone, password and parameters cut off, visual separators left out."""
    if not is_sip(uri.lstrip("< ")) or (match := _USER_INFO.match(uri)) is None:
        return NOTHING
    user, *parameters = re.split("[;:]", _unescaped(match[1]))
    number = user.translate(_VISUAL)
    if _EXACT.match(number):
        parameters += re.split("[;?]", match[2])[1:]
        return Reading(number, exact=not any(_changes(one, number) for one in parameters))
    begins = _BEGINS.match(user.translate(_ANY_MARK))
    return Reading(begins[0] if begins else "", exact=False, named=user[:1].isascii() and user[:1].isalpha())


def _unescaped(text: str) -> str:
    for _ in range(MOST_ESCAPES):
        plain = unquote(text)
        if plain == text:
            break
        text = plain
    return text


def _changes(parameter: str, number: str) -> bool:
    """Whether a parameter makes another number of one: a gateway may look at it, or not."""
    name, _, value = parameter.partition("=")
    name = name.strip().lower()
    if name == _CONTEXT:
        return value.strip().startswith("+") and not number.startswith("+")
    return name in _REROUTES
