"""What calls run on, without sockets: an engine that records its commands, and the daemon's other parts in memory.

room = Room.open()                                  # inside a running loop; `async with` closes it
leg = room.engine.incoming(to="+15550001000")       # an INVITE
await room.engine.until("answer", leg)              # our 200
room.engine.digit(leg, "5")
room.engine.end(leg)                                # the caller's BYE

Time is the loop's: when nothing is left to do, its clock jumps to the next timer (`skipping`).
"""

import asyncio
import itertools
import os
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, cast

import callwright.sip.endpoint as endpoint_module
from callwright.calls.alerts import Alerts
from callwright.calls.application import Account, Application, Hook
from callwright.calls.call import Call
from callwright.calls.capacity import Capacity
from callwright.calls.exchange import Exchange
from callwright.calls.numbers import Numbers
from callwright.calls.pager import Pager
from callwright.calls.rooms import Rooms
from callwright.calls.router import Router, lines
from callwright.calls.switchboard import Switchboard
from callwright.config import Config, validate
from callwright.engine import EventKind, Sound
from callwright.errors import LegGone
from callwright.media.recordings import RecordingFiles
from callwright.sip.endpoint import Endpoint
from callwright.sip.health import Health
from callwright.sip.lookup import is_address
from callwright.sip.registrar import Registrar
from callwright.sip.routes import Routes
from callwright.sip.routes import declared as declared_route
from callwright.sip.trunks import SourcePolicy, Trunks
from callwright.sip.trunks import declared as declared_trunk
from callwright.sip.uri import user_and_host, without_port
from callwright.sip.users import UserPolicy, Users
from callwright.store.declared import numbers as declared_numbers
from callwright.store.directory import Directory
from callwright.store.store import Store
from tests.calls.hearing import FakeRecognition
from tests.calls.jumping import turns
from tests.calls.patchbay import Command, Happening, Patchbay
from tests.calls.records import Posts, Rows
from tests.calls.sounds import Sounds
from tests.calls.waiting import HeldMusic, Programmes

PATIENCE_S = 3600.0
"""On the loop's own clock: what has not come by then never will."""


