"""The engine under a program of a few lines: work that no voice document asks for yet, for the bench alone.

As a program: `python -m bench.driver --sip PORT --rtp LOW HIGH`. Who calls "echo" hears himself, who calls anything
that begins with "conf" is in the room of that name. It prints a line when calls can come.
"""

import argparse
import asyncio
import gc
import logging
import signal
from collections import defaultdict

import uvloop

from callwright.config import Config
from callwright.sip.endpoint import Endpoint
from callwright.sip.leg import Leg

from .machine import SERVER_HOST


class Room:
    """Everybody hears everybody else: on a bus of the engine where it has one, else each connected to each."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        make_bus = getattr(endpoint.engine, "bus", None)
        self._bus: int | None = make_bus() if make_bus else None
        self._members: set[Leg] = set()

    def join(self, leg: Leg) -> None:
        """Until the leg ends."""
        if self._bus is not None:
            self._endpoint.connect(leg.node, self._bus)
        else:
            for member in self._members:
                self._endpoint.connect(leg.node, member.node)
        self._members.add(leg)
        leg.ended.add_done_callback(lambda _: self._members.discard(leg))


class Driver:
    """Answers every call."""

    def __init__(self, config: Config) -> None:
        self._endpoint = Endpoint(config, ["127.0.0.0/8"])
        self._endpoint.incoming = self._answer
        self._rooms: dict[str, Room] = defaultdict(lambda: Room(self._endpoint))

    def _answer(self, leg: Leg) -> None:
        assert leg.invite is not None
        user = leg.invite.request_uri.removeprefix("sip:").partition("@")[0]
        if user != "echo" and not user.startswith("conf"):
            leg.hang_up(404)
            return
        leg.accept()
        if user == "echo":
            self._endpoint.engine.connect(leg.node, leg.node)
        else:
            self._rooms[user].join(leg)

    async def close(self) -> None:
        """Hangs up everybody."""
        await self._endpoint.close()


async def serve(config: Config) -> None:
    """Until SIGTERM."""
    driver = Driver(config)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    gc.collect()
    gc.freeze()
    print("ready", flush=True)
    await stop.wait()
    await driver.close()


def main() -> None:
    """The program."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sip", type=int, required=True)
    parser.add_argument("--rtp", type=int, nargs=2, required=True, metavar=("LOW", "HIGH"))
    parser.add_argument("--clock-rate", type=int, default=16000)
    given = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    settings = {
        "sip": {"listen": [f"udp:{SERVER_HOST}:{given.sip}"], "requests_per_second": 100000, "request_burst": 100000},
        "media": {"address": SERVER_HOST, "rtp_ports": given.rtp, "clock_rate": given.clock_rate},
        "limits": {"legs": 2700},
    }
    uvloop.run(serve(Config.model_validate(settings)))


if __name__ == "__main__":
    main()
