"""rtpengine's control protocol, without an rtpengine."""

import socket
import threading

import pytest

from bench.ng import Control, Value, decode, encode

VALUES: list[tuple[Value, bytes]] = [
    (42, b"i42e"),
    ("ping", b"4:ping"),
    (["a", 1], b"l1:ai1ee"),
    ({"b": "x", "a": {"c": []}}, b"d1:ad1:clee1:b1:xe"),
]


@pytest.mark.parametrize(("value", "data"), VALUES)
def test_bencode(value: Value, data: bytes) -> None:
    assert encode(value) == data
    assert decode(data) == (value, len(data))


def answering(server: socket.socket, replies: list[bytes]) -> None:
    for reply in replies:
        data, source = server.recvfrom(65536)
        server.sendto(b"another d6:result2:oke", source)  # of an earlier cookie
        server.sendto(data.partition(b" ")[0] + b" " + reply, source)


def test_asking_and_being_refused() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        control = Control(server.getsockname()[1], 5.0)
        thread = threading.Thread(target=answering, args=(server, [b"d6:result4:ponge", b"d6:result5:errore"]))
        thread.start()
        assert control.ask("ping") == {"result": "pong"}
        with pytest.raises(RuntimeError, match="offer"):
            control.ask("offer", call_id="x")
        thread.join()
        control.close()


def test_a_call_s_two_addresses() -> None:
    offered = {"result": "ok", "sdp": "c=IN IP4 127.0.0.1\r\nm=audio 40002 RTP/AVP 0\r\n"}
    answered = {"result": "ok", "sdp": "c=IN IP4 127.0.0.1\r\nm=audio 40000 RTP/AVP 0\r\n"}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        control = Control(server.getsockname()[1], 5.0)
        thread = threading.Thread(target=answering, args=(server, [encode(offered), encode(answered)]))
        thread.start()
        assert control.bridge(0, 26000, 26002) == ("127.0.0.1:40000", "127.0.0.1:40002")
        thread.join()
        control.close()
