"""Names without DNS."""

import logging
import os
from pathlib import Path

import pytest

from callwright.sip.hosts import Hosts, parse

TEXT = """
# comment
127.0.0.1  localhost
192.0.2.1  gw.example GW2.example   # two names
2001:db8::1 gw.example
not-an-address gw3.example
192.0.2.9
"""


def test_lines() -> None:
    assert parse(TEXT) == {
        "localhost": ["127.0.0.1"],
        "gw.example": ["192.0.2.1", "2001:db8::1"],
        "gw2.example": ["192.0.2.1"],
    }


def test_who_knows(tmp_path: Path) -> None:
    (tmp_path / "hosts").write_text(TEXT)
    hosts = Hosts(tmp_path / "hosts")
    assert hosts.addresses("Gw.Example.") == ["192.0.2.1", "2001:db8::1"]
    assert hosts.addresses("elsewhere.example") is None
    assert hosts.addresses("gw.invalid") == () == hosts.addresses("invalid")
    assert hosts.addresses("app.localhost") == ("127.0.0.1", "::1")


def test_read_again_when_it_has_changed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "hosts"
    file.write_text("192.0.2.1 gw.example")
    hosts = Hosts(file)
    assert hosts.addresses("gw.example") == ["192.0.2.1"]
    file.write_text("192.0.2.2 gw.example")
    os.utime(file, ns=(1, 1))
    assert hosts.addresses("gw.example") == ["192.0.2.2"]
    file.unlink()
    with caplog.at_level(logging.WARNING):
        assert hosts.addresses("gw.example") is None
        assert hosts.addresses("gw.example") is None
    assert len(caplog.records) == 1


def test_without_a_file(tmp_path: Path) -> None:
    hosts = Hosts(tmp_path / "none")
    assert hosts.addresses("localhost") == ("127.0.0.1", "::1") and hosts.addresses("gw.example") is None
