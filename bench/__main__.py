"""The command line of scripts/bench.

Rows (each side pinned to core 0 at realtime priority 10, the load on core 1 at 5):
  P1   a prompt to n callers who send audio: CPU per call-second, and the longest gap in what they hear
  P2   n callers who hear themselves
  P3   n calls of two legs, bridged; also beside rtpengine, when it is installed, and the least that C can do
  P4   n calls of two legs, bridged and recorded
  P5   one conference of n callers who all talk
  P6   answer and hang up, built-in document: CPU per call
  P7   the main job: INVITE, webhook, document, answer, prompt, BYE, status callback, durable record; then its
       latency and the highest clean rate with both cores
  P11  n phones register again by digest, with both cores: until all are, while callers hear a prompt and others call
  P12  growth: how CPU and memory follow the number of calls, and memory per live and per finished call
  P13  cold start to the first answered call, and scripts/run to /health
Our side is the whole daemon in every row.
"""

import argparse
import fcntl
import json
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

from rich.console import Console

from . import profile
from .machine import CACHE, ROOT, may_be_realtime, take_descriptors
from .plan import ROWS, Plan, Run
from .plot import svg
from .relays import RtpEngine
from .report import BUSY_PCT, Results
from .rows import Line
from .servers import Asterisk

WIDTH = 150  # of the table in a file
PROGRAMS = {"sipp": "sip-tester", "taskset": "util-linux", "cc": "build-essential"}


