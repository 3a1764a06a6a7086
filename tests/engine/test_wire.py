"""Malformed and unusual SIP: each file of `tests/wire` gets its answer or silence, and no call is disturbed (S1).

A file begins with lines of "% ": what it is, then `expect` (status codes joined by "or", or "silence"), `malformed`
(how many the engine must have counted) and `escapes` (the text has Python's escapes). In the text HOST and PORT are the
engine's, CLIENT is the sender's address and port, BRANCH is made up, LENGTH is the body's; lines end with CRLF.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from callwright.engine import EventKind
from tests.engine.station import Station
from tests.harness.sip import Phone

Phones = Callable[..., Awaitable[Phone]]
FILES = sorted((Path(__file__).parents[1] / "wire").glob("*.sip"))


@dataclass(frozen=True, slots=True)
class Case:
    """One file."""

    statuses: frozenset[int]
    malformed: int
    text: str

    @classmethod
    def load(cls, path: Path) -> "Case":
        lines = path.read_text().split("\n")
        notes = [line[2:].split(" ", 1) for line in lines if line.startswith("% ")]
        settings = {note[0]: note[1] for note in notes if note[0] in ("expect", "malformed", "escapes")}
        text = "\n".join(line for line in lines if not line.startswith("%"))
        if "escapes" in settings:
            text = text.encode("ascii").decode("unicode_escape")
        wanted = settings["expect"]
        statuses = frozenset() if wanted == "silence" else frozenset(int(code) for code in wanted.split(" or "))
        return cls(statuses, int(settings.get("malformed", "0")), text)

    def bytes(self, station: Station, client: str) -> bytes:
        """The message for an engine, with this sender."""
        text = self.text.replace("HOST", station.host).replace("PORT", str(station.port()))
        text = text.replace("CLIENT", client).replace("BRANCH", "z9hG4bK" + secrets.token_hex(6))
        data = text.replace("\n", "\r\n").encode("latin-1")
        _, _, body = data.partition(b"\r\n\r\n")
        return data.replace(b"LENGTH", str(len(body)).encode())


class Sender(asyncio.DatagramProtocol):
    """A UDP socket that keeps the final status of each answer."""

    def __init__(self) -> None:
        self.answers: asyncio.Queue[bytes] = asyncio.Queue()

    def datagram_received(self, data: bytes, addr: object) -> None:
        if not data.startswith(b"SIP/2.0 1"):
            self.answers.put_nowait(data)


async def exchange(station: Station, case: Case) -> bytes | None:
    """Sends the case and then an OPTIONS as a fence; returns what came before the fence's answer."""
    loop = asyncio.get_running_loop()
    transport, sender = await loop.create_datagram_endpoint(
        Sender, local_addr=("127.0.0.1", 0), remote_addr=(station.host, station.port())
    )
    host, port = transport.get_extra_info("sockname")
    client = f"{host}:{port}"
    transport.sendto(case.bytes(station, client))
    fence = (
        f"OPTIONS sip:fence@{station.host} SIP/2.0\r\n"
        f"Via: SIP/2.0/UDP {client};branch=z9hG4bKfence{secrets.token_hex(4)}\r\n"
        f"From: <sip:b@{client}>;tag=1\r\nTo: <sip:fence@{station.host}>\r\nCall-ID: fence\r\nCSeq: 1 OPTIONS\r\n"
        "Content-Length: 0\r\n\r\n"
    )
    transport.sendto(fence.encode())
    answers: list[bytes] = []
    async with asyncio.timeout(5):
        while not answers or b"Call-ID: fence" not in answers[-1]:
            answers.append(await sender.answers.get())
        if case.statuses and len(answers) == 1:  # an answer that needs Python comes after the fence
            answers.insert(0, await sender.answers.get())
    transport.close()
    return answers[0] if len(answers) > 1 else None


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
async def test_S1_malformed_sip(station: Station, phones: Phones, path: Path) -> None:
    case = Case.load(path)
    call, leg = await station.answered(await phones("bystander"))

    async def refuse() -> None:
        event = await station.event(EventKind.INCOMING)
        station.engine.hangup(event.id, code=486)

    refusing = asyncio.create_task(refuse())
    answer = await exchange(station, case)
    refusing.cancel()
    if case.statuses:
        assert answer is not None
        assert int(answer.split(b" ")[1]) in case.statuses, answer
    else:
        assert answer is None
    assert station.engine.counters()["malformed"] == case.malformed
    await call.media.received(3)
    await call.hangup()
    await station.event(EventKind.ENDED, leg)