class FakeEngine(Patchbay):
    """Records commands; a hang-up is followed by ENDED and a stop by PLAYED or RECORDED, as in the real one.

    Attributes:
        slow: while it is set, ENDED after a hang-up waits for `end`.
        slow_keys: while it is set, no DIGITS_SENT comes by itself.
        voiced: what RECORDED says of a recording: (duration, voiced) in ms.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__()
        self.settings = settings
        self.commands: list[Command] = []
        self.slow = False
        self.slow_keys = False
        self.closed = False
        self.voiced = (2000, 1000)
        self.refused = ""
        self.clock_rate = 8000
        self.event_fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self.addresses = [("udp", "127.0.0.1", 5060)]
        self._ids = itertools.count(1)
        self._events: list[Happening] = []
        self._legs: dict[int, str] = {}
        self._players: set[int] = set()
        self._tapes: dict[int, str] = {}
        self._tapped: dict[int, bytes] = {}
        self._changed = asyncio.Event()

    def counts(self) -> dict[str, int]:
        """What lives."""
        ports = len(self._players) + len(self._tapes)
        return {"legs": len(self._legs), "ports": ports, "bridge_ports": 0}

    # what tests do

    def say(self, leg: int, samples: bytes) -> None:
        """What a leg says, to every tap that it is connected to."""
        for one in self.of("connect", leg):
            tap = one.values["sink"]
            if tap in self._tapped:
                self._tapped[tap] += samples
                self.happen(EventKind.TAPPED, tap)

    def happen(self, kind: EventKind, node: int, /, code: int = 0, text: str = "", **detail: Any) -> None:
        """Any event."""
        self._events.append(Happening(kind, node, code, text, detail))
        os.eventfd_write(self.event_fd, 1)

    def incoming(self, *, to: str = "+15550001000", from_: str = "+15557654321", **detail: Any) -> int:
        """An INVITE of the trunk."""
        leg = next(self._ids)
        self._legs[leg] = "incoming"
        facts = {
            "request_uri": f"sip:{to}@127.0.0.1",
            "from_uri": f"sip:{from_}@carrier.example",
            "from_header": f"<sip:{from_}@carrier.example>",
            "to_uri": f"sip:{to}@127.0.0.1",
            "to_header": f"<sip:{to}@127.0.0.1>",
            "contact": "",
            "call_id": f"call-{leg}",
            "source_host": "127.0.0.1",
            "source_port": 5090,
            "transport": "UDP",
            "local_host": "127.0.0.1",
            "local_port": 5060,
            "headers": [],
            "offer": True,
        }
        self.happen(EventKind.INCOMING, leg, **(facts | detail))
        return leg

    def trying(self, leg: int) -> None:
        """100 to our INVITE."""
        self.happen(EventKind.TRYING, leg, 100)

    def progress(self, leg: int, code: int = 180, *, early: bool = False) -> None:
        """A provisional response to our INVITE."""
        self.happen(EventKind.PROGRESS, leg, code, early_media=early)

    def answer_of(self, leg: int, *headers: tuple[str, str]) -> None:
        """200 to our INVITE."""
        self._legs[leg] = "confirmed"
        self.happen(EventKind.ESTABLISHED, leg, 200, headers=list(headers), call_id=f"call-{leg}")

    def media(self, leg: int, *, telephone_event: bool, srtp: str = "none") -> None:
        """Media that began or changed."""
        self.happen(EventKind.MEDIA, leg, 1, telephone_event=telephone_event, srtp=srtp)

    def end(self, leg: int, code: int = 200, *headers: tuple[str, str], by: str = "remote", reason: str = "") -> None:
        """The end of a leg: the peer's BYE, CANCEL or final response unless told otherwise."""
        if self._legs.pop(leg, None) is not None:
            facts = {"by": by, "headers": list(headers), "call_id": f"call-{leg}", "statistics": ""}
            self.happen(EventKind.ENDED, leg, code, reason, **facts)

    def digit(self, leg: int, *keys: str) -> None:
        """Keys that the peer presses."""
        for key in keys:
            self.happen(EventKind.DIGIT, leg, text=key, duration=100, method="rfc4733")

    def played(self, port: int, why: str = "finished", digit: str = "") -> None:
        """The end of a player or tone."""
        if port in self._players:
            self._players.discard(port)
            self.happen(EventKind.PLAYED, port, text=why, position=1000, digit=digit)

    def limit(self, tape: int, kind: EventKind = EventKind.SILENCE) -> None:
        """A recorder's limit."""
        self.happen(kind, tape)

    def of(self, name: str, node: int | None = None) -> list[Command]:
        """The commands of this name, to this node unless it is None."""
        return [one for one in self.commands if one.name == name and node in (None, one.node)]

    async def until(self, name: str, node: int | None = None, count: int = 1) -> Command:
        """The n-th command of this name; waits for it."""
        async with asyncio.timeout(PATIENCE_S):
            while len(self.of(name, node)) < count:
                self._changed.clear()
                await self._changed.wait()
        return self.of(name, node)[count - 1]

    async def called(self, count: int = 1) -> int:
        """The leg of the n-th INVITE that we sent."""
        return (await self.until("originate", count=count)).node

    # what the endpoint does

    def _note(self, name: str, node: int = 0, **values: Any) -> None:
        self.commands.append(Command(name, node, values))
        self._changed.set()

    def drain(self, limit: int = 512) -> list[Happening]:
        if not self.closed:
            os.eventfd_read(self.event_fd)
        taken, self._events = self._events[:limit], self._events[limit:]
        if self._events:
            os.eventfd_write(self.event_fd, 1)
        return taken

    def close(self) -> None:
        self.closed = True
        for leg in tuple(self._legs):
            self.end(leg, 503, by="local")

    def admit(self, sources: Sequence[str], policies: Sequence[SourcePolicy] = ()) -> None:
        self._note("admit", sources=list(sources), policies=list(policies))

    def trust(self, users: Sequence[UserPolicy]) -> None:
        self._note("trust", users=list(users))

    def gate(self, **values: int) -> None:
        self._note("gate", **values)

    def credentials(self, users: Sequence[tuple[str, str, str, str]]) -> None:
        self._note("credentials", users=list(users))

    def add_credential(self, username: str, realm: str, ha1_md5: str, ha1_sha256: str) -> None:
        self._note("add_credential", username=username, realm=realm, ha1=(ha1_md5, ha1_sha256))

    def remove_credential(self, username: str, realm: str) -> None:
        self._note("remove_credential", username=username, realm=realm)

    def authenticate(self, **values: Any) -> None:
        self._note("authenticate", **values)

    def originate(self, uri: str, **values: Any) -> int:
        if self.refused and self.refused in uri:
            raise ValueError(f"not a URI: {uri}")
        leg = next(self._ids)
        self._legs[leg] = "calling"
        self._note("originate", leg, uri=uri, **values)
        return leg

    def answer(
        self,
        leg: int,
        code: int,
        *,
        reason: str = "",
        headers: Sequence[tuple[str, str]] = (),
        codecs: Sequence[str] = (),
        like: int = 0,
    ) -> None:
        if code == 200 and leg in self._legs:
            self._legs[leg] = "confirmed"
        self._note("answer", leg, code=code, codecs=list(codecs), **({"like": like} if like else {}))

    def hangup(self, leg: int, *, code: int = 0, reason: str = "", headers: Sequence[tuple[str, str]] = ()) -> None:
        self._note("hangup", leg, code=code, headers=list(headers))
        state = self._legs.get(leg)
        if state is not None and not self.slow:
            final = {"confirmed": 200, "calling": 487, "incoming": code or 603}[state]
            self.end(leg, final, by="local")

    def send_digits(self, leg: int, digits: str, duration: int = 160, *, method: str = "") -> None:
        self._note("send_digits", leg, digits=digits, duration=duration, method=method)
        if not self.slow_keys:
            self.happen(EventKind.DIGITS_SENT, leg)

    def dtmf_tone(self, digits: str, *, sink: int, on: int = 120, off: int = 80) -> int:
        port = next(self._ids)
        self._players.add(port)
        self._note("dtmf_tone", port, digits=digits, sink=sink, on=on, off=off)
        return port

    def detect_digits(self, leg: int) -> int:
        port = next(self._ids)
        self._note("detect_digits", port, leg=leg)
        return port

    def respond(
        self, request: int, code: int, *, reason: str = "", headers: Sequence[tuple[str, str]] = (), **content: Any
    ) -> None:
        self._note("respond", request, code=code, reason=reason, headers=list(headers), **content)

    def request(self, method: str, uri: str, **options: Any) -> int:
        number = next(self._ids)
        self._note("request", number, method=method, uri=uri, **options)
        return number

    def respond_to(self, request: int, code: int, reason: str = "", *headers: tuple[str, str], **detail: Any) -> None:
        """The end of a request of ours."""
        facts = {"content_type": "", "body": b"", "source_host": "192.0.2.9", "source_port": 5060, "transport": "UDP"}
        self.happen(EventKind.RESPONSE, request, code, reason, headers=list(headers), **(facts | detail))

    def connect(self, source: int, sink: int) -> None:
        self._note("connect", source, sink=sink)

    def disconnect(self, source: int, sink: int) -> None:
        self._note("disconnect", source, sink=sink)

    def overhear(self, node: int, listener: int) -> None:
        self._note("overhear", node, listener=listener)

    def player(self, sounds: Sequence[Sound], *, sink: int, loop: int = 1, stop_on_digit: int = 0) -> int:
        port = next(self._ids)
        self._players.add(port)
        self._note("player", port, sink=sink, loop=loop, stop_on_digit=stop_on_digit, sounds=list(sounds))
        return port

    def tone(self, segments: Sequence[Any], *, sink: int, loop: int = 1) -> int:
        port = next(self._ids)
        self._players.add(port)
        self._note("tone", port, sink=sink, loop=loop, segments=list(segments))
        return port

    def recorder(self, path: str, *, channels: int, max_duration: float, silence: float) -> tuple[int, ...]:
        Path(path).touch()
        nodes = tuple(next(self._ids) for _ in range(channels))
        self._tapes[nodes[0]] = path
        self._note("recorder", nodes[0], path=path, channels=channels, max_duration=max_duration, silence=silence)
        return nodes

    def tap(self, *, capacity: int, notify: int) -> int:
        port = next(self._ids)
        self._tapped[port] = b""
        self._note("tap", port)
        return port

    def read_tap(self, tap: int) -> bytes:
        taken, self._tapped[tap] = self._tapped[tap], b""
        return taken

    def stop(self, port: int) -> None:
        self._note("stop", port)
        self._tapped.pop(port, None)
        self.played(port, "stopped")
        if (path := self._tapes.pop(port, None)) is not None:
            duration, voiced = self.voiced
            first, last = (200, duration - 200) if voiced else (-1, -1)
            facts = {"duration": duration, "voiced": voiced, "first_voice": first, "last_voice": last}
            self.happen(EventKind.RECORDED, port, text=path, dropped=0, error="", **facts)


