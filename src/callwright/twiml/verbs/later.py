"""Verbs that are known and not carried out: checked as far as a document's author can get them wrong, then skipped.

Each leaves a warning, with its documented code where there is one (call-control reference §8.2).
"""

from dataclasses import dataclass

from callwright.twiml.attribute import SCHEMA_WARNING
from callwright.twiml.reading import Element, Reading

SIM_UNSUPPORTED = 13258
SMS_UNSUPPORTED = 13803
PAY_UNSUPPORTED = 64001
START_NESTED = 14300


@dataclass(frozen=True, slots=True)
class Known:
    """The schema of a verb that is skipped.

    Attributes:
        code: the warning that says so.
        child_code: the warning of a child element that does not belong there.
    """

    attributes: frozenset[str] = frozenset()
    children: frozenset[str] = frozenset()
    code: int = SCHEMA_WARNING
    child_code: int = SCHEMA_WARNING


def _known(attributes: str, children: str = "", code: int = SCHEMA_WARNING, child: int = SCHEMA_WARNING) -> Known:
    return Known(frozenset(attributes.split()), frozenset(children.split()), code, child)


_SMS = "to from action method statusCallback"
VERBS: dict[str, Known] = {
    "Connect": _known(
        "action method",
        "Stream ConversationRelay VirtualAgent Room Conversation Autopilot AiSession ConversationRelaySession",
    ),
    "Echo": _known(""),
    "Message": _known(_SMS, code=SMS_UNSUPPORTED),
    "Pay": _known(
        "input action bankAccountType statusCallback statusCallbackMethod timeout maxAttempts securityCode postalCode "
        "minPostalCodeLength paymentConnector paymentMethod tokenType chargeAmount currency description validCardTypes "
        "language",
        "Prompt Parameter",
        PAY_UNSUPPORTED,
    ),
    "Prompt": _known("for errorType cardType attempt requireMatchingInputs", "Say Play Pause", PAY_UNSUPPORTED),
    "Queue": _known("url method reservationSid postWorkActivitySid"),
    "Refer": _known("action method", "Sip"),
    "Sms": _known(_SMS, code=SMS_UNSUPPORTED),
    "Start": _known("action method", "Stream Recording Siprec Transcription", child=START_NESTED),
    "Stop": _known("", "Stream Recording Siprec Transcription"),
}


def check(element: Element, reading: Reading) -> bool:
    """Warns about a verb that is known and skipped; False when it is not known at all."""
    if (known := VERBS.get(str(element.tag))) is None:
        return False
    for key in element.attrib:
        if not str(key).startswith("{") and key not in known.attributes:
            reading.warn(element, SCHEMA_WARNING, f"unknown attribute {key!s}")
    reading.children(element, known.children, known.child_code)
    reading.warn(element, known.code, "is not supported and is skipped")
    return True
