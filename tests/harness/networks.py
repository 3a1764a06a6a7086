"""`Networks`: a machine with two interfaces, and a host in each of the two networks, without a route between them.

with networks() as two:                      # root, and the kernel's network namespaces
    with two.daemon():                       # what is started here runs on the machine in the middle
        daemon = await Daemon.start(...)
    phone = await phones("far", address=two.far)
"""

import ctypes
import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

CLONE_NEWNET = 0x40000000
OWN = "/proc/thread-self/ns/net"
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Networks:
    """Two of them; this thread is where the hosts are.

    Attributes:
        machine: a descriptor of the namespace of the machine in the middle.
        carrier, lan: its addresses.
        near, far: the hosts', in the carrier's network and in the LAN; what they send leaves by their own network.
    """

    machine: int
    carrier: str = "10.77.1.1"
    lan: str = "10.77.2.1"
    near: str = "10.77.1.2"
    far: str = "10.77.2.2"

    @contextmanager
    def daemon(self) -> Iterator[None]:
        """Sockets, threads and processes that are made here are the machine's in the middle."""
        with _kept():
            _enter(self.machine)
            yield


@contextmanager
def networks() -> Iterator[Networks]:
    """Both of them, until the end of the block.

    Raises:
        PermissionError: this process may make no network namespace.
        OSError: the kernel has none, or no veth.
    """
    with ExitStack() as stack:
        stack.enter_context(_kept())
        _unshare()
        machine = os.open(OWN, os.O_RDONLY | os.O_CLOEXEC)
        stack.callback(os.close, machine)
        _unshare()
        two = Networks(machine)
        with two.daemon():
            _ip("link set lo up")
        _ip("link set lo up")
        for number, (own, host) in enumerate(((two.carrier, two.near), (two.lan, two.far)), 1):
            _join(machine, number, own, host)
        with two.daemon():
            for number, own in enumerate((two.carrier, two.lan), 1):
                _ip(f"address add {own}/24 dev inside{number}")
                _ip(f"link set inside{number} up")
        yield two


def _join(machine: int, number: int, own: str, host: str) -> None:
    """A wire between the machine and a host, which sends nothing anywhere else."""
    _ip(f"link add name outside{number} type veth peer name inside{number}")
    _ip(f"link set inside{number} netns /proc/self/fd/{machine}", machine)
    _ip(f"address add {host}/24 dev outside{number}")
    _ip(f"link set outside{number} up")
    network = host.rpartition(".")[0] + ".0/24"
    _ip(f"route add {network} dev outside{number} src {host} table {100 + number}")
    _ip(f"route add unreachable default table {100 + number}")
    _ip(f"rule add from {host} lookup {100 + number}")


def _ip(command: str, *descriptors: int) -> None:
    done = subprocess.run(["ip", *command.split()], pass_fds=descriptors, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise OSError(f"ip {command}: {done.stderr.strip()}")


@contextmanager
def _kept() -> Iterator[None]:
    """This thread comes back to its namespace."""
    own = os.open(OWN, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield
    finally:
        _enter(own)
        os.close(own)


def _enter(namespace: int) -> None:
    if _libc.setns(namespace, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def _unshare() -> None:
    if _libc.unshare(CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
