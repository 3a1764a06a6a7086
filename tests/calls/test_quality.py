"""What a call's last line says of its media."""

from callwright.calls import quality


def test_nothing_without_media() -> None:
    assert quality.facts({}) == {}


def test_both_ways_in_one_line() -> None:
    statistics = {
        "codec": "PCMU",
        "mos": {"rx": 4.41, "tx": 3.2},
        "rx": {"lost": 2, "jitter_ms": 0.44},
        "tx": {"lost": 5, "jitter_ms": 11.0},
        "verdict": "",
    }
    told = quality.facts(statistics)
    assert told.pop("statistics") == statistics
    assert told == {"codec": "PCMU", "mos": "4.4/3.2", "lost": "2/5", "jitter_ms": "0.4/11.0"}


def test_a_verdict_is_told() -> None:
    statistics = {"codec": "PCMU", "verdict": "no audio came"}
    assert quality.facts(statistics)["verdict"] == "no audio came"
