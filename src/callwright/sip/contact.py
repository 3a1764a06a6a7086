"""The Contact header field: who is where, and for how long (RFC 3261 §20.10, §19.1.4)."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

STAR = "*"
MOST = 20
LONGEST_URI = 400
LONGEST_INSTANCE = 128
UNREADABLE_EXPIRES = 3600  # RFC 3261 §10.2.1.1: what cannot be read is an hour
MOST_EXPIRES = 2**32 - 1

_URI = re.compile(
    r"(?P<scheme>sips?):(?:(?P<user>[^@\s<>\"\x00-\x1f\x7f]+)@)?"
    r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<parameters>(?:;[^\s<>\"?;@\x00-\x1f\x7f]+)*)",
    re.IGNORECASE,
)
_Q = re.compile(r"0(\.[0-9]{0,3})?|1(\.0{0,3})?")
_TOKEN = re.compile(r"[A-Za-z0-9.!%*_+`'~-]+")
_SIGNIFICANT = ("user", "ttl", "method", "maddr", "transport")  # they count although one URI alone has them


@dataclass(frozen=True, slots=True)
class Contact:
    """One address.

    Attributes:
        uri: as it stands.
        expires: seconds asked for; None when it says nothing.
        q: preference, 0 to 1, as text; "" when it says nothing.
        instance: URN of the phone (RFC 5626 §4.1), without brackets; "" without one.
        reg_id: which of its flows this is; 0 without one.
    """

    uri: str
    expires: int | None = None
    q: str = ""
    instance: str = ""
    reg_id: int = 0


def parse(values: Iterable[str]) -> list[Contact] | None:
    """The addresses of a message's Contact fields, in order; None for `*`.

    Args:
        values: of each line; several addresses may stand in one.

    Raises:
        ValueError: not Contacts, `*` beside another, too many, or one too long for us.
    """
    parts = [part for value in values for part in split(value, ",")]
    if STAR in parts:
        if len(parts) > 1:
            raise ValueError("* beside another Contact")
        return None
    if len(parts) > MOST:
        raise ValueError(f"more than {MOST} Contacts")
    return [_contact(part) for part in parts]


def split(text: str, separator: str) -> list[str]:
    """The parts between separators that stand neither in quotes nor in angle brackets; empty ones left out.

    Raises:
        ValueError: a quote or bracket is never closed.
    """
    parts, start, at = [], 0, 0
    while at < len(text):
        mark = text[at]
        if mark == '"':
            at = _closing_quote(text, at)
        elif mark == "<":
            at = text.find(">", at)
            if at < 0:
                raise ValueError("a bracket is not closed")
        elif mark == separator:
            parts.append(text[start:at])
            start = at + 1
        at += 1
    parts.append(text[start:])
    return [part.strip() for part in parts if part.strip()]


def _closing_quote(text: str, at: int) -> int:
    at += 1
    while at < len(text) and text[at] != '"':
        at += 2 if text[at] == "\\" else 1
    if at >= len(text):
        raise ValueError("a quote is not closed")
    return at


def _contact(text: str) -> Contact:
    if (begin := _bracket(text)) >= 0:
        end = text.find(">", begin)
        uri, rest = text[begin + 1 : end].strip(), text[end + 1 :]
    else:  # without brackets the parameters are the field's, not the URI's
        uri, semicolon, rest = text.partition(";")
        uri, rest = uri.strip(), semicolon + rest
    if rest.strip() and not rest.strip().startswith(";"):
        raise ValueError("something stands after the address")
    if len(uri) > LONGEST_URI or not uri.isascii() or not _URI.fullmatch(uri):
        raise ValueError("not a SIP URI that can be called")
    given = dict(_parameters(rest))
    q, instance, reg_id = given.get("q", ""), given.get("+sip.instance", ""), given.get("reg-id", "0")
    if q and not _Q.fullmatch(q):
        raise ValueError("not a q")
    if len(instance) > LONGEST_INSTANCE or (
        instance and not re.fullmatch(r"<[\x21-\x3b\x3d\x3f-\x5b\x5d-\x7e]+>", instance)
    ):
        raise ValueError("not an instance")
    if not re.fullmatch(r"[0-9]{1,9}", reg_id):
        raise ValueError("not a reg-id")
    return Contact(uri, _expires(given), q, instance[1:-1], int(reg_id))


def _bracket(text: str) -> int:
    """Where the first bracket outside a quoted name is; -1 without one."""
    at = 0
    while at < len(text):
        if text[at] == "<":
            return at
        if text[at] == ";":
            return -1
        at = _closing_quote(text, at) + 1 if text[at] == '"' else at + 1
    return -1


def _parameters(text: str) -> Iterator[tuple[str, str]]:
    for part in split(text, ";"):
        name, _, value = part.partition("=")
        if not _TOKEN.fullmatch(name.strip()):
            raise ValueError("not a parameter")
        value = value.strip()
        if value.startswith('"'):
            if _closing_quote(value, 0) != len(value) - 1:
                raise ValueError("something stands after a quote")
            value = re.sub(r"\\(.)", r"\1", value[1:-1])
        yield name.strip().lower(), value


def _expires(given: Mapping[str, str]) -> int | None:
    if "expires" not in given:
        return None
    text = given["expires"]
    return min(int(text), MOST_EXPIRES) if re.fullmatch(r"[0-9]{1,20}", text) else UNREADABLE_EXPIRES


@dataclass(frozen=True, slots=True)
class _Place:
    """What of a URI is compared."""

    whom: tuple[str, str, str, str]
    parameters: Mapping[str, str] = field(default_factory=dict)


def _place(uri: str) -> _Place:
    match = _URI.fullmatch(uri)
    if match is None:
        return _Place((uri, "", "", ""))
    parameters = {}
    for parameter in match["parameters"].split(";")[1:]:
        name, _, value = parameter.partition("=")
        parameters[unquote(name).lower()] = unquote(value).lower()
    whom = (match["scheme"].lower(), unquote(match["user"] or ""), match["host"].lower(), match["port"] or "")
    return _Place(whom, parameters)


def same_place(one: str, other: str) -> bool:
    """Whether two SIP URIs name the same place (RFC 3261 §19.1.4)."""
    if one == other:
        return True
    a, b = _place(one), _place(other)
    if a.whom != b.whom:
        return False
    if any(a.parameters.get(name) != b.parameters.get(name) for name in _SIGNIFICANT):
        return False
    return all(b.parameters[name] == value for name, value in a.parameters.items() if name in b.parameters)
