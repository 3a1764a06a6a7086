"""`Line`: one number of the shared daemon with all that belongs to it, so that tests on one daemon do not meet.

    async def test_a_prompt(line: Line) -> None:
        line.sound("/menu.wav", 440, 2.0)
        call = await line.call("<Play>/menu.wav</Play>")
        await call.media.heard_tone(440)
        assert (await call.until_ended()).how == "bye received"

A line has three numbers with one application server, and a trunk with two gateways; all addresses are in the
daemon's configuration before it starts. At the end of a test every request must have been signed, no phone may have
seen a fault, and the daemon's log must be clean.
"""

import asyncio
import base64
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp

from tests.harness import ApplicationServer, Codec, Phone, PhoneCall, RtpPeer, Sdp, tones
from tests.harness.application import Received
from tests.harness.daemon import FAULTS, TOKEN, Daemon
from tests.harness.ports import daemon_address, next_address
from tests.harness.tones import Pcm
from tests.harness.waiting import within

CALLER = "+15557654321"
GATEWAY_USER, GATEWAY_PASSWORD = "callwright", "trunk-secret"
PORTS = 3
LATER = '<Pause length="1"/>'
"""Ends a call, but not before a digit that led here has been sent to its end."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What the daemon's configuration says of one line.

    Attributes:
        number: with voice URL /voice, fallback /fallback and status callback /status.
        bare: with the voice URL alone.
        getting: as `number`, every URL requested with GET, the voice URL "/voice?app=7".
        prefix: of the numbers that the line's trunk carries.
        port: of the application server.
        gateways: ports of the two.
    """

    index: int
    port: int
    gateways: tuple[int, int]

    @property
    def number(self) -> str:
        return f"+1555{self.index:03}0001"

    @property
    def bare(self) -> str:
        return f"+1555{self.index:03}0002"

    @property
    def getting(self) -> str:
        return f"+1555{self.index:03}0003"

    @property
    def prefix(self) -> str:
        return f"+1777{self.index:03}"

    @property
    def application(self) -> str:
        """Base URL of the application server."""
        return f"http://{daemon_address()}:{self.port}"

    def numbers(self) -> list[dict[str, Any]]:
        """[[number]] tables."""
        base = self.application
        full = {
            "number": self.number,
            "voice_url": f"{base}/voice",
            "voice_fallback_url": f"{base}/fallback",
            "status_callback": f"{base}/status",
        }
        methods = {"voice_method": "GET", "voice_fallback_method": "GET", "status_callback_method": "GET"}
        getting = {**full, "number": self.getting, "voice_url": f"{base}/voice?app=7", **methods}
        return [full, {"number": self.bare, "voice_url": f"{base}/voice"}, getting]

    def trunk(self) -> dict[str, Any]:
        """The [[trunk]] table of its gateways."""
        return {
            "name": f"gateways-{self.index}",
            "targets": [f"sip:{daemon_address()}:{port}" for port in self.gateways],
            "prefixes": [self.prefix],
            "username": GATEWAY_USER,
            "password": GATEWAY_PASSWORD,
        }


