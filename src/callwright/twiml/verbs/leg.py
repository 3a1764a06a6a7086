"""The attributes that nouns of `<Dial>` share: a document for the callee."""

from callwright.twiml.attribute import SCHEMA_WARNING, Attribute, Values, address, method
from callwright.twiml.reading import Element, Reading

URL = address("url")


def url_method(code: int) -> Attribute[str]:
    """The method of `url`, with the noun's own code for a bad one."""
    return method(code=code)


def screened(element: Element, values: Values, reading: Reading) -> bool:
    """Whether the noun wants the callee to hear a document before the bridge.

    That is not carried out here, and a callee whom the application meant to ask first must not be connected unasked:
    such a noun is not dialled.
    """
    if not values[URL]:
        return False
    reading.warn(element, SCHEMA_WARNING, "url is not supported: this party is not dialled")
    return True
