"""Many phones that register again and again, in a process of their own that ends by itself.

`python registrants.py HOST PORT USERS ROUNDS PASSWORD`: the users u0, u1, ... register over UDP from one socket, 16
at a time, each round with the next CSeq, and one nonce for all. Prints one JSON object: {"answers": {status: count},
"granted": [least, most], "different": count of different times that were granted}.
"""

import hashlib
import itertools
import json
import re
import secrets
import socket
import sys
import time
from collections import Counter, deque

ADDRESS = "127.9.8.1"
TOGETHER = 16
WAIT_S, LONGEST_S = 2.0, 90.0


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


class Registrants:
    """Their common socket and nonce."""

    def __init__(self, host: str, port: int, password: str) -> None:
        self.host, self.uri, self.password = host, f"sip:{host}:{port}", password
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((ADDRESS, 0))
        self.socket.connect((host, port))
        self.socket.settimeout(WAIT_S)
        self.port = self.socket.getsockname()[1]
        self.run, self.count = secrets.token_hex(4), itertools.count(1)
        self.nonce = ""

    def send(self, number: int, cseq: int, branch: str) -> None:
        """A REGISTER, with credentials as soon as there is a nonce."""
        name = f"u{number}"
        lines = [
            f"REGISTER {self.uri} SIP/2.0",
            f"Via: SIP/2.0/UDP {ADDRESS}:{self.port};rport;branch=z9hG4bK{branch}",
            f"From: <sip:{name}@{self.host}>;tag={self.run}",
            f"To: <sip:{name}@{self.host}>",
            f"Call-ID: {self.run}-{name}",
            f"CSeq: {cseq} REGISTER",
            f"Contact: <sip:{name}@{ADDRESS}:{self.port}>",
            "Expires: 3600",
            "Max-Forwards: 70",
        ]
        if self.nonce:
            lines.append(self.authorization(name))
        self.socket.send("\r\n".join([*lines, "Content-Length: 0", "", ""]).encode())

    def authorization(self, name: str) -> str:
        """The header line of RFC 7616."""
        nc = f"{next(self.count):08x}"
        secret = digest(f"{name}:{self.host}:{self.password}")
        response = digest(f"{secret}:{self.nonce}:{nc}:c:auth:{digest(f'REGISTER:{self.uri}')}")
        return (
            f'Authorization: Digest username="{name}", realm="{self.host}", nonce="{self.nonce}", uri="{self.uri}", '
            f'response="{response}", algorithm=SHA-256, qop=auth, nc={nc}, cnonce="c"'
        )

    def challenge(self) -> None:
        """Gets the nonce."""
        self.send(0, 1, secrets.token_hex(6))
        answer = self.socket.recv(9000).decode()
        self.nonce = answer.partition('nonce="')[2].partition('"')[0]

    def register(self, users: int, rounds: int) -> tuple[Counter[str], Counter[int]]:
        """Answers by status, and how often each time was granted."""
        waiting = deque((number, cseq) for cseq in range(2, rounds + 2) for number in range(users))
        out: dict[str, tuple[int, int]] = {}
        answers: Counter[str] = Counter()
        granted: Counter[int] = Counter()
        end = time.monotonic() + LONGEST_S
        while (waiting or out) and time.monotonic() < end:
            while waiting and len(out) < TOGETHER:
                branch = secrets.token_hex(6)
                out[branch] = waiting.popleft()
                self.send(*out[branch], branch)
            try:
                answer = self.socket.recv(9000).decode()
            except TimeoutError:
                for branch, (number, cseq) in out.items():
                    self.send(number, cseq, branch)
                continue
            if out.pop(answer.partition("branch=z9hG4bK")[2][:12], None) is not None:
                answers[answer.split(" ", 2)[1]] += 1
                if (found := re.search(r"expires=(\d+)", answer)) is not None:
                    granted[int(found[1])] += 1
        return answers, granted


def main() -> None:
    host, port, users, rounds, password = sys.argv[1:6]
    phones = Registrants(host, int(port), password)
    phones.challenge()
    answers, granted = phones.register(int(users), int(rounds))
    told = {
        "answers": answers,
        "granted": [min(granted, default=0), max(granted, default=0)],
        "different": len(granted),
    }
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