def options() -> argparse.Namespace:
    """The arguments."""
    parser = argparse.ArgumentParser(
        prog="scripts/bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    default = Plan()
    parser.add_argument("--peer", choices=["asterisk"], help="measures Asterisk in the same run (needs root)")
    parser.add_argument("--rows", type=names, default=default.rows, help="default: all; as P1,P3")
    parser.add_argument("--quick", action="store_true", help="few and short measurements: a first look")
    parser.add_argument("--repeat", type=int, help="how often each is measured (default 3); medians are shown")
    parser.add_argument("--calls", type=numbers, help="P1 to P5, P12: numbers of calls, as 50,100,200")
    parser.add_argument("--calls-total", type=int, help="P12: a long run of so many calls, as 100000")
    parser.add_argument("--rates", type=numbers, help="P6, P7: calls a second on one core")
    parser.add_argument("--capacity", type=numbers, help="P7: calls a second on two cores, until one is not clean")
    parser.add_argument("--phones", type=int, help="P11: how many register again (default 10,000)")
    parser.add_argument("--window", type=float, help="P1 to P5, P12: seconds that are measured (default 10)")
    parser.add_argument("--warm", type=float, help="P1 to P5, P12: seconds of packets before them (default 6)")
    parser.add_argument("--seconds", type=float, help="P6, P7: how long calls are placed (default 20)")
    parser.add_argument("--settle", type=float, help="P6, P7: seconds after the last call that still count (2)")
    parser.add_argument("--clock-rate", type=int, default=default.clock_rate, help="of the mixer, Hz (16000)")
    parser.add_argument("--log-level", default=default.log_level, help="of the daemon (INFO)")
    parser.add_argument("--out", type=Path, help="appends each measurement as a line of JSON")
    parser.add_argument("--plot", type=Path, help="writes cost against calls as an SVG")
    parser.add_argument(
        "--profile", type=Path, metavar="DIR", help="P1 to P7: tables and flame graphs of the daemon's CPU time"
    )
    parser.add_argument("--keep", action="store_true", help="keeps the servers' logs and data")
    return parser.parse_args()


def names(text: str) -> tuple[str, ...]:
    """Rows of the plan."""
    given = tuple(text.upper().split(","))
    if unknown := set(given) - set(ROWS):
        raise argparse.ArgumentTypeError(f"unknown: {', '.join(sorted(unknown))}")
    return given


def numbers(text: str) -> tuple[int, ...]:
    """Ascending positive numbers."""
    return tuple(sorted({int(part) for part in text.split(",") if int(part) > 0}))


def plan_of(given: argparse.Namespace) -> Plan:
    """The plan that the arguments ask for."""
    plan = Plan(rows=given.rows, peer=given.peer is not None, clock_rate=given.clock_rate, log_level=given.log_level)
    if given.quick:
        plan = plan.quick()
    if given.calls is not None:
        plan = plan.alike(given.calls)
    chosen = ("repeat", "phones", "calls_total", "rates", "capacity", "window", "warm", "seconds", "settle", "profile")
    return replace(plan, **{name: getattr(given, name) for name in chosen if getattr(given, name) is not None})


def fail(message: str) -> NoReturn:
    """Ends with a line on standard error."""
    print(f"bench: {message}", file=sys.stderr)
    raise SystemExit(1)


@contextmanager
def alone() -> Iterator[None]:
    """Two runs at a time would measure each other."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            fail("another run is in progress")
        yield


@contextmanager
def scratch(keep: bool) -> Iterator[Path]:
    """A directory for the servers' files."""
    directory = Path(tempfile.mkdtemp(prefix="callwright-bench-"))
    try:
        yield directory
    finally:
        if keep:
            print(f"kept: {directory}", file=sys.stderr)
        else:
            shutil.rmtree(directory, ignore_errors=True)


def machine() -> Line:
    """What is said of the machine and of the tree, once a run."""
    described = subprocess.run(
        ["git", "-C", str(ROOT), "describe", "--always", "--dirty"], capture_output=True, text=True, check=False
    )
    return {
        "kind": "run",
        "at": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "tree": described.stdout.strip(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "realtime": may_be_realtime(),
    }


def load_of(line: Line) -> str:
    """What a measurement was under, in words."""
    if "phones" in line:
        return f"{line['phones']} phones"
    if "calls" in line:
        return f"{line['calls']} calls"
    return f"{line['rate']:g}/s" if "rate" in line else ""


class Output:
    """Tells each measurement when it is there, and keeps it."""

    def __init__(self, console: Console, out: Path | None) -> None:
        self.results = Results()
        self._console = console
        self._out = out
        self._began = time.monotonic()

    def write(self, line: Line) -> None:
        """One line of JSON."""
        if self._out is not None:
            with self._out.open("a") as file:
                file.write(json.dumps(line) + "\n")

    def emit(self, row: str, side: str, line: Line) -> None:
        """A measurement: into the results, the file, and a line on the terminal."""
        self.results.add(row, side, line)
        self.write({"kind": "measurement", "row": row, "side": side, **line})
        load = load_of(line)
        facts = [f"{line['cost']:.3f} {line['unit']}"]
        if "registered" in line:
            facts.append(f"{line['registered']} registered in {line['seconds']:.1f} s")
        if "answer_p99_ms" in line:
            facts.append(f"200 after {line['answer_p50_ms']:.0f}/{line['answer_p99_ms']:.0f} ms (p50/p99)")
        if "gap_max_ms" in line:
            facts.append(f"longest gap {line['gap_max_ms']:.0f} ms")
        if "cpu_pct" in line:
            facts.append(f"cpu {line['cpu_pct']:.0f} %")
            if line["other_cpu_pct"] > BUSY_PCT:
                facts.append(f"[yellow]others used {line['other_cpu_pct']:.0f} %[/]")
        facts += [] if line["clean"] else [f"[red]not clean[/] {line.get('first_error', '')}"]
        elapsed = time.monotonic() - self._began
        self._console.print(f"{elapsed:5.0f} s  {row:<15} {side:<10} {load:<12} {'; '.join(facts)}", highlight=False)


def main() -> None:
    """Measures, tells, and leaves nothing behind."""
    given = options()
    for program, package in PROGRAMS.items():
        if shutil.which(program) is None:
            fail(f"{program} is missing: install {package}")
    if given.profile is not None:
        if wanted := profile.missing():
            fail(f"--profile: install {', '.join(wanted)}")
        given.profile.mkdir(parents=True, exist_ok=True)
    # SIGTERM unwinds like Ctrl-C: the servers that were started are stopped
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    terminal = shutil.get_terminal_size((WIDTH, 24)).columns
    console = Console(soft_wrap=True, width=None if sys.stdout.isatty() else max(terminal, WIDTH))
    output = Output(console, given.out)
    take_descriptors()
    with alone(), scratch(given.keep) as directory:
        facts = machine()
        output.write(facts)
        console.print(f"{facts['tree']}, Python {facts['python']}, Linux {facts['kernel']}", highlight=False)
        if not facts["realtime"]:
            console.print("[yellow]no realtime priority for this user: neighbours will show in every figure[/]")
        plan = plan_of(given)
        if "P3" in plan.rows and not RtpEngine.installed():
            console.print("P3 goes without rtpengine: install rtpengine-daemon to have it beside")
        try:
            if plan.peer:
                Asterisk.set_up()
            Run(plan, directory, output.emit).all()
        except RuntimeError as error:
            fail(str(error))
        finally:
            if output.results.lines:
                console.print(output.results.table(), soft_wrap=False)
            if busy := output.results.busy():
                console.print(f"[yellow]in {busy} windows other processes used more than {BUSY_PCT:g} % of a core[/]")
            if given.plot is not None:
                given.plot.write_text(svg(output.results))


if __name__ == "__main__":
    main()
