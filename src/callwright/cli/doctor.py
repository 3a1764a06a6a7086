"""The commands `doctor` and `trunk test`: whether calls can go, in words, and what to do when they cannot."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from callwright.cli.checks.finding import Finding, bad, exit_code
from callwright.config import Config, load
from callwright.errors import ConfigError

ANSWER_S = 8.0

ConfigOption = Annotated[Path | None, typer.Option("--config", help="TOML file; without it the defaults hold.")]
DataOption = Annotated[Path | None, typer.Option("--data", help="Overrides server.data_dir.")]
trunk_commands = typer.Typer(no_args_is_help=True, help="Trunks, tried from here.")


def doctor(config: ConfigOption = None, data: DataOption = None) -> None:
    """Looks at ports, certificates, names, application servers, disk, clock and kernel. Ends with 1 when calls would
    fail."""
    from callwright.cli.examination import examine

    settings = _load(config)
    raise typer.Exit(_told(asyncio.run(examine(settings, data or settings.server.data_dir))))


def test(
    name: Annotated[str, typer.Argument(help="Of a [[trunk]].")],
    call: Annotated[str, typer.Option("--call", help="A number that echoes: a tone must come back.")] = "",
    from_: Annotated[str, typer.Option("--from", help="Caller ID of the call; else a number of the account.")] = "",
    seconds: Annotated[float, typer.Option("--timeout", help="Of each answer.")] = ANSWER_S,
    config: ConfigOption = None,
) -> None:
    """Asks each gateway of a trunk by OPTIONS, and calls a number that echoes. Ends with 1 when calls would fail."""
    from callwright.cli.examination import try_trunk

    settings = _load(config)
    section = next((one for one in settings.trunk if one.name == name), None)
    if section is None:
        known = ", ".join(one.name for one in settings.trunk) or "there is none"
        raise typer.Exit(_told([bad(f"trunk {name}", "is not in the file", f"It declares: {known}")]))
    shown = from_ or next((one.number for one in settings.number if one.account == section.account), "doctor")
    raise typer.Exit(_told(asyncio.run(try_trunk(settings, section, call, shown, seconds))))


def _load(path: Path | None) -> Config:
    try:
        return load(path)
    except ConfigError as error:
        faults = [bad("configuration", fault, "callwright check-config tells all") for fault in error.faults]
        raise typer.Exit(_told(faults)) from None


def _told(findings: Sequence[Finding]) -> int:
    for one in findings:
        print(one.line())
    return exit_code(findings)


def install(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command()(doctor)
    trunk_commands.command("test")(test)
    app.add_typer(trunk_commands, name="trunk")
