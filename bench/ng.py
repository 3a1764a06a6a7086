"""rtpengine's NG protocol (bencode over UDP), as far as setting calls up needs it."""

import itertools
import secrets
import socket
from typing import Any

from .machine import LOAD_HOST
from .sip import Message, description

Value = int | str | list[Any] | dict[str, Any]


def encode(value: Value) -> bytes:
    """Bencode."""
    match value:
        case int():
            return b"i%de" % value
        case str():
            data = value.encode()
            return b"%d:%s" % (len(data), data)
        case list():
            return b"l" + b"".join(map(encode, value)) + b"e"
    return b"d" + b"".join(encode(key) + encode(value[key]) for key in sorted(value)) + b"e"


def decode(data: bytes, at: int = 0) -> tuple[Any, int]:
    """A value, and where it ends."""
    kind = data[at : at + 1]
    if kind == b"i":
        end = data.index(b"e", at)
        return int(data[at + 1 : end]), end + 1
    if kind in (b"l", b"d"):
        items, at = [], at + 1
        while data[at : at + 1] != b"e":
            item, at = decode(data, at)
            items.append(item)
        return (items if kind == b"l" else dict(zip(items[::2], items[1::2], strict=True))), at + 1
    colon = data.index(b":", at)
    end = colon + 1 + int(data[at:colon])
    return data[colon + 1 : end].decode(errors="replace"), end


class Control:
    """Asks one rtpengine."""

    def __init__(self, port: int, timeout: float) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.connect(("127.0.0.1", port))
        self._socket.settimeout(timeout)
        # It answers a cookie that it has seen from its memory.
        self._name, self._numbers = secrets.token_hex(6), itertools.count(1)

    def close(self) -> None:
        """Gives the socket back."""
        self._socket.close()

    def ask(self, command: str, **fields: Value) -> dict[str, Any]:
        """A command's reply.

        Raises:
            OSError: nobody answers.
            RuntimeError: it refuses.
        """
        cookie = f"{self._name}_{next(self._numbers)}".encode()
        named = {name.replace("_", "-"): value for name, value in fields.items()}
        self._socket.send(cookie + b" " + encode({"command": command, **named}))
        while True:
            got, _, body = self._socket.recv(65536).partition(b" ")
            if got == cookie:
                break
        reply: dict[str, Any] = decode(body)[0]
        if reply.get("result") not in ("ok", "pong"):
            raise RuntimeError(f"rtpengine: {command}: {reply}")
        return reply

    def bridge(self, index: int, one: int, other: int) -> tuple[str, str]:
        """A call between two local ports; where each sends its RTP, "address:port"."""
        plain: dict[str, Value] = {"ICE": "remove", "call_id": f"bench-{index}", "from_tag": f"a-{index}"}
        offered = self.ask("offer", sdp=description(LOAD_HOST, one), **plain)
        answered = self.ask("answer", sdp=description(LOAD_HOST, other), to_tag=f"b-{index}", **plain)
        return _media(answered), _media(offered)


def _media(reply: dict[str, Any]) -> str:
    return Message("", 0, {}, str(reply["sdp"])).media
