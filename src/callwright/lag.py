"""The loop's lag: how late a timer fires. More than 10 ms is a bug somewhere; more than 100 ms is logged."""

import asyncio
import logging

from prometheus_client import CollectorRegistry, Histogram

logger = logging.getLogger(__name__)

EVERY_S = 0.25
LATE_S = 0.1
BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


async def watch(registry: CollectorRegistry) -> None:
    """Measures the loop's lag until cancelled: `callwright_loop_lag_seconds`."""
    lag = Histogram(
        "callwright_loop_lag_seconds", "How late timers of the event loop fire", buckets=BUCKETS, registry=registry
    )
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + EVERY_S
        await asyncio.sleep(EVERY_S)
        late = max(0.0, loop.time() - due)
        lag.observe(late)
        if late > LATE_S:
            logger.warning("the event loop was blocked for %.0f ms", late * 1000)
