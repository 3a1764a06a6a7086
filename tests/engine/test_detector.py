"""Digits that a caller sends as tones in the audio: found where they are asked for, and never twice."""

from collections.abc import Awaitable, Callable

import numpy as np
import pytest

from callwright.engine import EventKind, Sound
from tests.engine.station import Station
from tests.harness import tones
from tests.harness.call import PhoneCall
from tests.harness.sip import Phone

Phones = Callable[..., Awaitable[Phone]]


def keyed(digits: str, seconds: float = 0.08, gap: float = 0.08) -> tones.Pcm:
    """The digits as tones, each with a gap after it."""
    return np.concatenate([part for digit in digits for part in (tones.dtmf(digit, seconds), tones.silence(gap))])


async def digits_of(station: Station, leg: int, count: int) -> list[tuple[str, str]]:
    """The next digits of a leg and how each came."""
    events = [await station.event(EventKind.DIGIT, leg) for _ in range(count)]
    return [(event.text, event.detail["method"]) for event in events]


async def quiet_line(station: Station, call: PhoneCall, leg: int) -> None:
    """Returns when what the call has sent so far would have been reported: a digit by INFO comes after it."""
    await call.info_dtmf("D")
    assert await digits_of(station, leg, 1) == [("D", "info")]


@pytest.mark.parametrize("clock_rate", [8000, 16000])
async def test_digits_in_the_audio_are_reported(
    stations: Callable[..., Station], phones: Phones, clock_rate: int
) -> None:
    station = stations(clock_rate=clock_rate)
    call, leg = await station.answered(await phones("caller"))
    station.engine.detect_digits(leg)
    await call.media.play(tones.silence(0.3))
    await call.media.play(keyed("0123456789*#ABCD"))

    assert await digits_of(station, leg, 16) == [(digit, "inband") for digit in "0123456789*#ABCD"]
    await call.hangup()


async def test_without_being_asked_for_they_are_not(station: Station, phones: Phones) -> None:
    call, leg = await station.answered(await phones("caller"))
    await call.media.play(keyed("12"))
    await quiet_line(station, call, leg)
    detector = station.engine.detect_digits(leg)
    await call.media.play(tones.silence(0.3))
    await call.media.play(keyed("3"))
    assert await digits_of(station, leg, 1) == [("3", "inband")]
    station.engine.stop(detector)
    await station.until_counts(ports=0)
    await call.media.play(keyed("45"))
    await quiet_line(station, call, leg)
    await call.hangup()


async def test_a_digit_that_comes_both_ways_is_reported_once(station: Station, phones: Phones) -> None:
    call, leg = await station.answered(await phones("caller"))
    station.engine.detect_digits(leg)
    await call.media.play(tones.silence(0.3))
    for digit in "77":
        await call.media.play(keyed(digit, seconds=0.06, gap=0.0))
        await call.media.send_digits(digit, duration=0.1, gap=0.1)
    assert [digit for digit, _ in await digits_of(station, leg, 2)] == ["7", "7"]
    await quiet_line(station, call, leg)
    await call.hangup()


async def test_a_tone_stops_a_prompt_natively(station: Station, phones: Phones) -> None:
    call, leg = await station.answered(await phones("caller"))
    station.engine.detect_digits(leg)
    prompt = Sound(tones.tone(440, 1).astype("<i2").tobytes(), 8000)
    player = station.engine.player([prompt], sink=leg, loop=0, stop_on_digit=leg)
    await call.media.heard_tone(440)
    await call.media.play(keyed("5"))
    played = await station.event(EventKind.PLAYED, player)
    assert (played.text, played.detail["digit"]) == ("digit", "5")
    await call.media.silence_heard(0.3)
    await call.hangup()


async def test_our_own_tones_and_speech_are_none(station: Station, phones: Phones) -> None:
    call, leg = await station.answered(await phones("caller"))
    station.engine.detect_digits(leg)
    player = station.engine.dtmf_tone("123", sink=leg)
    await station.event(EventKind.PLAYED, player)
    random = np.random.default_rng(5)
    await call.media.play(random.normal(0, 3000, 8000).astype(np.int16))
    await quiet_line(station, call, leg)
    await call.hangup()


async def test_a_leg_has_one_detector_which_ends_with_it(station: Station, phones: Phones) -> None:
    call, leg = await station.answered(await phones("caller"))
    detector = station.engine.detect_digits(leg)
    assert station.engine.detect_digits(leg) == detector
    station.engine.stop(detector)
    assert station.engine.detect_digits(leg) != detector
    await call.hangup()
    await station.event(EventKind.ENDED, leg)
    station.engine.detect_digits(leg)  # of a leg that is gone: a no-op
    await station.until_counts(ports=0)
