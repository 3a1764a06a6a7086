"""A document for a callee who is not connected yet (call-control reference §1.6, "Whisper")."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from callwright.calls.application import Hook
from callwright.calls.control import CallControl
from callwright.errors import ApplicationError, CallwrightError, LegGone
from callwright.outbound import shown
from callwright.twiml.address import with_userinfo
from callwright.twiml.document import Document, parse
from callwright.twiml.interpreter import arrive, interpret
from callwright.twiml.outcome import Finish
from callwright.twiml.pace import Pace
from callwright.twiml.session import TOO_MANY_DOCUMENTS, Answer, Documents

ALLOWED = frozenset({"Say", "Play", "Pause", "Gather", "Redirect", "Hangup"})
NOT_ALLOWED = 13201


async def screen(
    control: CallControl, documents: Documents, hook: Hook, params: Mapping[str, str], time: Callable[[], float]
) -> bool:
    """Runs a document, and those that it leads to, on a callee.

    Args:
        params: of the first request, besides the standard ones.
        time: seconds of a steady clock.

    Returns:
        Whether the callee may be connected: the last document ran to its end. A callee whom the application hangs up,
        or for whom it has no document, is not connected unasked.

    Raises:
        LegGone: the callee hung up.
    """
    pace = Pace()
    try:
        while pace.begin():
            document = await _fetch(control, documents, hook, params)
            arrive(document, control)
            step = await interpret(_allowed(document, control), control, pace, time)
            if isinstance(step, Finish):
                return not (step.ordered or step.hung_up)
            hook, params = step.hook, step.params
    except LegGone:
        raise
    except ApplicationError as fault:
        url = shown(fault.url) if fault.url else ""
        control.note("failure", code=fault.code, message=f"the callee is not connected: {fault.message}", url=url)
        return False
    except CallwrightError as fault:
        control.note("failure", code=fault.code, message=f"the callee is not connected: {fault.message}")
        return False
    most = f"more than {Pace.MOST_DOCUMENTS} documents without a second of sound"
    control.note("warning", code=TOO_MANY_DOCUMENTS, message=most)
    return False


async def _fetch(control: CallControl, documents: Documents, hook: Hook, params: Mapping[str, str]) -> Document:
    def read(answer: Answer) -> Document:
        return parse(answer.body, answer.content_type, with_userinfo(answer.url, hook.url))

    return await documents.get(hook, {**control.parameters(), **params}, read)


def _allowed(document: Document, control: CallControl) -> Document:
    """The document without the verbs that have no place before a bridge."""
    for verb in document.verbs:
        if verb.name not in ALLOWED:
            message = f"<{verb.name}>: not allowed before the parties are connected: skipped"
            control.note("warning", code=NOT_ALLOWED, message=message)
    return replace(document, verbs=tuple(verb for verb in document.verbs if verb.name in ALLOWED))
