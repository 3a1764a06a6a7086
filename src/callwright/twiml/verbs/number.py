"""`<Number>`: a telephone number to dial (call-control reference §1.6)."""

import re

from callwright.calls.control import NumberTarget
from callwright.twiml.attribute import pattern, text
from callwright.twiml.reading import Element, Reading, text_of
from callwright.twiml.verbs.callbacks import STATUS, status_callback
from callwright.twiml.verbs.detection import MACHINE_DETECTION, machine_plan
from callwright.twiml.verbs.leg import URL, screening, url_method

SEND_DIGITS = pattern("sendDigits", r"[0-9*#wW]{0,500}", code=13222)
METHOD = url_method(13221)
BYOC = text("byoc", most=34)
ATTRIBUTES = (SEND_DIGITS, URL, METHOD, *STATUS, BYOC, *MACHINE_DETECTION)

BAD_NUMBER = 13223


def telephone(text: str) -> str:
    """A number without the blanks, dashes, dots and brackets that people write.

    Raises:
        ValueError: something other than a plus sign and 1 to 20 digits is left.
    """
    number = re.sub(r"[\s().\-]", "", text)
    if not re.fullmatch(r"\+?[0-9]{1,20}", number):
        raise ValueError("not a telephone number")
    return number


def plain(element: Element, text: str, reading: Reading) -> NumberTarget | None:
    """The number that is the text of an element; None, with a warning, when it is none."""
    try:
        return NumberTarget(telephone(text))
    except ValueError as fault:
        reading.warn(element, BAD_NUMBER, str(fault))
        return None


def parse(element: Element, reading: Reading) -> NumberTarget | None:
    """The party at a <Number>; None, with a warning, when it cannot be dialled."""
    values = reading.values(element, ATTRIBUTES)
    reading.children(element)
    target = plain(element, text_of(element), reading)
    callback = status_callback(element, values, reading)
    machine = machine_plan(element, values, reading)
    try:
        hook = screening(element, values, METHOD, reading)
    except ValueError:
        return None
    if target is None:
        return None
    return NumberTarget(target.number, values[SEND_DIGITS], callback, hook, machine=machine, byoc=values[BYOC])