class Line:
    """A number under test. Attributes: daemon, application; those of `Plan`.

    Attributes:
        allowed: parts of log lines that are no fault in this test.
    """

    def __init__(self, daemon: Daemon, plan: Plan) -> None:
        self.daemon, self.plan = daemon, plan
        self.application = ApplicationServer(TOKEN)
        self.phones: list[Phone] = []
        self.allowed: list[str] = []
        self._since = len(daemon.log)

    @classmethod
    async def open(cls, daemon: Daemon, plan: Plan) -> "Line":
        """Starts the application server."""
        line = cls(daemon, plan)
        line.application = await ApplicationServer.start(TOKEN, port=plan.port)
        line.application.on("/status", "")
        return line

    # the parties

    async def phone(self, user: str = CALLER, **options: Any) -> Phone:
        """A phone with an address of its own; see `Phone.start`."""
        phone = await Phone.start(user, **options)
        self.phones.append(phone)
        return phone

    async def gateway(self, place: int = 0, **options: Any) -> Phone:
        """The phone at the trunk's first or second target; its media have another address than its signalling."""
        port = self.plan.gateways[place]
        phone = await self.phone(f"gateway-{place}", address=daemon_address(), port=port, **options)
        phone.media_address = next_address()
        return phone

    def dialled(self, extension: int = 1000) -> str:
        """A number that the trunk carries."""
        return f"{self.plan.prefix}{extension}"

    async def call(self, verbs: str = "", *, number: str = "", phone: Phone | None = None, **options: Any) -> PhoneCall:
        """A call to the line's number, sent and not waited for; see `Phone.invite`.

        Args:
            verbs: content of the document at /voice; "" leaves the script alone.
            number: another one than `number`.
            phone: the caller; default: a new phone.
        """
        if verbs:
            self.application.on("/voice", document(verbs))
        caller = phone or await self.phone()
        return await caller.invite(self.daemon.sip_uri(number or self.plan.number, caller.transport), **options)

    async def call_with(self, codecs: Sequence[Codec], verbs: str) -> PhoneCall:
        """An answered call that offered just these codecs."""
        phone = await self.phone()
        media = RtpPeer(phone.address, codec=codecs[0], dtmf=None)
        call = await self.call(verbs, phone=phone, offer=Sdp.offer(media.address, media.port, codecs))
        call.media.close()
        call.media = call.negotiation.media = media
        await call.answered()
        return call

    # the application

    def on(self, path: str, verbs: str) -> None:
        """A document at a path."""
        self.application.on(path, document(verbs))

    def sound(self, path: str, hz: float | Sequence[float], seconds: float, **options: Any) -> None:
        """A WAV file at a path, with a tone."""
        self.application.serve_sound(path, tones.wav_bytes(tones.tone(hz, seconds, rate=16000), 16000), **options)

    async def request(self, path: str, timeout: float = 5.0) -> Received:
        """The next request to a path; see `ApplicationServer.request`."""
        return await self.application.request(path, timeout)

    async def requests(self, path: str, count: int, timeout: float = 5.0) -> list[Received]:
        """The next requests to a path, in the order in which they came."""
        return [await self.application.request(path, timeout) for _ in range(count)]

    # the daemon

    async def warned(self, code: int, timeout: float = 5.0) -> str:
        """The log line of a warning of this line's calls."""
        return await self.daemon.logged(rf"warning .*code={code}\b", timeout, since=self._since)

    async def metric(self, name: str, right: Callable[[int], bool], timeout: float = 5.0) -> None:
        """Waits until a sample of /metrics is right; looks every 50 ms."""

        async def look() -> None:
            while not right((await self.daemon.metrics())[name]):
                await asyncio.wait([ended], timeout=0.05)

        ended = asyncio.create_task(self.daemon.process.wait())
        try:
            await within(look(), timeout, f"{name} is right")
        finally:
            ended.cancel()

    async def recording(self, url: str) -> tuple[list[Pcm], int]:
        """The channels of a recording and their rate, fetched as WAV with the account's credentials."""
        credentials = base64.b64encode(f"{self.daemon.account_sid}:{self.daemon.auth_token}".encode()).decode()
        async with (
            aiohttp.ClientSession(headers={"Authorization": f"Basic {credentials}"}) as session,
            session.get(f"{url}.wav") as response,
        ):
            assert response.status == 200, f"{url}.wav: {response.status}"
            return tones.read_wav_channels(await response.read())

    # the end

    async def close(self) -> None:
        """Closes the phones, and asserts that everything was in order.

        The application server stays: a call that a phone ended just now may still have to tell it something.
        """
        faults = [f"{phone.user}: {fault}" for phone in self.phones for fault in phone.faults]
        for phone in self.phones:
            await phone.close()
        await self._reported()
        logged = [line for line in self.daemon.log[self._since :] if FAULTS.search(line)]
        faults += [line for line in logged if not any(part in line for part in self.allowed)]
        self.daemon.allowed += [re.escape(line) for line in logged]
        faults += [f"not signed: {request.method} {request.url}" for request in self.application.requests
                   if not request.signed]  # fmt: skip
        assert faults == [], "\n".join(faults)

    async def _reported(self) -> None:
        """Returns when each call to a number with a status callback has reported its end."""
        requests = self.application.requests
        numbers = (self.plan.number, self.plan.getting)
        calls = {r.params["CallSid"] for r in requests if r.params.get("To") in numbers and "CallSid" in r.params}
        while calls - {request.params["CallSid"] for request in requests if request.path == "/status"}:
            await self.application.request("/status")


def document(verbs: str) -> str:
    """A document with these verbs."""
    return f'<?xml version="1.0" encoding="UTF-8"?><Response>{verbs}</Response>'


async def both(*calls: PhoneCall) -> None:
    """Each of two calls sends a tone of its own, 500 and 700 Hz, and hears the other's."""
    first, second = calls
    first.media.tone(500)
    second.media.tone(700)
    await asyncio.gather(first.media.heard_tone(700), second.media.heard_tone(500))


def steady(pcm: Pcm) -> bool:
    """Whether a continuing sound has no hole of more than 60 ms."""
    return tones.gaps(pcm, longer_than_ms=60) == []


def seconds_of(pcm: Pcm, hz: float) -> float:
    """For how long a tone is in the samples, in steps of 20 ms."""
    frames = [pcm[start : start + 160] for start in range(0, len(pcm) - 159, 160)]
    return sum(tones.contains(frame, hz, below_total_db=3) for frame in frames) * 0.02
