"""`Site`: a number of a daemon, the application server that runs it, and the carrier at both ends of its trunk.

site = await Site.on(line)                               # on the shared daemon
site = await sites(sections={"limits": {...}})           # with a daemon of its own
call = await site.dial_in()                              # the carrier calls the number
placed = await site.create(url=site.url("/voice"))       # a REST call arrives at site.carrier
await site.told("initiated", placed.sid)                 # the next status callback
"""

import asyncio
import base64
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeVar

import aiohttp

from tests.harness import ApplicationServer, Phone, PhoneCall, tones
from tests.harness.application import Received
from tests.harness.daemon import Daemon
from tests.harness.pressure import Pressure
from tests.harness.tones import Pcm
from tests.harness.waiting import SCALE

from .line import Line, document

NUMBER = "+15550001000"
CALLEE = "+15550009999"
CALLER = "+15557654321"
CANARY = "+15550007777"
CANARY_HZ = 700.0
CANARY_EVERY_S = 2.0
PROGRESS = ["initiated", "ringing", "answered", "completed"]
FINAL = ("completed", "busy", "failed", "no-answer", "canceled")

T = TypeVar("T")


def sound(hz: float, seconds: float, rate: int = 16000) -> bytes:
    """A WAV file with one tone."""
    return tones.wav_bytes(tones.tone(hz, seconds, rate=rate), rate)


def authorization(account: str, token: str) -> dict[str, str]:
    """The header that authenticates an account."""
    return {"Authorization": "Basic " + base64.b64encode(f"{account}:{token}".encode()).decode()}


@dataclass(frozen=True, slots=True)
class Site:
    """What a test of the daemon's outside needs.

    Attributes:
        carrier: the phone that calls the number, and at which calls arrive that leave through the trunk.
        number: the daemon's number, which calls /voice and tells /status of its end.
        callee: a number that the trunk carries.
    """

    daemon: Daemon
    application: ApplicationServer
    carrier: Phone
    number: str = NUMBER
    callee: str = CALLEE

    @classmethod
    async def on(cls, line: Line) -> "Site":
        """A line of the shared daemon as a site."""
        carrier = await line.gateway()
        return cls(line.daemon, line.application, carrier, line.plan.number, line.dialled())

    def url(self, path: str) -> str:
        """A URL of the application server."""
        return self.application.url(path)

    def script(self, path: str, verbs: str) -> None:
        """The document at a path of the application server."""
        self.application.on(path, document(verbs))

    def serve_tone(self, path: str, hz: float, seconds: float = 20.0, *, cache_control: str = "") -> None:
        """A sound file with one tone at a path of the application server."""
        self.application.serve_sound(path, sound(hz, seconds), cache_control=cache_control)

    # calls in

    async def dial_in(self, number: str = "", **options: Any) -> PhoneCall:
        """The carrier's INVITE, sent and not waited for; see `Phone.invite`."""
        return await self.carrier.invite(self.daemon.sip_uri(number or self.number), **options)

    # the API

    async def do(self, work: Callable[[Any], T]) -> T:
        """What a function returns that gets the vendor's client."""
        return await self.daemon.rest.do(work)

    async def create(self, **parameters: Any) -> Any:
        """Places a call: from the number to the callee by default, with every event told to /status."""
        defaults: dict[str, Any] = {
            "to": self.callee,
            "from_": self.number,
            "status_callback": self.url("/status"),
            "status_callback_event": PROGRESS,
        }
        if "url" not in parameters and "twiml" not in parameters:
            defaults["url"] = self.url("/voice")
        return await self.do(lambda client: client.calls.create(**{**defaults, **parameters}))

    async def answered(self, **parameters: Any) -> tuple[Any, PhoneCall]:
        """A placed call that the carrier has answered, and the carrier's side of it; it has been told to /status."""
        placed = await self.create(**parameters)
        incoming = await self.carrier.incoming()
        await incoming.ring()
        await incoming.answer()
        for status in ("initiated", "ringing", "in-progress"):
            await self.told(status, placed.sid)
        return placed, incoming

    async def fetch(self, sid: str) -> Any:
        """A call as the API shows it."""
        return await self.do(lambda client: client.calls(sid).fetch())

    async def update(self, sid: str, **parameters: Any) -> Any:
        """Changes a call."""
        return await self.do(lambda client: client.calls(sid).update(**parameters))

    async def told(self, status: str, sid: str = "", timeout: float = 5.0) -> Received:
        """The next status callback; it must tell this status, of this call when one is named."""
        request = await self.application.request("/status", timeout)
        found = (request.form["CallStatus"], request.form["CallSid"])
        assert found == (status, sid or found[1]), f"{found}\n{self.application.history()}"
        return request

    async def over(self, *sids: str, timeout: float = 10.0) -> Received:
        """The final status callbacks of these calls, in any order; returns the last one. All others are passed over."""
        left = set(sids)
        while True:
            request = await self.application.request("/status", timeout)
            if request.form["CallStatus"] in FINAL:
                left.discard(request.form["CallSid"])
            if not left:
                return request

    async def get(self, path: str) -> tuple[int, str, bytes]:
        """Status, content type and body of a GET with the account's credentials."""
        headers = authorization(self.daemon.account_sid, self.daemon.auth_token)
        async with (
            aiohttp.ClientSession(headers=headers, trust_env=False) as session,
            session.get(self.daemon.base_url + path) as response,
        ):
            return response.status, response.content_type, await response.read()

    def path(self, rest: str) -> str:
        """The path of a resource of the account."""
        return f"/2010-04-01/Accounts/{self.daemon.account_sid}/{rest}"

    async def wav(self, recording_sid: str) -> tuple[Pcm, int]:
        """The samples of a recording, and their rate."""
        status, kind, body = await self.get(self.path(f"Recordings/{recording_sid}.wav"))
        assert (status, kind) == (200, "audio/x-wav"), f"{status} {kind}"
        return tones.read_wav(body)


