"""The packets of the bench: between two ports, through the floor, and to nobody."""

import sys
from pathlib import Path

import pytest

from bench.relays import FLOORS, Floor, floors
from bench.streams import Leg, LineProcess, Streams
from tests.harness.ports import free_ports, next_address


def counted(legs: list[Leg], host: str, directory: Path, *, echo: bool = False) -> dict[str, float]:
    with Streams(legs, echo=echo, warm=0.3, seconds=0.5, directory=directory, host=host) as streams:
        streams.until("window")
        streams.until("end")
        return streams.result()


def test_what_one_leg_sends_the_other_hears(tmp_path: Path) -> None:
    host = next_address()
    one, other = free_ports(2, host)
    heard = counted([(one, f"{host}:{other}"), (other, f"{host}:{one}")], host, tmp_path)
    assert heard["sent"] > 0
    assert (heard["loss"], heard["lossy_streams"], heard["exact"]) == (0, 0, True)


def test_a_leg_that_hears_nothing_is_lossy(tmp_path: Path) -> None:
    host = next_address()
    one, other = free_ports(2, host)
    heard = counted([(one, f"{host}:{one + 1}"), (other, f"{host}:{one}")], host, tmp_path)
    assert heard["lossy_streams"] == 1
    assert heard["loss"] == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("name", FLOORS)
def test_a_floor_relays(name: str, tmp_path: Path) -> None:
    if name not in floors():  # without liburing there is none, and the bench leaves it out
        assert name == "floor uring"
        return
    host = next_address()
    one, other = free_ports(2, host)
    inner = free_ports(2, "127.0.0.1")
    legs = [(port, f"127.0.0.1:{at}") for port, at in zip((one, other), inner, strict=True)]
    with Floor(name, legs, tmp_path, host) as floor:
        assert len(floor.pids()) == 1
        heard = counted(legs, host, tmp_path)
    assert (heard["loss"], heard["exact"]) == (0, True)
    assert heard["received"] > 0


def test_a_process_that_ends_says_why(tmp_path: Path) -> None:
    code = "import sys; sys.exit('no such thing')"
    with LineProcess([sys.executable, "-c", code], tmp_path) as process, pytest.raises(RuntimeError, match="no such"):
        process.said()
