"""The daemon: builds its parts, starts them in order, drains on SIGTERM, and stops them in reverse."""

import asyncio
import gc
import logging
import os
import signal
import socket
import time
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry
from sqlalchemy import select

from callwright import __version__, ids, lag, log
from callwright.account import Account
from callwright.api import certificate
from callwright.api import server as api_server
from callwright.api.services import Services
from callwright.api.validation import Validations
from callwright.apps.breaker import Rules
from callwright.apps.callbacks import Callbacks, GivenUp
from callwright.apps.client import ApplicationClient
from callwright.apps.fallback import Documents
from callwright.apps.vouchers import Vouchers
from callwright.calls.alerts import CONFERENCE_CALLBACK_LOST, Alerts
from callwright.calls.application import Application, Hook
from callwright.calls.attestation import Attestation
from callwright.calls.byoc import ByocTrunks
from callwright.calls.call import Call
from callwright.calls.capacity import Capacity
from callwright.calls.conference.interrupted import post_ends
from callwright.calls.epilogue import Epilogue
from callwright.calls.exchange import Exchange
from callwright.calls.fences import Fences
from callwright.calls.hosted import HostedDomains
from callwright.calls.interrupted import post_final
from callwright.calls.numbers import Numbers
from callwright.calls.permissions import Permissions
from callwright.calls.rooms import Rooms
from callwright.calls.router import Router
from callwright.calls.router import lines as declared_lines
from callwright.calls.switchboard import Switchboard
from callwright.calls.tasks import Tasks
from callwright.calls.transcription import post_lost
from callwright.config import Config
from callwright.demo.application import routes as demo_routes
from callwright.edge import Edge
from callwright.engine import Sound
from callwright.errors import StartError
from callwright.media.library import Library
from callwright.media.limits import MEBIBYTE, MediaLimits
from callwright.media.mp3 import Mp3Encoder
from callwright.media.music import HoldMusic
from callwright.media.recordings import RecordingFiles
from callwright.media.speech.espeak import EspeakSynthesis
from callwright.media.speech.recognition import Recognition
from callwright.media.speech.sphinx import Model, SphinxRecognition
from callwright.media.transcode import load_ffmpeg
from callwright.messaging import Messaging
from callwright.metrics import Facts, MediaFigures, TrunkFigures
from callwright.outbound import Outbound
from callwright.signing import signature
from callwright.sip.repository import Repository
from callwright.sip.users import Users
from callwright.start import Phase, accounts, check_certificate, check_media_addresses, claim, listener
from callwright.store.accounts import Accounts
from callwright.store.declared import declared
from callwright.store.directory import Directory
from callwright.store.idempotency import Answers
from callwright.store.recovery import recover
from callwright.store.store import Store
from callwright.store.tables import queues
from callwright.twiml.interlude import Interludes
from callwright.twiml.screening import screen
from callwright.twiml.session import Session

logger = logging.getLogger(__name__)

CALLBACK_DRAIN_S = 5.0
EPILOGUE_S = 1.0
COLLECT_AFTER = (5_000, 5, 10)
"""The collector's thresholds. A finished call leaves no cycles, so it has little to find; looked for at the default's
700 objects, that little costs a twentieth of a call."""


