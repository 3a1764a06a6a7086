"""SDP for one audio stream: build, parse, answer (RFC 8866, offer/answer RFC 3264)."""

import itertools
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from .message import MessageError

DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")
REVERSED = {"sendrecv": "sendrecv", "sendonly": "recvonly", "recvonly": "sendonly", "inactive": "inactive"}


@dataclass(frozen=True, slots=True)
class Codec:
    """One payload type of the stream."""

    payload_type: int
    name: str
    rate: int = 8000
    parameters: str = ""
    channels: int = 1


PCMU = Codec(0, "PCMU")
PCMA = Codec(8, "PCMA")
G722 = Codec(9, "G722")
GSM = Codec(3, "GSM")
G729 = Codec(18, "G729", 8000, "annexb=no")
OPUS = Codec(96, "opus", 48000, "", 2)
L16 = Codec(97, "L16", 8000)
L16_WIDE = Codec(98, "L16", 16000)
DTMF = Codec(101, "telephone-event", 8000, "0-16")
_STATIC = {0: PCMU, 3: GSM, 8: PCMA, 9: G722, 13: Codec(13, "CN"), 18: Codec(18, "G729")}
_HAS_RTPMAP = re.compile(r"rtpmap:(\d+) ([\w\-.]+)/(\d+)(?:/(\d+))?\Z")


