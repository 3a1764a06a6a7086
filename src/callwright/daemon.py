"""The daemon: builds its parts, starts them in order, drains on SIGTERM, and stops them in reverse."""

import asyncio
import fcntl
import gc
import logging
import os
import secrets
import signal
import socket
import ssl
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry

from callwright import __version__, lag, log
from callwright.account import Account
from callwright.api import certificate
from callwright.api import server as api_server
from callwright.api.services import Services
from callwright.apps.breaker import Rules
from callwright.apps.callbacks import Callbacks, GivenUp
from callwright.apps.client import ApplicationClient
from callwright.apps.fallback import Documents
from callwright.calls.alerts import Alerts
from callwright.calls.call import Call
from callwright.calls.capacity import Capacity
from callwright.calls.epilogue import Epilogue
from callwright.calls.exchange import Exchange
from callwright.calls.interrupted import post_final
from callwright.calls.router import Router
from callwright.calls.router import declared as declared_number
from callwright.calls.switchboard import Switchboard
from callwright.calls.tasks import Tasks
from callwright.config import AccountSection, Config, HttpSection
from callwright.demo.application import routes as demo_routes
from callwright.engine import Sound
from callwright.errors import StartError
from callwright.media.library import Library
from callwright.media.limits import MEBIBYTE, MediaLimits
from callwright.media.mp3 import Mp3Encoder
from callwright.media.recordings import RecordingFiles
from callwright.media.speech.espeak import EspeakSynthesis
from callwright.metrics import Facts
from callwright.outbound import Outbound
from callwright.signing import signature
from callwright.sip.endpoint import Endpoint
from callwright.sip.trunks import Trunks
from callwright.sip.trunks import declared as declared_trunk
from callwright.store.recovery import recover
from callwright.store.store import Store
from callwright.twiml.session import Session

logger = logging.getLogger(__name__)

CALLBACK_DRAIN_S = 5.0
EPILOGUE_S = 1.0


