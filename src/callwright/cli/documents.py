"""The commands about documents: `verbs`, `lint`, `simulate`. They need no daemon, no phone and no configuration."""

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

import typer

from callwright.account import Account
from callwright.apps.client import ApplicationClient, Fetch
from callwright.apps.fallback import Documents
from callwright.calls.application import Application, Hook
from callwright.cli import script
from callwright.cli.simulation import SimulatedCall
from callwright.config import DEMO_ACCOUNT, OutboundHttp
from callwright.errors import ApplicationError, DocumentError
from callwright.outbound import Outbound
from callwright.twiml.catalogue import Declared, State, elements, markdown
from callwright.twiml.document import Document, parse
from callwright.twiml.session import Session

TYPES = {".txt": "text/plain"}
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
    if as_markdown:
        print("\n".join(markdown()))
        return
    found = [one for one in elements() if not name or one.path == name or one.path.startswith(f"{name}/")]
    if not found:
        raise typer.Exit(_complain(f"there is no verb or noun {name}"))
    for one in found:
        print("\n".join(_described(one)))


def lint(
    where: Where,
    base: Annotated[str, typer.Option("--base", help="The URL that a file will come from.")] = NOBODYS_BASE,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings are errors, too.")] = False,
    method: Method = "POST",
    account: AccountSid = DEMO_ACCOUNT,
    token: Token = "",
) -> None:
    """Checks a document as a call would: every fault with its line and code. Ends with 1 when it cannot be run."""
    try:
        document = _document(where, base, Hook(where, method), Account(account, token))
    except DocumentError as error:
        print(f"{where}: error {error.code}: {error.message}")
        raise typer.Exit(1) from None
    except ApplicationError as error:
        raise typer.Exit(_complain(f"{where}: {error.message} ({error.code})")) from None
    except OSError as error:
        raise typer.Exit(_complain(f"{where}: {error.strerror or error}")) from None
    for warning in document.warnings:
        print(f"{where}:{warning.line}: warning {warning.code}: {warning.message}")
    counted = len(document.warnings)
    print(f"{where}: {len(document.verbs)} verbs, {counted} warning{'' if counted == 1 else 's'}")
    if strict and counted:
        raise typer.Exit(1)


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
    try:
        acts = script.read(script_file.read_text().splitlines()) if script_file else script.keyed(digits)
        hooks = Hook(fallback) if fallback else None
        if _is_url(where):
            application = Application(voice=Hook(where, method), fallback=hooks)
        else:
            application = Application(twiml=Path(where).read_text(), fallback=hooks)
    except ValueError as error:
        raise typer.Exit(_complain(f"--script, --digits: {error}")) from None
    except OSError as error:
        raise typer.Exit(_complain(f"{error.filename}: {error.strerror}")) from None
    typed = sys.stdin.isatty() and not (digits or script_file)
    call = SimulatedCall(
        acts, print, account_sid=account, from_=from_, to=to, ask=_typed if typed else None, answers=answers
    )
    asyncio.run(_walk(call, application, Account(account, token)))
    for act in call.left:
        print(f"not reached: {act.text}")
    if call.failed or call.left:
        raise typer.Exit(1)


async def _walk(call: SimulatedCall, application: Application, account: Account) -> None:
    async with _outbound() as outbound:
        documents = Documents(ApplicationClient(outbound), application, account, call.note)
        await Session(call, documents, application, time=lambda: call.time).run()
    print(f"{call.time:8.1f} s  the call has ended: {call.status}")


def _document(where: str, base: str, hook: Hook, account: Account) -> Document:
    if _is_url(where):
        return asyncio.run(_fetched(hook, account))
    kind = TYPES.get(Path(where).suffix, "text/xml")
    return parse(Path(where).read_bytes(), kind, base)


async def _fetched(hook: Hook, account: Account) -> Document:
    """The document at a URL, asked for as the first request of a call does."""
    call = SimulatedCall((), print, account_sid=account.sid, from_="+15557654321", to="+15550001000")
    async with _outbound() as outbound:
        answer = await ApplicationClient(outbound).ask(Fetch(hook, call.parameters(), account)).attempt()
    return parse(answer.body, answer.content_type, answer.url)


@asynccontextmanager
async def _outbound() -> AsyncIterator[Outbound]:
    """Requests to anywhere, the own machine too: who runs these commands is no stranger."""
    client = Outbound(OutboundHttp(allow_private=True))
    await client.start()
    try:
        yield client
    finally:
        await client.close()


def _is_url(where: str) -> bool:
    return where.startswith(("http://", "https://"))


def _typed() -> str:
    return input("            keys> ").strip()


def _complain(line: str) -> int:
    print(f"callwright: {line}", file=sys.stderr)
    return 1


def _described(one: Declared) -> Sequence[str]:
    lines = [f"{one.path}" + ("" if one.state is State.WORKS else f" ({one.state})")]
    for attribute in one.attributes:
        default = attribute.default
        if isinstance(default, frozenset | tuple):
            default = " ".join(sorted(default))
        shown = str(default).lower() if isinstance(default, bool) else str(default)
        state = one.state_of(attribute)
        about = f"{attribute.allowed} ({shown or 'none'})"
        lines.append(
            f"  {attribute.name}: {about}; bad: {attribute.code}{'' if state is State.WORKS else '; no effect'}"
        )
    return lines


def install(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command()(verbs)
    app.command()(lint)
    app.command()(simulate)
