"""The attributes by which a recording or a dialled call reports its progress (call-control reference §1.5, §1.6)."""

from callwright.calls.application import ALL_EVENTS, FINAL_ONLY
from callwright.calls.control import RecordingCallback, StatusCallback
from callwright.twiml.attribute import SCHEMA_WARNING, Values, address, idle, method, text, words
from callwright.twiml.reading import Element, Reading

RECORDING_URL = address("recordingStatusCallback", 13256)
RECORDING_METHOD = method("recordingStatusCallbackMethod")
RECORDING_EVENTS = words(
    "recordingStatusCallbackEvent", frozenset({"in-progress", "completed", "absent"}), FINAL_ONLY, SCHEMA_WARNING
)
RECORDING_CONFIGURATION = idle(text("recordingConfigurationId"), "no stored configurations of recordings")

STATUS_URL = address("statusCallback")
STATUS_METHOD = method("statusCallbackMethod")
STATUS_EVENTS = words("statusCallbackEvent", ALL_EVENTS, FINAL_ONLY, SCHEMA_WARNING)
STATUS = (STATUS_URL, STATUS_METHOD, STATUS_EVENTS)


def recording_callback(element: Element, values: Values, reading: Reading) -> RecordingCallback | None:
    """Where a recording's states go; None when nobody asked."""
    hook = reading.hook(element, values[RECORDING_URL], values[RECORDING_METHOD], RECORDING_URL.code)
    return RecordingCallback(hook, values[RECORDING_EVENTS]) if hook else None


def status_callback(element: Element, values: Values, reading: Reading) -> StatusCallback | None:
    """Where a leg's progress goes; None when nobody asked."""
    hook = reading.hook(element, values[STATUS_URL], values[STATUS_METHOD], STATUS_URL.code)
    return StatusCallback(hook, values[STATUS_EVENTS]) if hook else None
