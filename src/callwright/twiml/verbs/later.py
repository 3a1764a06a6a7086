"""Verbs that are known and not carried out: checked as far as a document's author can get them wrong, then skipped.

Each leaves a warning, with its documented code where there is one (call-control reference §8.2).
"""

from callwright.twiml.attribute import SCHEMA_WARNING, Attribute, boolean, pattern, text
from callwright.twiml.reading import Element, Reading
from callwright.twiml.verbs import queue
from callwright.twiml.verbs.callbacks import STATUS
from callwright.twiml.verbs.leg import URL, url_method
from callwright.twiml.verbs.schema import Schema, skip
from callwright.twiml.verbs.ssml import ELEMENTS

SIM_UNSUPPORTED = 13258
PAY_UNSUPPORTED = 64001


def _named(names: str) -> tuple[Attribute[str], ...]:
    return tuple(text(name) for name in names.split())


SSML: dict[str, Schema] = {}
SSML.update(
    {
        name: Schema(tuple(text(attribute) for attribute in forms if not attribute.startswith("{")), SSML)
        for name, forms in ELEMENTS.items()
    }
)
PROMPT_SAID = {
    "Say": Schema(_named("voice language loop"), SSML),
    "Play": Schema(_named("loop digits")),
    "Pause": Schema(_named("length")),
}
PROMPT = Schema(
    (
        text("for", PAY_UNSUPPORTED, most=200),
        text("errorType", PAY_UNSUPPORTED, most=200),
        text("cardType", PAY_UNSUPPORTED, most=200),
        pattern("attempt", r"[0-9]{1,2}([\s,]+[0-9]{1,2})*", code=PAY_UNSUPPORTED),
        boolean("requireMatchingInputs", False, PAY_UNSUPPORTED),
    ),
    PROMPT_SAID,
    PAY_UNSUPPORTED,
)
VERBS: dict[str, Schema] = {
    "Prompt": PROMPT,
    "Queue": Schema(queue.ATTRIBUTES),
}

NOUNS: dict[str, Schema] = {
    "Sim": Schema(code=SIM_UNSUPPORTED),
    "WhatsApp": Schema((URL, url_method(SCHEMA_WARNING), *STATUS)),
}
"""Nouns of <Dial> that can never be dialled here."""


def check(element: Element, reading: Reading) -> bool:
    """Warns about a verb that is known and skipped; False when it is not known at all."""
    if (known := VERBS.get(str(element.tag))) is None:
        return False
    skip(element, known, reading)
    return True