def claim(directory: Path) -> int:
    """Takes the data directory for this process; returns the lock's descriptor.

    Raises:
        StartError: it cannot be made or written, or another daemon has it.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StartError(f"server.data_dir: {directory}: {error.strerror}") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        why = "another callwright runs on it" if isinstance(error, BlockingIOError) else error.strerror
        raise StartError(f"server.data_dir: {directory}: {why}") from None
    return descriptor


def auth_token(section: AccountSection, directory: Path) -> str:
    """The configured token, or one that is made at the first start and kept, readable by its owner only.

    Raises:
        StartError: it cannot be read or written.
    """
    if configured := section.auth_token.get_secret_value():
        return configured
    file = directory / "tokens" / section.sid
    try:
        kept = file.read_text().strip() if file.exists() else ""
        return kept or _new_token(file)
    except (OSError, UnicodeDecodeError) as error:
        raise StartError(f"the token of account {section.sid}: {file}: {error}") from None


def _new_token(file: Path) -> str:
    """Made whole beside its place and moved there: a crash leaves no empty token, which would open the API."""
    token = secrets.token_hex(16)
    file.parent.mkdir(mode=0o700, exist_ok=True)
    unfinished = file.with_suffix(".new")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as out:
        out.write(token + "\n")
        out.flush()
        os.fsync(out.fileno())
    unfinished.replace(file)
    return token


def accounts(config: Config, directory: Path) -> dict[str, Account]:
    """The accounts that the configuration declares, with [limits] where they set none."""
    return {
        section.sid: Account(
            sid=section.sid,
            auth_token=auth_token(section, directory),
            friendly_name=section.friendly_name or section.sid,
            calls_per_second=section.calls_per_second or config.limits.calls_per_second,
            concurrent_calls=section.concurrent_calls or config.limits.concurrent_calls,
            last_resort=section.last_resort,
        )
        for section in config.account
    }


def listener(address: str) -> socket.socket:
    """The HTTP socket, bound early so that a port in use stops the start.

    Raises:
        StartError: it cannot be bound.
    """
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, int(port)))
    except OSError as error:
        bound.close()
        raise StartError(f"http.listen: cannot bind {address}: {error.strerror or error}") from None
    return bound


def check_media_address(address: str, key: str = "media.address") -> None:
    """Whether RTP can be received on the address that callers are told.

    Raises:
        StartError: this machine does not have it: each call would fail.
    """
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError as error:
            why = f"{address} is not an address of this machine ({error.strerror})"
            raise StartError(f"{key}: {why}") from None


def check_certificate(section: HttpSection) -> None:
    """Whether HTTPS can be served with what [http] names, if it names anything.

    Raises:
        StartError: certificate or key cannot be read, is none, or they do not belong together.
    """
    if not section.certificate:
        return
    try:
        # an empty password, or the library would ask for one on the terminal
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(section.certificate, section.private_key, password="")
    except OSError as error:
        files = f"{section.certificate}, {section.private_key}"
        raise StartError(f"http.certificate: {files}: {error.strerror or error}") from None


class Daemon:
    """All parts of one running daemon. `open` starts them; leaving it stops them in reverse."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.registry = CollectorRegistry()
        self.directory = config.server.data_dir.absolute()
        self.draining = False
        self.public_url = config.server.public_url.rstrip("/")
        self.live: dict[str, Call] = {}

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Daemon"]:
        """Starts everything in order."""
        async with AsyncExitStack() as stack:
            stack.callback(os.close, claim(self.directory))
            web = listener(self.config.http.listen)
            stack.callback(web.close)
            check_certificate(self.config.http)
            check_media_address(self.config.media.address)
            if self.config.media.address6:
                check_media_address(self.config.media.address6, "media.address6")
            self.accounts = accounts(self.config, self.directory)
            self.store = await Store.open(f"sqlite:///{self.directory / 'callwright.db'}")
            stack.push_async_callback(self.store.close)
            await self._open_applications(stack)
            await self._open_calls(stack)
            await self._open_web(stack, web)
            self._watch(stack, lag.watch(self.registry), "lag")
            self._watch(stack, self.alerts.watch(), "alerts")
            if self.config.http.certificate:
                self._watch(stack, certificate.watch(self.server.config, self.config.http), "certificate")
            if self.endpoint.speaks_tls:
                self._watch(stack, self.endpoint.watch_certificates(), "SIP certificates")
            self.endpoint.incoming = self.switchboard.on_invite
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
            on_alert=self.alerts.add,
        )
        await self.callbacks.start()
        stack.push_async_callback(self.callbacks.close)
        stack.push_async_callback(self.callbacks.drain, CALLBACK_DRAIN_S)

    async def _open_calls(self, stack: AsyncExitStack) -> None:
        config = self.config
        recordings = RecordingFiles(self.directory / "recordings")
        recovered = await recover(self.store, recordings.directory)
        post_final(recovered.calls, self.accounts, self.callbacks)
        trunks = Trunks(declared_trunk(section) for section in config.trunk)
        self.endpoint = Endpoint(config, trunks.sources(), trunks.policies())
        stack.push_async_callback(self.endpoint.close)
        numbers = [declared_number(section, config) for section in config.number]
        self.router = Router(self.accounts, numbers, trunks)
        exchange = Exchange(
            endpoint=self.endpoint,
            trunks=trunks,
            sounds=await self._open_sounds(stack),
            store=self.store,
            callbacks=self.callbacks,
            recordings=recordings,
            owns=self.router.owns,
            public_url=self.public_url,
            call_seconds=config.limits.call_seconds,
            capacity=Capacity(asyncio.get_running_loop().time),
            alerts=self.alerts,
            live=self.live,
        )
        self.switchboard = Switchboard(exchange, self.router, self._session)
        stack.push_async_callback(self.switchboard.drain, 0)
        self.registry.register(self._facts(exchange))

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

    def _on_given_up(self, lost: GivenUp) -> None:
        """A callback that is lost is a warning in its call's story."""
        message = f"the {lost.kind} callback is given up: {lost.message}"
        if (call := self.live.get(lost.call_sid)) is not None:
            call.note("warning", code=lost.code, message=message, url=lost.url)
        else:
            self.epilogue.warn(lost.call_sid, lost.account_sid, code=lost.code, message=message, url=lost.url)

    def _on_retry(self, late: GivenUp) -> None:
        """A callback that fails for the first time is a step of its call's story."""
        message = f"the {late.kind} callback is tried again: {late.message}"
        if (call := self.live.get(late.call_sid)) is not None:
            call.note("retry", code=late.code, message=message, url=late.url)
        else:
            self.epilogue.retry(late.call_sid, late.account_sid, code=late.code, message=message, url=late.url)

    def _session(self, call: Call) -> Session:
        documents = Documents(self.client, call.application, call.account, call.note, call.alerts.add)
        resort = call.application.last_resort or call.account.last_resort
        return Session(call, documents, call.application, last_resort=resort)

    async def _open_web(self, stack: AsyncExitStack, web: socket.socket) -> None:
        http = self.config.http
        app = api_server.build(
            Services(
                public_url=self.public_url,
                accounts=self.accounts,
                store=self.store,
                switchboard=self.switchboard,
                recordings=self.directory / "recordings",
                mp3=Mp3Encoder(),
                owns=self.router.owns,
                health=self.health,
                metrics=self.registry,
            )
        )
        app.include_router(demo_routes(self.accounts, self.public_url))
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
        """200 when calls can be taken, 429 when every leg is in use, 503 when draining or when the store is ill."""
        live = self.switchboard.live
        full = live >= self.config.limits.legs
        status = "draining" if self.draining else "store" if not self.store.healthy else "full" if full else "ok"
        facts = {
            "status": status,
            "live_calls": live,
            "callbacks_pending": self.callbacks.pending,
            "version": __version__,
        }
        return {"ok": 200, "full": 429}.get(status, 503), facts

    def _facts(self, exchange: Exchange) -> Facts:
        callbacks, store, breakers, alerts = self.callbacks, self.store, self.client.breakers, self.alerts
        return Facts(
            gauges={
                "calls_live": ("Calls that have no final status yet", lambda: len(exchange.live)),
                "callbacks_pending": ("Callbacks that wait to be delivered", lambda: callbacks.pending),
                "store_staged_rows": ("Rows that wait to be written", lambda: store.staged),
                "store_healthy": ("Whether rows can be written", lambda: float(store.healthy)),
            },
            counters={
                "callbacks_delivered": ("Callbacks delivered", lambda: callbacks.delivered),
                "callbacks_retried": ("Callbacks tried again", lambda: callbacks.retried),
                "callbacks_given_up": ("Callbacks that will not be delivered", lambda: callbacks.given_up),
                "breaker_refusals": ("Requests not made because of an open breaker", lambda: breakers.refused),
                "alerts": ("Alerts raised", lambda: sum(alerts.raised.values())),
                "alerts_dropped": ("Alerts of calls that had told enough", lambda: alerts.dropped),
            },
            outcomes=exchange.outcomes,
            native=self.endpoint.engine.counts,
            gate=self.endpoint.engine.counters,
            breakers=breakers.tripped,
        )

    async def drain(self, hurry: asyncio.Event) -> None:
        """Not ready at once; live calls go on for as long as [server] drain_seconds allows, or until `hurry` is set."""
        self.draining = True
        calls = asyncio.create_task(self.switchboard.drain(self.config.server.drain_seconds), name="drain")
        hurried = asyncio.create_task(hurry.wait(), name="hurry")
        await asyncio.wait({calls, hurried}, return_when=asyncio.FIRST_COMPLETED)
        hurried.cancel()
        if calls.done():
            calls.result()
        calls.cancel()  # leaving `open` hangs up what is left


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
        # what the start left behind lives as long as the daemon: it is not worth the collector's time
        gc.collect()
        gc.freeze()
        logger.info(
            "callwright %s ready in %.2f s: SIP %s; HTTP %s",
            __version__,
            time.monotonic() - began,
            where,
            config.http.listen,
        )
        await signals.stop.wait()
        await daemon.drain(signals.hurry)
    # or the interpreter, at its end, would not find what holds the engine
    gc.unfreeze()
    logger.info("stopped")
