"""The attributes that nouns of `<Dial>` share: a document for the callee, and answering machine detection."""

from callwright.calls.application import Hook
from callwright.twiml.attribute import Attribute, Values, address, choice, integer, method
from callwright.twiml.reading import Element, Reading

URL = address("url")
MACHINE_DETECTION = (
    choice("machineDetection", ("Enable", "DetectMessageEnd"), "", unsupported=True),
    integer("machineDetectionTimeout", 30, 3, 60),
    integer("machineDetectionSpeechThreshold", 2400, 1000, 6000),
    integer("machineDetectionSpeechEndThreshold", 1200, 500, 5000),
    integer("machineDetectionSilenceTimeout", 5000, 2000, 10000),
    address("amdStatusCallback"),
    method("amdStatusCallbackMethod"),
)
"""Accepted and checked; without detection the call goes on as if none was asked for."""


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