class ScriptedSession:
    """A session that runs a coroutine of the test in place of documents."""

    def __init__(self, call: Call, work: Callable[[Call], Awaitable[None]]) -> None:
        self.call = call
        self.redirected: list[Hook | str] = []
        self.amended: list[Application] = []
        self.ending = False
        self._work = work

    async def run(self) -> None:
        try:
            await self._work(self.call)
        except LegGone:
            return
        await self.call.hangup()

    def amend(self, application: Application) -> None:
        self.amended.append(application)

    def redirect(self, source: Hook | str) -> bool:
        self.redirected.append(source)
        return not self.ending


ACCOUNT_SID = "AC" + "1" * 32
OTHER_SID = "AC" + "2" * 32
NUMBER, OTHERS_NUMBER = "+15550001000", "+15550002000"
SETTINGS: dict[str, Any] = {
    "account": [{"sid": ACCOUNT_SID, "auth_token": "secret"}, {"sid": OTHER_SID, "auth_token": "secret"}],
    "number": [
        {"number": NUMBER, "account": ACCOUNT_SID, "voice_url": "http://app.example/voice"},
        {"number": OTHERS_NUMBER, "account": OTHER_SID, "voice_url": "http://app.example/voice"},
    ],
    "trunk": [
        {
            "name": "carrier",
            "account": ACCOUNT_SID,
            "allow": ["127.0.0.0/8"],
            "targets": ["sip:gw1.example", "sip:gw2.example"],
            "username": "user",
            "password": "word",
        }
    ],
}


