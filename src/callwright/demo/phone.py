"""The built-in test phone: places one real SIP call from its own process, listens, presses a key, reports."""

import array
import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from callwright.config import Config, SipSection, validate
from callwright.errors import LegGone
from callwright.sip.certificates import files_of, read
from callwright.sip.endpoint import Endpoint
from callwright.sip.leg import Leg

CLOCK_RATE = 8000
RTP_PORTS = (40000, 40999)
VOICE_DBOV = -45.0
LISTEN_S = 0.02
RESPONSE_S = 10.0
MENU_S = 1.0  # how much of the menu is heard before the key
GAP_S = 0.04  # the key stops the menu: this much silence, then the answer
FULL_SCALE = 32768.0


@dataclass(slots=True)
class Report:
    """What the phone saw and heard. Times in seconds from the INVITE; -1 when it did not happen."""

    answered: float = -1.0
    first_sound: float = -1.0
    pressed: float = -1.0
    sound_after_key: float = -1.0
    ended: float = -1.0
    code: int = 0
    reason: str = ""
    by: str = ""
    heard: float = 0.0
    statistics: dict[str, object] = field(default_factory=dict)

    @property
    def well(self) -> bool:
        """Answered, heard, key answered by sound, and ended by the other side."""
        heard = min(self.answered, self.first_sound, self.sound_after_key) >= 0
        return heard and self.code == 200 and self.by == "remote"


def level_dbov(samples: bytes) -> float:
    """Level of int16 mono samples, in dB below full scale (0 is a full-scale square wave)."""
    values = array.array("h", samples)
    power = sum(value * value for value in values) / max(1, len(values))
    return 20 * math.log10(max(math.sqrt(power), 1e-3) / FULL_SCALE)


def _phone_config(address: str, tls: SipSection | None) -> Config:
    listen: list[Any] = [f"udp:{address}:0", f"tcp:{address}:0"]
    if tls is not None:
        one = files_of(tls)[0]
        keys = {"certificate": one.certificate[1], "private_key": one.private_key[1], "ca": one.ca[1]}
        listen.append({"address": f"tls:{address}:0", **keys})
    return validate(
        {
            "sip": {
                "listen": listen,
                "domain": address,
                "user_agent": "Callwright test phone",
                "verify_server": tls.verify_server if tls is not None else True,
            },
            "media": {"address": address, "rtp_ports": RTP_PORTS, "clock_rate": CLOCK_RATE},
        }
    )


@asynccontextmanager
async def phone(address: str, tls: SipSection | None = None) -> AsyncIterator[Endpoint]:
    """A SIP endpoint of its own on a free port of `address`.

    Args:
        tls: it speaks TLS too, with the certificate and the authorities of the first TLS listener of this section.

    Raises:
        StartError: the certificate or key cannot be read or used.
    """
    if tls is not None:
        read(files_of(tls)[0])  # what is wrong with a file is told with its own key
    endpoint = Endpoint(_phone_config(address, tls), sources=[])
    try:
        yield endpoint
    finally:
        await endpoint.close()


async def demonstrate(uri: str, key: str, address: str, tell: Callable[[str], None], limit: float = 30.0) -> Report:
    """Calls `uri`, presses `key` once speech is heard, waits for the end.

    Args:
        address: the local address to call from.
        tell: is given one line a step.
        limit: seconds; the call is hung up then.
    """
    report = Report()
    async with phone(address) as endpoint:
        began = time.monotonic()
        tell(f"INVITE {uri}")
        leg = endpoint.originate(uri, local_uri=endpoint.local_uri("demo-phone"))
        try:
            async with asyncio.timeout(limit):
                await _talk(endpoint, leg, key, report, tell, began)
        except (LegGone, TimeoutError):
            leg.hang_up()
        ending = await leg.ended
        report.ended = time.monotonic() - began
        report.code, report.reason, report.by = ending.code, ending.reason, ending.by
        report.statistics = ending.statistics
        tell(f"ended by the {ending.by} side: {ending.code} {ending.reason}")
    return report


async def _talk(
    endpoint: Endpoint, leg: Leg, key: str, report: Report, tell: Callable[[str], None], began: float
) -> None:
    async with asyncio.timeout(RESPONSE_S):
        await leg.answered()
    report.answered = time.monotonic() - began
    tell(f"answered after {report.answered * 1000:.0f} ms")
    tap = endpoint.engine.tap(notify=20)
    endpoint.engine.connect(leg.node, tap)
    silence = 0.0
    try:
        while True:
            await leg.sleep(LISTEN_S)
            samples = endpoint.engine.read_tap(tap)
            seconds = len(samples) / 2 / CLOCK_RATE
            if level_dbov(samples) < VOICE_DBOV:
                silence += seconds
                continue
            report.heard += seconds
            _hear(leg, key, report, tell, time.monotonic() - began, silence)
            silence = 0.0
    finally:
        endpoint.engine.stop(tap)


def _hear(leg: Leg, key: str, report: Report, tell: Callable[[str], None], now: float, silence: float) -> None:
    """Speech, `silence` seconds after the last: the menu begins, has gone on long enough, or gave way to an answer."""
    if report.first_sound < 0:
        report.first_sound = now
        tell(f"heard speech after {now * 1000:.0f} ms")
    elif report.pressed < 0 and now - report.first_sound > MENU_S:
        report.pressed = now
        tell(f"pressing {key} while it speaks")
        leg.send_digits(key)
    elif report.pressed > 0 and report.sound_after_key < 0 and silence >= GAP_S:
        report.sound_after_key = now
        tell(f"heard the answer {1000 * (now - report.pressed):.0f} ms after the key")
