"""The attributes that nouns of `<Dial>` share: a document for the callee."""

from callwright.calls.application import Hook
from callwright.twiml.attribute import Attribute, Values, address, method
from callwright.twiml.reading import Element, Reading

URL = address("url")


def url_method(code: int) -> Attribute[str]:
    """The method of `url`, with the noun's own code for a bad one."""
    return method(code=code)


def screening(element: Element, values: Values, method: Attribute[str], reading: Reading) -> Hook | None:
    """The document that the callee hears before the bridge; None when there is none.

    Raises:
        ValueError: there is one that cannot be requested. It has been warned about; a callee whom the application meant
            to ask first must not be connected unasked, so such a noun is not dialled.
    """
    if not values[URL]:
        return None
    if (hook := reading.hook(element, values[URL], values[method])) is None:
        raise ValueError("a document that cannot be requested")
    return hook
