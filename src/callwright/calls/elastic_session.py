"""A call of an elastic trunk, from its INVITE to its end: connected, transferred, and caught when the PBX is gone."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from callwright.calls.application import Application, Hook
from callwright.calls.control import Dialled
from callwright.calls.elastic import Elastic
from callwright.calls.status import CallStatus
from callwright.errors import LegGone, RestError

if TYPE_CHECKING:
    from callwright.calls.call import Call
    from callwright.calls.switchboard import Session

BUSY, NO_ANSWER, UNREACHABLE, NO_WAY = 486, 480, 503, 404
NOT_PASSED_ON = frozenset({401, 402, 407})
"""Of our own dealings with a gateway: nothing to tell the caller."""
UNREACHED = 32011
WRONG_STATE = 21220


class ElasticSession:
    """Runs a call whose application is a trunk.

    Args:
        rescue: makes the session that runs the document of the trunk's disaster recovery URL.
    """

    def __init__(self, call: "Call", rescue: Callable[["Call"], "Session"]) -> None:
        self._call, self._rescue = call, rescue
        self._rescued: Session | None = None

    async def run(self) -> None:
        """From the dial to the end of the call; who is transferred is dialled on."""
        call, trunk = self._call, self._call.application.elastic
        while trunk is not None:
            dialled = await self._connect(trunk)
            if call.leg is None or call.leg.gone:
                return
            if not dialled.transferred_to:
                await self._end(trunk, dialled)
                return
            trunk = call.application.elastic  # as the transfer has left it

    async def _connect(self, trunk: Elastic) -> Dialled:
        if not trunk.targets:
            self._call.note("warning", code=UNREACHED, message=f"trunk {trunk.sid} has no enabled origination URL")
            return Dialled(CallStatus.FAILED, sip_code=UNREACHABLE)
        try:
            return await self._call.dial(trunk.plan())
        except LegGone:
            return Dialled(CallStatus.CANCELED, hung_up=True)

    async def _end(self, trunk: Elastic, dialled: Dialled) -> None:
        """What the caller gets when nobody talks with him any more: BYE, the refusal that we have got, a document."""
        call, status = self._call, CallStatus(dialled.status)
        if status is CallStatus.FAILED and trunk.recovery is not None:
            await self._recover(trunk.recovery, dialled.sip_code)
        elif status is CallStatus.COMPLETED:
            call.hang_up()
        else:
            await call.refuse(_code(status, dialled.sip_code), status)

    async def _recover(self, hook: Hook, code: int) -> None:
        """The trunk's PBX cannot be reached: its document runs on who calls it."""
        call = self._call
        call.note("fallback", code=UNREACHED, message=f"the trunk's PBX cannot be reached ({code})")
        call.application = replace(call.application, elastic=None, voice=hook, twiml=None, fallback=None)
        self._rescued = self._rescue(call)
        await self._rescued.run()

    def redirect(self, source: "Hook | str") -> bool:
        """Only who hears a document can hear another one.

        Raises:
            RestError: 21220: nothing but the trunk runs the call.
        """
        if self._rescued is None:
            raise RestError("Call is of an elastic trunk. Cannot redirect.", code=WRONG_STATE)
        return self._rescued.redirect(source)

    def amend(self, application: Application) -> None:
        """The call's settings have changed."""
        if self._rescued is not None:
            self._rescued.amend(application)


def _code(status: CallStatus, code: int) -> int:
    """The final response to a caller whose call has not been answered."""
    if status is CallStatus.BUSY:
        return BUSY
    if status is not CallStatus.FAILED:
        return NO_ANSWER
    return code if 400 <= code < 700 and code not in NOT_PASSED_ON else UNREACHABLE
