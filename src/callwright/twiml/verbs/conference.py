"""`<Conference>`: a room to talk in, dialled by name (call-control reference §1.6)."""

import re

from callwright.calls.application import Hook
from callwright.calls.backdrop import Backdrop, Heard
from callwright.calls.conference.plan import (
    BAD_LABEL,
    EVENTS,
    MOST_PARTICIPANTS,
    ConferencePlan,
    ConferenceSettings,
)
from callwright.calls.control import StatusCallback
from callwright.twiml.attribute import (
    SCHEMA_WARNING,
    Attribute,
    Values,
    address,
    boolean,
    choice,
    idle,
    integer,
    method,
    pattern,
    words,
)
from callwright.twiml.characters import has_controls
from callwright.twiml.reading import Element, Reading, text_of
from callwright.twiml.verbs.callbacks import (
    RECORDING_CONFIGURATION,
    RECORDING_EVENTS,
    RECORDING_METHOD,
    RECORDING_URL,
    recording_callback,
)

LONGEST_NAME = LONGEST_LABEL = 128
BAD_NAME = 13237
REGIONS = ("us1", "us2", "ie1", "sg1", "br1", "au1", "jp1", "de1")
BEEPS = {"true": (True, True), "false": (False, False), "onEnter": (True, False), "onExit": (False, True)}
"""Whether there is a tone at the entrance, and at the exit."""
RECORDINGS = {"do-not-record": False, "false": False, "record-from-start": True, "true": True}
USUAL_EVENTS = frozenset({"start", "end"})


def label(written: str) -> str:
    """Another name for a participant, blanks around it removed.

    Raises:
        ValueError: it is too long, holds a slash, or looks like a CallSid.
    """
    written = written.strip()
    if len(written) > LONGEST_LABEL or "/" in written or has_controls(written):
        raise ValueError(f"more than {LONGEST_LABEL} characters, or one that cannot stand there")
    if re.fullmatch(r"CA[0-9a-f]{32}", written):
        raise ValueError("it looks like a CallSid")
    return written


MUTED = boolean("muted", False, 13230)
END_ON_EXIT = boolean("endConferenceOnExit", False, 13231)
START_ON_ENTER = boolean("startConferenceOnEnter", True, 13232)
WAIT_URL = address("waitUrl", 13233)
WAIT_METHOD = method("waitMethod", 13234)
BEEP = choice("beep", BEEPS, "true", 13235)
LABEL: Attribute[str] = Attribute("participantLabel", label, "", BAD_LABEL)
JITTER_BUFFER_SIZE = idle(
    choice("jitterBufferSize", ("large", "medium", "small", "off"), "large"),
    "the buffer fits itself to the line",
    warned=False,
)
MAX_PARTICIPANTS = integer("maxParticipants", MOST_PARTICIPANTS, 2, MOST_PARTICIPANTS)
RECORD = choice("record", RECORDINGS, "do-not-record")
REGION = idle(choice("region", REGIONS, "us1"), "one region, this machine", warned=False)
TRIM = choice("trim", ("trim-silence", "do-not-trim"), "trim-silence", 13239)
COACH = pattern("coach", r"CA[0-9a-f]{32}", code=13240)
STATUS_URL = address("statusCallback")
STATUS_METHOD = method("statusCallbackMethod")
STATUS_EVENTS = words("statusCallbackEvent", EVENTS, USUAL_EVENTS, SCHEMA_WARNING)
EVENT_URL = address("eventCallbackUrl")
ATTRIBUTES = (
    MUTED,
    END_ON_EXIT,
    START_ON_ENTER,
    WAIT_URL,
    WAIT_METHOD,
    BEEP,
    LABEL,
    JITTER_BUFFER_SIZE,
    MAX_PARTICIPANTS,
    RECORD,
    REGION,
    TRIM,
    COACH,
    STATUS_URL,
    STATUS_METHOD,
    STATUS_EVENTS,
    EVENT_URL,
    RECORDING_URL,
    RECORDING_METHOD,
    RECORDING_EVENTS,
    RECORDING_CONFIGURATION,
)


def parse(element: Element, reading: Reading) -> ConferencePlan | None:
    """The conference at an element; None, with a warning, when it has no name that can be used."""
    values = reading.values(element, ATTRIBUTES)
    reading.children(element)
    name = text_of(element)
    if not name or len(name) > LONGEST_NAME or has_controls(name):
        reading.warn(element, BAD_NAME, f"the name must have 1 to {LONGEST_NAME} printable characters")
        return None
    on_enter, on_exit = BEEPS[values[BEEP]]
    return ConferencePlan(
        name=name,
        settings=_settings(element, values, reading),
        muted=values[MUTED],
        beep_on_enter=on_enter,
        beep_on_exit=on_exit,
        start_on_enter=values[START_ON_ENTER],
        end_on_exit=values[END_ON_EXIT],
        label=values[LABEL],
        coach=values[COACH],
        wait=heard(element, values, reading, WAIT_URL, WAIT_METHOD),
    )


def _settings(element: Element, values: Values, reading: Reading) -> ConferenceSettings:
    hook = reading.hook(element, values[STATUS_URL], values[STATUS_METHOD], STATUS_URL.code)
    return ConferenceSettings(
        max_participants=values[MAX_PARTICIPANTS],
        record=RECORDINGS[values[RECORD]],
        trim=values[TRIM] == "trim-silence",
        region=values[REGION],
        callback=StatusCallback(hook, values[STATUS_EVENTS]) if hook else None,
        recording_callback=recording_callback(element, values, reading),
        event_callback=reading.hook(element, values[EVENT_URL], "POST", EVENT_URL.code),
    )


def heard(element: Element, values: Values, reading: Reading, url: Attribute[str], by: Attribute[str]) -> Heard:
    """What a waitUrl means: music when it is absent or cannot be requested, silence when it is empty."""
    if not values.given(url):
        return Backdrop.MUSIC
    if not values[url]:
        return Backdrop.SILENCE
    hook: Hook | None = reading.hook(element, values[url], values[by], url.code)
    return hook or Backdrop.MUSIC
