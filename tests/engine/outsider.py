"""A SIP caller in a process of its own, for tests that stop their own interpreter.

`python outsider.py HOST PORT`: calls the engine and prints "up" once it is answered. After a line on its standard
input it watches the call's RTP for two seconds, places a second call half a second into it, and prints one JSON
object: {"trying_ms": time to the second call's 100, "gap_ms": longest time between two RTP packets, "packets": count}.
"""

import json
import select
import socket
import sys
import time


def request(method: str, number: int, cseq: int, tag: str, host: str, own: tuple[str, int], body: str = "") -> bytes:
    address, port = own
    return (
        f"{method} sip:outsider@{host} SIP/2.0\r\n"
        f"Via: SIP/2.0/UDP {address}:{port};branch=z9hG4bKoutsider{number}{method}{cseq}\r\n"
        f"From: <sip:outsider@{address}>;tag=o{number}\r\nTo: <sip:service@{host}>{tag}\r\n"
        f"Call-ID: outsider-{number}\r\nCSeq: {cseq} {method}\r\nContact: <sip:outsider@{address}:{port}>\r\n"
        f"Max-Forwards: 70\r\nContent-Type: application/sdp\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


def until(sip: socket.socket, status: str) -> str:
    while True:
        text = sip.recv(9000).decode()
        if text.startswith(f"SIP/2.0 {status}"):
            return text


def watch(sip: socket.socket, rtp: socket.socket, second_call: bytes) -> dict[str, float]:
    began = last = time.monotonic()
    sent = heard = 0.0
    gap, packets = 0.0, 0
    while (now := time.monotonic()) < began + 2:
        if not sent and now > began + 0.5:
            sip.send(second_call)
            sent = now
        readable, _, _ = select.select([sip, rtp], [], [], 0.02)
        now = time.monotonic()
        if rtp in readable:
            rtp.recv(2000)
            gap, last, packets = max(gap, now - last), now, packets + 1
        if sip in readable and sip.recv(9000).startswith(b"SIP/2.0 100") and not heard:
            heard = now
    return {"trying_ms": (heard - sent) * 1000 if heard else -1, "gap_ms": gap * 1000, "packets": packets}


def main() -> None:
    host, port = sys.argv[1], int(sys.argv[2])
    sip, rtp = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
    sip.connect((host, port))
    own = sip.getsockname()
    rtp.bind((own[0], 0))
    offer = (
        f"v=0\r\no=- 1 1 IN IP4 {own[0]}\r\ns=-\r\nc=IN IP4 {own[0]}\r\nt=0 0\r\n"
        f"m=audio {rtp.getsockname()[1]} RTP/AVP 0\r\n"
    )
    sip.send(request("INVITE", 1, 1, "", host, own, offer))
    answer = until(sip, "200")
    tag = ";tag=" + answer.split("\r\nTo:")[1].split(";tag=")[1].split("\r\n")[0]
    sip.send(request("ACK", 1, 1, tag, host, own))
    rtp.recv(2000)
    print("up", flush=True)
    sys.stdin.readline()
    found = watch(sip, rtp, request("INVITE", 2, 1, "", host, own, offer))
    sip.send(request("BYE", 1, 2, tag, host, own))
    until(sip, "200")
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
