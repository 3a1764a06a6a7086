"""`<Application>`: another application that takes the caller over for a while (call-control reference §6.6)."""

from callwright.calls.control import ApplicationTarget
from callwright.twiml.attribute import SCHEMA_WARNING, boolean, pattern, text
from callwright.twiml.reading import Element, Reading, text_of
from callwright.twiml.verbs import parameter
from callwright.twiml.verbs.callbacks import STATUS, status_callback
from callwright.twiml.verbs.leg import URL, screening, url_method

METHOD = url_method(SCHEMA_WARNING)
CUSTOMER = text("customerId", most=256)
COPY_TO = boolean("copyParentTo", False)
ATTRIBUTES = (URL, METHOD, *STATUS, CUSTOMER, COPY_TO)

BAD_APPLICATION = 21218
SID = pattern("ApplicationSid", "AP[0-9a-f]{32}", code=BAD_APPLICATION)


def parse(element: Element, reading: Reading) -> ApplicationTarget | None:
    """The application at an <Application>; None, with a warning, when there is none."""
    values = reading.values(element, ATTRIBUTES)
    callback = status_callback(element, values, reading)
    children = reading.children(element, frozenset({"ApplicationSid", "Parameter"}))
    named = [child for child in children if child.tag == "ApplicationSid"]
    parameters = parameter.read_all([child for child in children if child.tag == "Parameter"], reading)
    for child in named:
        reading.values(child, ())
        reading.children(child)
    try:
        sid = SID.read(text_of(named[0]) if named else text_of(element))
    except ValueError:
        reading.warn(element, BAD_APPLICATION, "no ApplicationSid")
        return None
    try:
        hook = screening(element, values, METHOD, reading)
    except ValueError:
        return None
    return ApplicationTarget(sid, parameters, values[CUSTOMER], values[COPY_TO], callback, hook)
