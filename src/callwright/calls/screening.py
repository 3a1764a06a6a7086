"""Asking a callee before it is connected: keys that it wants first, then a document of the application's
(call-control reference §1.6, "Whisper")."""

import asyncio
from typing import TYPE_CHECKING, Any

from callwright.calls.application import Hook
from callwright.calls.prompts import send_keys
from callwright.errors import LegGone
from callwright.sip.uri import is_sip

if TYPE_CHECKING:
    from callwright.calls.call import Call


async def accepts(child: "Call", hook: Hook, digits: str) -> bool:
    """Whether an answered child may be connected: its document ran to the end and nobody left or took it meanwhile."""
    leg = child.leg
    if leg is None or leg.gone:
        return False
    work = asyncio.create_task(_asked(child, hook, digits), name=f"screening {child.sid}")
    over: list[asyncio.Future[Any]] = [work, child.taken, leg.ended]  # its application may think for a long time
    try:
        await asyncio.wait(over, return_when=asyncio.FIRST_COMPLETED)
        return work.done() and work.result() and not (child.taken.done() or leg.gone)
    except LegGone:
        return False
    finally:
        if not work.done():
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
        if not child.taken.done():  # else its sounds are another document's by now
            child.prompter.close()


async def _asked(child: "Call", hook: Hook, digits: str) -> bool:
    if digits:
        await send_keys(child, digits)
    accepted = await child.exchange.scripts.screen(child, hook, _parameters(child))
    child.note("screened", accepted=accepted)
    return accepted


def _parameters(child: "Call") -> dict[str, str]:
    """What the request adds for a SIP callee (call-control reference §7.3): its Call-ID, and X-... of its 200."""
    leg = child.require_leg()
    if not is_sip(child.to):
        return {}
    fields = {f"SipHeader_{name}": value for name, value in leg.answer_headers if name.lower().startswith("x-")}
    return {"SipCallId": leg.call_id} | fields
