"""A call through a trunk to a number that echoes: a tone goes out, and must come back."""

import array
import asyncio
import math
from collections.abc import Iterator
from dataclasses import dataclass

from callwright.config import SipSection
from callwright.demo.phone import CLOCK_RATE, level_dbov, phone
from callwright.errors import LegGone
from callwright.sip.endpoint import Endpoint
from callwright.sip.leg import Leg
from callwright.sip.trunks import Trunk
from callwright.sip.uri import with_user

TONE_HZ = 1020.0  # the test tone of ITU-T O.6; no DTMF, no ringing, no fax
LISTEN_S = 0.1
HEARD_S = 1.0
VOICE_DBOV = -45.0
SHARE = 0.5
"""Of a window's power that must be the tone's."""


@dataclass(slots=True)
class Echo:
    """How the call went. Times in seconds; -1 when it did not happen.

    Attributes:
        heard: sound that was the tone; other: sound that was not.
        delay: from the answer to the first tone that came back.
    """

    answered: float = -1.0
    heard: float = 0.0
    other: float = 0.0
    delay: float = -1.0
    code: int = 0
    reason: str = ""

    def ear(self, samples: bytes, since_answer: float) -> None:
        """Takes a window of what has been heard."""
        seconds = len(samples) / 2 / CLOCK_RATE
        if not samples or level_dbov(samples) < VOICE_DBOV:
            return
        if share(samples, TONE_HZ) < SHARE:
            self.other += seconds
            return
        self.heard += seconds
        if self.delay < 0:
            self.delay = since_answer


def share(samples: bytes, hz: float) -> float:
    """How much of the power of int16 mono samples is at a frequency, 0 to 1 (Goertzel)."""
    values = array.array("h", samples)
    step = 2 * math.pi * hz / CLOCK_RATE
    cosine = sum(value * math.cos(step * n) for n, value in enumerate(values))
    sine = sum(value * math.sin(step * n) for n, value in enumerate(values))
    power = sum(value * value for value in values)
    return 2 * (cosine * cosine + sine * sine) / (len(values) * power) if power else 0.0


async def call(
    trunk: Trunk,
    uri: str,
    number: str,
    shown: str,
    address: str,
    *,
    next_hop: str,
    seconds: float,
    tls: SipSection | None = None,
) -> Echo:
    """Calls a number from a phone of our own, with the trunk's credentials and media.

    Args:
        uri: of the gateway; next_hop: its address, where it is a name.
        shown: caller ID.
        address: the local one to call from.
        seconds: to wait for the answer, and again for the echo.
        tls: whose certificate and authorities the phone has, where the gateway speaks TLS.

    Raises:
        ValueError: the URI or number cannot be used.
        StartError: the certificate or key cannot be read or used.
    """
    echo, loop = Echo(), asyncio.get_running_loop()
    async with phone(address, tls) as endpoint:
        began = loop.time()
        leg = endpoint.originate(
            with_user(uri, number),
            local_uri=endpoint.local_uri(shown),
            next_hop=next_hop,
            username=trunk.username,
            password=trunk.password,
            codecs=trunk.codecs,
            srtp=trunk.srtp,
            srtp_keying=trunk.srtp_keying,
            reliable=trunk.reliable,
            quirks=trunk.quirks,
        )
        try:
            async with asyncio.timeout(seconds):
                await leg.answered()
            echo.answered = loop.time() - began
            await _listen(endpoint, leg, echo, seconds)
        except (LegGone, TimeoutError):
            pass  # how it ended says why
        leg.hang_up()
        ending = await leg.ended
        echo.code, echo.reason = ending.code, ending.reason
    return echo


async def _listen(endpoint: Endpoint, leg: Leg, echo: Echo, seconds: float) -> None:
    """Sends the tone, and hears until enough of it has come back."""
    engine = endpoint.engine
    tap = engine.tap(notify=20)
    engine.connect(leg.node, tap)
    tone = engine.tone([(TONE_HZ, 0.0, 1000, 0)], sink=leg.node, loop=0)
    try:
        for since in _windows(seconds):
            await leg.sleep(LISTEN_S)
            echo.ear(engine.read_tap(tap), since)
            if echo.heard >= HEARD_S:
                return
    finally:
        engine.stop(tone)
        engine.stop(tap)


def _windows(seconds: float) -> Iterator[float]:
    return (n * LISTEN_S for n in range(1, round(seconds / LISTEN_S) + 1))
