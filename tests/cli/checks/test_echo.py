"""The ear that knows its tone."""

import math
import struct

import pytest

from callwright.cli.checks.echo import TONE_HZ, Echo, share
from callwright.demo.phone import CLOCK_RATE


def sine(hz: float, seconds: float = 0.1, level: float = 0.3) -> bytes:
    count = round(seconds * CLOCK_RATE)
    values = (round(32767 * level * math.sin(2 * math.pi * hz * n / CLOCK_RATE)) for n in range(count))
    return struct.pack(f"<{count}h", *values)


def mixed(*parts: bytes) -> bytes:
    values = [struct.unpack(f"<{len(part) // 2}h", part) for part in parts]
    return struct.pack(f"<{len(values[0])}h", *(sum(each) // len(parts) for each in zip(*values, strict=True)))


@pytest.mark.parametrize(("hz", "low", "high"), [(TONE_HZ, 0.95, 1.05), (440.0, 0.0, 0.05), (1200.0, 0.0, 0.05)])
def test_how_much_of_a_sound_is_the_tone(hz: float, low: float, high: float) -> None:
    assert low <= share(sine(hz), TONE_HZ) <= high


def test_what_counts() -> None:
    echo = Echo()
    for samples in (b"", bytes(1600), sine(TONE_HZ, level=0.001), sine(440)):
        echo.ear(samples, 0.1)
    assert (echo.heard, echo.delay) == (0.0, -1.0) and echo.other == pytest.approx(0.1)
    echo.ear(sine(TONE_HZ), 0.2)
    echo.ear(mixed(sine(TONE_HZ), sine(300, level=0.1)), 0.3)
    assert echo.heard == pytest.approx(0.2) and echo.delay == 0.2
