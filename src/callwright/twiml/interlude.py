"""Documents beside a call's own: for those who wait, and announcements (call-control reference §1.6, §1.7).

Each kind may hold a few verbs only; what else stands there is warned about and left out (13238).
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from callwright.account import Account
from callwright.calls.application import Hook
from callwright.calls.backdrop import Programme
from callwright.calls.control import Prompt
from callwright.errors import ApplicationError
from callwright.twiml.address import with_userinfo
from callwright.twiml.document import Document, parse
from callwright.twiml.interpreter import interpret
from callwright.twiml.outcome import Finish
from callwright.twiml.pace import Pace
from callwright.twiml.session import TOO_MANY_DOCUMENTS, Answer, Documents
from callwright.twiml.verbs import Hangup, Pause, Redirect, Verb

if TYPE_CHECKING:
    from callwright.calls.call import Call

logger = logging.getLogger(__name__)

FORBIDDEN = 13238
HEARD = frozenset({"Play", "Say", "Pause", "Redirect"})
QUEUE = HEARD | {"Hangup", "Leave", "Gather"}


@dataclass(frozen=True, slots=True)
class _Fetched:
    document: Document
    sound: bool


class Interludes:
    """The source of such documents: `Programmes` of `calls/backdrop`.

    Args:
        documents: those of a call's session, or nobody's.
    """

    def __init__(self, documents: "Callable[[Account, Call | None], Documents]") -> None:
        self._documents = documents

    async def follow(
        self, hook: Hook, params: dict[str, str], *, account: Account, call: "Call | None"
    ) -> AsyncGenerator[Programme, None]:
        """What is to be heard, document after document."""
        documents, pace = self._documents(account, call), Pace()
        time = asyncio.get_running_loop().time
        following: Hook | None = hook
        while following is not None:
            fetched = await _fetch(documents, following, params, pace)
            verbs = _allowed(fetched.document, HEARD, call)
            redirect = next((verb for verb in verbs if isinstance(verb, Redirect)), None)
            following = redirect.hook if redirect is not None else None
            began = time()
            yield Programme(_prompts(verbs), endless=fetched.sound)
            pace.spend(time() - began)

    async def perform(self, call: "Call", hook: Hook, params: Callable[[], dict[str, str]], *, endless: bool) -> None:
        """Carries documents out on a call."""
        documents, pace = self._documents(call.account, call), Pace()
        time = asyncio.get_running_loop().time
        following = hook
        extra: dict[str, str] = {}
        while True:
            asked = call.parameters() | params() | extra
            fetched = await _fetch(documents, following, asked, pace)
            verbs = _allowed(fetched.document, QUEUE if endless else HEARD, call)
            step = await interpret(replace(fetched.document, verbs=verbs), call, pace, time)
            if not isinstance(step, Finish):
                following, extra = step.hook, dict(step.params)
            elif not (endless and call.rooms.waiting):
                return
            elif any(isinstance(verb, Hangup) for verb in verbs):  # a session hangs up by itself when it is over
                await call.hangup()
                return
            else:
                following, extra = hook, {}


async def _fetch(documents: Documents, hook: Hook, params: dict[str, str], pace: Pace) -> _Fetched:
    if not pace.begin():
        most = f"more than {Pace.MOST_DOCUMENTS} documents without a second of sound"
        raise ApplicationError(most, code=TOO_MANY_DOCUMENTS, url=hook.url)

    def read(answer: Answer) -> _Fetched:
        document = parse(answer.body, answer.content_type, with_userinfo(answer.url, hook.url))
        return _Fetched(document, answer.content_type.strip().lower().startswith("audio/"))

    return await documents.get(hook, params, read)


def _allowed(document: Document, names: frozenset[str], call: "Call | None") -> tuple[Verb, ...]:
    for warning in document.warnings:
        _warn(call, warning.code, f"line {warning.line}: {warning.message}")
    for verb in document.verbs:
        if verb.name not in names:
            _warn(call, FORBIDDEN, f"<{verb.name}> is not allowed in this document and is left out")
    return tuple(verb for verb in document.verbs if verb.name in names)


def _warn(call: "Call | None", code: int, message: str) -> None:
    if call is not None:
        call.note("warning", code=code, message=message)
    else:
        logger.warning("warning code=%d message=%s", code, message)


def _prompts(verbs: tuple[Verb, ...]) -> tuple[Prompt, ...]:
    """What is heard until a document leads elsewhere."""
    prompts: list[Prompt] = []
    for verb in verbs:
        if isinstance(verb, Redirect):
            break
        prompts.extend((verb.silence,) if isinstance(verb, Pause) else verb.prompts())
    return tuple(prompts)
