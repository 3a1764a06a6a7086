"""The baseline sees what is left behind, of each kind, and forgives what is given back in time."""

import asyncio
import os
import socket
import threading
from collections import Counter
from collections.abc import Callable
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


def leave_file(path: Path, port: int) -> Callable[[], object]:
    descriptor = os.open(path / "left", os.O_CREAT | os.O_WRONLY)
    return lambda: os.close(descriptor)


def leave_udp(path: Path, port: int) -> Callable[[], object]:
    sock = socket.socket(type=socket.SOCK_DGRAM)
    sock.bind((daemon_address(), port))
    return sock.close


def leave_listener(path: Path, port: int) -> Callable[[], object]:
    return socket.create_server((daemon_address(), port)).close


def leave_thread(path: Path, port: int) -> Callable[[], object]:
    release = threading.Event()
    thread = threading.Thread(target=release.wait, name="left")
    thread.start()

    def end() -> None:
        release.set()
        thread.join()

    return end


def leave_task(path: Path, port: int) -> Callable[[], object]:
    return asyncio.create_task(asyncio.Event().wait()).cancel


@pytest.mark.parametrize(
    ("leave", "expected"),
    [
        (leave_file, "files: 1 more of {path}/left"),
        (leave_udp, "sockets: 1 more of udp {address}:{port}"),
        (leave_listener, "sockets: 1 more of tcp {address}:{port} listening"),
        (leave_thread, "threads: 1 more of left"),
        (leave_task, "tasks: 1 more of Event.wait"),
    ],
)
async def test_each_kind_of_leftover_is_named(
    leave: Callable[[Path, int], Callable[[], object]], expected: str, tmp_path: Path
) -> None:
    port = free_port()
    undo: list[Callable[[], object]] = []
    with pytest.raises(AssertionError) as caught:
        async with baseline(settle=0.1):
            undo.append(leave(tmp_path, port))
    undo[0]()
    assert expected.format(path=tmp_path, address=daemon_address(), port=port) in str(caught.value)


async def test_native_objects_count_too() -> None:
    native = Counter({"legs": 1})

    async def count() -> Counter[str]:
        return native.copy()

    with pytest.raises(AssertionError, match="native: 2 more of legs"):
        async with baseline(settle=0.1, native=count):
            native["legs"] = 3


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
