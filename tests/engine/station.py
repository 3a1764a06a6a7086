"""A live engine as a SIP station: its events are kept in order and awaited, calls are begun in one line."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from callwright.engine import Engine, Event, EventKind
from tests.harness.call import PhoneCall
from tests.harness.ports import daemon_address
from tests.harness.sip import Phone, bracketed
from tests.harness.waiting import Changes

CALLER = "sip:+15550001000@127.0.0.1"


@contextlib.contextmanager
def running_engine(media_ports: tuple[int, int], **options: Any) -> Iterator[Engine]:
    """An engine on this worker's address, closed at the end."""
    host = daemon_address()
    settings: dict[str, Any] = {
        "listen": [("udp", host, 0), ("tcp", host, 0)],
        "media_address": host,
        "rtp_ports": media_ports,
        "clock_rate": 8000,
        "max_legs": 50,
    }
    engine = Engine(**(settings | options))
    try:
        yield engine
    finally:
        engine.close()


class Station:
    """Made inside a running event loop.

    Attributes:
        engine: the engine itself; it takes INVITEs from loopback.
        events: every event so far.
        listeners: called with each event as it comes.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.events: list[Event] = []
        self.listeners: list[Callable[[Event], None]] = []
        self._claimed: set[int] = set()
        self._changes = Changes()
        engine.admit(["127.0.0.0/8", "::1"])
        asyncio.get_running_loop().add_reader(engine.event_fd, self.drain)

    def drain(self) -> None:
        """Takes what waits in the engine's queue."""
        for event in self.engine.drain():
            self.events.append(event)
            for listener in self.listeners:
                listener(event)
        self._changes.notify()

    @property
    def host(self) -> str:
        """The address of the first transport."""
        return self.engine.addresses[0][1]

    def port(self, transport: str = "udp") -> int:
        """The port of a transport as bound."""
        return next(port for name, _, port in self.engine.addresses if name == transport)

    def uri(self, user: str = "service", transport: str = "udp", *, ipv6: bool = False) -> str:
        """A SIP URI of this engine, at its first address of a transport and family."""
        fits = ((host, port) for name, host, port in self.engine.addresses if (name, ":" in host) == (transport, ipv6))
        host, port = next(fits)
        suffix = "" if transport == "udp" else f";transport={transport}"
        return f"sip:{user}@{bracketed(host)}:{port}{suffix}"

    async def pause(self, seconds: float) -> None:
        """Lets so much time pass, where nothing tells of what is waited for."""
        loop = asyncio.get_running_loop()
        tick: asyncio.Future[None] = loop.create_future()
        loop.call_later(seconds, tick.set_result, None)
        await tick

    def now(self) -> float:
        """The loop's time, in seconds."""
        return asyncio.get_running_loop().time()

    async def event(self, kind: EventKind, id: int = 0, timeout: float = 5.0) -> Event:
        """The first event of a kind (and id) that was not returned before."""

        def probe() -> Event | None:
            for place, event in enumerate(self.events):
                if event.kind is kind and id in (0, event.id) and place not in self._claimed:
                    self._claimed.add(place)
                    return event
            return None

        wanted = f"{kind.name} of {id or 'any'}"
        return await self._changes.until(probe, timeout, lambda: f"{wanted}\n{self.history()}")

    async def until_counts(self, timeout: float = 5.0, **wanted: int) -> None:
        """Until `counts()` shows these numbers: nothing tells of a change, so they are asked for every 10 ms."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        while any(self.engine.counts()[name] != number for name, number in wanted.items()):
            assert loop.time() < deadline, f"counts are {self.engine.counts()}, not {wanted}\n{self.history()}"
            await self.pause(0.01)

    async def invited(self, phone: Phone, **options: Any) -> tuple[PhoneCall, Event]:
        """A call that the phone has placed to this engine, and its INCOMING; options are those of `Phone.invite`."""
        uri = self.uri(transport=phone.transport.lower(), ipv6=":" in phone.address)
        call = await phone.invite(uri, **options)
        return call, await self.event(EventKind.INCOMING)

    async def answered(self, phone: Phone, **options: Any) -> tuple[PhoneCall, int]:
        """An established call from the phone, and its leg."""
        call, event = await self.invited(phone, **options)
        self.engine.answer(event.id, 200)
        await call.answered()
        await self.event(EventKind.ESTABLISHED, event.id)
        return call, event.id

    async def placed(self, phone: Phone, **options: Any) -> tuple[PhoneCall, int]:
        """An established call to the phone, and its leg; options are those of `Engine.originate`."""
        leg = self.engine.originate(phone.uri, local_uri=CALLER, **options)
        call = await phone.incoming()
        await call.answer()
        await self.event(EventKind.ESTABLISHED, leg)
        return call, leg

    def of(self, id: int) -> list[EventKind]:
        """The kinds of all events of an id, in order."""
        return [event.kind for event in self.events if event.id == id]

    def history(self) -> str:
        """The events as text."""
        hidden = ("headers", "statistics")
        return "\n".join(
            f"  {event.kind.name} {event.id} {event.code} {event.text!r} "
            + str({name: value for name, value in event.detail.items() if name not in hidden})
            for event in self.events
        )

    def close(self) -> None:
        """Closes the engine: no native object may be left, no leg may have ended twice or spoken after its end."""
        self.engine.close()
        asyncio.get_running_loop().remove_reader(self.engine.event_fd)
        while events := self.engine.drain():
            self.events += events
        left = {name: number for name, number in self.engine.counts().items() if number and name != "sounds"}
        assert left == {}
        counts = self.engine.media_counts()
        assert [name for name in ("idle", "play", "relay", "mix", "rtp_pairs_taken") if counts[name]] == []
        assert self._after_ends() == []

    def _after_ends(self) -> list[str]:
        ended: set[int] = set()
        broken = []
        for event in self.events:
            if event.id in ended:
                broken.append(f"{event.kind.name} of leg {event.id} after its end")
            if event.kind is EventKind.ENDED:
                ended.add(event.id)
        return broken
