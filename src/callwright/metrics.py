"""What /metrics shows, read from the parts at each scrape: nothing is counted twice, nothing on the call path."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from callwright.calls.capacity import Capacity
from callwright.sip.health import Health, HealthState
from callwright.sip.registrant import Registrant
from callwright.sip.trunks import Trunk

MAX_ORIGINS = 100
MAX_PLACES = 1000
LONGEST_FAULT = 120


@dataclass(frozen=True, eq=False)
class Facts(Collector):
    """The daemon's own figures.

    Attributes:
        gauges, counters: by name without the `callwright_` prefix, with their help text.
        outcomes: finished calls by (direction, final status).
        registers: REGISTERs by what became of them.
        dropped: registrations that led nowhere any more, by what has shown it.
        events: SUBSCRIBEs, PUBLISHes and NOTIFYs by (method, what became of them).
        auths: requests whose senders only an `auth_url` knows, by what became of them.
        native: live native objects by kind.
        gate: the engine's admission counters by name.
        breakers: origins of applications that are not asked, or only tried, with the state of their breaker.
    """

    gauges: Mapping[str, tuple[str, Callable[[], float]]]
    counters: Mapping[str, tuple[str, Callable[[], float]]]
    outcomes: Mapping[tuple[str, str], int]
    registers: Mapping[str, int]
    native: Callable[[], Mapping[str, int]]
    gate: Callable[[], Mapping[str, int]]
    breakers: Callable[[], Mapping[str, str]]
    events: Callable[[], Mapping[tuple[str, str], int]] = dict
    dropped: Mapping[str, int] = field(default_factory=dict)
    auths: Mapping[str, int] = field(default_factory=dict)

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
        dropped = CounterMetricFamily(
            "callwright_registrations_dropped", "Registrations that led nowhere any more", labels=["by"]
        )
        for by, count in tuple(self.dropped.items()):
            dropped.add_metric([by], count)
        yield dropped
        yield _outcomes("callwright_registers", "REGISTERs by what became of them", self.registers)
        yield _outcomes("callwright_auth_requests", "Requests whose users an auth_url knows", self.auths)
        events = CounterMetricFamily(
            "callwright_event_requests", "Event requests by what became of them", labels=["method", "outcome"]
        )
        for (method, outcome), count in self.events().items():
            events.add_metric([method, outcome], count)
        yield events
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


def _outcomes(name: str, text: str, counts: Mapping[str, int]) -> Metric:
    counted = CounterMetricFamily(name, text, labels=["outcome"])
    for outcome, count in tuple(counts.items()):
        counted.add_metric([outcome], count)
    return counted


@dataclass(frozen=True, eq=False)
class MediaFigures(Collector):
    """The media plane's figures, as the engine's `media_facts`, `media_counts` and `media_counters` have them."""

    facts: Callable[[], Mapping[str, str]]
    counts: Callable[[], Mapping[str, int]]
    counters: Callable[[], Mapping[str, int]]
    addresses: Callable[[], Iterable[tuple[str, int, int]]] = tuple

    def collect(self) -> Iterator[Metric]:
        yield InfoMetricFamily(
            "callwright_media", "How RTP is read and sent, and why not by io_uring", dict(self.facts())
        )
        yield from self._gauges(self.counts())
        yield from self._counters(self.counters())
        pairs = GaugeMetricFamily(
            "callwright_media_address_rtp_pairs", "Port pairs of an address by their state", labels=["address", "state"]
        )
        for address, all_of_it, taken in self.addresses():
            pairs.add_metric([address, "taken"], taken)
            pairs.add_metric([address, "free"], all_of_it - taken)
        yield pairs

    @staticmethod
    def _gauges(now: Mapping[str, int]) -> Iterator[Metric]:
        legs = GaugeMetricFamily("callwright_media_legs", "Legs with media by what feeds them", labels=["mode"])
        for mode in ("idle", "play", "relay", "mix"):
            legs.add_metric([mode], now.get(mode, 0))
        yield legs
        for name, text in (
            ("rtp_pairs", "Port pairs of media.rtp_ports, of all addresses"),
            ("rtp_pairs_taken", "Port pairs in use"),
            ("jobs", "Changes that wait for the media thread"),
            ("mixing_threads", "Threads that shared the last 20 ms of mixing"),
        ):
            yield GaugeMetricFamily(f"callwright_media_{name}", text, value=now.get(name, 0))
        turn = now.get("longest_turn_us", 0) / 1e6
        yield GaugeMetricFamily(
            "callwright_media_longest_turn_seconds",
            "Longest turn of the media thread since the last scrape",
            value=turn,
        )

    @staticmethod
    def _counters(since_start: Mapping[str, int]) -> Iterator[Metric]:
        left = dict(since_start)
        for name, text in (
            ("late_beats", "Frames that began more than 10 ms late"),
            ("lost_beats", "Frames that were given up after half a second"),
            ("failed_jobs", "Changes lost for want of memory"),
            ("rtp_pairs_unrested", "Port pairs taken again within 30 s, for want of others"),
            ("system_calls", "System calls of the media thread"),
        ):
            yield CounterMetricFamily(f"callwright_media_{name}", text, value=left.pop(name, 0))
        buffers = CounterMetricFamily("callwright_media_jitter_buffer_frames", "Frames by their fate", labels=["fate"])
        for name in [name for name in left if name.startswith("jitter_")]:
            buffers.add_metric([name.removeprefix("jitter_")], left.pop(name))
        yield buffers
        packets = CounterMetricFamily("callwright_media_packets", "RTP and RTCP by their fate", labels=["fate"])
        for name, count in left.items():
            packets.add_metric([name], count)
        yield packets


@dataclass(frozen=True, eq=False)
class TrunkFigures(Collector):
    """What trunks are doing: `callwright trunks` shows these figures."""

    trunks: Iterable[Trunk]
    health: Health
    capacity: Capacity
    registrants: Iterable[Registrant]

    def collect(self) -> Iterator[Metric]:
        calls = GaugeMetricFamily("callwright_trunk_calls", "Live calls, both directions", labels=["trunk"])
        for trunk in self.trunks:
            calls.add_metric([trunk.name], self.capacity.trunk_calls(trunk.name))
        yield calls
        targets = GaugeMetricFamily(
            "callwright_trunk_target_up",
            "1: the gateway takes calls; 0: it is left alone, or is being tried again",
            labels=["trunk", "target"],
        )
        for place in islice(self.health, MAX_PLACES):
            targets.add_metric([place.trunk, place.hop], float(place.state is HealthState.UP))
        yield targets
        lines = GaugeMetricFamily(
            "callwright_trunk_registered",
            "1: the carrier knows where we are; 0: it does not",
            labels=["trunk", "state"],
        )
        for one in self.registrants:
            lines.add_metric([one.trunk, one.state.value], float(one.registered))
        yield lines
        left = GaugeMetricFamily(
            "callwright_trunk_registration_left_seconds",
            "Until the registration expires; 0 without one",
            labels=["trunk"],
        )
        faults = GaugeMetricFamily(
            "callwright_trunk_registration_fault",
            "1: why the last attempt to register has failed",
            labels=["trunk", "fault"],
        )
        for one in self.registrants:
            left.add_metric([one.trunk], round(one.left))
            if one.fault:
                faults.add_metric([one.trunk, one.fault[:LONGEST_FAULT]], 1)
        yield left
        yield faults
