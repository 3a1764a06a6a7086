"""The SIP endpoint: the one bridge between the native engine and asyncio.

Native threads fill a queue behind an eventfd; `loop.add_reader` wakes us, we drain in batches and hand each event to
its leg, player, tone or recorder. No Python runs on a native thread.
"""

import asyncio
import errno
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from callwright.config import Config
from callwright.engine import Engine, Event, EventKind, Sound
from callwright.errors import MediaError, StartError
from callwright.sip import certificates, security, transfer
from callwright.sip.credentials import Credential
from callwright.sip.leg import Digit, Headers, Invite, Leg, LegState
from callwright.sip.locating import Locator
from callwright.sip.request import Request, has_tag
from callwright.sip.tap import NOTIFY_MS, Tap
from callwright.sip.tape import Tape, Taped
from callwright.sip.transaction import Transactions
from callwright.sip.trunks import SourcePolicy
from callwright.sip.uri import escaped
from callwright.sip.vouching import Question

logger = logging.getLogger(__name__)
wire = logging.getLogger("callwright.engine")

BATCH = 64  # an INVITE takes a quarter of a millisecond: a full batch must not hold the loop for long
CANNOT_PLAY = 12400
_LEVELS = {1: logging.ERROR, 2: logging.WARNING, 3: logging.INFO}


@dataclass(frozen=True, slots=True)
class Played:
    """How a player or tone ended: "finished", "digit" or "stopped"; position in ms; the digit that stopped it."""

    why: str
    position: int
    digit: str = ""


