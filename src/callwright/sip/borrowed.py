"""A leg on loan: a caller's leg while another application has the call; ending it gives the caller back unharmed."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from callwright.sip.leg import Ending, Headers, Leg, LegState
from callwright.sip.transfer import Referral

ENDED, DECLINED = 200, 603


class Borrowed(Leg):
    """Hears and is heard like the leg it is borrowed from, which lives on when this one ends.

    Args:
        accept: answers the lender's call, if it is not answered yet.
    """

    def __init__(self, lender: Leg, accept: Callable[[], None]) -> None:
        super().__init__(lender.endpoint, lender.node)
        self.call_id = lender.call_id
        self._lender = lender
        self._accept = accept
        self._state = LegState.EARLY
        self._listening = ExitStack()
        self._listening.enter_context(lender.digits(self.on_digit))
        lender.ended.add_done_callback(self._on_lender_ended)

    @property
    def answerable(self) -> bool:
        """Whether the borrower has not answered yet."""
        return self.state is LegState.EARLY

    def ring(self, headers: Headers = ()) -> None:
        """180, if the lender's caller has had no answer."""
        self._lender.ring(headers)

    def progress(self) -> None:
        """Early media, if the lender's caller has had no answer."""
        self._lender.progress()

    def accept(self, headers: Headers = (), *, like: int = 0) -> None:
        """The borrower answers; so does the lender, if it has not."""
        self._accept()
        self._enter(LegState.CONFIRMED)

    def hang_up(self, code: int = 0, reason: str = "", headers: Headers = ()) -> None:
        """Gives the leg back."""
        if not self.gone:
            answered = self.state is LegState.CONFIRMED
            self._give_back(Ending(ENDED if answered else code or DECLINED, reason or "given back", "local"))

    @contextmanager
    def referring(self, listener: Callable[[Referral], None], *, blind: bool, attended: bool) -> Iterator[None]:
        """A caller on loan transfers nobody (call-control reference §6.6)."""
        yield

    def _on_lender_ended(self, ended: "asyncio.Future[Ending]") -> None:
        if not self.gone:
            self._give_back(ended.result())

    def _give_back(self, ending: Ending) -> None:
        self._listening.close()
        self.on_ended(ending.code, ending.reason, {"by": ending.by})
