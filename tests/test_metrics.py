"""What /metrics shows."""

from collections import Counter

from prometheus_client import CollectorRegistry, generate_latest

from callwright.metrics import Facts


def test_figures_are_read_at_each_scrape() -> None:
    outcomes: Counter[tuple[str, str]] = Counter()
    live = 1.0
    registry = CollectorRegistry()
    registry.register(
        Facts(
            gauges={"calls_live": ("Live", lambda: live)},
            counters={"callbacks_delivered": ("Delivered", lambda: 5)},
            outcomes=outcomes,
            native=lambda: {"legs": 3},
            gate=lambda: {"invites": 9},
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
        'callwright_native_objects{kind="legs"} 3.0',
        'callwright_sip_requests_total{decision="invites"} 9.0',
        'callwright_breaker{origin="http://a.example:80",state="open"} 1.0',
    ):
        assert line in text