class Endpoint:
    """Owns the engine and every leg and port on it.

    Args:
        config: [sip] and [media].
        sources: prefixes whose INVITEs the engine lets through.
        policies: of some of them.

    Raises:
        StartError: an address cannot be bound, or the engine refuses its settings.
    """

    def __init__(
        self,
        config: Config,
        sources: Sequence[str],
        policies: Sequence[SourcePolicy] = (),
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self.legs: dict[int, Leg] = {}
        self.incoming: Callable[[Leg], None] = _not_ready
        self.moved: Callable[[int, LegState, Mapping[str, Any]], None] = lambda node, state, detail: None
        self.requests: dict[str, Callable[[Request], None]] = {}  # who answers, by method
        self.held: Callable[[Question], None] = lambda question: self.engine.judge(question.id, conclusive=False)
        # called with transport, host and port of every TCP or TLS connection that is gone
        self.flow_closed: list[Callable[[str, str, int], None]] = []
        self._players: dict[int, asyncio.Future[Played]] = {}
        self._tapes: dict[int, Tape] = {}
        self.taps: dict[int, Tap] = {}
        self.transfers: dict[int, transfer.Transfer] = {}
        self.domain = config.sip.domain
        self._certificates = certificates.Shown(config)
        self.engine = _start(config, self._certificates)
        self.transactions = Transactions(self.engine)
        self.engine.admit(list(sources), policies)
        self.engine.gate(
            requests_per_second=config.sip.requests_per_second,
            burst=config.sip.request_burst,
            backlog=config.sip.backlog,
        )
        self.loop.add_reader(self.engine.event_fd, self._drain)
        self.locator = Locator.of(config.dns, self.addresses)
        self.locate: Callable[[str], Awaitable[Sequence[str]]] = self.locator.hops

    @property
    def addresses(self) -> list[tuple[str, str, int]]:
        """(transport, host, port) of each listening transport, as bound."""
        return self.engine.addresses

    def local_uri(self, user: str, domain: str = "") -> str:
        """A From for an outbound leg: sip:user@domain. domain "": that of [sip]."""
        host = domain or self.domain
        return f"<sip:{escaped(user)}@{host}>" if user else f"<sip:{host}>"

    def authenticate(
        self,
        users: Iterable[Credential],
        *,
        algorithms: Sequence[str] = ("SHA-256", "MD5"),
        silent: bool = False,
        asking: Sequence[str] = (),
    ) -> None:
        """From now on these users are let in from anywhere, and nobody else who is no trunk.

        Whoever guesses is blocked, and `security` tells the log. Users may be replaced by a further call.

        Args:
            algorithms: offered and taken: "SHA-256", "MD5" or both.
            silent: strangers get an answer to REGISTER only.
            asking: realms whose requests are `held` unless one of the users has proven to be himself.

        Raises:
            ValueError: a user's name or realm cannot stand in a challenge. Nothing has changed then.
        """
        self.engine.credentials([user.as_tuple() for user in users])
        policy: dict[str, Any] = {"algorithms": algorithms, "silent": silent, "asking": asking}
        self.engine.authenticate(realm=self.domain, scanners=security.SCANNERS, **policy)

    def originate(
        self,
        uri: str,
        *,
        local_uri: str,
        next_hop: str = "",
        headers: Headers = (),
        username: str = "",
        password: str = "",
        realm: str = "",
        codecs: Sequence[str] = (),
        srtp: str = "",
        srtp_keying: str = "",
        reliable: str = "",
        quirks: Sequence[str] = (),
        dtmf: str = "auto",
        route: Sequence[str] = (),
        keep_hop: bool = False,
        like: int = 0,
    ) -> Leg:
        """Sends an INVITE.

        Args:
            next_hop: what `next_hop` has found for the URI.
            codecs: by preference; empty for those of [media].
            srtp: "off" (or ""), "optional" or "required".
            srtp_keying: "sdes" (or "") or "dtls".
            reliable: "off", "supported" (or "") or "required".
            dtmf: see `keypad.Keypad.method`.
            quirks, route, keep_hop, like: see the engine's `originate`.

        Raises:
            ValueError: a URI, header or setting cannot be used.
        """
        node = self.engine.originate(
            uri,
            local_uri=local_uri,
            next_hop=next_hop,
            headers=headers,
            username=username,
            password=password,
            realm=realm,
            codecs=codecs,
            srtp=srtp,
            srtp_keying=srtp_keying,
            reliable=reliable,
            quirks=quirks,
            route=route,
            keep_hop=keep_hop,
            like=like,
        )
        leg = Leg(self, node)
        leg.keypad.method = dtmf
        self.legs[node] = leg
        return leg

    async def hops(self, uri: str) -> Sequence[str]:
        """Where an INVITE to a URI may be sent, in order; "" alone when its host is an address already.

        Raises:
            OSError: its host has no address.
        """
        return await self.locate(uri)

    async def next_hop(self, uri: str) -> str:
        """The first of `hops`."""
        return (await self.locate(uri))[0]

    @property
    def speaks_tls(self) -> bool:
        """Whether there is a TLS listener."""
        return bool(self._certificates)

    async def watch_certificates(self) -> None:
        """Takes certificates anew when their files change, until cancelled; no connection is dropped."""
        await self._certificates.watch(self.engine)

    # audio

    def echo(self, leg: Leg, on: bool = True) -> None:
        """A leg hears itself, or no longer."""
        (self.engine.connect if on else self.engine.disconnect)(leg.node, leg.node)

    def connect(self, one: int, other: int) -> None:
        """Two nodes hear each other."""
        self.engine.connect(one, other)
        self.engine.connect(other, one)

    def disconnect(self, one: int, other: int) -> None:
        """Two nodes no longer hear each other."""
        self.engine.disconnect(one, other)
        self.engine.disconnect(other, one)

    async def play(self, leg: Leg, sounds: Sequence[Sound], *, loop: int = 1, interruptible: bool = False) -> Played:
        """Plays sounds to a leg to their end, or to its first digit. Cancelling stops them.

        Raises:
            LegGone: the leg ended first.
        """
        digits_from = leg.node if interruptible else 0
        return await self._heard(
            leg.waiter(), lambda: self.engine.player(sounds, sink=leg.node, loop=loop, stop_on_digit=digits_from)
        )

    async def tone(self, leg: Leg, segments: Sequence[tuple[float, float, int, int]], *, loop: int = 1) -> Played:
        """Plays tone segments (hz1, hz2, on ms, off ms) to a leg; loop 0: until cancelled.

        Raises:
            LegGone: the leg ended first.
        """
        return await self._heard(leg.waiter(), lambda: self.engine.tone(segments, sink=leg.node, loop=loop))

    def keys(self, leg: Leg, digits: str, *, on: int, off: int) -> "asyncio.Future[Played]":
        """Plays digits as tones to a leg, `on` ms each and `off` ms between them.

        Raises:
            LegGone: the leg has ended; the future fails with it when it ends first.
        """
        done: asyncio.Future[Played] = leg.waiter()
        self._players[self.engine.dtmf_tone(digits, sink=leg.node, on=on, off=off)] = done
        return done

    async def play_into(self, node: int, sounds: Sequence[Sound], *, loop: int = 1) -> Played:
        """Plays sounds to any node, a bus too; loop 0: until cancelled, which whoever plays does when the node goes.

        Raises:
            MediaError: the engine cannot play them.
        """
        return await self._heard(self.loop.create_future(), lambda: self.engine.player(sounds, sink=node, loop=loop))

    async def tone_into(self, node: int, segments: Sequence[tuple[float, float, int, int]]) -> Played:
        """Plays tone segments to any node, once."""
        return await self._heard(self.loop.create_future(), lambda: self.engine.tone(segments, sink=node))

    async def _heard(self, done: "asyncio.Future[Played]", start: Callable[[], int]) -> Played:
        port = start()
        self._players[port] = done
        try:
            return await done
        except BaseException:
            if self._players.pop(port, None) is not None:
                self.engine.stop(port)
            raise
        finally:
            del done  # its exception holds this frame

    def tape(
        self, path: str, *, channels: int = 1, max_duration: float = 0, silence: float = 0, limit: Callable[[], None]
    ) -> Tape:
        """Starts a recording file.

        Args:
            limit: called when the silence or the length limit is reached.

        Raises:
            OSError: the file cannot be created.
        """
        nodes = self.engine.recorder(path, channels=channels, max_duration=max_duration, silence=silence)
        tape = Tape(self, nodes, limit)
        self._tapes[nodes[0]] = tape
        return tape

    def tap(self, node: int, hear: Callable[[bytes], None], *, notify: int = NOTIFY_MS) -> Tap:
        """Hears what a node says from now on; see `Tap`."""
        return Tap(self, node, hear, notify)

    # events

    def _drain(self) -> None:
        for event in self.engine.drain(BATCH):
            self._handle(event)

    def _handle(self, event: Event) -> None:
        """One event; what goes wrong with it must not lose the others."""
        try:
            self._dispatch(event)
        except Exception:
            logger.exception("event %s of %d could not be handled", event.kind.name, event.id)

    def _dispatch(self, event: Event) -> None:
        kind = event.kind
        if (handler := _LEG_EVENTS.get(kind)) is not None:
            leg = self.legs.pop(event.id, None) if kind is EventKind.ENDED else self.legs.get(event.id)
            if leg is not None:
                handler(leg, event)
            if (state := _STATES.get(kind)) is not None:
                self.moved(event.id, state, event.detail)
        elif kind is EventKind.TAPPED:
            if (tap := self.taps.get(event.id)) is not None:
                tap.on_tapped()
        elif kind is EventKind.PLAYED:
            self._on_played(event)
        elif kind in (EventKind.RECORDED, EventKind.SILENCE, EventKind.LIMIT):
            self._on_tape(event)
        elif kind is EventKind.INCOMING:
            self._on_incoming(event)
        elif kind is EventKind.REQUEST:
            self._on_request(event)
        elif kind is EventKind.RESPONSE:
            self.transactions.on_response(event.id, event.code, event.text, event.detail)
        elif kind is EventKind.FLOW_CLOSED:
            detail = event.detail
            for tell in tuple(self.flow_closed):
                tell(detail["transport"], detail["source_host"], detail["source_port"])
        elif kind is EventKind.LOG:
            wire.log(_LEVELS.get(event.code, logging.DEBUG), "%s", event.text)
        elif kind is EventKind.SECURITY:
            security.tell(event.detail, event.code)
        elif kind is EventKind.TRANSFER:
            transfer.on_transfer(self, event)
        elif kind is EventKind.REFER:
            transfer.on_refer(self, event)
        elif kind is EventKind.HELD:
            self.held(Question.of(event.id, event.text, event.detail))
        elif kind is EventKind.FAILED:
            self._on_failed(event)

    def _on_request(self, event: Event) -> None:
        handler = self.requests.get(event.text)
        if handler is None:
            logger.debug("< %s refused", event.text)
            self.engine.respond(event.id, _refusal(event.text, event.detail.get("to_header", "")))
            return
        request = Request.of(self.engine, event.id, event.text, event.detail)
        try:
            handler(request)
        except Exception:
            request.respond(500)
            raise

    def _on_incoming(self, event: Event) -> None:
        detail = event.detail
        headers = tuple(detail.pop("headers"))
        for key in ("local_host", "local_port"):
            detail.pop(key, None)
        leg = Leg(self, event.id, Invite(headers=headers, **detail))
        self.legs[event.id] = leg
        try:
            self.incoming(leg)
        except Exception:
            leg.hang_up(500)  # nobody owns it: its caller must not wait for ever
            raise

    def _on_played(self, event: Event) -> None:
        done = self._players.pop(event.id, None)
        if done is not None and not done.done():
            detail = event.detail
            done.set_result(Played(event.text, detail["position"], detail["digit"]))

    def _on_tape(self, event: Event) -> None:
        tape = self._tapes.get(event.id)
        if tape is None:
            return
        if event.kind is EventKind.RECORDED:
            del self._tapes[event.id]
            tape.on_recorded(Taped(path=event.text, **event.detail))
        tape.limit()

    def _on_failed(self, event: Event) -> None:
        """A command failed: a player that never began ends here, a leg or a recorder tells of its end itself."""
        logger.warning("engine: %s (node %d)", event.text, event.id)
        if event.text.startswith("send_digits:") and (leg := self.legs.get(event.id)) is not None:
            leg.keypad.on_sent()
        done = self._players.pop(event.id, None)
        if done is not None and not done.done():
            done.set_exception(MediaError(f"it cannot be played: {event.text}", code=CANNOT_PLAY))

    async def close(self) -> None:
        """Hangs up every leg, ends the native threads and frees every native object."""
        self.loop.remove_reader(self.engine.event_fd)
        await self.locator.records.close()
        await self.loop.run_in_executor(None, self.engine.close)
        while events := self.engine.drain(BATCH):
            for event in events:
                self._handle(event)
        for leg in tuple(self.legs.values()):  # whose command came too late for the engine
            leg.on_ended(503, "the endpoint is closed", {})
        self.transactions.close()
        self.legs.clear()


def _not_ready(leg: Leg) -> None:
    """Until somebody sets `incoming`, INVITEs are turned away."""
    logger.info("INVITE of %s refused: still starting", leg.invite.source_host if leg.invite else "nobody")
    leg.hang_up(503, headers=[("Retry-After", "1")])


def _refusal(method: str, to_header: str) -> int:
    """What a request is answered that nobody handles (RFC 3261 §8.2.1, §12.2.2); a NOTIFY is of a subscription."""
    if method == "NOTIFY" or has_tag(to_header):
        return 481
    return 403 if method == "REGISTER" else 405


def _on_digit(leg: Leg, event: Event) -> None:
    detail = event.detail
    leg.on_digit(Digit(event.text, detail["duration"], detail["method"]))


_LEG_EVENTS: dict[EventKind, Callable[[Leg, Event], None]] = {
    EventKind.TRYING: lambda leg, event: leg.on_trying(),
    EventKind.PROGRESS: lambda leg, event: leg.on_progress(event.code, bool(event.detail["early_media"])),
    EventKind.ESTABLISHED: lambda leg, event: leg.on_established(event.detail),
    EventKind.DIGIT: _on_digit,
    EventKind.DIGITS_SENT: lambda leg, event: leg.keypad.on_sent(),
    EventKind.MEDIA: lambda leg, event: leg.on_media(
        bool(event.code), event.detail["telephone_event"], event.detail["srtp"]
    ),
    EventKind.MEDIA_LOST: lambda leg, event: leg.on_media_lost(event.text),
    EventKind.ENDED: lambda leg, event: leg.on_ended(event.code, event.text, event.detail),
}
_STATES = {
    EventKind.PROGRESS: LegState.EARLY,
    EventKind.ESTABLISHED: LegState.CONFIRMED,
    EventKind.ENDED: LegState.DISCONNECTED,
}


def _start(config: Config, shown: certificates.Shown) -> Engine:
    media = config.media
    settings: dict[str, Any] = {
        "listen": [(entry.transport, *entry.place) for entry in config.sip.listen],
        "advertised": [entry.advertise for entry in config.sip.listen],
        "media": [entry.media_of(media) for entry in config.sip.listen],
        "tls": shown.listeners(),
        "verify_server": config.sip.verify_server,
        "session_expires": config.sip.session_expires,
        "min_session_expires": config.sip.min_session_expires,
        "media_address": media.address,
        "media_address6": media.address6,
        "advertised_address": media.advertise,
        "inside": media.inside,
        "codecs": media.codecs,
        "their_order": media.codec_order == "offer",
        "ptime": media.ptime,
        "opus": {
            "bitrate": media.opus_bitrate,
            "complexity": media.opus_complexity,
            "fec": int(media.opus_fec),
            "dtx": int(media.opus_dtx),
        },
        "comfort_noise": media.comfort_noise,
        "jitter_buffer": (media.jitter_min_ms, media.jitter_max_ms),
        "rtp_ports": config.media.rtp_ports,
        "clock_rate": config.media.clock_rate,
        "rtp_io": config.media.io,
        "mixers": config.media.mixers,
        "media_timeout": config.media.timeout_s,
        "hold_timeout": config.media.hold_timeout_s,
        "late_from_anywhere": media.late_source == "any",
        "max_legs": config.limits.legs,
        "user_agent": config.sip.user_agent,
        "log_level": 4 if logger.isEnabledFor(logging.DEBUG) else 2,
    }
    try:
        engine = Engine(**settings)
        shown.name(engine)
        return engine
    except OSError as error:
        hint = ": another program listens there" if error.errno == errno.EADDRINUSE else ""
        raise StartError(f"sip.listen: cannot bind {error.strerror or error}{hint}") from None
    except (ValueError, RuntimeError) as error:
        raise StartError(f"the SIP engine does not start: {error}") from None
