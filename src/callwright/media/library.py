"""Sounds by URL or by text: fetched, decoded or synthesised once, kept in memory and on disk, shared by every call.

A request is answered by the first that can: the memory (fresh and alive: no wait at all), an identical request under
way, the disk, the file's server (with a condition when an older copy is there), the synthesiser. Copies of one content
are one, whatever their URLs and accounts; what a server said is remembered per account, because requests are signed.
"""

import asyncio
import hashlib
import logging
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Generic, TypeVar
from weakref import WeakValueDictionary

from callwright import clock
from callwright.account import Account
from callwright.errors import MediaError
from callwright.media import formats, transcode
from callwright.media.cache import DiskCache
from callwright.media.freshness import Freshness
from callwright.media.limits import MediaLimits
from callwright.media.memory import Memory
from callwright.media.origin import Fetched, Origin, Unavailable, target, url_digest
from callwright.media.speech.protocol import Synthesis, Utterance
from callwright.media.workers import Workers
from callwright.outbound import Outbound, Target

log = logging.getLogger(__name__)

S = TypeVar("S")
T = TypeVar("T")

_KNOWN_RESPONSES = 8192
_MAX_TEXT = 65536
_DISK_THREADS = 2
_DECODE_GRACE = 5.0


@dataclass(frozen=True, slots=True)
class _Entry:
    """What is known about a URL: which sound it gave, from which final URL, and for how long that holds."""

    content: str
    final_url: str
    freshness: Freshness

    def stored(self) -> dict[str, Any]:
        """For the disk. The URL is stored as its digest: it may carry a secret."""
        return {
            "content": self.content,
            "final_url": self.final_url,
            "headers": dict(self.freshness.headers),
            "received": self.freshness.received,
            "delay": self.freshness.delay,
            "redirected_until": self.freshness.redirected_until,
        }

    @classmethod
    def restored(cls, stored: dict[str, Any]) -> "_Entry":
        """Raises: KeyError, TypeError: written by another version."""
        freshness = Freshness(stored["headers"], stored["received"], stored["delay"], stored["redirected_until"])
        return cls(stored["content"], stored["final_url"], freshness)


def _default_now() -> float:
    return clock.now().timestamp()


