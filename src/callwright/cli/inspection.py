"""Documents and applications tried without a daemon, a phone or a configuration: the work of three commands."""

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from callwright.account import Account
from callwright.apps.client import ApplicationClient, Fetch
from callwright.apps.fallback import Documents
from callwright.calls.alerts import Alert
from callwright.calls.application import Application, Hook
from callwright.cli.script import Act, keyed, read
from callwright.cli.simulation import SimulatedCall
from callwright.errors import ApplicationError, DocumentError
from callwright.outbound import Outbound
from callwright.sections import OutboundHttp
from callwright.twiml.catalogue import Declared, State, elements, markdown
from callwright.twiml.document import Document, parse
from callwright.twiml.session import Session

TYPES = {".txt": "text/plain"}


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls in a simulation, and what it does.

    Attributes:
        digits: keys for each <Gather> in turn, with commas between.
        script: a file of acts in their place.
        answers: whether documents are printed.
    """

    from_: str
    to: str
    digits: str = ""
    script: Path | None = None
    answers: bool = False

    def acts(self) -> list[Act]:
        """What it does.

        Raises:
            ValueError: it cannot be understood.
            OSError: the script cannot be read.
        """
        return read(self.script.read_text().splitlines()) if self.script else keyed(self.digits)


def verbs(name: str, as_markdown: bool) -> int:
    """Prints the table of verbs, or of one; returns the exit code."""
    if as_markdown:
        print("\n".join(markdown()))
        return 0
    found = [one for one in elements() if not name or one.path == name or one.path.startswith(f"{name}/")]
    if not found:
        return _complain(f"there is no verb or noun {name}")
    for one in found:
        print("\n".join(_described(one)))
    return 0


def lint(where: str, base: str, strict: bool, method: str, account: str, token: str) -> int:
    """Prints what is wrong with a document; returns the exit code."""
    try:
        document = _document(where, base, _hook(where, method), Account(account, token))
    except DocumentError as error:
        print(f"{where}: error {error.code}: {error.message}")
        return 1
    except ApplicationError as error:
        return _complain(f"{where}: {error.message} ({error.code})")
    except OSError as error:
        return _complain(f"{where}: {error.strerror or error}")
    except ValueError as error:
        return _complain(str(error))
    for warning in document.warnings:
        print(f"{where}:{warning.line}: warning {warning.code}: {warning.message}")
    counted = len(document.warnings)
    print(f"{where}: {len(document.verbs)} verbs, {counted} warning{'' if counted == 1 else 's'}")
    return 1 if strict and counted else 0


def simulate(where: str, caller: Caller, fallback: str, method: str, account: str, token: str) -> int:
    """Walks through an application; returns the exit code: 1 when something failed, or acts are left."""
    try:
        acts = caller.acts()
        application = _application(where, fallback, method)
    except ValueError as error:
        return _complain(str(error))
    except OSError as error:
        return _complain(f"{error.filename}: {error.strerror}")
    typed = sys.stdin.isatty() and not (caller.digits or caller.script)
    call = SimulatedCall(
        acts,
        print,
        account_sid=account,
        from_=caller.from_,
        to=caller.to,
        ask=_typed if typed else None,
        answers=caller.answers,
    )
    asyncio.run(_walk(call, application, Account(account, token)))
    for act in call.remaining:
        print(f"not reached: {act.text}")
    return 1 if call.failed or call.remaining else 0


def _application(where: str, fallback: str, method: str) -> Application:
    secondary = Hook(fallback) if fallback else None
    if _is_url(where):
        return Application(voice=_hook(where, method), fallback=secondary)
    return Application(twiml=Path(where).read_text(), fallback=secondary)


def _hook(url: str, method: str) -> Hook:
    if method.upper() not in ("GET", "POST"):
        raise ValueError(f"--method: {method} is neither GET nor POST")
    return Hook(url, method.upper())


def _not_kept(alert: Alert) -> None:
    """The note beside it is printed."""


async def _walk(call: SimulatedCall, application: Application, account: Account) -> None:
    async with _outbound() as outbound:
        documents = Documents(ApplicationClient(outbound), application, account, call.note, _not_kept)
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
        effect = "" if state is State.WORKS else "; no effect" + (f": {attribute.why}" if attribute.why else "")
        lines.append(f"  {attribute.name}: {about}; bad: {attribute.code}{effect}")
    return lines
