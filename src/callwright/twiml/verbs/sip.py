"""`<Sip>`: SIP URIs to dial, with header fields and credentials (call-control reference §1.6, §7.3)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from callwright.calls.control import SipTarget, StatusCallback
from callwright.twiml.attribute import Attribute, integer, pattern, text
from callwright.twiml.reading import Element, Reading, text_of
from callwright.twiml.verbs.callbacks import STATUS, status_callback
from callwright.twiml.verbs.detection import MACHINE_DETECTION, machine_plan
from callwright.twiml.verbs.leg import URL, screening, url_method
from callwright.twiml.verbs.sip_uri import LONGEST_HEADERS, allowed_name, allowed_value, query_fields, split

BAD_URI = 13243
BAD_CREDENTIALS = 13249
TOO_MANY_URIS = 13250
TOO_MANY_HEADERS = 13251
BAD_HEADER_NAME = 13252
BAD_HEADER_VALUE = 13253

MOST_URIS = 10
LOWEST_PRIORITY = 65535

USERNAME = text("username", BAD_CREDENTIALS, most=255)
PASSWORD = text("password", BAD_CREDENTIALS, most=255)
METHOD = url_method(13241)
SEND_DIGITS = pattern("sendDigits", r"[0-9*#wW]{0,500}", code=13242)
ATTRIBUTES: tuple[Attribute[Any], ...] = (
    USERNAME,
    PASSWORD,
    URL,
    METHOD,
    *STATUS,
    SEND_DIGITS,
    *MACHINE_DETECTION,
)

PRIORITY = integer("priority", LOWEST_PRIORITY, 0, LOWEST_PRIORITY)
WEIGHT = integer("weight", 1, 0, 65535)
URI_ATTRIBUTES = (PRIORITY, WEIGHT, USERNAME, PASSWORD)
HEADER_NAME = pattern("name", ".{0,200}", code=BAD_HEADER_NAME)
HEADER_VALUE: Attribute[str] = Attribute("value", str, "", BAD_HEADER_VALUE)


@dataclass(frozen=True, slots=True)
class Alternative:
    """One URI of a <Sip>. A low `priority` is tried first; within one, `weight` is the share of being first."""

    target: SipTarget
    priority: int = LOWEST_PRIORITY
    weight: int = 1


@dataclass(frozen=True, slots=True)
class Sip:
    """A party with one URI or several."""

    alternatives: tuple[Alternative, ...]

    def ordered(self, draw: Callable[[], float]) -> tuple[SipTarget, ...]:
        """The URIs in the order to try them.

        Args:
            draw: a random number of 0 to 1, once for each choice between equal priorities.
        """
        waiting = sorted(self.alternatives, key=lambda one: one.priority)
        order = []
        while waiting:
            equal = [one for one in waiting if one.priority == waiting[0].priority]
            chosen = _weighted(equal, draw)
            waiting.remove(chosen)
            order.append(chosen.target)
        return tuple(order)


def _weighted(equal: Sequence[Alternative], draw: Callable[[], float]) -> Alternative:
    if len(equal) == 1:
        return equal[0]
    point = draw() * sum(one.weight for one in equal)
    for one in equal:
        point -= one.weight
        if point < 0:
            return one
    return equal[-1]


def parse(element: Element, reading: Reading) -> Sip | None:
    """The party at a <Sip>; None, with a warning, when it cannot be dialled."""
    values = reading.values(element, ATTRIBUTES)
    callback = status_callback(element, values, reading)
    try:
        hook = screening(element, values, METHOD, reading)
    except ValueError:
        return None
    children = reading.children(element, frozenset({"Uri", "Headers"}))
    named = _headers([child for child in children if child.tag == "Headers"], reading)
    alternatives = []
    account = (values[USERNAME], values[PASSWORD])
    if (uri := text_of(element)) and (target := _target(element, uri, named, account, callback, reading)):
        alternatives.append(Alternative(target))
    uris = [child for child in children if child.tag == "Uri"]
    if len(uris) > MOST_URIS:
        reading.warn(element, TOO_MANY_URIS, f"more than {MOST_URIS} <Uri>: the first {MOST_URIS} are used")
    for child in uris[:MOST_URIS]:
        own = reading.values(child, URI_ATTRIBUTES)
        reading.children(child)
        login = (own[USERNAME], own[PASSWORD]) if own[USERNAME] else account
        if target := _target(child, text_of(child), named, login, callback, reading):
            alternatives.append(Alternative(target, own[PRIORITY], own[WEIGHT]))
    if not (alternatives or uri or uris):
        reading.warn(element, BAD_URI, "no SIP URI")
    if not alternatives:
        return None
    machine = machine_plan(element, values, reading)
    digits = values[SEND_DIGITS]
    targets = (replace(one.target, send_digits=digits, screening=hook, machine=machine) for one in alternatives)
    return Sip(tuple(replace(one, target=target) for one, target in zip(alternatives, targets, strict=True)))


def target(element: Element, text: str, reading: Reading) -> SipTarget | None:
    """The target of a URI that stands alone; None, with a warning, when it is none."""
    return _target(element, text, (), ("", ""), None, reading)


def _target(
    element: Element,
    text: str,
    named: Sequence[tuple[str, str]],
    account: tuple[str, str],
    callback: StatusCallback | None,
    reading: Reading,
) -> SipTarget | None:
    try:
        uri, query = split(text)
    except ValueError as fault:
        reading.warn(element, BAD_URI, str(fault))
        return None
    username, password = account
    if bool(username) != bool(password):
        reading.warn(element, BAD_CREDENTIALS, "username and password go together")
        username = password = ""
    fields = _bounded(element, [*_checked(element, query_fields(query), reading), *named], reading)
    return SipTarget(uri, username=username, password=password, headers=fields, callback=callback)


def _headers(elements: Sequence[Element], reading: Reading) -> list[tuple[str, str]]:
    fields = []
    for element in elements:
        for child in reading.children(element, frozenset({"Header"})):
            values = reading.values(child, (HEADER_NAME, HEADER_VALUE))
            fields.extend(_checked(child, [(values[HEADER_NAME], values[HEADER_VALUE].strip())], reading))
    return fields


def _checked(element: Element, fields: Sequence[tuple[str, str]], reading: Reading) -> list[tuple[str, str]]:
    kept = []
    for name, value in fields:
        if not allowed_name(name):
            reading.warn(element, BAD_HEADER_NAME, f"header {name[:100]!r} may not be set")
        elif not allowed_value(value):
            reading.warn(element, BAD_HEADER_VALUE, f"the value of header {name} is not printable text")
        else:
            kept.append((name, value))
    return kept


def _bounded(element: Element, fields: Sequence[tuple[str, str]], reading: Reading) -> tuple[tuple[str, str], ...]:
    """As many of the fields as fit into 1023 characters of name and value."""
    kept = []
    room = LONGEST_HEADERS - 1
    for name, value in fields:
        room -= len(name) + len(value)
        if room < 0:
            reading.warn(element, TOO_MANY_HEADERS, f"headers of {LONGEST_HEADERS} characters or more")
            break
        kept.append((name, value))
    return tuple(kept)
