"""An outbound call is placed: one INVITE after the other, until somebody answers or nobody is left to try."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from callwright.calls.outbound import Attempt
from callwright.errors import Fenced, NotRegistered
from callwright.sip.leg import Ending, Leg

if TYPE_CHECKING:
    from callwright.calls.call import Call

NO_ADDRESS = 13254
UNAVAILABLE, NO_RESPONSE = 503, 408
FULL = Ending(UNAVAILABLE, "every trunk that carries this number is full", "local")
UNROUTABLE = Ending(404, "no trunk carries this number", "local")


async def ring_out(call: "Call", attempts: Sequence[Attempt], on_progress: Callable[[Leg, bool], None]) -> bool:
    """Places a call, one attempt after the other while gateways fail.

    Args:
        attempts: none when nothing carries it.
        on_progress: told of each provisional response: (leg, early media).

    Returns:
        Whether it was answered; if not, the call has its final status.
    """
    if call.status.final:
        return False
    ending = FULL if attempts else UNROUTABLE
    for attempt in attempts:
        try:
            next_hop = await call.exchange.endpoint.next_hop(attempt.uri)
            if call.status.final:  # canceled while the name was looked up
                return False
            leg = attempt.send(next_hop)
        except ValueError as error:
            ending = Ending(400, str(error), "local")
            continue
        except (OSError, NotRegistered, Fenced) as error:
            ending = _unsent(call, error)
            continue
        if leg is None:
            continue
        if call.leg is not None:
            call.note("failover", code=ending.code, reason=ending.reason)
        call.leg = leg
        if (ended := await call.rung(leg, on_progress)) is None:
            return True
        ending = ended
        # failover is for gateways: a party that rang has been reached (call-control reference §7.3)
        if leg.rang or call.verdict or not (ending.code == NO_RESPONSE or 500 <= ending.code < 600):
            break
    call.finish(ending)
    return False


def _unsent(call: "Call", error: OSError | NotRegistered | Fenced) -> Ending:
    """An attempt that has not left the house."""
    code, sip_code = NO_ADDRESS, UNAVAILABLE
    if isinstance(error, NotRegistered | Fenced):
        code, sip_code = error.code, error.sip_code
    call.note("warning", code=code, message=str(error))
    return Ending(sip_code, str(error), "local")
