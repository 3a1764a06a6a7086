"""A SIP message as a value: strict parsing, exact serialising (RFC 3261 §7, §20, §25).

It is written from the RFC alone and shares nothing with the daemon, so that an error there cannot hide behind the
same error here. Header order, case and compact forms are kept as they came.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

MAX_MESSAGE = 65535

_COMPACT = {
    "a": "accept-contact", "b": "referred-by", "c": "content-type", "e": "content-encoding", "f": "from",
    "i": "call-id", "k": "supported", "l": "content-length", "m": "contact", "o": "event", "r": "refer-to",
    "s": "subject", "t": "to", "u": "allow-events", "v": "via", "x": "session-expires",
}  # fmt: skip
_LISTS = frozenset({
    "accept", "accept-encoding", "accept-language", "allow", "allow-events", "contact", "content-language", "path",
    "proxy-require", "record-route", "require", "route", "service-route", "supported", "unsupported", "via", "warning",
    "in-reply-to", "p-asserted-identity", "diversion", "history-info",
})  # fmt: skip
_TOKEN = r"[A-Za-z0-9\-.!%*_+`'~]+"
_NAME = re.compile(rf"{_TOKEN}\Z")
_REQUEST_LINE = re.compile(rf"({_TOKEN}) ([^\s]+) SIP/2\.0\Z")
_STATUS_LINE = re.compile(r"SIP/2\.0 ([1-6]\d\d) ([^\r\n]*)\Z")
_CSEQ = re.compile(rf"(\d+)[ \t]+({_TOKEN})\Z")
_VIA = re.compile(r"SIP\s*/\s*2\.0\s*/\s*(\w+)\s+([^\s:;]+|\[[^\]]+\])(?::(\d+))?\s*((?:;.*)?)")
_FORBIDDEN = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


class MessageError(ValueError):
    """The bytes are not a SIP message; the text says which rule they break."""


def canonical(name: str) -> str:
    """Lower-case long form of a header's name."""
    lower = name.lower()
    return _COMPACT.get(lower, lower)


def split_list(value: str, separator: str = ",") -> list[str]:
    """Splits at separators that stand outside quotes, angle brackets and escapes."""
    parts, start, quoted, angle, escaped = [], 0, False, 0, False
    for at, char in enumerate(value):
        if escaped:
            escaped = False
        elif quoted:
            escaped, quoted = char == "\\", char != '"'
        elif char == '"':
            quoted = True
        elif char in "<>":
            angle += 1 if char == "<" else -1
        elif char == separator and angle == 0:
            parts.append(value[start:at].strip())
            start = at + 1
    parts.append(value[start:].strip())
    return [part for part in parts if part]


class Headers:
    """Headers in order. Names are compared without case and compact forms are the same name."""

    def __init__(self, items: Iterable[tuple[str, str]] = ()) -> None:
        self._items: list[tuple[str, str]] = []
        for name, value in items:
            self.add(name, value)

    def add(self, name: str, value: str) -> None:
        """Appends a line.

        Raises:
            MessageError: the name is no token, or the value holds a control character.
        """
        if not _NAME.match(name):
            raise MessageError(f"header name {name!r}")
        if _FORBIDDEN.search(value):
            raise MessageError(f"control character in {name}: {value!r}")
        self._items.append((name, value))

    def set(self, name: str, value: str) -> None:
        """Replaces every line of that name by one, at the place of the first."""
        at = next((i for i, (n, _) in enumerate(self._items) if canonical(n) == canonical(name)), len(self._items))
        self.remove(name)
        self.add(name, value)
        self._items.insert(at, self._items.pop())

    def remove(self, name: str) -> None:
        """Removes every line of that name."""
        self._items = [item for item in self._items if canonical(item[0]) != canonical(name)]

    def get(self, name: str, default: str = "") -> str:
        """The first line's value."""
        return next((value for n, value in self._items if canonical(n) == canonical(name)), default)

    def lines(self, name: str) -> list[str]:
        """The value of each line of that name."""
        return [value for n, value in self._items if canonical(n) == canonical(name)]

    def values(self, name: str) -> list[str]:
        """Each value, with comma-separated lists of list headers taken apart (RFC 3261 §7.3.1)."""
        lines = self.lines(name)
        return [v for line in lines for v in split_list(line)] if canonical(name) in _LISTS else lines

    def __getitem__(self, name: str) -> str:
        """The first line's value; KeyError when there is none."""
        if name not in self:
            raise KeyError(name)
        return self.get(name)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and any(canonical(n) == canonical(name) for n, _ in self._items)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def copy(self) -> "Headers":
        """Another list with the same lines."""
        return Headers(self._items)

    def __repr__(self) -> str:
        return f"Headers({self._items!r})"