class Daemon:
    """All parts of one running daemon. `open` starts them; leaving it stops them in reverse."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.registry = CollectorRegistry()
        self.directory = config.server.data_dir.absolute()
        self.phase = Phase.STARTING
        self.public_url = config.server.public_url.rstrip("/")
        self.live: dict[str, Call] = {}
        self._sources: dict[str, Documents] = {}

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Daemon"]:
        """Starts everything in order."""
        async with AsyncExitStack() as stack:
            stack.callback(os.close, claim(self.directory))
            web = listener(self.config.http.listen)
            stack.callback(web.close)
            check_certificate(self.config.http)
            check_media_addresses(self.config)
            own = accounts(self.config, self.directory)
            self.store = await Store.open(f"sqlite:///{self.directory / 'callwright.db'}")
            stack.push_async_callback(self.store.close)
            self.resources = await Directory.open(self.store, declared(self.config, own.values()))
            self.accounts = Accounts(self.resources)
            self.numbers = Numbers(self.resources)
            await self._open_applications(stack)
            await self._open_calls(stack)
            await self._open_web(stack, web)
            self._watch(stack, lag.watch(self.registry), "lag")
            self._watch(stack, self.alerts.watch(), "alerts")
            self._watch(stack, self.fences.watch(), "fences")
            if self.config.http.certificate:
                self._watch(stack, certificate.watch(self.server.config, self.config.http), "certificate")
            self.endpoint.incoming = self.switchboard.on_invite
            self.phase = Phase.SERVING
            yield self

    async def _open_applications(self, stack: AsyncExitStack) -> None:
        web = self.config.outbound_http
        self.outbound = Outbound(web, self.config.trusted_origins())
        await self.outbound.start()
        stack.push_async_callback(self.outbound.close)
        rules = Rules(web.breaker_failures, web.breaker_open_ms / 1000, web.breaker_probes)
        self.client = ApplicationClient(self.outbound, rules)
        self.alerts = Alerts(self.store, self.config.server.alert_days)
        self.epilogue = Epilogue(self.store)
        stack.push_async_callback(self.epilogue.close, EPILOGUE_S)
        self.callbacks = Callbacks(
            self.store,
            self.client,
            self.accounts,
            on_given_up=self._on_given_up,
            on_retry=self._on_retry,
            on_delivered=self._on_delivered,
            on_alert=self.alerts.add_of_callback,
        )
        stack.push_async_callback(self.callbacks.close)
        stack.push_async_callback(self.callbacks.drain, CALLBACK_DRAIN_S)

    async def _open_calls(self, stack: AsyncExitStack) -> None:
        config = self.config
        recordings = RecordingFiles(self.directory / "recordings")
        await self._close_the_past(recordings)
        edge = self.edge = Edge(config, self.store, self.resources)
        edge.roster.ask = Vouchers(config, self.client, self.accounts).ask
        await edge.open(stack)
        for name, work in edge.work():
            self._watch(stack, work, name)
        self.endpoint, self.registrar, trunks, users = edge.endpoint, edge.registrar, edge.trunks, edge.users
        self.messaging = Messaging(config, self.store, self.callbacks, edge)
        await self.messaging.open(stack, self.accounts, self.numbers, self.client, self.alerts)
        await self.callbacks.start()
        hosted = HostedDomains(edge.domains, self.accounts)
        self.router = Router(self.accounts, self.numbers, trunks, users, declared_lines(config), hosted)
        self.rooms = Rooms(Interludes(self._documents), HoldMusic(config.media.clock_rate, Sound))
        self.rooms.queues.load(self.store, await self.store.fetch(select(queues)))
        await self._open_fences(stack, users)
        exchange = Exchange(
            endpoint=self.endpoint,
            trunks=trunks,
            registrar=self.registrar,
            dialogs=edge.events.dialogs,
            health=edge.health,
            sounds=await self._open_sounds(stack),
            store=self.store,
            callbacks=self.callbacks,
            recordings=recordings,
            owns=self.numbers.owns,
            fences=self.fences,
            attestation=self._open_attestation(stack),
            public_url=self.public_url,
            call_seconds=config.limits.call_seconds,
            capacity=Capacity(asyncio.get_running_loop().time),
            alerts=self.alerts,
            rooms=self.rooms,
            pager=self.messaging.pager,
            recognition=self._open_recognition(stack),
            live=self.live,
            scripts=self,
            gateway=config.messages.gateway,
            applications=self.numbers.reachable,
            byoc=ByocTrunks(self.resources).targets,
        )
        self.switchboard = Switchboard(exchange, self.router, self._session)
        stack.push_async_callback(self.switchboard.drain, 0)
        self.registry.register(self._facts(exchange))
        self.registry.register(TrunkFigures(trunks, edge.health, exchange.capacity, edge.interconnect.registrants))
        engine = self.endpoint.engine
        self.registry.register(
            MediaFigures(engine.media_facts, engine.media_counts, engine.media_counters, engine.media_addresses)
        )

    async def _close_the_past(self, recordings: RecordingFiles) -> None:
        """What a crash has left open ends, and whoever asked for it is told."""
        recovered = await recover(self.store, recordings.directory)
        post_final(recovered.calls, self.accounts, self.callbacks)
        post_ends(recovered.conferences, self.accounts, self.callbacks)
        post_lost(recovered.transcriptions, self.accounts, self.callbacks)

    async def _open_fences(self, stack: AsyncExitStack, users: Users) -> None:
        """What today's calls have cost before this start counts on."""
        permits, owns = Permissions(self.resources).permits, self.numbers.owns
        self.fences = Fences.of(self.config, permits=permits, owns=owns, is_local=users.is_local)
        self._watch(stack, self.fences.gateways.watch(self.endpoint.locator), "gateways")
        await self.fences.load(self.store, self.accounts)

    def _open_attestation(self, stack: AsyncExitStack) -> Attestation:
        certificates = Repository(self.outbound, asyncio.get_running_loop().time)
        stack.push_async_callback(certificates.close)
        return Attestation.of(self.config, certificates)

    async def _open_sounds(self, stack: AsyncExitStack) -> Library[Sound]:
        media, speech, web = self.config.media, self.config.speech, self.config.outbound_http
        synthesis = EspeakSynthesis(speech.command, language=speech.language, concurrency=speech.concurrency)
        await synthesis.check()
        limits = MediaLimits(
            memory_bytes=media.memory_mb * MEBIBYTE,
            disk_bytes=media.cache_mb * MEBIBYTE,
            disk_days=media.cache_days,
            file_bytes=web.max_media_bytes,
            redirects=web.max_redirects,
            connect_seconds=web.connect_timeout_ms / 1000,
            read_seconds=web.read_timeout_ms / 1000,
            total_seconds=web.total_timeout_ms / 1000,
        )
        library = Library(
            outbound=self.outbound,
            directory=self.directory / "media",
            clock_rate=media.clock_rate,
            make=Sound,
            synthesis=synthesis,
            sign=signature,
            limits=limits,
        )
        try:
            await library.start()
        except OSError as error:
            raise StartError(f"server.data_dir: {self.directory / 'media'}: {error.strerror or error}") from None
        stack.push_async_callback(library.close)
        return library

    def _open_recognition(self, stack: AsyncExitStack) -> Recognition | None:
        speech = self.config.speech
        if not speech.recognition:
            return None
        model = Model.at(Path(speech.recognition_model)) if speech.recognition_model else Model.embedded()
        recognition = SphinxRecognition(
            model, language=speech.recognition_language, processes=speech.recognisers, speaker=speech.command
        )
        stack.push_async_callback(recognition.close)
        return recognition

    def _on_given_up(self, lost: GivenUp) -> None:
        """A callback that is lost is a warning in its call's story."""
        message = f"the {lost.kind} callback is given up: {lost.message}"
        if lost.subject:
            self.messaging.sending.lost(lost.subject, lost.message)
        if ids.valid(lost.call_sid, ids.CONFERENCE):
            logger.warning("warning code=%d conference=%s %s", CONFERENCE_CALLBACK_LOST, lost.call_sid, message)
            return
        if (call := self.live.get(lost.call_sid)) is not None:
            call.note("warning", code=lost.code, message=message, url=lost.url)
        else:
            self.epilogue.warn(lost.call_sid, lost.account_sid, code=lost.code, message=message, url=lost.url)

    def _on_delivered(self, subject: str) -> None:
        """A message has been taken by its gateway."""
        self.messaging.sending.delivered(subject)

    def _on_retry(self, late: GivenUp) -> None:
        """A callback that fails for the first time is a step of its call's story."""
        message = f"the {late.kind} callback is tried again: {late.message}"
        if (call := self.live.get(late.call_sid)) is not None:
            call.note("retry", code=late.code, message=message, url=late.url)
        else:
            self.epilogue.retry(late.call_sid, late.account_sid, code=late.code, message=message, url=late.url)

    def _session(self, call: Call) -> Session:
        resort = call.application.last_resort or call.account.last_resort
        return Session(call, self._documents(call.account, call), call.application, last_resort=resort)

    def _documents(self, account: Account, call: Call | None) -> Documents:
        """A call's documents: one source for all, for they share the call's cookies. Nobody's: what a whole conference
        hears."""
        if call is None:
            alert = partial(self.alerts.add, account.sid, "")
            return Documents(self.client, Application(), account, _note, alert)
        if (source := self._sources.get(call.sid)) is None:
            source = Documents(self.client, call.application, account, call.note, call.alerts.add)
            if not call.ended.done():
                self._sources[call.sid] = source
                call.ended.add_done_callback(lambda _: self._sources.pop(call.sid, None))
        return source

    async def screen(self, call: Call, hook: Hook, params: Mapping[str, str]) -> bool:
        """Runs a document on a callee before it is connected."""
        return await screen(call, self._documents(call.account, call), hook, params, asyncio.get_running_loop().time)

    async def serve(self, call: Call) -> None:
        """Runs a call's application to the end of the call."""
        await self.switchboard.serve(call)

    async def _open_web(self, stack: AsyncExitStack, web: socket.socket) -> None:
        http = self.config.http
        validations = Validations(
            self.resources, self.accounts, self.callbacks, self.switchboard.place, self.public_url
        )
        app = api_server.build(
            Services(
                public_url=self.public_url,
                accounts=self.accounts,
                store=self.store,
                directory=self.resources,
                answers=Answers(self.store),
                applications=self.numbers.application,
                config=self.config,
                validations=validations,
                byoc=ByocTrunks(self.resources).targets,
                in_use=lambda sid: any(call.application.sid == sid for call in self.live.values()),
                switchboard=self.switchboard,
                recordings=self.directory / "recordings",
                mp3=Mp3Encoder(),
                owns=self.numbers.owns,
                rooms=self.rooms,
                messages=self.messaging.sending,
                mailboxes=self.edge.events.mailboxes,
                arrivals=self.messaging.arrivals,
                health=self.health,
                metrics=self.registry,
            ),
            demo_routes(self.accounts, self.public_url),
        )
        self.server = api_server.server(app, http.listen, certificate=http.certificate, private_key=http.private_key)
        serving = asyncio.create_task(self.server.serve(sockets=[web]), name="http")
        stack.push_async_callback(self._close_web, serving)
        while not self.server.started:
            await asyncio.wait({serving}, timeout=0.01)
            if serving.done():
                raise StartError("http: the server did not start; its log lines tell why")

    async def _close_web(self, serving: "asyncio.Task[None]") -> None:
        self.server.should_exit = True
        await asyncio.wait({serving})
        if not serving.cancelled() and (error := serving.exception()) is not None:
            logger.error("the HTTP server failed", exc_info=error)

    def _watch(self, stack: AsyncExitStack, work: Coroutine[Any, Any, None], name: str) -> None:
        """Runs something beside the calls until the daemon stops."""
        tasks = Tasks()
        tasks.spawn(work, name)
        stack.push_async_callback(tasks.cancel)

    # what the operator sees

    def health(self) -> tuple[int, dict[str, Any]]:
        """200 when calls can be taken, 429 when every leg is in use, 503 when it starts, drains or cannot store."""
        live = self.switchboard.live
        full = live >= self.config.limits.legs
        serving = "store" if not self.store.healthy else "full" if full else "ok"
        status = serving if self.phase is Phase.SERVING else self.phase.value
        facts = {
            "status": status,
            "live_calls": live,
            "callbacks_pending": self.callbacks.pending,
            "registrations": len(self.registrar),
            "subscriptions": len(self.edge.events.notifier),
            "version": __version__,
        }
        return {"ok": 200, "full": 429}.get(status, 503), facts

    def _facts(self, exchange: Exchange) -> Facts:
        callbacks, store, registrar, rooms = self.callbacks, self.store, self.registrar, self.rooms
        breakers, alerts = self.client.breakers, self.alerts
        return Facts(
            gauges={
                "calls_live": ("Calls that have no final status yet", lambda: len(exchange.live)),
                "conferences_live": ("Conferences that are not completed", lambda: len(rooms.conferences)),
                "calls_queued": ("Calls that wait in a queue", lambda: rooms.queues.waiting),
                "callbacks_pending": ("Callbacks that wait to be delivered", lambda: callbacks.pending),
                "registrations_live": ("Phones that are registered", lambda: len(registrar)),
                "subscriptions_live": ("Subscriptions of phones", lambda: len(self.edge.events.notifier)),
                "publications_live": ("What phones and servers publish", lambda: len(self.edge.events.publications)),
                "store_staged_rows": ("Rows that wait to be written", lambda: store.staged),
                "store_healthy": ("Whether rows can be written", lambda: float(store.healthy)),
            },
            counters={
                "callbacks_delivered": ("Callbacks delivered", lambda: callbacks.delivered),
                "callbacks_retried": ("Callbacks tried again", lambda: callbacks.retried),
                "callbacks_given_up": ("Callbacks that will not be delivered", lambda: callbacks.given_up),
                "breaker_refusals": ("Requests not made because of an open breaker", lambda: breakers.refused),
                "calls_fenced": ("Calls that a fence held back or ended", lambda: self.fences.denied),
                "alerts": ("Alerts raised", lambda: sum(alerts.raised.values())),
                "alerts_dropped": ("Alerts of calls that had told enough", lambda: alerts.dropped),
            },
            outcomes=exchange.outcomes,
            registers=registrar.outcomes,
            dropped=registrar.dropped,
            events=self.edge.events.outcomes,
            auths=self.edge.roster.outcomes,
            native=self.endpoint.engine.counts,
            gate=self.endpoint.engine.counters,
            breakers=breakers.tripped,
        )

    async def drain(self, hurry: asyncio.Event) -> None:
        """Not ready at once; live calls go on for as long as [server] drain_seconds allows, or until `hurry` is set."""
        self.phase = Phase.DRAINING
        calls = asyncio.create_task(self.switchboard.drain(self.config.server.drain_seconds), name="drain")
        hurried = asyncio.create_task(hurry.wait(), name="hurry")
        await asyncio.wait({calls, hurried}, return_when=asyncio.FIRST_COMPLETED)
        hurried.cancel()
        if calls.done():
            calls.result()
        calls.cancel()  # leaving `open` hangs up what is left


