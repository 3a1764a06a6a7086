"""`<Client>`: a client to ring by its identity (call-control reference §1.6)."""

from callwright.calls.control import ClientTarget
from callwright.twiml.attribute import SCHEMA_WARNING, address, idle
from callwright.twiml.reading import Element, Reading, text_of
from callwright.twiml.verbs import parameter
from callwright.twiml.verbs.callbacks import STATUS, status_callback
from callwright.twiml.verbs.leg import URL, screening, url_method

METHOD = url_method(SCHEMA_WARNING)
NOTIFICATION = idle(address("clientNotificationUrl", SCHEMA_WARNING), "nobody is told by push notification")
ATTRIBUTES = (URL, METHOD, *STATUS, NOTIFICATION)

LONGEST_IDENTITY = 256


def parse(element: Element, reading: Reading) -> ClientTarget | None:
    """The party at a <Client>; None, with a warning, when it cannot be dialled."""
    values = reading.values(element, ATTRIBUTES)
    callback = status_callback(element, values, reading)
    children = reading.children(element, frozenset({"Identity", "Parameter"}))
    named = [text_of(child) for child in children if child.tag == "Identity"]
    parameters = parameter.read_all([child for child in children if child.tag == "Parameter"], reading)
    for child in children:
        if child.tag == "Identity":
            reading.values(child, ())
            reading.children(child)
    identity = (named[0] if named else text_of(element)).removeprefix("client:")
    try:
        hook = screening(element, values, METHOD, reading)
    except ValueError:
        return None
    if not identity or len(identity) > LONGEST_IDENTITY or not identity.isprintable():
        reading.warn(element, SCHEMA_WARNING, f"no identity of 1 to {LONGEST_IDENTITY} printable characters")
        return None
    return ClientTarget(identity, parameters, callback, hook)
