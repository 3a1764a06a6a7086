"""`Nameserver`: an authoritative name server over UDP and TCP whose answers a test sets, with every question kept.

names = await Nameserver.start()
names.add("carrier.example", "SRV", "10 60 5060 gw1.carrier.example.", ttl=30)
config["dns"] = {"servers": [names.place]}
names.asked                                   # [("_sip._udp.carrier.example", "SRV"), ...]
"""

import asyncio
from collections.abc import Iterable

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

from .ports import free_port, next_address
from .waiting import Changes

NEGATIVE_TTL = 7


class Nameserver(asyncio.DatagramProtocol):
    """Made by `start`.

    Attributes:
        asked: (name, type) of every question, in order.
        silent: while set, nothing is answered.
        broken: while set, everything is answered with SERVFAIL.
        truncating: while set, UDP answers say that only TCP holds the whole.
        authorities: while set, answers without records say for how long (SOA).
    """

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port
        self.asked: list[tuple[str, str]] = []
        self.silent = self.broken = self.truncating = False
        self.authorities = True
        self.changes = Changes()
        self._records: dict[tuple[str, str], dns.rrset.RRset] = {}
        self._transport: asyncio.DatagramTransport | None = None
        self._streams: asyncio.Server | None = None

    @classmethod
    async def start(cls, host: str = "") -> "Nameserver":
        """Binds a free port of an address, UDP and TCP."""
        host = host or next_address()
        self = cls(host, free_port(host))
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(host, self.port))
        self._streams = await asyncio.start_server(self._serve, host, self.port)
        return self

    @property
    def place(self) -> str:
        """As [dns] servers has it."""
        return f"{self.host}:{self.port}"

    def add(self, name: str, kind: str, *records: str, ttl: int = 300) -> None:
        """Records of a name in place of those that it had; none: the name is there, but has no such record."""
        owner = dns.name.from_text(name)
        self._records[name.lower(), kind] = dns.rrset.from_text_list(owner, ttl, "IN", kind, list(records))

    def remove(self, names: Iterable[str]) -> None:
        """The names no longer exist."""
        gone = set(names)
        self._records = {key: rrset for key, rrset in self._records.items() if key[0] not in gone}

    async def question(self, name: str, kind: str, *, count: int = 1, timeout: float = 5.0) -> None:
        """Until this has been asked so often."""
        await self.changes.until(
            lambda: self.asked.count((name, kind)) >= count or None,
            timeout,
            lambda: f"{count} questions for {kind} of {name}; asked: {self.asked}",
        )

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        answer = self._answer(data)
        if answer is not None and self._transport is not None:
            if self.truncating:
                answer.answer.clear()
                answer.flags |= dns.flags.TC
            self._transport.sendto(answer.to_wire(), addr)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        data = await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))
        if (answer := self._answer(data)) is not None:
            wire = answer.to_wire()
            writer.write(len(wire).to_bytes(2, "big") + wire)
            await writer.drain()
        writer.close()
        await writer.wait_closed()

    def _answer(self, data: bytes) -> dns.message.Message | None:
        query = dns.message.from_wire(data)
        question = query.question[0]
        name, kind = question.name.to_text(omit_final_dot=True).lower(), dns.rdatatype.to_text(question.rdtype)
        self.asked.append((name, kind))
        self.changes.notify()
        if self.silent:
            return None
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.AA
        if self.broken:
            answer.set_rcode(dns.rcode.SERVFAIL)
        elif found := self._records.get((name, kind)):
            answer.answer.append(found)
        else:
            if not any(known == name for known, _ in self._records):
                answer.set_rcode(dns.rcode.NXDOMAIN)
            if not self.authorities:
                return answer
            soa = f"ns.example. root.example. 1 3600 600 86400 {NEGATIVE_TTL}"
            top = question.name.split(2)[1]
            answer.authority.append(dns.rrset.from_text(top, 3600, "IN", "SOA", soa))
        return answer

    async def close(self) -> None:
        """Gives the port back."""
        if self._transport is not None:
            self._transport.close()
        if self._streams is not None:
            self._streams.close()
            await self._streams.wait_closed()
