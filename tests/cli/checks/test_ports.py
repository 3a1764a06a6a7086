"""Ports that can be had, that others have, and that the daemon itself has."""

import fcntl
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from callwright.cli.checks import ports
from callwright.cli.checks.finding import Level
from callwright.config import Config, validate
from tests.harness.ports import daemon_address, free_ports


@pytest.fixture
def config() -> Config:
    host = daemon_address()
    sip, http, low = free_ports(3)
    raw: dict[str, Any] = {
        "http": {"listen": f"{host}:{http}"},
        "sip": {"listen": [f"udp:{host}:{sip}", f"tcp:{host}:{sip}"]},
        "media": {"address": host, "rtp_ports": [low, low + 1]},
    }
    return validate(raw)


def levels(config: Config, *, runs: bool = False) -> list[str]:
    return [str(one.level) for one in ports.ports(config, runs) if one.what != "media.rtp_ports"]


def test_free_ones(config: Config) -> None:
    assert levels(config) == ["ok"] * 4
    assert levels(config, runs=True) == ["warn"] * 3 + ["ok"], "a daemon that runs would have them"


def test_taken_ones(config: Config) -> None:
    (host, port), http = config.sip.listen[0].place, int(config.http.listen.rpartition(":")[2])
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram,
        socket.socket(socket.AF_INET, socket.SOCK_STREAM) as web,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as media,
    ):
        datagram.bind((host, port))
        web.bind((host, http))
        web.listen()
        media.bind((host, config.media.rtp_ports[0]))
        udp, tcp, listen, rtp, *_ = ports.ports(config, False)
        assert [one.level for one in (udp, tcp, listen, rtp)] == [Level.FAIL, Level.OK, Level.FAIL, Level.WARN]
        assert udp.line() == (
            f"FAIL sip.listen udp:{host}:{port}: another program has the port. Find it: ss -lunp 'sport = :{port}'"
        )
        assert "ss -ltnp" in listen.remedy and "of 2 ports" in rtp.why
        assert levels(config, runs=True) == ["ok", "warn", "ok", "ok"]


def test_an_address_of_another_machine(config: Config) -> None:
    raw = {"sip": {"listen": ["udp:192.0.2.1:5060"]}, "media": {"address": "192.0.2.1"}}
    lines = [one.line() for one in ports.ports(validate(raw), False)]
    assert any(line.startswith("FAIL sip.listen udp:192.0.2.1:5060: is no address of this machine") for line in lines)
    assert any(line.startswith("FAIL media.address 192.0.2.1: is no address of this machine") for line in lines)


def test_the_kernels_own_range(config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "range"
    monkeypatch.setattr(ports, "EPHEMERAL", file)
    low = config.media.rtp_ports[0]
    for text, levels_ in ((f"{low} 65535", [Level.WARN]), (f"1024 {low - 1}", []), ("", [])):
        file.write_text(text)
        assert [one.level for one in ports.ports(config, False) if one.what == "media.rtp_ports"] == levels_


def test_whether_a_daemon_runs(tmp_path: Path) -> None:
    assert not ports.running(tmp_path)
    descriptor = os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT)
    assert not ports.running(tmp_path), "one that has ended leaves the file"
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    assert ports.running(tmp_path)
    os.close(descriptor)


def test_each_address_of_media(config: Config) -> None:
    host = daemon_address()
    listen = [f"udp:{host}:5060", {"address": f"tcp:{host}:5060", "media": "192.0.2.1"}]
    raw = {"sip": {"listen": listen}, "media": {"address": "0.0.0.0", "rtp_ports": config.media.rtp_ports}}
    lines = [one.line() for one in ports.ports(validate(raw), False)]
    assert any(line.startswith("ok   media.address 0.0.0.0: ") for line in lines)
    assert any(line.startswith("FAIL sip.listen.1.media 192.0.2.1: is no address of this machine") for line in lines)


@pytest.mark.parametrize(
    ("listen", "media", "doubted"),
    [
        (["udp:192.0.2.1:5060"], {}, True),
        (["udp:0.0.0.0:5060"], {}, True),
        (["udp:[2001:db8::1]:5060"], {"address6": "::1"}, True),
        (["udp:127.0.0.1:5060"], {}, False),
        (["udp:192.0.2.1:5060"], {"advertise": "203.0.113.1"}, False),
        (["udp:192.0.2.1:5060"], {"address": "0.0.0.0"}, False),
        ([{"address": "udp:192.0.2.1:5060", "media": "192.0.2.1"}], {}, False),
    ],
)
def test_callers_elsewhere_are_told_the_loopback_s(listen: list[Any], media: dict[str, Any], doubted: bool) -> None:
    """Their sound would go to themselves, and nothing else would tell."""
    low = free_ports(1)[0]
    raw = {"sip": {"listen": listen}, "media": {"rtp_ports": [low, low + 1], **media}}
    lines = [one.line() for one in ports.ports(validate(raw), False)]
    told = [line for line in lines if "are told to send their sound to themselves" in line]
    assert (len(told) == 1 and told[0].startswith("warn media.address")) is doubted
