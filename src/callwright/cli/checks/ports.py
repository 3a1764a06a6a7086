"""Whether the daemon's addresses can be bound, or are bound by the daemon that runs on the same data."""

import errno
import fcntl
import os
import socket
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

from callwright.cli.checks.finding import Finding, bad, doubtful, good
from callwright.config import Config

SAMPLES = 100
EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")


def running(data_dir: Path) -> bool:
    """Whether a daemon has this data directory: it holds the lock."""
    try:
        descriptor = os.open(data_dir / "lock", os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def ports(config: Config, runs: bool) -> Iterator[Finding]:
    """SIP, HTTP and RTP."""
    for entry in config.sip.listen:
        yield _listener(f"sip.listen {entry.address}", "udp" if entry.transport == "udp" else "tcp", *entry.place, runs)
    host, _, port = config.http.listen.rpartition(":")
    yield _listener(f"http.listen {config.http.listen}", "tcp", host.strip("[]"), int(port), runs)
    for key, address in config.media.addresses(config.sip.listen):
        yield _media(key, address, config.media.rtp_ports, runs)
        yield from _out_of_reach(key, address, config)
    yield from _ephemeral(config.media.rtp_ports)


def _bind(kind: str, host: str, port: int) -> int:
    """0, or the error's number."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM) as probe:
        if kind == "tcp":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            if kind == "tcp":
                probe.listen(1)
        except OSError as error:
            return error.errno or errno.EIO
    return 0


def _listener(what: str, kind: str, host: str, port: int, runs: bool) -> Finding:
    fault = _bind(kind, host, port)
    if fault == 0 and runs:
        remedy = "Was the file changed since its start? Restart it"
        return doubtful(what, "the daemon runs and does not have this port", remedy)
    if fault == 0:
        return good(what, "can be bound")
    if fault == errno.EADDRINUSE and runs:
        return good(what, "the running daemon has it")
    if fault == errno.EADDRINUSE:
        flag = "u" if kind == "udp" else "t"
        return bad(what, "another program has the port", f"Find it: ss -l{flag}np 'sport = :{port}'")
    if fault == errno.EADDRNOTAVAIL:
        return bad(what, "is no address of this machine", "ip -brief address shows those that are")
    if fault == errno.EACCES:
        return bad(
            what, "a port below 1024 needs a privilege", "AmbientCapabilities=CAP_NET_BIND_SERVICE, or another port"
        )
    return bad(what, os.strerror(fault), "The address and the port must be this machine's")


def _out_of_reach(key: str, address: str, config: Config) -> Iterator[Finding]:
    """Whether calls from other machines are told an address that means the caller's own."""
    served = [entry for entry in config.sip.listen if not entry.media and (":" in entry.place[0]) == (":" in address)]
    elsewhere = [entry.address for entry in served if not ip_address(entry.place[0]).is_loopback]
    if ip_address(address).is_loopback and elsewhere and not config.media.advertise and key.startswith("media."):
        why = f"callers at {', '.join(elsewhere)} are told to send their sound to themselves"
        wildcard = "::" if ":" in address else "0.0.0.0"
        yield doubtful(f"{key} {address}", why, f'"{wildcard}": each call has the address at which it comes')


def _media(key: str, address: str, bounds: tuple[int, int], runs: bool) -> Finding:
    """A sample of the range: thousands of ports take a while."""
    what = f"{key} {address}"
    low, high = bounds
    step = max(1, (high - low + 1) // SAMPLES)
    faults = [_bind("udp", address, port) for port in range(low, high + 1, step)]
    if errno.EADDRNOTAVAIL in faults:
        return bad(what, "is no address of this machine", f"{key} must be one: ip -brief address shows them")
    taken, tried = len(faults) - faults.count(0), len(faults)
    pairs = (high - low + 1) // 2
    if taken and not runs:
        why = f"of {tried} ports of {low}-{high} that were tried {taken} are taken by other programs"
        return doubtful(what, why, "Choose another rtp_ports")
    return good(
        what, f"{low}-{high} can be bound: {pairs} calls' legs" + (f"; {taken} of {tried} in use" if taken else "")
    )


def _ephemeral(bounds: tuple[int, int]) -> Iterator[Finding]:
    """The kernel may give a port of ours to any program that asks for none in particular."""
    try:
        low, high = map(int, EPHEMERAL.read_text().split())
    except (OSError, ValueError):
        return
    if bounds[0] <= high and low <= bounds[1]:
        why = f"{bounds[0]}-{bounds[1]} overlaps the kernel's own range {low}-{high}"
        remedy = f"sysctl net.ipv4.ip_local_reserved_ports={bounds[0]}-{bounds[1]}"
        yield doubtful("media.rtp_ports", why, remedy)
