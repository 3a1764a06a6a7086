"""How recordings and dialled calls report."""

from lxml import etree

from callwright.calls.application import FINAL_ONLY, Hook
from callwright.calls.control import RecordingCallback, StatusCallback
from callwright.twiml.reading import Reading
from callwright.twiml.verbs import callbacks


def test_the_defaults() -> None:
    reading = Reading("http://app.example/")
    element = etree.fromstring("<X statusCallback='s' recordingStatusCallback='r'/>")
    table = (*callbacks.STATUS, callbacks.RECORDING_URL, callbacks.RECORDING_METHOD, callbacks.RECORDING_EVENTS)
    values = reading.values(element, table)
    assert callbacks.status_callback(element, values, reading) == StatusCallback(
        Hook("http://app.example/s", "POST"), FINAL_ONLY
    )
    assert callbacks.recording_callback(element, values, reading) == RecordingCallback(
        Hook("http://app.example/r", "POST"), FINAL_ONLY
    )


def test_nobody_asked() -> None:
    reading = Reading("http://app.example/")
    element = etree.fromstring("<X statusCallbackEvent='ringing'/>")
    values = reading.values(element, callbacks.STATUS)
    assert callbacks.status_callback(element, values, reading) is None
