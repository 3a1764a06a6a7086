"""Somebody who talks with the caller of a dial: whom the dial has called, or who has come to the caller by a transfer
(RFC 5589 §7)."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from callwright.calls.call import Call


@dataclass(slots=True, eq=False)
class Party:
    """One of the two who talk; the other one is the caller.

    Attributes:
        lent: the dial that has called him has let him go: he goes with this talk.
        parted: of one who waits in a dial of his own, and is the caller there: done as soon as one of the two dials
            is over. None of anybody else.
    """

    call: "Call"
    lent: bool = False
    parted: "asyncio.Future[None] | None" = None
    _free: bool = False

    @property
    def waits(self) -> bool:
        """Whether he has a document of his own to go back to."""
        return self.parted is not None

    @property
    def left(self) -> bool:
        """Whether there is nobody to talk with any more."""
        away = self.parted.done() if self.parted is not None else not self.lent and self.call.taken.done()
        return away or self.call.leg is None or self.call.leg.ending

    def on_leaving(self, then: Callable[[], None]) -> None:
        """Calls `then` when he hangs up, or goes elsewhere."""

        def left(_: object) -> None:
            then()

        if self.call.leg is not None:
            self.call.leg.ended.add_done_callback(left)
        if self.parted is not None:
            self.parted.add_done_callback(left)
        elif not self.lent:
            self.call.taken.add_done_callback(left)

    def let_go(self) -> None:
        """He lives on with somebody else, who has him as lent."""
        self._free = True
        if not self.lent:
            self.call.taken.set_result(None)

    def part(self) -> None:
        """The caller talks with him no more: who waits goes on with his own document, and all others are hung up,
        but for one who was let go, or taken out of the dial that has called him."""
        if self.parted is None:
            if not self._free and (self.lent or not self.call.taken.done()):
                self.call.hang_up()
        elif not self.parted.done():
            self.parted.set_result(None)


def waiting(one: "Call", other: "Call") -> tuple[Party, Party]:
    """Two callers, each of a dial of his own, as parties: the first for the second's dial, the second for the
    first's."""
    parted: asyncio.Future[None] = one.exchange.endpoint.loop.create_future()
    return Party(one, parted=parted), Party(other, parted=parted)
