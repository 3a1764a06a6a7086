"""What /metrics shows, read from the parts at each scrape: nothing is counted twice, nothing on the call path."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

MAX_ORIGINS = 100


@dataclass(frozen=True, eq=False)
class Facts(Collector):
    """The daemon's own figures.

    Attributes:
        gauges, counters: by name without the `callwright_` prefix, with their help text.
        outcomes: finished calls by (direction, final status).
        native: live native objects by kind.
        gate: the engine's admission counters by name.
        breakers: origins of applications that are not asked, or only tried, with the state of their breaker.
    """

    gauges: Mapping[str, tuple[str, Callable[[], float]]]
    counters: Mapping[str, tuple[str, Callable[[], float]]]
    outcomes: Mapping[tuple[str, str], int]
    native: Callable[[], Mapping[str, int]]
    gate: Callable[[], Mapping[str, int]]
    breakers: Callable[[], Mapping[str, str]]

    def collect(self) -> Iterator[Metric]:
        for name, (text, read) in self.gauges.items():
            yield GaugeMetricFamily(f"callwright_{name}", text, value=read())
        for name, (text, read) in self.counters.items():
            yield CounterMetricFamily(f"callwright_{name}", text, value=read())
        calls = CounterMetricFamily(
            "callwright_calls_finished", "Calls by how they ended", labels=["direction", "status"]
        )
        for (direction, status), count in tuple(self.outcomes.items()):
            calls.add_metric([direction, status], count)
        yield calls
        native = GaugeMetricFamily("callwright_native_objects", "Objects that live in the engine", labels=["kind"])
        for kind, count in self.native().items():
            native.add_metric([kind], count)
        yield native
        gate = CounterMetricFamily("callwright_sip_requests", "Decisions of the engine's gate", labels=["decision"])
        for decision, count in self.gate().items():
            gate.add_metric([decision], count)
        yield gate
        breakers = GaugeMetricFamily(
            "callwright_breaker", "Origins of applications that are left alone", labels=["origin", "state"]
        )
        for origin, state in islice(self.breakers().items(), MAX_ORIGINS):
            breakers.add_metric([origin, state], 1)
        yield breakers