@dataclass(frozen=True, slots=True)
class Sdp:
    """A session with one audio stream. Port 0 is a refused stream; `extra` are further attribute lines; with `ptime` 0
    none is written; `further` are lines of other streams, as they stand."""

    address: str
    port: int
    codecs: tuple[Codec, ...] = (PCMU, PCMA, DTMF)
    direction: str = "sendrecv"
    ptime: int = 20
    session: int = 0
    version: int = 0
    rtcp_port: int = 0
    profile: str = "RTP/AVP"
    extra: tuple[str, ...] = ()
    further: tuple[str, ...] = ()

    @classmethod
    def offer(
        cls, address: str, port: int, codecs: Sequence[Codec] = (PCMU, PCMA, DTMF), direction: str = "sendrecv"
    ) -> "Sdp":
        """A first offer with a new session number."""
        return cls(address, port, tuple(codecs), direction, session=time.time_ns() // 1000, version=1)

    def answer_to(self, offer: "Sdp", *, direction: str = "sendrecv") -> "Sdp":
        """This side's session as an answer: the codecs of both in the offerer's order and numbers (RFC 3264 §6.1).

        Args:
            offer: what the peer sent.
            direction: what this side wants; narrowed to what the offer allows.
        """
        mine = {(codec.name.lower(), codec.rate) for codec in self.codecs}
        shared = tuple(codec for codec in offer.codecs if (codec.name.lower(), codec.rate) in mine)
        speech = any(codec.name != "telephone-event" for codec in shared)
        return replace(
            self,
            codecs=shared if speech else offer.codecs[:1],
            direction=narrowed(direction, REVERSED[offer.direction]),
            profile=offer.profile,
            port=self.port if speech else 0,
            version=self.version + 1,
        )

    def again(self, direction: str) -> "Sdp":
        """The same session offered again with another direction (RFC 3264 §8)."""
        return replace(self, direction=direction, version=self.version + 1)

    def attribute(self, name: str) -> str | None:
        """The value of an attribute that has no field of its own ("" when it has none), None without it."""
        found = (line.partition(":") for line in self.extra)
        return next((value for key, _, value in found if key == name), None)

    @property
    def audio(self) -> Codec:
        """The first codec that carries sound."""
        return next((c for c in self.codecs if c.name.lower() not in ("telephone-event", "cn")), self.codecs[0])

    @property
    def dtmf(self) -> Codec | None:
        """The telephone-event payload, if any; that of the sound's clock rate when there are several."""
        events = [codec for codec in self.codecs if codec.name.lower() == "telephone-event"]
        return next((codec for codec in events if codec.rate == self.audio.rate), events[0] if events else None)

    @property
    def held(self) -> bool:
        """True when the sender of this description does not want to hear (RFC 3264 §8.4 and the old 0.0.0.0 form)."""
        return self.direction in ("sendonly", "inactive") or self.address == "0.0.0.0"

    def __bytes__(self) -> bytes:
        family = "IP6" if ":" in self.address else "IP4"
        types = " ".join(str(codec.payload_type) for codec in self.codecs)
        lines = [
            "v=0",
            f"o=- {self.session} {self.version} IN {family} {self.address}",
            "s=-",
            f"c=IN {family} {self.address}",
            "t=0 0",
            f"m=audio {self.port} {self.profile} {types}",
        ]
        for codec in self.codecs:
            channels = f"/{codec.channels}" if codec.channels > 1 else ""
            lines.append(f"a=rtpmap:{codec.payload_type} {codec.name}/{codec.rate}{channels}")
            if codec.parameters:
                lines.append(f"a=fmtp:{codec.payload_type} {codec.parameters}")
        if self.rtcp_port:
            lines.append(f"a=rtcp:{self.rtcp_port}")
        if self.ptime:
            lines.append(f"a=ptime:{self.ptime}")
        lines += [f"a={self.direction}", *(f"a={line}" for line in self.extra), *self.further]
        return "".join(f"{line}\r\n" for line in lines).encode()

    @classmethod
    def parse(cls, data: bytes) -> "Sdp":
        """The first audio stream of a description.

        Raises:
            MessageError: a line is malformed, out of place or missing.
        """
        lines = _lines(data)
        if [kind for kind, _ in lines[:3]] != ["v", "o", "s"] or lines[0][1] != "0":
            raise MessageError(f"SDP does not begin with v, o, s: {data[:60]!r}")
        origin = lines[1][1].split()
        if len(origin) != 6 or not (origin[1].isdecimal() and origin[2].isdecimal()):
            raise MessageError(f"SDP origin {lines[1][1]!r}")
        common, media = _sections(lines)
        if "t" not in [kind for kind, _ in common]:
            raise MessageError("SDP without t=")
        audio = next((section for section in media if section[0][1].startswith("audio ")), None)
        if audio is None:
            raise MessageError("SDP without an audio stream")
        return _stream(common, audio, session=int(origin[1]), version=int(origin[2]))


def narrowed(one: str, other: str) -> str:
    """What both directions allow."""
    send = "send" in one and "send" in other
    receive = "recv" in one and "recv" in other
    return {(True, True): "sendrecv", (True, False): "sendonly", (False, True): "recvonly"}.get(
        (send, receive), "inactive"
    )


def _lines(data: bytes) -> list[tuple[str, str]]:
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise MessageError(f"SDP is not UTF-8: {error}") from error
    if not text.endswith("\n"):
        raise MessageError("SDP without a last line end")
    lines = text.replace("\r\n", "\n")[:-1].split("\n")
    for line in lines:
        if not re.match(r"[a-z]=.", line):
            raise MessageError(f"SDP line {line!r}")
    return [(line[0], line[2:]) for line in lines]


def _sections(lines: list[tuple[str, str]]) -> tuple[list[tuple[str, str]], list[list[tuple[str, str]]]]:
    starts = [i for i, (kind, _) in enumerate(lines) if kind == "m"] + [len(lines)]
    return lines[: starts[0]], [lines[a:b] for a, b in itertools.pairwise(starts)]


def _stream(common: list[tuple[str, str]], audio: list[tuple[str, str]], *, session: int, version: int) -> Sdp:
    fields = audio[0][1].split()
    if len(fields) < 4 or not fields[1].isdecimal() or not all(pt.isdecimal() for pt in fields[3:]):
        raise MessageError(f"SDP media line {audio[0][1]!r}")
    connection = [value for kind, value in audio + common if kind == "c"]
    if not connection or not re.fullmatch(r"IN IP[46] \S+", connection[0]):
        raise MessageError(f"SDP connection {connection!r}")
    attributes = [value for kind, value in audio if kind == "a"]
    shared = [value for kind, value in common if kind == "a"]
    direction = next((value for value in attributes + shared if value in DIRECTIONS), "sendrecv")
    ptime = next((value[6:] for value in attributes if value.startswith("ptime:")), "20")
    rtcp = next((value[5:].split()[0] for value in attributes if value.startswith("rtcp:")), "0")
    known = ("rtpmap:", "fmtp:", "ptime:", "rtcp:")
    return Sdp(
        address=connection[0].split()[2],
        port=int(fields[1]),
        codecs=tuple(_codec(int(pt), attributes) for pt in fields[3:]),
        direction=direction,
        ptime=int(ptime),
        session=session,
        version=version,
        rtcp_port=int(rtcp),
        profile=fields[2],
        extra=tuple(v for v in shared + attributes if v not in DIRECTIONS and not v.startswith(known)),
    )


def _codec(payload_type: int, attributes: list[str]) -> Codec:
    prefix = f"fmtp:{payload_type} "
    parameters = next((value[len(prefix) :] for value in attributes if value.startswith(prefix)), "")
    for value in attributes:
        matched = _HAS_RTPMAP.match(value)
        if matched and int(matched[1]) == payload_type:
            return Codec(payload_type, matched[2], int(matched[3]), parameters, int(matched[4] or 1))
    if payload_type in _STATIC:
        return replace(_STATIC[payload_type], parameters=parameters)
    raise MessageError(f"payload type {payload_type} without rtpmap")
