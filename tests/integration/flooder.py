"""Strangers who flood, in a process of their own that ends by itself.

`python flooder.py HOST PORT RATE SECONDS`: sends so many INVITEs, REGISTERs and OPTIONS a second by UDP from forty
addresses, every other one with an Authorization that somebody made up, and prints one JSON object: {"sent": count,
"answers": {method: {status: count}}}.
"""

import json
import secrets
import select
import socket
import sys
import time
from collections import Counter

METHODS = ("INVITE", "REGISTER", "OPTIONS")
MAX_RATE, MAX_SECONDS = 5000, 90
PACE_S = 0.005


def request(number: int, host: str, port: int, own: tuple[str, int]) -> bytes:
    method = METHODS[number // 2 % 3]
    uri = f"sip:100@{host}:{port}"
    guess = (
        f'Authorization: Digest username="{secrets.token_hex(3)}", realm="{host}", nonce="{secrets.token_hex(26)}", '
        f'uri="{uri}", response="{secrets.token_hex(32)}", algorithm=SHA-256, qop=auth, nc=00000001, cnonce="x"\r\n'
    )
    return (
        f"{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {own[0]}:{own[1]};rport;branch=z9hG4bK{secrets.token_hex(8)}\r\n"
        f"From: <sip:100@{host}>;tag=1\r\nTo: <sip:100@{host}>\r\nCall-ID: {secrets.token_hex(8)}\r\n"
        f"CSeq: 1 {method}\r\nContact: <sip:100@{own[0]}:{own[1]}>\r\nMax-Forwards: 70\r\n"
        f"{guess if number % 2 else ''}Content-Length: 0\r\n\r\n"
    ).encode()


def collect(sockets: list[socket.socket], answers: dict[str, Counter[str]], wait: float) -> None:
    readable, _, _ = select.select(sockets, [], [], wait)
    for one in readable:
        try:
            while True:
                text = one.recv(9000).decode()
                method = text.partition("\r\nCSeq: ")[2].partition("\r\n")[0].split()[-1]
                answers[method][text.split(" ", 2)[1]] += 1
        except BlockingIOError:
            pass


def main() -> None:
    host, port = sys.argv[1], int(sys.argv[2])
    rate, seconds = min(int(sys.argv[3]), MAX_RATE), min(float(sys.argv[4]), MAX_SECONDS)
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(40)]
    for number, one in enumerate(sockets):
        one.bind((f"127.9.9.{number + 1}", 0))
        one.connect((host, port))
        one.setblocking(False)
    answers: dict[str, Counter[str]] = {method: Counter() for method in METHODS}
    began, sent = time.monotonic(), 0
    while (passed := time.monotonic() - began) < seconds:
        while sent < passed * rate:
            one = sockets[sent % len(sockets)]
            one.send(request(sent, host, port, one.getsockname()))
            sent += 1
        collect(sockets, answers, PACE_S)
    collect(sockets, answers, 0.2)
    print(json.dumps({"sent": sent, "answers": answers}), flush=True)


if __name__ == "__main__":
    main()