@dataclass(frozen=True, slots=True)
class Uri:
    """A sip, sips or tel URI (RFC 3261 §19.1). `port` is 0 when it is not written."""

    scheme: str
    user: str
    host: str
    port: int = 0
    params: dict[str, str] = field(default_factory=dict)
    headers: str = ""

    @classmethod
    def parse(cls, text: str) -> "Uri":
        """Raises: MessageError: not a URI of these schemes."""
        scheme, colon, rest = text.strip().partition(":")
        scheme = scheme.lower()
        if not colon or scheme not in ("sip", "sips", "tel"):
            raise MessageError(f"URI {text!r}")
        rest, _, headers = rest.partition("?")
        if scheme == "tel":
            number, *params = rest.split(";")
            return cls(scheme, number, "", 0, _parse_params(params))
        user, at, hostport = rest.rpartition("@")
        hostport, *params = hostport.split(";")
        matched = re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9\-._]+)(?::(\d{1,5}))?", hostport)
        if not matched or (at and not user):
            raise MessageError(f"URI {text!r}")
        return cls(scheme, user, matched[1], int(matched[2] or 0), _parse_params(params), headers)

    def __str__(self) -> str:
        user = f"{self.user}@" if self.user and self.host else self.user
        port = f":{self.port}" if self.port else ""
        headers = f"?{self.headers}" if self.headers else ""
        return f"{self.scheme}:{user}{self.host}{port}{_format_params(self.params)}{headers}"


