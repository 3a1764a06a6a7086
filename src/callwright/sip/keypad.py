"""How digits go to a leg: by RFC 4733, by INFO or as tones in its audio, one after the other; and when tones that come
from it are listened for."""

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from callwright.errors import LegGone

if TYPE_CHECKING:
    from callwright.sip.leg import Leg

RUN = 100
"""Digits that are handed to the engine together: 128 may wait there."""
MOST_RUNS = 64
"""That wait: whoever presses keys faster than they can be passed on loses some."""
KEYS = frozenset("0123456789*#ABCDabcd")
PAUSE_MS = 80
"""Between two tones; RFC 4733 events have the same."""


@dataclass(slots=True)
class Run:
    """Digits that are to be sent; `sent` is done when the last one's pause is over."""

    digits: str
    duration: int
    sent: "asyncio.Future[Any]"


class Keypad:
    """One leg's.

    Attributes:
        method: "rfc4733", "info", "inband", or "auto": RFC 4733 when the peer has agreed to it, else tones.
    """

    def __init__(self, leg: "Leg", method: str = "auto") -> None:
        self._leg = leg
        self.method = method
        self._agreed: bool | None = None  # to RFC 4733; None: not known yet
        self._detector = 0
        self._runs: deque[Run] = deque()

    def move(self, leg: "Leg") -> None:
        """Another leg goes on as this one."""
        self._leg = leg

    @property
    def inband(self) -> bool:
        """Whether digits go out as tones."""
        return self.method == "inband" or (self.method == "auto" and self._agreed is False)

    @property
    def full(self) -> bool:
        """Whether too much waits already for another's keys to be passed on."""
        return len(self._runs) >= MOST_RUNS

    def send(self, digits: str, duration: int) -> "asyncio.Future[Any]":
        """Queues digits, `duration` ms each; the future is done when they are sent.

        Raises:
            LegGone: nobody is there.
            ValueError: they are none.
        """
        if not digits or not KEYS.issuperset(digits):
            raise ValueError(f"not digits: {digits!r}")
        run = Run(digits, duration, self._leg.waiter())
        self._runs.append(run)
        if len(self._runs) == 1:
            self._begin(run)
        return run.sent

    def _begin(self, run: Run) -> None:
        endpoint, node = self._leg.endpoint, self._leg.node
        digits, run.digits = run.digits[:RUN], run.digits[RUN:]
        if self.inband:
            played = endpoint.keys(self._leg, digits, on=run.duration, off=PAUSE_MS)
            played.add_done_callback(self._on_played)
        else:
            method = "" if self.method == "auto" else self.method
            endpoint.engine.send_digits(node, digits, run.duration, method=method)

    def _on_played(self, played: "asyncio.Future[Any]") -> None:
        if played.cancelled():
            return
        if not isinstance(played.exception(), LegGone):  # a tone that cannot be played has been told to the log
            self.on_sent()

    def on_sent(self) -> None:
        """The first run has been sent, or never will be."""
        if not self._runs or self._leg.gone:
            return
        if not self._runs[0].digits:
            done = self._runs.popleft().sent
            if not done.done():
                done.set_result(None)
        if self._runs:
            self._begin(self._runs[0])

    def on_media(self, telephone_event: bool) -> None:
        """Media is there: with RFC 4733 or without. Tones are listened for where nothing else will come."""
        self._agreed = telephone_event
        engine = self._leg.endpoint.engine
        if self.inband and not self._detector:
            self._detector = engine.detect_digits(self._leg.node)
        elif self._detector and not self.inband:
            engine.stop(self._detector)
            self._detector = 0