class Library(Generic[S]):
    """The media layer's sounds.

    Args:
        outbound: started before the first use.
        directory: of the disk cache.
        clock_rate: Hz of every sound.
        make: builds a sound from int16 mono samples and the clock rate; called on a thread. Its result must be weakly
            referenceable.
        synthesis: speaks text; None when there is none.
        sign: X-Twilio-Signature of (auth token, URL).
        now: seconds since the epoch.
    """

    def __init__(
        self,
        *,
        outbound: Outbound,
        directory: Path,
        clock_rate: int,
        make: Callable[[bytes, int], S],
        synthesis: Synthesis | None,
        sign: Callable[[str, str], str],
        limits: MediaLimits | None = None,
        now: Callable[[], float] = _default_now,
    ) -> None:
        self._limits = limits or MediaLimits()
        self._clock_rate = clock_rate
        self._make = make
        self._synthesis = synthesis
        self._now = now
        self._origin = Origin(outbound, self._limits, sign, now)
        seconds = self._limits.disk_days * 86400
        self._disk = DiskCache(directory, max_bytes=self._limits.disk_bytes, max_seconds=seconds, now=now)
        self._memory: Memory[S] = Memory(self._limits.memory_bytes)
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._flights: dict[str, asyncio.Task[S]] = {}
        self._downloads: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()
        self._decoders = Workers(self._limits.decoders, name="decoding")
        self._threads = ThreadPoolExecutor(_DISK_THREADS, "media-disk")
        self.counters: Counter[str] = Counter()
        """Since the start: memory, joined, disk, fetched, revalidated, stale, decoded, synthesised."""

    async def start(self) -> None:
        """Takes stock of the disk cache.

        Raises:
            OSError: its directory cannot be made or read.
        """
        await self._blocking(self._disk.open)

    async def close(self) -> None:
        """Ends what is under way. Sounds that calls hold stay valid."""
        flights = list(self._flights.values())
        for flight in flights:
            flight.cancel()
        await asyncio.gather(*flights, return_exceptions=True)
        self._threads.shutdown(wait=False, cancel_futures=True)

    @property
    def disk(self) -> DiskCache:
        """The disk cache, for its figures."""
        return self._disk

    @property
    def memory_bytes(self) -> int:
        """Samples that the memory keeps alive by itself."""
        return self._memory.bytes

    async def file(self, url: str, account: Account) -> S:
        """The sound at a URL.

        Raises:
            MediaError: 11100 and the 11200 family: it cannot be fetched; 13420: it is no sound that can be played.
        """
        wanted, key = _wanted(url, account.sid)
        sound = self._remembered(key)
        return sound if sound is not None else await self._join(key, partial(self._file, key, wanted, account))

    def at_hand(self, url: str, account: Account) -> S | None:
        """The sound at a URL that nothing has to be asked or read for; None when `file` must be awaited for it."""
        try:
            _, key = _wanted(url, account.sid)
        except MediaError:
            return None  # `file` will say why
        return self._remembered(key)

    def _remembered(self, key: str) -> S | None:
        entry = self._entries.get(key)
        if entry is None or not entry.freshness.fresh(self._now()):
            return None
        sound = self._memory.get(entry.content)
        if sound is not None:
            self.counters["memory"] += 1
            self._entries.move_to_end(key)
        return sound

    async def speech(self, text: str, *, voice: str = "", language: str = "", ssml: bool = False) -> S:
        """Spoken text.

        Args:
            ssml: `text` is an XML fragment with SSML elements (call-control reference §1.3).

        Raises:
            MediaError: 13511, 13512, 13520, 13521: voice, language or text cannot be spoken; 12400: no synthesiser, or
                it failed.
        """
        if not text.strip():
            raise MediaError("no text to speak", code=13520)
        if len(text) > _MAX_TEXT:
            raise MediaError(f"the text to speak is longer than {_MAX_TEXT} characters", code=13521)
        if self._synthesis is None:
            raise MediaError("no speech synthesis is configured", code=12400)
        facts = (self._synthesis.identity, voice, language, str(ssml), text, str(self._clock_rate))
        key = _digest("speech", *facts, str(transcode.VERSION))
        sound = self._memory.get(key)
        if sound is not None:
            self.counters["memory"] += 1
            return sound
        synthesise = partial(self._synthesis.synthesise, text, voice=voice, language=language, ssml=ssml)
        return await self._join(key, partial(self._speech, key, synthesise))

    async def _join(self, key: str, begin: Callable[[], Awaitable[S]]) -> S:
        """The result of the identical request under way, else of this one. It goes on when its first caller leaves."""
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = asyncio.ensure_future(_run(begin))
            flight.add_done_callback(partial(self._landed, key))
        else:
            self.counters["joined"] += 1
        try:
            return await asyncio.shield(flight)
        except asyncio.CancelledError:
            if flight.cancelled() and not _being_cancelled():
                raise MediaError("the media layer is closing", code=12400) from None
            raise

    def _landed(self, key: str, flight: "asyncio.Task[S]") -> None:
        del self._flights[key]
        if not flight.cancelled() and (error := flight.exception()) is not None:
            log.debug("x %s: %s", key[:8], error)

    async def _file(self, key: str, wanted: Target, account: Account) -> S:
        entry = await self._entry(key)
        if entry is not None and entry.freshness.fresh(self._now()):
            sound = await self._stored(entry.content)
            if sound is not None:
                return sound
        have = entry if entry is not None and self._there(entry.content) else None
        sound = await self._fetch(key, wanted, account, have)
        if sound is None:
            # The copy that the server has just confirmed is damaged: it was removed, and is asked for whole.
            sound = await self._fetch(key, wanted, account, None)
        if sound is None:
            raise MediaError(f"{wanted.shown}: HTTP 304 without a condition")
        return sound

    async def _fetch(self, key: str, wanted: Target, account: Account, have: _Entry | None) -> S | None:
        """The sound, as the server gives or confirms it; None when it confirmed a copy that turned out damaged."""
        downloads = self._downloads.setdefault(account.sid, asyncio.Semaphore(self._limits.downloads))
        body, written = self._disk.body(self._limits.file_bytes), True
        try:
            async with downloads:
                validators, validated = (have.freshness.validators, have.final_url) if have else ({}, "")
                fetched = await self._origin.fetch(wanted, account, body, validators=validators, validated=validated)
            if have is not None and not fetched.modified:
                written = False
                return await self._confirmed(key, have, fetched)
            return await self._taken(key, wanted, fetched, body)
        except Unavailable as error:
            if have is None or not have.freshness.usable_on_error(self._now()):
                raise
            sound = await self._stored(have.content)
            if sound is None:
                raise
            log.warning("%s; the stored copy is played (stale-if-error)", error.message)
            self.counters["stale"] += 1
            return sound
        finally:
            if written:
                await self._blocking(partial(body.unlink, missing_ok=True))

    async def _confirmed(self, key: str, have: _Entry, fetched: Fetched) -> S | None:
        self.counters["revalidated"] += 1
        freshness = have.freshness.revalidated(fetched.headers, fetched.received, fetched.delay)
        sound = await self._stored(have.content)
        if sound is None or not freshness.storable:
            await self._forget(key)
            return sound
        confirmed = _Entry(have.content, have.final_url, freshness)
        if freshness.fresh(self._now()):
            await self._remember(key, confirmed)
        else:
            # It will be asked for again in any case: what the disk says about it will do as well as this.
            self._know(key, confirmed)
        return sound

    async def _taken(self, key: str, wanted: Target, fetched: Fetched, body: Path) -> S:
        self.counters["fetched"] += 1
        form = await self._blocking(partial(_recognised, body, fetched, wanted.text))
        if form is None:
            kind = fetched.content_type.partition(";")[0].strip()[:80] or "no content type"
            raise MediaError(f"{wanted.shown}: not a sound that can be played ({kind})", code=13420)
        content = _digest("file", form.value.name, fetched.digest, str(self._clock_rate), str(transcode.VERSION))
        freshness = fetched.freshness
        storable = freshness is not None and freshness.storable
        sound = await self._stored(content)
        if sound is None:
            sound = await self._decoded(wanted, content, form, body, storable)
        if freshness is not None and storable:
            await self._remember(key, _Entry(content, url_digest(fetched.url), freshness))
        else:
            await self._forget(key)
        return sound

    async def _decoded(self, wanted: Target, content: str, form: formats.Format, body: Path, storable: bool) -> S:
        self.counters["decoded"] += 1
        limits = transcode.DecodeLimits(self._limits.sound_seconds, self._limits.decode_seconds)
        decode = partial(transcode.decode, body, form, self._clock_rate, limits)
        try:
            samples = await self._decoders.run(decode, seconds=limits.decode_seconds + _DECODE_GRACE)
        except MediaError as error:
            raise MediaError(f"{wanted.shown}: {error.message}", code=error.code) from error
        return await self._shelved(content, samples, storable)

    async def _speech(self, key: str, synthesise: Callable[[], Awaitable[Utterance]]) -> S:
        sound = await self._stored(key)
        if sound is not None:
            return sound
        utterance = await synthesise()
        self.counters["synthesised"] += 1
        fit = partial(transcode.resample, utterance.samples, utterance.rate, self._clock_rate)
        samples = await self._decoders.run(fit, seconds=self._limits.decode_seconds)
        return await self._shelved(key, samples, True)

    def _there(self, content: str) -> bool:
        return self._memory.get(content) is not None or self._disk.has_sound(content)

    async def _stored(self, content: str) -> S | None:
        """A sound of the memory or the disk."""
        sound = self._memory.get(content)
        if sound is not None or not self._disk.has_sound(content):
            return sound

        def load() -> tuple[S, int] | None:
            samples = self._disk.load_sound(content, self._clock_rate)
            return (self._make(samples, self._clock_rate), len(samples)) if samples is not None else None

        loaded = await self._blocking(load)
        if loaded is None:
            return None
        self.counters["disk"] += 1
        return self._memory.add(content, *loaded)

    async def _shelved(self, content: str, samples: bytes, storable: bool) -> S:
        """A new sound, put on the disk and into the memory."""

        def put() -> S:
            if storable:
                self._disk.save_sound(content, samples, self._clock_rate)
            return self._make(samples, self._clock_rate)

        return self._memory.add(content, await self._blocking(put), len(samples), keep=storable)

    async def _entry(self, key: str) -> _Entry | None:
        entry = self._entries.get(key)
        if entry is not None:
            return entry
        stored = await self._blocking(partial(self._disk.load_response, key))
        if stored is None:
            return None
        try:
            entry = _Entry.restored(stored)
        except (KeyError, TypeError) as error:
            log.info("a response of another version is forgotten: %r", error)
            await self._forget(key)
            return None
        self._know(key, entry)
        return entry

    async def _remember(self, key: str, entry: _Entry) -> None:
        self._know(key, entry)
        await self._blocking(partial(self._disk.save_response, key, entry.stored()))

    async def _forget(self, key: str) -> None:
        self._entries.pop(key, None)
        await self._blocking(partial(self._disk.remove_response, key))

    def _know(self, key: str, entry: _Entry) -> None:
        self._entries[key] = entry
        self._entries.move_to_end(key)
        if len(self._entries) > _KNOWN_RESPONSES:
            self._entries.popitem(last=False)

    async def _blocking(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


async def _run(begin: Callable[[], Awaitable[S]]) -> S:
    return await begin()


def _being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _recognised(body: Path, fetched: Fetched, wanted: str) -> formats.Format | None:
    """By the final URL's extension, else by that of the URL that was asked for."""
    if fetched.size == 0:
        return None
    found = formats.recognise(body, content_type=fetched.content_type, url=fetched.url)
    return found or formats.recognise(body, content_type=fetched.content_type, url=wanted)


@lru_cache(maxsize=1024)
def _wanted(url: str, account_sid: str) -> tuple[Target, str]:
    """A URL, checked, and the key of what it gives to this account. Raises MediaError."""
    wanted = target(url)
    return wanted, _digest("request", account_sid, wanted.text, ":".join(wanted.credentials or ()))


def _digest(*parts: str) -> str:
    """SHA-256 of the parts, each behind its length, so that no two lists of parts look alike."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        digest.update(b"%d:" % len(data) + data)
    return digest.hexdigest()
