"""The attributes that nouns of `<Dial>` share: a document for the callee, and answering machine detection."""

from callwright.twiml.attribute import SCHEMA_WARNING, Attribute, Values, address, choice, integer, method
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


def screened(element: Element, values: Values, reading: Reading) -> bool:
    """Whether the noun wants the callee to hear a document before the bridge.

    That is not carried out here, and a callee whom the application meant to ask first must not be connected unasked:
    such a noun is not dialled.
    """
    if not values[URL]:
        return False
    reading.warn(element, SCHEMA_WARNING, "url is not supported: this party is not dialled")
    return True