def canary_number(application: ApplicationServer) -> dict[str, str]:
    """The [[number]] table of the canary: one endless tone."""
    application.serve_sound("/canary.wav", sound(CANARY_HZ, 10.0))
    application.on("/canary", document('<Play loop="0">/canary.wav</Play>'))
    return {"number": CANARY, "voice_url": application.url("/canary")}


@asynccontextmanager
async def canary(site: Site, phone: Phone) -> AsyncIterator[PhoneCall]:
    """A call to the canary's number while the block abuses the daemon: answered in 500 ms, and no gap of 60 ms."""
    call = await quick_call(site, phone)
    await call.media.heard_tone(CANARY_HZ)
    mark, pressure = call.media.mark(), Pressure(site.daemon.pid)
    yield call
    await call.media.received(25)
    assert_unbroken(call, mark, pressure)
    await call.hangup()


@asynccontextmanager
async def canaries(site: Site, phone: Phone) -> AsyncIterator[PhoneCall]:
    """The canary that stays, and another one every two seconds: each is answered in 500 ms and has no gap of 60 ms."""
    over = asyncio.Event()
    async with canary(site, phone) as call:
        placing = asyncio.create_task(_place_canaries(site, phone, over))
        try:
            yield call
        finally:
            over.set()
            await placing


async def _place_canaries(site: Site, phone: Phone, over: asyncio.Event) -> None:
    while not over.is_set():
        due = asyncio.get_running_loop().time() + CANARY_EVERY_S
        async with canary(site, phone):
            pass  # it is heard for half a second
        with suppress(TimeoutError):
            async with asyncio.timeout_at(due):
                await over.wait()


async def quick_call(site: Site, phone: Phone) -> PhoneCall:
    """A call to the canary's number that is answered within 500 ms, from packet to packet."""
    pressure = Pressure(site.daemon.pid)
    call = await phone.invite(site.daemon.sip_uri(CANARY))
    answer = await call.answered()
    sent = next(entry.time for entry in phone.trace.entries if entry.message is call.invite)
    received = next(entry.time for entry in phone.trace.entries if entry.message is answer)
    took = received - sent - pressure.seconds()
    assert took < 0.5 * SCALE, f"answered after {took:.3f} s"
    return call


def assert_unbroken(
    call: PhoneCall, since: int, *pressures: Pressure, hz: float = CANARY_HZ, gap_ms: float = 60
) -> None:
    """A tone has come without a longer gap since a mark, neither in the sound nor in time."""
    pcm = call.media.pcm(since=since)
    assert tones.contains(pcm, hz), call.media.describe()
    assert tones.gaps(pcm, longer_than_ms=gap_ms) == []
    gap = call.media.heard.statistics(since).max_gap_ms
    waited = 1000 * sum(pressure.seconds() for pressure in pressures)
    assert gap < gap_ms + waited, f"{gap:.0f} ms between two packets; the machine kept us waiting {waited:.0f} ms"