async def idle(call: Call) -> None:
    """Answers and waits for the end."""
    await call.answer()
    await call.ended


async def nowhere(uri: str) -> Sequence[str]:
    """A look-up that answers at once, and knows no name of `*.invalid`; that of `*.many` are two."""
    host = without_port(user_and_host(uri)[1])
    if host.endswith(".invalid"):
        raise OSError(f"no address for {host}")
    if not host or is_address(host):
        return ("",)
    return ("sip:192.0.2.1", "sip:192.0.2.2") if host.endswith(".many") else ("sip:192.0.2.1",)


class Room:
    """The parts that calls run on.

    Attributes:
        script: what a session does with its call.
        sessions: those that were opened.
    """

    def __init__(self, config: Config, directory: Path, make_engine: Callable[[Config], Any]) -> None:
        endpoint_start = endpoint_module._start
        endpoint_module._start = lambda config, shown: make_engine(config)
        try:
            routes = Routes(declared_route(section) for section in config.route)
            trunks = Trunks((declared_trunk(section) for section in config.trunk), routes)
            self.endpoint = Endpoint(config, trunks.sources())
            self.endpoint.locate = nowhere
        finally:
            endpoint_module._start = endpoint_start
        self.engine = cast(FakeEngine, self.endpoint.engine)
        self.rows, self.posts, self.sounds = Rows(), Posts(), Sounds()
        self.recognition = FakeRecognition()
        self.accounts = {
            one.sid: Account(
                one.sid,
                one.auth_token.get_secret_value(),
                calls_per_second=one.calls_per_second or config.limits.calls_per_second,
                concurrent_calls=one.concurrent_calls or config.limits.concurrent_calls,
            )
            for one in config.account
        }
        self.account = self.accounts[ACCOUNT_SID]
        self.resources = resources = Directory(cast(Store, self.rows))
        resources.declare(declared_numbers(config))
        self.numbers = numbers = Numbers(resources)
        self.config, users = config, Users.of(config)
        self.registrar = Registrar(users, cast(Store, self.rows))
        if users:
            self.endpoint.requests["REGISTER"] = self.registrar.take
        router = Router(self.accounts, numbers, trunks, users, lines(config))
        self.programmes, self.music = Programmes(), HeldMusic()
        self.rooms = Rooms(self.programmes, self.music)
        self.exchange = Exchange(
            endpoint=self.endpoint,
            trunks=trunks,
            registrar=self.registrar,
            sounds=self.sounds,
            store=cast(Store, self.rows),
            callbacks=self.posts,
            recordings=RecordingFiles(directory),
            owns=numbers.owns,
            public_url="https://pbx.example",
            call_seconds=config.limits.call_seconds,
            capacity=Capacity(self.endpoint.loop.time),
            alerts=Alerts(cast(Store, self.rows), 30),
            rooms=self.rooms,
            pager=Pager(self.endpoint, self.registrar, self.posts),
            recognition=self.recognition,
            health=Health(self.endpoint.loop.time),
        )
        self.script: Callable[[Call], Awaitable[None]] = idle
        self.sessions: list[ScriptedSession] = []
        self.switchboard = Switchboard(self.exchange, router, self._open_session)
        self.endpoint.incoming = self.switchboard.on_invite

    @classmethod
    def open(cls, directory: Path, **sections: Any) -> "Room":
        """Everything, on a fake engine. `sections` stand in place of those of SETTINGS."""
        config = validate(SETTINGS | sections)
        return cls(config, directory, lambda config: FakeEngine())

    def _open_session(self, call: Call) -> ScriptedSession:
        session = ScriptedSession(call, self.script)
        self.sessions.append(session)
        return session

    async def close(self) -> None:
        """Ends every call; nothing may be left of one."""
        self.engine.slow = False
        await self.switchboard.drain(0)
        await turns()
        await self.exchange.pager.close()
        await self.endpoint.close()
        assert not self.exchange.live, "calls without a final status"
        assert not len(self.exchange.tasks)
        assert not len(self.rooms.conferences), "conferences that nobody is in"

    async def inbound(self, **invite: Any) -> tuple[Call, int]:
        """A call from the trunk whose session has begun, and its leg."""
        opened = len(self.sessions)
        leg = self.engine.incoming(**invite)
        async with asyncio.timeout(PATIENCE_S):
            while len(self.sessions) == opened:
                await turns(1)
        return self.sessions[-1].call, leg
