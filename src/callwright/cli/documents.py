"""The commands about documents: `verbs`, `lint`, `simulate`. They need no daemon, no phone and no configuration."""

from pathlib import Path
from typing import Annotated

import typer

from callwright.config import DEMO_ACCOUNT

NOBODYS_BASE = "http://application.invalid/"
"""What relative URLs in a file are resolved against, when nobody says where it will come from."""

Where = Annotated[str, typer.Argument(metavar="FILE|URL", help="A document, or where it is fetched from.")]
AccountSid = Annotated[str, typer.Option("--account", help="AccountSid of requests.")]
Token = Annotated[str, typer.Option("--token", help="The auth token that signs requests.")]
Method = Annotated[str, typer.Option("--method", help="GET or POST.")]


def verbs(
    name: Annotated[str, typer.Argument(help="A verb, or a noun like Dial/Number; all without it.")] = "",
    as_markdown: Annotated[bool, typer.Option("--markdown", help="The table of the README.")] = False,
) -> None:
    """Prints every verb and noun with its attributes: values, default, the warning of a bad one, and if it works."""
    from callwright.cli import inspection

    raise typer.Exit(inspection.verbs(name, as_markdown))


def lint(
    where: Where,
    base: Annotated[str, typer.Option("--base", help="The URL that a file will come from.")] = NOBODYS_BASE,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings are errors, too.")] = False,
    method: Method = "POST",
    account: AccountSid = DEMO_ACCOUNT,
    token: Token = "",
) -> None:
    """Checks a document as a call would: every fault with its line and code. Ends with 1 when it cannot be run."""
    from callwright.cli import inspection

    raise typer.Exit(inspection.lint(where, base, strict, method, account, token))


def simulate(
    where: Where,
    digits: Annotated[str, typer.Option(help="Keys for each Gather in turn: 1,22#,,5")] = "",
    script_file: Annotated[Path | None, typer.Option("--script", help="What the caller does, one act a line.")] = None,
    answers: Annotated[bool, typer.Option("--answers", help="Prints the documents, too.")] = False,
    fallback: Annotated[str, typer.Option(help="The secondary URL.")] = "",
    method: Method = "POST",
    from_: Annotated[str, typer.Option("--from", help="Who calls.")] = "+15557654321",
    to: Annotated[str, typer.Option("--to", help="The number that is called.")] = "+15550001000",
    account: AccountSid = DEMO_ACCOUNT,
    token: Token = "",
) -> None:
    """Walks through an application without a phone: prints each verb, each request and each answer.

    The clock jumps; speech and sounds are not loaded. Keys that no option names are asked for on a terminal.
    """
    from callwright.cli import inspection

    caller = inspection.Caller(from_, to, digits, script_file, answers)
    raise typer.Exit(inspection.simulate(where, caller, fallback, method, account, token))


def install(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command()(verbs)
    app.command()(lint)
    app.command()(simulate)
