"""The attributes by which a noun of `<Dial>` asks who answers (call-control reference §1.6, §2.3)."""

from callwright.calls.control import MachinePlan
from callwright.media.machine import Thresholds
from callwright.twiml.attribute import Values, address, choice, integer, method
from callwright.twiml.reading import Element, Reading

DETECTION = choice("machineDetection", ("Enable", "DetectMessageEnd"), "")
TIMEOUT = integer("machineDetectionTimeout", 30, 3, 60)
SPEECH = integer("machineDetectionSpeechThreshold", 2400, 1000, 6000)
SPEECH_END = integer("machineDetectionSpeechEndThreshold", 1200, 500, 5000)
SILENCE = integer("machineDetectionSilenceTimeout", 5000, 2000, 10000)
CALLBACK = address("amdStatusCallback")
CALLBACK_METHOD = method("amdStatusCallbackMethod")
MACHINE_DETECTION = (DETECTION, TIMEOUT, SPEECH, SPEECH_END, SILENCE, CALLBACK, CALLBACK_METHOD)


def machine_plan(element: Element, values: Values, reading: Reading) -> MachinePlan | None:
    """How it is told who answers; None when nobody asked. A dialled party is connected at once, whoever it is."""
    hook = reading.hook(element, values[CALLBACK], values[CALLBACK_METHOD], CALLBACK.code)
    if not values[DETECTION]:
        return None
    thresholds = Thresholds(
        to_end=values[DETECTION] == "DetectMessageEnd",
        timeout=values[TIMEOUT] * 1000,
        speech=values[SPEECH],
        speech_end=values[SPEECH_END],
        silence=values[SILENCE],
    )
    return MachinePlan(thresholds, callback=hook)
