"""The command line. Each command ends with 0, or with 1 and lines on standard error that say what to do."""

import asyncio
import gc
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from callwright import __version__
from callwright.cli import doctor, documents
from callwright.cli.profiled import lines as profiled
from callwright.config import load
from callwright.errors import CallwrightError, ConfigError, StartError
from callwright.sip import certificates

if TYPE_CHECKING:
    from callwright.demo.phone import Report

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Programmable voice on your own machines.",
)

ConfigOption = Annotated[Path | None, typer.Option("--config", help="TOML file; without it the defaults hold.")]


def fail(*lines: str) -> NoReturn:
    """Ends the command with lines on standard error."""
    for line in lines:
        print(f"callwright: {line}", file=sys.stderr)
    raise typer.Exit(1)


@app.command()
def serve(
    config: ConfigOption = None,
    data: Annotated[Path | None, typer.Option("--data", help="Overrides server.data_dir.")] = None,
) -> None:
    """Runs the daemon in the foreground until SIGTERM or SIGINT."""
    gc.disable()  # what a start makes is no garbage, and looking for some takes a tenth of it; `run` turns it on again
    import uvloop

    from callwright.daemon import run

    try:
        settings = load(config)
        if data is not None:
            server = settings.server.model_copy(update={"data_dir": data})
            settings = settings.model_copy(update={"server": server})
        uvloop.run(run(settings))
    except ConfigError as error:
        fail(*error.faults)
    except CallwrightError as error:
        fail(error.message)


@app.command("check-config")
def check_config(file: Annotated[Path, typer.Argument(help="The TOML file to check.")]) -> None:
    """Checks a configuration file and prints every fault with its key."""
    try:
        config = load(file)
    except ConfigError as error:
        fail(*error.faults)
    try:
        for files in certificates.all_of(config):
            certificates.read(files)
    except StartError as error:
        fail(error.message)
    counts = f"{len(config.account)} accounts, {len(config.number)} numbers, {len(config.trunk)} trunks"
    counts += f", {len(config.user)} users" if config.user else ""
    for line in profiled(config):
        print(line)
    print(f"{file}: good ({counts})")


@app.command()
def demo(
    uri: Annotated[str, typer.Option(help="What to call.")] = "sip:demo@127.0.0.1:5060",
    key: Annotated[str, typer.Option(help="The key to press: 0-9 * #.")] = "5",
    address: Annotated[str, typer.Option(help="The local address to call from.")] = "127.0.0.1",
) -> None:
    """Places a real SIP call to the running daemon, presses a key and prints what happened."""
    import time

    from callwright.demo.phone import demonstrate

    if len(key) != 1 or key not in "0123456789*#":
        fail("--key: one of 0-9 * #")
    began = time.monotonic()

    def tell(line: str) -> None:
        print(f"{time.monotonic() - began:7.3f} s  {line}", flush=True)

    try:
        report = asyncio.run(demonstrate(uri, key, address, tell))
    except ConfigError as error:
        fail(f"--address: {'; '.join(error.faults)}")
    except CallwrightError as error:
        fail(error.message)
    except ValueError as error:
        fail(f"--uri {uri}: {error}")
    if report.answered < 0:
        fail(_unanswered(report, uri))
    received = report.statistics.get("rx")
    packets = received.get("packets") if isinstance(received, dict) else 0
    print(f"answered in {report.answered * 1000:.0f} ms, heard {report.heard:.1f} s of speech in {packets} RTP packets")
    if not report.well:
        fail("the call did not go as the demonstration should: see the daemon's log")


def _unanswered(report: "Report", uri: str) -> str:
    """Why a call was not answered, and what to do: nobody was there, or the daemon refused it."""
    said = f"{report.code} {report.reason}"
    if report.by != "remote" or report.code in (408, 503):
        return f"no answer: {said}. Is the daemon running? Start it with: callwright serve"
    if report.code == 404:
        return f"refused: {said}. No [[number]] is called that; a file with tables of its own has no demo: see --uri"
    return f"refused: {said}. The daemon's log tells why {uri} did not answer"


@app.command()
def registrations(
    config: ConfigOption = None,
    data: Annotated[Path | None, typer.Option("--data", help="Overrides server.data_dir.")] = None,
) -> None:
    """Prints which users' phones are registered, and where."""
    from callwright import clock
    from callwright.cli.registrations import read, table

    now = clock.now()
    try:
        found = read(data or load(config).server.data_dir, now)
    except ConfigError as error:
        fail(*error.faults)
    except CallwrightError as error:
        fail(error.message)
    for line in table(found, now):
        print(line)


@app.command()
def subscriptions(
    config: ConfigOption = None,
    data: Annotated[Path | None, typer.Option("--data", help="Overrides server.data_dir.")] = None,
) -> None:
    """Prints which users' phones watch whom (busy lamps, presence)."""
    from callwright import clock
    from callwright.cli.subscriptions import read, table

    now = clock.now()
    try:
        found = read(data or load(config).server.data_dir, now)
    except ConfigError as error:
        fail(*error.faults)
    except CallwrightError as error:
        fail(error.message)
    for line in table(found, now):
        print(line)


@app.command()
def trunks(config: ConfigOption = None) -> None:
    """Prints what the trunks of a running daemon are doing: calls, registration, targets."""
    from callwright.cli.trunks import read, samples, table

    try:
        loaded = load(config)
        now = samples(read(loaded))
    except ConfigError as error:
        fail(*error.faults)
    except CallwrightError as error:
        fail(error.message)
    for line in table(loaded, now):
        print(line)


@app.command()
def version() -> None:
    """Prints the version."""
    print(__version__)


documents.install(app)
doctor.install(app)
