"""Many phones with a socket and an address each, that register by digest: a process of the load.

`python -m bench.phones --target HOST:PORT --phones N --rate R --password P`: the users u0, u1, ... register over UDP,
so many a second, each time without a nonce at hand, as after a power failure: REGISTER, 401, REGISTER with credentials,
200. Once at the start, and again for each line on its standard input. For each round a line of JSON: "registered",
"seconds" from the first REGISTER to the last 200, "register_p50_ms", "register_p99_ms" and "register_max_ms" from a
phone's first REGISTER to its 200, "retransmissions", "answers" by status.
"""

import argparse
import hashlib
import heapq
import json
import re
import secrets
import select
import socket
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from .machine import take_descriptors

T1_S, T2_S, GIVE_UP_S = 0.5, 4.0, 32.0  # RFC 3261 section 17.1.2.2: timers E and F
ROUND_S = 120.0
EXPIRES = 3600
BUFFER = 65536
_PARAMETER = re.compile(r'(realm|nonce|algorithm)="?([^",\s]+)')


def address(number: int) -> str:
    """Of a phone: one of its own."""
    return f"127.10.{number // 250}.{number % 250 + 1}"


class Phone:
    """One of them: what it has sent, until it is registered."""

    def __init__(self, number: int, target: tuple[str, int], password: str) -> None:
        self.name = f"u{number}"
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        self.socket.bind((address(number), 0))
        self.socket.connect(target)
        self._host, self._uri, self._password = target[0], f"sip:{target[0]}:{target[1]}", password
        self._own = "{}:{}".format(*self.socket.getsockname())
        self._call_id, self._cseq, self._branch = secrets.token_hex(8), 0, ""
        self._packet = b""
        self.refused = False
        self.began, self.interval, self.due = 0.0, 0.0, 0.0
        self.registered_after: float | None = None

    def begin(self, now: float) -> None:
        """The first REGISTER of a round."""
        self.began, self.registered_after, self.refused = now, None, False
        self._register(now, "")

    def _register(self, now: float, credentials: str) -> None:
        self._cseq += 1
        self._branch = f"z9hG4bK{secrets.token_hex(8)}"
        lines = [
            f"REGISTER {self._uri} SIP/2.0",
            f"Via: SIP/2.0/UDP {self._own};rport;branch={self._branch}",
            f"From: <sip:{self.name}@{self._host}>;tag={self._call_id[:8]}",
            f"To: <sip:{self.name}@{self._host}>",
            f"Call-ID: {self._call_id}",
            f"CSeq: {self._cseq} REGISTER",
            f"Contact: <sip:{self.name}@{self._own}>",
            f"Expires: {EXPIRES}",
            "Max-Forwards: 70",
            "User-Agent: bench",
            *([f"Authorization: {credentials}"] if credentials else []),
            "Content-Length: 0",
        ]
        self._packet = "\r\n".join([*lines, "", ""]).encode()
        self.interval = T1_S
        self.send(now)

    def send(self, now: float) -> None:
        """The present request, for the first time or again."""
        self.due = now + self.interval
        self.interval = min(2 * self.interval, T2_S)
        try:
            self.socket.send(self._packet)
        except BlockingIOError:
            return  # as if it were lost: it is sent again

    def receive(self, now: float, authenticated: Counter[str]) -> bool:
        """Takes what has come; whether that settles it: the phone is registered now, or refused."""
        text = self.socket.recv(BUFFER).decode()
        if f"branch={self._branch}" not in text or self.settled:
            return False  # an answer to what was answered already
        status = text[8:11]
        authenticated[status] += 1
        if status == "401":
            challenge = dict(_PARAMETER.findall(text.partition("WWW-Authenticate:")[2].partition("\r\n")[0]))
            self._register(now, self._answer(challenge))
        elif status == "200":
            self.registered_after = now - self.began
        else:
            self.refused = status[0] != "1"
        return self.settled

    @property
    def settled(self) -> bool:
        """Whether it has got a final answer in this round."""
        return self.refused or self.registered_after is not None

    def _answer(self, challenge: dict[str, str]) -> str:
        """RFC 7616 section 3.4, to the challenge that stands first."""
        algorithm = challenge.get("algorithm", "MD5")

        def digest(text: str) -> str:
            return hashlib.new({"SHA-256": "sha256", "MD5": "md5"}[algorithm], text.encode()).hexdigest()

        secret = digest(f"{self.name}:{challenge['realm']}:{self._password}")
        response = digest(f"{secret}:{challenge['nonce']}:00000001:c:auth:{digest(f'REGISTER:{self._uri}')}")
        return (
            f'Digest username="{self.name}", realm="{challenge["realm"]}", nonce="{challenge["nonce"]}", '
            f'uri="{self._uri}", response="{response}", algorithm={algorithm}, qop=auth, nc=00000001, cnonce="c"'
        )