@dataclass(frozen=True, slots=True)
class Address:
    """The name-addr form of From, To, Contact, Route and their kin (RFC 3261 §20.10)."""

    uri: str
    display: str = ""
    params: dict[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Raises: MessageError: neither name-addr nor addr-spec."""
        text = text.strip()
        matched = re.fullmatch(r'(?:"((?:[^"\\]|\\.)*)"|([^<"]*?))\s*<([^<>]+)>\s*(;.*)?', text, re.DOTALL)
        if matched:
            quoted, plain, uri, rest = matched.groups()
            display = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else plain.strip()
            return cls(uri, display, _parse_params(split_list(rest or "", ";")))
        if re.fullmatch(r"[^\s<>\"]+", text):
            uri, *params = text.split(";")  # parameters belong to the header when there are no brackets
            return cls(uri, "", _parse_params(params))
        raise MessageError(f"address {text!r}")

    @property
    def tag(self) -> str:
        """The dialog tag, "" when there is none."""
        return self.params.get("tag", "")

    @property
    def user(self) -> str:
        """The user part of the URI."""
        return Uri.parse(self.uri).user

    def __str__(self) -> str:
        escaped = self.display.replace("\\", "\\\\").replace('"', '\\"')
        display = f'"{escaped}" ' if self.display else ""
        return f"{display}<{self.uri}>{_format_params(self.params)}"


def _parse_params(parts: Iterable[str]) -> dict[str, str]:
    pairs = (part.strip().partition("=") for part in parts if part.strip())
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _format_params(params: dict[str, str]) -> str:
    return "".join(f";{name}={value}" if value else f";{name}" for name, value in params.items())


@dataclass(frozen=True, slots=True)
class Via:
    """One Via value (RFC 3261 §20.42)."""

    transport: str
    host: str
    port: int
    params: dict[str, str]

    @classmethod
    def parse(cls, text: str) -> "Via":
        """Raises: MessageError: not a Via value of SIP/2.0."""
        matched = _VIA.fullmatch(text.strip())
        if not matched:
            raise MessageError(f"Via {text!r}")
        return cls(matched[1].upper(), matched[2], int(matched[3] or 0), _parse_params(split_list(matched[4], ";")))

    @property
    def branch(self) -> str:
        """The transaction's identity."""
        return self.params.get("branch", "")

    def __str__(self) -> str:
        port = f":{self.port}" if self.port else ""
        return f"SIP/2.0/{self.transport} {self.host}{port}{_format_params(self.params)}"


@dataclass(slots=True)
class _Body:
    headers: Headers = field(default_factory=Headers)
    body: bytes = b""

    @property
    def call_id(self) -> str:
        """Call-ID."""
        return self.headers["Call-ID"]

    @property
    def cseq(self) -> int:
        """The number of CSeq."""
        return int(self.headers["CSeq"].split()[0])

    @property
    def cseq_method(self) -> str:
        """The method of CSeq."""
        return self.headers["CSeq"].split()[1]

    @property
    def from_(self) -> Address:
        """From."""
        return Address.parse(self.headers["From"])

    @property
    def to(self) -> Address:
        """To."""
        return Address.parse(self.headers["To"])

    @property
    def via(self) -> Via:
        """The topmost Via."""
        return Via.parse(self.headers.values("Via")[0])

    def _bytes(self, first: str) -> bytes:
        lines = [first, *(f"{name}: {value}" for name, value in self.headers if canonical(name) != "content-length")]
        head = "\r\n".join([*lines, f"Content-Length: {len(self.body)}", "", ""])
        return head.encode() + self.body


@dataclass(slots=True)
class Request(_Body):
    """A request."""

    method: str = ""
    uri: str = ""

    @property
    def title(self) -> str:
        """The method."""
        return self.method

    def __bytes__(self) -> bytes:
        return self._bytes(f"{self.method} {self.uri} SIP/2.0")


@dataclass(slots=True)
class Response(_Body):
    """A response."""

    status: int = 0
    reason: str = ""

    @property
    def title(self) -> str:
        """Status code and reason phrase."""
        return f"{self.status} {self.reason}"

    def __bytes__(self) -> bytes:
        return self._bytes(f"SIP/2.0 {self.status} {self.reason}")


Message: TypeAlias = Request | Response


def parse(data: bytes) -> Message:
    """One whole message, as it comes in a datagram.

    Raises:
        MessageError: any rule is broken: line ends, grammar, a mandatory header missing or double, Content-Length.
    """
    head, blank, body = data.partition(b"\r\n\r\n")
    if not blank:
        raise MessageError("no empty line after the headers")
    try:
        first, *lines = head.decode().split("\r\n")
    except UnicodeDecodeError as error:
        raise MessageError(f"the headers are not UTF-8: {error}") from error
    message = _start_line(first)
    for line in _unfolded(lines):
        name, colon, value = line.partition(":")
        if not colon:
            raise MessageError(f"header line without a colon: {line!r}")
        message.headers.add(name.rstrip(" \t"), value.strip(" \t"))
    length = _content_length(message.headers, len(body))
    if length > len(body):
        raise MessageError(f"Content-Length {length}, but {len(body)} bytes follow")
    message.body = body[:length]
    _check(message)
    return message


def _start_line(line: str) -> Message:
    if matched := _STATUS_LINE.match(line):
        return Response(status=int(matched[1]), reason=matched[2])
    if matched := _REQUEST_LINE.match(line):
        return Request(method=matched[1], uri=matched[2])
    raise MessageError(f"start line {line!r}")


def _unfolded(lines: list[str]) -> list[str]:
    whole: list[str] = []
    for line in lines:
        if line[:1] in (" ", "\t") and whole:
            whole[-1] += " " + line.strip(" \t")
        elif line[:1] in (" ", "\t"):
            raise MessageError("the first header line is a continuation")
        else:
            whole.append(line)
    return whole


def _check(message: Message) -> None:
    """The headers that every message has exactly once, and Via (RFC 3261 §8.1.1)."""
    once = ["From", "To", "Call-ID", "CSeq"]
    for name in once:
        if len(message.headers.lines(name)) != 1:
            raise MessageError(f"{len(message.headers.lines(name))} {name} headers")
    if not message.headers.values("Via"):
        raise MessageError("no Via header")
    if len(message.headers.lines("Max-Forwards")) > 1 or len(message.headers.lines("Content-Length")) > 1:
        raise MessageError("Max-Forwards or Content-Length twice")
    if not _CSEQ.match(message.headers["CSeq"]):
        raise MessageError(f"CSeq {message.headers['CSeq']!r}")
    if isinstance(message, Request) and message.cseq_method != message.method:
        raise MessageError(f"CSeq {message.headers['CSeq']!r} on {message.method}")
    if message.body and "Content-Type" not in message.headers:
        raise MessageError("a body without Content-Type")
    for address in (message.from_, message.to):
        Uri.parse(address.uri)
    if not message.via.branch.startswith("z9hG4bK"):
        raise MessageError(f"Via branch {message.via.branch!r}")


def _content_length(headers: Headers, default: int) -> int:
    text = headers.get("Content-Length", str(default))
    if not text.isdecimal() or int(text) > MAX_MESSAGE:
        raise MessageError(f"Content-Length {text!r}")
    return int(text)


class MessageStream:
    """Cuts the byte stream of a connection into messages (RFC 3261 §18.3) and answers keep-alives (RFC 5626 §3.5.1)."""

    def __init__(self) -> None:
        self._buffer = b""
        self.pings = 0
        """CRLF CRLF keep-alives received so far."""

    def feed(self, data: bytes) -> list[bytes]:
        """The messages that `data` completes, as bytes.

        Raises:
            MessageError: no Content-Length, a wrong one, or headers without end.
        """
        self._buffer += data
        found: list[bytes] = []
        while True:
            while self._buffer.startswith(b"\r\n\r\n"):
                self.pings += 1
                self._buffer = self._buffer[4:]
            if self._buffer.startswith(b"\r\n") and len(self._buffer) > 2 and self._buffer[2:3] != b"\r":
                self._buffer = self._buffer[2:]
            head, blank, rest = self._buffer.partition(b"\r\n\r\n")
            if not blank:
                if len(self._buffer) > MAX_MESSAGE:
                    raise MessageError("headers without end")
                return found
            length = _stream_length(head)
            if len(rest) < length:
                return found
            found.append(head + blank + rest[:length])
            self._buffer = rest[length:]


def _stream_length(head: bytes) -> int:
    lengths = [
        line.partition(b":")[2].strip()
        for line in head.split(b"\r\n")[1:]
        if canonical(line.partition(b":")[0].strip().decode("latin-1")) == "content-length"
    ]
    if len(lengths) != 1 or not lengths[0].isdigit() or int(lengths[0]) > MAX_MESSAGE:
        raise MessageError(f"Content-Length on a stream: {lengths!r}")
    return int(lengths[0])
