"""What nouns of <Dial> ask about who answers (call-control reference §1.6)."""

import pytest
from lxml import etree

from callwright.calls.application import Hook
from callwright.calls.control import MachinePlan
from callwright.media.machine import Thresholds
from callwright.twiml.reading import Reading
from callwright.twiml.verbs.detection import MACHINE_DETECTION, machine_plan


def plan(attributes: str) -> MachinePlan | None:
    reading = Reading("http://app.example/")
    element = etree.fromstring(f"<Number {attributes}>1</Number>")
    return machine_plan(element, reading.values(element, MACHINE_DETECTION), reading)


@pytest.mark.parametrize(
    ("attribute", "thresholds"),
    [
        ("machineDetectionTimeout='60'", Thresholds(timeout=60_000)),
        ("machineDetectionSpeechThreshold='1000'", Thresholds(speech=1000)),
        ("machineDetectionSpeechEndThreshold='500'", Thresholds(speech_end=500)),
        ("machineDetectionSilenceTimeout='2000'", Thresholds(silence=2000)),
        ("", Thresholds()),
    ],
)
def test_thresholds(attribute: str, thresholds: Thresholds) -> None:
    assert plan(f"machineDetection='Enable' {attribute}") == MachinePlan(thresholds)


def test_callback() -> None:
    made = plan("machineDetection='Enable' amdStatusCallback='/amd' amdStatusCallbackMethod='GET'")
    assert made == MachinePlan(Thresholds(), callback=Hook("http://app.example/amd", "GET"))
    assert not made.wait, "on a dial nobody waits"


def test_nobody_asks() -> None:
    assert plan("amdStatusCallback='/amd' machineDetectionTimeout='5'") is None
