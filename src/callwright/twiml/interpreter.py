"""The loop over a document's verbs; it knows none of them by name."""

from collections.abc import Callable

from callwright.calls.control import CallControl, File, Speech
from callwright.errors import MediaError
from callwright.outbound import shown
from callwright.twiml.document import Document
from callwright.twiml.outcome import Finish, Next
from callwright.twiml.pace import Pace


def arrive(document: Document, control: CallControl) -> None:
    """Tells what is wrong with a document, and starts to load its sounds."""
    url = shown(document.url) if document.url else ""
    for warning in document.warnings:
        control.note("warning", code=warning.code, message=warning.message, line=warning.line, url=url)
    sounds = [prompt for verb in document.verbs for prompt in verb.prompts() if isinstance(prompt, File | Speech)]
    if sounds:
        control.prefetch(sounds)


async def interpret(document: Document, control: CallControl, pace: Pace, time: Callable[[], float]) -> Next | Finish:
    """Carries out verb after verb until one leads elsewhere; the end of the document is the end of the call.

    Args:
        time: the event loop's time, in seconds.

    Raises:
        LegGone: the caller hung up.
    """
    for verb in document.verbs:
        if control.status.final:
            return Finish(hung_up=True)
        control.note("verb", name=verb.name)
        started = time()
        try:
            step = await verb.execute(control)
        except MediaError as fault:
            control.note("warning", code=fault.code, message=f"<{verb.name}>: {fault.message}")
            continue
        finally:
            pace.spend(time() - started)
        if step is not None:
            return step
    return Finish()
