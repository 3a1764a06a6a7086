"""What /metrics shows."""

import time
from collections import Counter

from prometheus_client import CollectorRegistry, generate_latest

from callwright.calls.capacity import Capacity
from callwright.config import DEMO_ACCOUNT, TrunkSection
from callwright.metrics import Facts, MediaFigures, TrunkFigures
from callwright.sip.health import Health, Patience
from callwright.sip.leg import Headers
from callwright.sip.registrant import Line, Registrant
from callwright.sip.transaction import Response
from callwright.sip.trunks import declared


def test_figures_are_read_at_each_scrape() -> None:
    outcomes: Counter[tuple[str, str]] = Counter()
    live = 1.0
    registry = CollectorRegistry()
    registry.register(
        Facts(
            gauges={"calls_live": ("Live", lambda: live)},
            counters={"callbacks_delivered": ("Delivered", lambda: 5)},
            outcomes=outcomes,
            registers={"refreshed": 7},
            dropped={"ping": 2},
            auths={"vouched": 6},
            native=lambda: {"legs": 3},
            gate=lambda: {"invites": 9},
            events=lambda: {("SUBSCRIBE", "refreshed"): 3},
            breakers=lambda: {"http://a.example:80": "open"},
        )
    )
    outcomes["inbound", "completed"] += 2
    live = 4.0
    text = generate_latest(registry).decode().splitlines()
    for line in (
        "callwright_calls_live 4.0",
        "callwright_callbacks_delivered_total 5.0",
        'callwright_calls_finished_total{direction="inbound",status="completed"} 2.0',
        'callwright_registers_total{outcome="refreshed"} 7.0',
        'callwright_registrations_dropped_total{by="ping"} 2.0',
        'callwright_auth_requests_total{outcome="vouched"} 6.0',
        'callwright_event_requests_total{method="SUBSCRIBE",outcome="refreshed"} 3.0',
        'callwright_native_objects{kind="legs"} 3.0',
        'callwright_sip_requests_total{decision="invites"} 9.0',
        'callwright_breaker{origin="http://a.example:80",state="open"} 1.0',
    ):
        assert line in text


def test_figures_of_the_media_plane() -> None:
    registry = CollectorRegistry()
    registry.register(
        MediaFigures(
            facts=lambda: {"io": "epoll", "why_not_io_uring": "seccomp"},
            counts=lambda: {"relay": 4, "rtp_pairs": 9, "longest_turn_us": 2500},
            counters=lambda: {"late_beats": 2, "foreign": 7, "jitter_lost": 5},
            addresses=lambda: [("192.0.2.1", 9, 4), ("2001:db8::1", 9, 0)],
        )
    )
    text = generate_latest(registry).decode().splitlines()
    for line in (
        'callwright_media_info{io="epoll",why_not_io_uring="seccomp"} 1.0',
        'callwright_media_legs{mode="relay"} 4.0',
        'callwright_media_legs{mode="mix"} 0.0',
        "callwright_media_rtp_pairs 9.0",
        'callwright_media_address_rtp_pairs{address="192.0.2.1",state="taken"} 4.0',
        'callwright_media_address_rtp_pairs{address="192.0.2.1",state="free"} 5.0',
        'callwright_media_address_rtp_pairs{address="2001:db8::1",state="free"} 9.0',
        "callwright_media_longest_turn_seconds 0.0025",
        "callwright_media_late_beats_total 2.0",
        'callwright_media_packets_total{fate="foreign"} 7.0',
        'callwright_media_jitter_buffer_frames_total{fate="lost"} 5.0',
    ):
        assert line in text
    assert not any('fate="late_beats"' in line for line in text)


async def test_figures_of_trunks() -> None:
    async def send(line: Line, headers: Headers, hop: str, seconds: float) -> Response:
        return Response(200)

    async def locate(uri: str) -> list[str]:
        return ["sip:192.0.2.1"]

    section = {"name": "carrier", "account": DEMO_ACCOUNT, "targets": ["sip:192.0.2.1"]}
    health, capacity = Health(), Capacity(time.monotonic)
    capacity.enter(DEMO_ACCOUNT, "carrier")
    health.failed("carrier", "sip:192.0.2.1", Patience(1, 60), "503")
    health.passed("carrier", "sip:192.0.2.2")
    registrant = Registrant("carrier", Line("sip:carrier.example", "line", "secret"), send=send, locate=locate)
    registry = CollectorRegistry()
    trunks = [declared(TrunkSection.model_validate(section))]
    registry.register(TrunkFigures(trunks, health, capacity, [registrant]))
    registrant.fault, registrant.ends = "403 " + "x" * 200, time.monotonic() + 90
    text = generate_latest(registry).decode().splitlines()
    for line in (
        'callwright_trunk_calls{trunk="carrier"} 1.0',
        'callwright_trunk_target_up{target="sip:192.0.2.1",trunk="carrier"} 0.0',
        'callwright_trunk_target_up{target="sip:192.0.2.2",trunk="carrier"} 1.0',
        'callwright_trunk_registered{state="idle",trunk="carrier"} 1.0',
        'callwright_trunk_registration_left_seconds{trunk="carrier"} 90.0',
        f'callwright_trunk_registration_fault{{fault="403 {"x" * 116}",trunk="carrier"}} 1.0',
    ):
        assert line in text
