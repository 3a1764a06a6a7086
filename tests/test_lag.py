"""The loop's lag."""

import asyncio

import pytest
from prometheus_client import CollectorRegistry

from callwright import lag
from tests.calls.jumping import after, skipping


def busy(seconds: float) -> None:
    """Holds the loop."""
    end = asyncio.get_running_loop().time() + seconds
    while asyncio.get_running_loop().time() < end:
        pass


async def test_lateness_is_measured_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    registry = CollectorRegistry()
    with skipping(asyncio.get_running_loop()):
        watching = asyncio.create_task(lag.watch(registry))
        await after(lag.EVERY_S * 3.5)
        assert "blocked" not in caplog.text
        busy(lag.EVERY_S + lag.LATE_S)
        await after(lag.EVERY_S)
        watching.cancel()
        await asyncio.wait({watching})
    count = registry.get_sample_value("callwright_loop_lag_seconds_count")
    assert count is not None and count >= 4
    late = registry.get_sample_value("callwright_loop_lag_seconds_sum")
    assert late is not None and late > lag.LATE_S
    assert "the event loop was blocked for" in caplog.text
