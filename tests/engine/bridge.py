"""An engine under test: its events as they come, and what its taps hear, as numpy arrays.

Every wait re-evaluates its probe after each event. A tap that nobody talks to is the ticker: it makes an event with
every tick of the bridge, so that "20 ms of bridge time have passed" is an event as well.
"""

import asyncio
import gc
from collections.abc import Callable
from typing import TypeVar

import numpy as np

from callwright.engine import Engine, Event, EventKind, Sound
from tests.harness.tones import Pcm
from tests.harness.waiting import Changes

T = TypeVar("T")

RTP_PORTS = (41000, 41998)
TICKER = {"ports": 1, "bridge_ports": 1}
"""What the ticker itself adds to `Engine.counts`."""


class Bridge:
    """Made inside a running event loop; `close` ends the engine and checks that nothing native is left.

    Attributes:
        engine: the engine.
        events: every event so far but those of the taps of `tap` and of the log.
    """

    def __init__(self, clock_rate: int = 16000) -> None:
        self.engine = Engine(
            listen=[("udp", "127.0.0.1", 0)],
            media_address="127.0.0.1",
            rtp_ports=RTP_PORTS,
            clock_rate=clock_rate,
            max_legs=20,
            log_level=1,
        )
        self.rate = clock_rate
        self.frame = clock_rate // 50
        self.events: list[Event] = []
        self.ticks = 0
        self._heard: dict[int, list[bytes]] = {}
        self._changes = Changes()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self.engine.event_fd, self.take_events)
        self._ticker = self.engine.tap(capacity=40, notify=20)
        gc.collect()
        self._sounds = self.engine.counts()["sounds"]  # of the process: what other tests still hold

    def take_events(self) -> None:
        """Takes what waits in the engine's queue."""
        while events := self.engine.drain():
            for event in events:
                self._take(event)
        self._changes.notify()

    def _take(self, event: Event) -> None:
        if event.kind == EventKind.TAPPED and event.id == self._ticker:
            self.ticks += 1
            self.engine.read_tap(self._ticker)
        elif event.kind == EventKind.TAPPED and event.id in self._heard:
            self._heard[event.id].append(self.engine.read_tap(event.id))
        elif event.kind != EventKind.LOG:
            self.events.append(event)

    def tap(self, *, capacity: int = 2000) -> int:
        """A tap whose sound is collected for `heard`."""
        tap = self.engine.tap(capacity=capacity, notify=20)
        self._heard[tap] = []
        return tap

    def heard(self, tap: int) -> Pcm:
        """Everything that came to the tap so far."""
        return np.frombuffer(b"".join(self._heard[tap]), dtype="<i2").astype(np.int16)

    @property
    def sounds(self) -> int:
        """Sounds that live beyond those that other tests still held when this bridge was made."""
        return self.engine.counts()["sounds"] - self._sounds

    def sound(self, pcm: Pcm) -> Sound:
        """The samples as a sound of the engine's clock rate."""
        return Sound(pcm.astype("<i2").tobytes(), self.rate)

    def of(self, port: int, *kinds: EventKind) -> list[Event]:
        """The events of a port so far, of these kinds when any are given."""
        return [event for event in self.events if event.id == port and (not kinds or event.kind in kinds)]

    async def until(self, probe: Callable[[], T | None], what: str, timeout: float = 10.0) -> T:
        """The first true result of the probe."""
        return await self._changes.until(probe, timeout, lambda: f"{what}; events: {self.describe()}")

    async def event(self, kind: EventKind, port: int, timeout: float = 10.0) -> Event:
        """The port's first event of the kind, past or to come."""
        return (await self.until(lambda: self.of(port, kind), f"{kind.name} of {port}", timeout))[0]

    async def pass_time(self, ticks: int) -> None:
        """Returns when the bridge has ticked so many times, 20 ms each."""
        target = self.ticks + ticks
        await self.until(lambda: self.ticks >= target, f"{ticks} ticks", timeout=5 + ticks / 25)

    async def hear(self, tap: int, seconds: float) -> Pcm:
        """What the tap has heard, once that is so long."""
        wanted = round(seconds * self.rate)
        await self.until(lambda: len(self.heard(tap)) >= wanted, f"{seconds} s in the tap", timeout=10 + 2 * seconds)
        return self.heard(tap)

    async def rest(self, **left: int) -> None:
        """Returns when nothing native lives but the ticker and what is named."""
        kept = {name: TICKER.get(name, 0) + left.get(name, 0) for name in ("ports", "bridge_ports", "legs")}
        sounds = left.get("sounds", 0)

        def at_rest() -> bool:
            counts = self.engine.counts()
            return self.sounds <= sounds and all(counts[name] == count for name, count in kept.items())

        await self.until(at_rest, f"nothing left but {kept} and {sounds} sounds in {self.engine.counts()}")

    def describe(self) -> str:
        """The events, one line each."""
        return "; ".join(f"{e.kind.name} {e.id} {e.text} {e.detail}" for e in self.events)

    def close(self) -> None:
        """Ends the engine; what it still had to say is in `events`."""
        self._loop.remove_reader(self.engine.event_fd)
        self.engine.close()
        self.take_events()
        counts = self.engine.counts()
        assert {name: count for name, count in counts.items() if name != "sounds" and count} == {}


def noise(samples: int, *, seed: int = 1, peak: int = 8000) -> Pcm:
    """White noise without a zero sample, so that a lost or an added sample anywhere shows."""
    random = np.random.default_rng(seed)
    drawn = random.integers(1, peak, samples) * random.choice((-1, 1), samples)
    return drawn.astype(np.int16)


def trimmed(pcm: Pcm) -> Pcm:
    """Without the zeros before the first and after the last other sample."""
    sounding = np.flatnonzero(pcm)
    return pcm[sounding[0] : sounding[-1] + 1] if len(sounding) else pcm[:0]


def start_of(pcm: Pcm) -> int:
    """Index of the first sample that is not zero."""
    sounding = np.flatnonzero(pcm)
    assert len(sounding), "nothing was heard"
    return int(sounding[0])