class Round:
    """All phones register, so many a second."""

    def __init__(self, phones: list[Phone], rate: float) -> None:
        self._phones, self._rate = phones, rate
        self._by_descriptor = {phone.socket.fileno(): phone for phone in phones}
        self._timers: list[tuple[float, int]] = []
        self._answers: Counter[str] = Counter()
        self._begun = self._settled = self._retransmissions = 0

    def run(self) -> dict[str, object]:
        """What became of it."""
        began = time.monotonic()
        end = began + ROUND_S
        with polled(self._by_descriptor) as poll:
            while self._settled < len(self._phones) and (now := time.monotonic()) < end:
                self._begin_due(began, now)
                self._repeat_due(now)
                for descriptor, _ in poll.poll(0.002):
                    self._settled += self._by_descriptor[descriptor].receive(time.monotonic(), self._answers)
        took = sorted(phone.registered_after for phone in self._phones if phone.registered_after is not None)
        return {
            "registered": len(took),
            "seconds": round(time.monotonic() - began, 3),
            "register_p50_ms": _quantile(took, 0.5),
            "register_p99_ms": _quantile(took, 0.99),
            "register_max_ms": _quantile(took, 1.0),
            "retransmissions": self._retransmissions,
            "answers": dict(self._answers),
        }

    def _begin_due(self, began: float, now: float) -> None:
        while self._begun < min(len(self._phones), (now - began) * self._rate + 1):
            phone = self._phones[self._begun]
            phone.begin(now)
            heapq.heappush(self._timers, (phone.due, self._begun))
            self._begun += 1

    def _repeat_due(self, now: float) -> None:
        while self._timers and self._timers[0][0] <= now:
            _, number = heapq.heappop(self._timers)
            phone = self._phones[number]
            if phone.settled or now - phone.began > GIVE_UP_S:
                continue
            if phone.due <= now:
                phone.send(now)
                self._retransmissions += 1
            heapq.heappush(self._timers, (phone.due, number))


@contextmanager
def polled(descriptors: dict[int, Phone]) -> Iterator[select.epoll]:
    """Tells which of them can be read."""
    with select.epoll() as poll:
        for descriptor in descriptors:
            poll.register(descriptor, select.EPOLLIN)
        yield poll


def _quantile(ascending: list[float], q: float) -> float:
    """In ms; -1 of nothing."""
    if not ascending:
        return -1
    return round(1000 * ascending[min(int(q * len(ascending)), len(ascending) - 1)], 2)


def main() -> None:
    """Registers all, and again for each line that comes."""
    parser = argparse.ArgumentParser(prog="python -m bench.phones")
    parser.add_argument("--target", required=True, help="host:port of the registrar")
    parser.add_argument("--phones", type=int, required=True)
    parser.add_argument("--rate", type=float, required=True, help="phones a second")
    parser.add_argument("--password", required=True)
    given = parser.parse_args()
    host, _, port = given.target.rpartition(":")
    take_descriptors()
    with ExitStack() as sockets:
        phones = [Phone(number, (host, int(port)), given.password) for number in range(given.phones)]
        for phone in phones:
            sockets.callback(phone.socket.close)
        while True:
            print(json.dumps(Round(phones, given.rate).run()), flush=True)
            if not sys.stdin.readline():
                return


if __name__ == "__main__":
    main()
