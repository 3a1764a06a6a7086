"""The baseline sees what is left behind, of each kind, and forgives what is given back in time."""

import asyncio
import os
import socket
import threading
from collections import Counter
from pathlib import Path

import pytest

from .baseline import baseline, holdings
from .foreign import ForeignProgram
from .ports import daemon_address, free_port, free_ports, next_address, port_block
from .sip import Phone


async def test_a_phone_gives_everything_back() -> None:
    async with baseline(settle=1):
        alice, bob = await Phone.start("alice", transport="tcp"), await Phone.start("bob")
        call = await alice.invite(bob.uri)
        incoming = await bob.incoming()
        await incoming.answer()
        await call.media.received(1)
        assert f"udp {alice.address}:{alice.port}" in holdings().sockets
        await alice.close()
        await bob.close()


@pytest.mark.parametrize("kind", ["file", "udp", "listener", "thread", "task", "native"])
async def test_each_kind_of_leftover_is_named(kind: str, tmp_path: Path) -> None:
    left: list[object] = []
    release = threading.Event()
    port = free_port()
    expected = {
        "file": f"files: 1 more of {tmp_path}/left",
        "udp": f"sockets: 1 more of udp {daemon_address()}:{port}",
        "listener": f"sockets: 1 more of tcp {daemon_address()}:{port} listening",
        "thread": "threads: 1 more of left",
        "task": "tasks: 1 more of Event.wait",
        "native": "native: 2 more of legs",
    }[kind]
    native = Counter({"legs": 1})

    async def count() -> Counter[str]:
        return native.copy()

    with pytest.raises(AssertionError) as caught:
        async with baseline(settle=0.1, native=count):
            if kind == "file":
                left.append(os.open(tmp_path / "left", os.O_CREAT | os.O_WRONLY))
            elif kind in ("udp", "listener"):
                sock = socket.socket(type=socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM)
                sock.bind((daemon_address(), port))
                if kind == "listener":
                    sock.listen()
                left.append(sock)
            elif kind == "thread":
                left.append(threading.Thread(target=release.wait, name="left"))
                left[-1].start()  # type: ignore[attr-defined]  # a thread
            elif kind == "task":
                left.append(asyncio.create_task(asyncio.Event().wait()))
            else:
                native["legs"] = 3
    release.set()
    for thing in left:
        if isinstance(thing, int):
            os.close(thing)
        elif isinstance(thing, socket.socket):
            thing.close()
        elif isinstance(thing, threading.Thread):
            thing.join()
        elif isinstance(thing, asyncio.Task):
            thing.cancel()
    assert expected in str(caught.value)


async def test_late_is_forgiven_and_ignored_is_ignored() -> None:
    held = socket.socket(type=socket.SOCK_DGRAM)
    async with baseline(settle=2):
        held.bind((daemon_address(), 0))
        late = socket.socket(type=socket.SOCK_DGRAM)
        late.bind((daemon_address(), 0))
        asyncio.get_running_loop().call_later(0.2, late.close)
        held.close()
    with socket.socket(type=socket.SOCK_DGRAM) as kept:
        async with baseline(settle=0.1, ignoring=["udp"]):
            kept.bind((daemon_address(), 0))


async def test_a_listening_socket_must_not_vanish() -> None:
    with socket.socket() as listener:
        listener.bind((daemon_address(), 0))
        listener.listen()
        with pytest.raises(AssertionError, match=r"listening is gone"):
            async with baseline(settle=0.1):
                listener.close()


async def test_another_process(tmp_path: Path) -> None:
    port = free_port()
    code = (
        f"import socket, sys; s = socket.socket(type=socket.SOCK_DGRAM); s.bind(('{daemon_address()}', {port})); "
        "print('bound', flush=True); import signal; signal.pause()"
    )
    program = await ForeignProgram.run("python3", "-c", code, directory=tmp_path)
    await program.said("bound")
    held = holdings(program.process.pid)
    assert held.sockets == Counter({f"udp {daemon_address()}:{port}": 1})
    assert held.files["/dev/null"] == 1 and held.files["pipe"] == 2 and sum(held.threads.values()) == 1
    await program.close()
    with pytest.raises(ProcessLookupError):
        holdings(program.process.pid)


def test_ports_are_free_different_and_of_this_worker() -> None:
    ports = free_ports(20)
    assert len(set(ports)) == 20 and not set(ports) & set(free_ports(20))
    addresses = {next_address() for _ in range(30)}
    assert len(addresses) == 30 and daemon_address() not in addresses
    assert {address.rpartition(".")[0] for address in addresses} == {daemon_address().rpartition(".")[0]}


def test_blocks_are_even_and_do_not_overlap() -> None:
    with port_block(101) as one, port_block(101) as other:
        assert one[0] % 2 == 0 and one[1] - one[0] == 100
        assert one[1] < other[0] or other[1] < one[0]
