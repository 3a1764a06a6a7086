"""P13: how long a start takes, seen from outside: to the first call that is answered, and to /health."""

import errno
import secrets
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from .machine import ROOT, SERVER_PRIORITY, scheduled
from .rows import Line
from .servers import START_S, Asterisk, Callwright, Process, until_answered

RETRY_S = 0.01
RESEND_S = 0.05

OFFER = "\r\n".join(
    [
        "v=0",
        "o=- 1 1 IN IP4 127.0.0.1",
        "s=-",
        "c=IN IP4 127.0.0.1",
        "t=0 0",
        "m=audio 26000 RTP/AVP 0",
        "a=rtpmap:0 PCMU/8000",
        "",
    ]
)


class Prober:
    """A caller who tries until somebody answers. One UDP socket, one call at a time."""

    def __init__(self, target: str) -> None:
        host, _, port = target.rpartition(":")
        self._uri = f"sip:answer@{target}"
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.connect((host, int(port)))
        self._here = "{}:{}".format(*self._socket.getsockname())
        self._new_call()

    def close(self) -> None:
        """Gives the socket back."""
        self._socket.close()

    def answered(self, seconds: float) -> float:
        """Calls until a 200 comes, acknowledges it and hangs up; how long that took.

        Raises:
            RuntimeError: time is up.
        """
        began = time.monotonic()
        while (now := time.monotonic() - began) < seconds:
            match self._attempt():
                case 200:
                    took = time.monotonic() - began
                    # RFC 3261 section 17.1.1.3: the ACK to a 2xx is a transaction of its own
                    self._send("ACK", 1, branch="ack")
                    self._send("BYE", 2, branch="bye")
                    self._receive(1.0)
                    return took
                case code if code >= 300:
                    self._send("ACK", 1)
                    self._new_call()
                    time.sleep(RESEND_S)  # calls that are refused cost a server that starts its time
        raise RuntimeError(f"no call was answered within {now:g} s")

    def _new_call(self) -> None:
        self._call_id, self._branch, self._to_tag = secrets.token_hex(8), secrets.token_hex(8), ""

    def _attempt(self) -> int:
        """Sends the INVITE (again); the final status that came, or 0."""
        if not self._send("INVITE", 1, body=OFFER):
            time.sleep(RETRY_S)  # nobody listens yet, and nobody tells when
            return 0
        while (code := self._receive(RESEND_S)) and code < 200:
            pass
        return code

    def _send(self, method: str, sequence: int, *, branch: str = "", body: str = "") -> bool:
        """False when nobody listens there."""
        lines = [
            f"{method} {self._uri} SIP/2.0",
            f"Via: SIP/2.0/UDP {self._here};branch=z9hG4bK{self._branch}{branch}",
            f"From: <sip:+15550100@127.0.0.1>;tag={self._call_id}",
            f"To: <{self._uri}>{self._to_tag}",
            f"Call-ID: {self._call_id}",
            f"CSeq: {sequence} {method}",
            f"Contact: <sip:probe@{self._here}>",
            "Max-Forwards: 70",
            *(["Content-Type: application/sdp"] if body else []),
            f"Content-Length: {len(body)}",
            "",
            body,
        ]
        try:
            self._socket.send("\r\n".join(lines).encode())
        except OSError as error:
            if error.errno != errno.ECONNREFUSED:
                raise
            return False
        return True

    def _receive(self, seconds: float) -> int:
        """The status of the next response to this call; 0 when none comes in time."""
        self._socket.settimeout(seconds)
        try:
            lines = self._socket.recv(65536).decode(errors="replace").split("\r\n")
        except (TimeoutError, ConnectionRefusedError):
            time.sleep(RETRY_S)  # as above
            return 0
        for line in lines:
            name, _, value = line.partition(":")
            if name.lower() == "to" and ";tag=" in value:
                self._to_tag = ";tag=" + value.split(";tag=", 1)[1].strip()
        return int(lines[0].split(" ", 2)[1]) if lines[0].startswith("SIP/2.0 ") else 0


def _first_call(target: str, start: Callable[[], object]) -> float:
    """Seconds from the start of a server to its first answered call."""
    prober = Prober(target)
    try:
        began = time.monotonic()
        start()
        prober.answered(START_S)
        return time.monotonic() - began
    finally:
        prober.close()


def cold_start(daemon: Callwright) -> Line:
    """From `callwright serve` to the first call that is answered, on an empty data directory."""
    with ExitStack() as stack:
        log = daemon.directory / "start.log"
        seconds = _first_call(daemon.target, lambda: stack.enter_context(Process(daemon.command(), log)))
    return {"cost": round(seconds, 3), "unit": "s", "clean": True}


def script_start(daemon: Callwright) -> Line:
    """From `scripts/run` on a built tree to a /health of 200."""
    command = [str(ROOT / "scripts/run"), "--config", str(daemon.config)]
    log = daemon.directory / "run.log"
    with Process([*scheduled(SERVER_PRIORITY, "0"), *command], log) as process:
        seconds = until_answered(daemon.health, process)
    return {"cost": round(seconds, 3), "unit": "s", "clean": True}


def peer_start(directory: Path) -> Line:
    """From Asterisk's start to the first call that it answers."""
    with ExitStack() as stack:
        seconds = _first_call(Asterisk.target, lambda: stack.enter_context(Asterisk(directory, wait=False)))
    return {"cost": round(seconds, 3), "unit": "s", "clean": True}
