"""`<Pay>`: takes a payment; out of scope here, and says so to its action (call-control reference §1.2, 64001)."""

from dataclasses import dataclass
from typing import ClassVar, Self

from callwright.calls.application import Hook
from callwright.calls.control import CallControl
from callwright.twiml.attribute import address, boolean, choice, integer, method, pattern, text
from callwright.twiml.outcome import Next, Step
from callwright.twiml.reading import Element, Reading
from callwright.twiml.verbs.callbacks import STATUS_METHOD, STATUS_URL
from callwright.twiml.verbs.later import PAY_UNSUPPORTED, PROMPT
from callwright.twiml.verbs.schema import Schema, check
from callwright.twiml.verbs.streams import PARAMETER
from callwright.twiml.verbs.verb import Verb

ACTION = address("action")
METHOD = method(code=PAY_UNSUPPORTED)
OTHERS = (
    choice("input", ("dtmf",), "dtmf", PAY_UNSUPPORTED),
    text("bankAccountType", PAY_UNSUPPORTED, most=100),
    STATUS_URL,
    STATUS_METHOD,
    integer("timeout", 5, 0, 600, PAY_UNSUPPORTED),
    integer("maxAttempts", 2, 1, 3, PAY_UNSUPPORTED),
    boolean("securityCode", True, PAY_UNSUPPORTED),
    text("postalCode", PAY_UNSUPPORTED, most=20),
    integer("minPostalCodeLength", 0, 0, 20, PAY_UNSUPPORTED),
    text("paymentConnector", PAY_UNSUPPORTED, most=100),
    choice("paymentMethod", ("credit-card", "ach-debit"), "credit-card", PAY_UNSUPPORTED),
    choice("tokenType", ("one-time", "reusable", "payment-method"), "reusable", PAY_UNSUPPORTED),
    pattern("chargeAmount", r"[0-9]{1,9}(\.[0-9]{1,3})?", code=PAY_UNSUPPORTED),
    pattern("currency", "[A-Za-z]{3}", "usd", PAY_UNSUPPORTED),
    text("description", PAY_UNSUPPORTED, most=1000),
    text("validCardTypes", PAY_UNSUPPORTED, most=200),
    text("language", PAY_UNSUPPORTED, most=20),
)
SCHEMA = Schema((ACTION, METHOD, *OTHERS), {"Prompt": PROMPT, "Parameter": PARAMETER}, PAY_UNSUPPORTED)


@dataclass(frozen=True, slots=True)
class Pay(Verb):
    """A payment that fails at once."""

    name: ClassVar[str] = "Pay"
    attributes = SCHEMA.attributes

    action: Hook | None = None

    @classmethod
    def parse(cls, element: Element, reading: Reading) -> Self | None:
        values = check(element, SCHEMA, reading)
        reading.warn(element, PAY_UNSUPPORTED, "is not supported: no payment is taken")
        return cls(reading.action(element, values[ACTION], values[METHOD]))

    async def execute(self, control: CallControl) -> Step:
        if self.action is None:
            return None
        return Next(self.action, {"Result": "internal-error", "ErrorCode": str(PAY_UNSUPPORTED)})
