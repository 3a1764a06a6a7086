"""P11: phones that come back all together, while calls are up and others are placed."""

import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from .caller import Callers, Load, Outcome
from .machine import BESIDE_HOST, Window, cpu, resident
from .rows import HEARD, LATE_MS, LOSS, Line
from .servers import PHONE_PASSWORD, Server
from .streams import Dialled, LineProcess, Streams

EXTENSION = "play"
"""What is heard by those whose call is up all the time."""
PLACED = "answer"
CALM_S = 8.0
"""How long the calls alone are measured, right before the phones come."""
TAIL_S = 5.0
ABSORBED_S = 60.0


@dataclass(frozen=True, slots=True)
class Storm:
    """How many phones register, so many a second; how many calls are up; how many are placed a second beside them."""

    phones: int
    rate: float
    calls: int
    call_rate: float
    ramp: float
    warm: float

    @property
    def seconds(self) -> float:
        """In which they are heard."""
        return CALM_S + self.phones / self.rate + TAIL_S


class Phones(LineProcess):
    """bench.phones: all are registered once when `said` returns first, and again after each `say`."""

    def __init__(self, storm: Storm, target: str, directory: Path) -> None:
        command = [
            *(sys.executable, "-m", "bench.phones", "--target", target, "--password", PHONE_PASSWORD),
            *("--phones", str(storm.phones), "--rate", f"{storm.rate:g}"),
        ]
        super().__init__(command, directory)


def registrations(server: Server, storm: Storm, directory: Path) -> Line:
    """What it costs that all phones register again, and what the calls notice. The cost is in CPU ms a registration,
    without what the calls take."""
    with (
        Phones(storm, server.target, directory) as phones,
        Dialled(server.target, EXTENSION, storm.calls, rate=storm.ramp, called=False, directory=directory) as dialled,
    ):
        first = phones.said()
        if first["registered"] != storm.phones:
            raise RuntimeError(f"{first['registered']} of {storm.phones} phones could register: {first['answers']}")
        line = _stormed(server, storm, phones, dialled, directory)
        outcome = dialled.finish()
    up = outcome["ok"] == storm.calls and not outcome["left"]
    return {**line, "clean": line["clean"] and up, "first_error": line["first_error"] or outcome["first_error"]}


def _stormed(server: Server, storm: Storm, phones: Phones, dialled: Dialled, directory: Path) -> Line:
    legs, pids = dialled.legs(), server.pids()
    placing = Load(PLACED, storm.call_rate, round(storm.call_rate * (storm.warm + storm.seconds)), 1.0)
    with (
        Streams(legs, echo=True, warm=storm.warm, seconds=storm.seconds, directory=directory) as streams,
        Callers(placing, server.target, directory, BESIDE_HOST) as callers,
    ):
        streams.until("window")
        used, began = cpu(pids), time.monotonic()
        time.sleep(CALM_S)  # the window without a storm
        calm = (cpu(pids) - used) / (time.monotonic() - began)
        window = Window(pids, [phones.pid, streams.pid, callers.pid, dialled.pid])
        phones.say("\n")
        again = phones.said()
        usage, memory = window.end(), resident(pids)
        streams.until("end")
        heard, placed = streams.result(), callers.finish(storm.seconds + 60)
    cost = 1000 * usage.seconds * (usage.cpu_pct / 100 - calm) / storm.phones
    return {
        "phones": storm.phones,
        "cost": round(cost, 4),
        "unit": "ms per registration",
        **{name: heard[name] for name in HEARD if name in heard and not name.startswith("latency")},
        **usage.figures(),
        **{name: value for name, value in asdict(placed).items() if name != "retransmissions"},
        **{name: value for name, value in again.items() if name != "answers"},
        "call_retransmissions": placed.retransmissions,
        "rss_mb": round(memory, 1),
        "clean": absorbed(again, storm.phones) and undisturbed(heard, placed),
    }


def absorbed(again: Line, phones: int) -> bool:
    """Whether every phone was registered in time."""
    return bool(again["registered"] == phones and again["seconds"] <= ABSORBED_S)


def undisturbed(heard: Line, placed: Outcome) -> bool:
    """Whether neither those who listened nor those who called noticed."""
    return bool(placed.clean and heard["loss"] <= LOSS and heard["gap_max_ms"] <= LATE_MS)
