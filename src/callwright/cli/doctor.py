"""The commands `doctor` and `trunk test`: whether calls can go, in words, and what to do when they cannot."""

import asyncio
import shutil
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from callwright.cli.checks.finding import Finding, bad, exit_code
from callwright.config import Config, load
from callwright.errors import ConfigError

ANSWER_S = 8.0
LEAST_WIDTH = 40
INDENT = " " * 5

ConfigOption = Annotated[Path | None, typer.Option("--config", help="TOML file; without it the defaults hold.")]
DataOption = Annotated[Path | None, typer.Option("--data", help="Overrides server.data_dir.")]
trunk_commands = typer.Typer(no_args_is_help=True, help="Trunks, tried from here.")


def doctor(config: ConfigOption = None, data: DataOption = None) -> None:
    """Looks at ports, certificates, names, trunks and their registrations, application servers, disk, clock and
    kernel. Ends with 1 when calls would fail."""
    from callwright.cli.examination import examine

    settings = _load(config)
    raise typer.Exit(_told(asyncio.run(examine(settings, data or settings.server.data_dir))))


def test(
    name: Annotated[str, typer.Argument(help="Of a [[trunk]].")],
    call: Annotated[str, typer.Option("--call", help="A number that echoes: a tone must come back.")] = "",
    from_: Annotated[str, typer.Option("--from", help="Caller ID of the call; else a number of the account.")] = "",
    seconds: Annotated[float, typer.Option("--timeout", help="Of each answer, in seconds.")] = ANSWER_S,
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Looks up a trunk's names, asks each gateway by OPTIONS and the registrar by a REGISTER that changes nothing, and
    calls a number that echoes. Ends with 1 when calls would fail."""
    from callwright.cli.examination import try_trunk

    settings = _load(config)
    section = next((one for one in settings.trunk if one.name == name), None)
    if section is None:
        known = ", ".join(one.name for one in settings.trunk) or "there is none"
        raise typer.Exit(_told([bad(f"trunk {name}", "is not in the file", f"It declares: {known}")]))
    shown = from_ or next((one.number for one in settings.number if one.account == section.account), "doctor")
    directory = data or settings.server.data_dir
    raise typer.Exit(_told(asyncio.run(try_trunk(settings, section, call, shown, seconds, directory))))


def _load(path: Path | None) -> Config:
    try:
        return load(path)
    except ConfigError as error:
        faults = [bad("configuration", fault, "callwright check-config tells all") for fault in error.faults]
        raise typer.Exit(_told(faults)) from None


def _told(findings: Sequence[Finding]) -> int:
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
    for one in findings:
        print(wrapped(one.line(), width))
    return exit_code(findings)


def wrapped(line: str, width: int) -> str:
    """A line of a terminal so wide, whose further rows stand behind its level; 0: for a file, in one."""
    if width < LEAST_WIDTH:
        return line
    return textwrap.fill(
        line, width, subsequent_indent=INDENT, break_long_words=False, break_on_hyphens=False, drop_whitespace=True
    )


def install(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command()(doctor)
    trunk_commands.command("test")(test)
    app.add_typer(trunk_commands, name="trunk")