def _note(kind: str, **data: object) -> None:
    """A step of no call's story."""
    logger.info("%s %s", kind, " ".join(f"{key}={value}" for key, value in data.items() if key in ("url", "code")))


class Signals:
    """What signals ask of a daemon: to stop, then not to wait for live calls, then to be gone.

    SIGHUP would end the process with every call in it; nothing is read again at it, and the log says so.
    """

    def __init__(self) -> None:
        self.stop, self.hurry = asyncio.Event(), asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._end, number)
        loop.add_signal_handler(signal.SIGHUP, self._reload)

    def _end(self, number: signal.Signals) -> None:
        if self.hurry.is_set():
            logger.warning("%s for the third time: ending at once", number.name)
            os._exit(1)
        if self.stop.is_set():
            logger.warning("%s again: hanging up", number.name)
            self.hurry.set()
            return
        logger.info("%s: stopping", number.name)
        self.stop.set()

    def _reload(self) -> None:
        logger.warning("SIGHUP: nothing is read again; a changed configuration takes effect at a restart")


async def run(config: Config) -> None:
    """Runs a daemon until SIGTERM or SIGINT; a second signal hangs up its calls, a third ends it at once.

    Raises:
        StartError: it cannot start.
    """
    began = time.monotonic()
    log.configure(config.server.log_level, config.server.log_format)
    os.umask(0o027)  # records and recordings are not for everybody
    signals = Signals()
    daemon = Daemon(config)
    async with daemon.open():
        where = ", ".join(f"{transport}:{host}:{port}" for transport, host, port in daemon.endpoint.addresses)
        media = daemon.endpoint.engine.media_facts()
        rtp = f"{media['io']} ({media['why_not_io_uring']})" if media["why_not_io_uring"] else media["io"]
        # what the start made lives as long as the daemon, its half MB of garbage too: to look for that would hold calls
        # for longer than all the rest of the opening
        gc.freeze()
        gc.set_threshold(*COLLECT_AFTER)
        gc.enable()
        logger.info(
            "callwright %s ready in %.2f s: SIP %s; RTP by %s; HTTP %s",
            __version__,
            time.monotonic() - began,
            where,
            rtp,
            config.http.listen,
        )
        await asyncio.to_thread(load_ffmpeg)
        await signals.stop.wait()
        await daemon.drain(signals.hurry)
    if left := asyncio.all_tasks() - {asyncio.current_task()}:
        logger.error("tasks without an owner at the end: %s: please report it", ", ".join(map(repr, left)))
    # or the interpreter, at its end, would not find what holds the engine
    gc.unfreeze()
    logger.info("stopped")
