"""The machine under the daemon: disk, clock, descriptors, kernel, the speech program."""

import ctypes
import errno
import os
import resource
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from callwright import clock
from callwright.cli.checks.finding import Finding, bad, doubtful, good
from callwright.config import Config

LOW_BYTES, NONE_BYTES = 2 * 1024**3, 200 * 1024**2
SOCKETS_OF_A_LEG = 2  # RTP and RTCP
OTHER_DESCRIPTORS = 500  # connections, recordings, the database
BUILT = 2024
UNSYNCHRONISED = 5  # TIME_ERROR of adjtimex(2)
TIMEX_BYTES = 512
IO_URING_SETUP = 425  # the same on every architecture
BUFFER_BYTES = 212992
SPEECH_S = 10.0


def machine(config: Config, data_dir: Path) -> Iterator[Finding]:
    """All of it."""
    yield _disk(data_dir)
    yield _clock()
    yield _descriptors(config.limits.legs)
    yield from _kernel(config.media.io)
    yield _speech(config.speech.command)


def _disk(data_dir: Path) -> Finding:
    what = f"server.data_dir {data_dir}"
    place = next(one for one in (data_dir, *data_dir.parents) if one.exists())
    if not os.access(place, os.W_OK | os.X_OK):
        return bad(what, f"{place} cannot be written by this user", "chown it to the daemon's user")
    free = shutil.disk_usage(place).free
    shown = f"{free / 1024**3:.1f} GiB free"
    if free < NONE_BYTES:
        return bad(what, shown, "Without room calls have no recordings, and /health is 503")
    return (
        doubtful(what, shown, "An hour of recording takes 58 MB a channel") if free < LOW_BYTES else good(what, shown)
    )


def _clock() -> Finding:
    now = clock.now()
    if now.year < BUILT:
        return bad("clock", f"it is {now:%Y-%m-%d}", "Set it: certificates and signatures depend on it")
    libc = ctypes.CDLL(None, use_errno=True)
    state = libc.adjtimex(ctypes.create_string_buffer(TIMEX_BYTES))  # modes 0: reads only
    if state == UNSYNCHRONISED:
        remedy = "Install chrony or systemd-timesyncd: signed calls are refused when it is a minute off"
        return doubtful("clock", f"{now:%Y-%m-%d %H:%M:%S} UTC, and nothing keeps it right", remedy)
    return good("clock", f"{now:%Y-%m-%d %H:%M:%S} UTC, kept right" if state >= 0 else f"{now:%Y-%m-%d %H:%M:%S} UTC")


def _descriptors(legs: int) -> Finding:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = legs * SOCKETS_OF_A_LEG + OTHER_DESCRIPTORS
    if soft != resource.RLIM_INFINITY and soft < needed:
        why = f"{soft} for this user, limits.legs = {legs} needs {needed}"
        return doubtful("descriptors", why, f"LimitNOFILE={needed} in the unit, or ulimit -n {needed}")
    return good("descriptors", f"{'unlimited' if soft == resource.RLIM_INFINITY else soft}, {needed} are needed")


def _kernel(io: str) -> Iterator[Finding]:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall(IO_URING_SETUP, 1, None)  # without parameters: EFAULT where it is there, else why it is not
    fault = ctypes.get_errno()
    if fault == errno.EFAULT:
        yield good("io_uring", "the kernel allows it")
    elif io == "io_uring":
        yield bad("io_uring", os.strerror(fault), 'media.io = "auto" takes epoll; or sysctl kernel.io_uring_disabled=0')
    else:
        yield good("io_uring", f"{os.strerror(fault)}: epoll carries RTP, at more CPU")
    for name in ("rmem_max", "wmem_max"):
        file = Path("/proc/sys/net/core") / name
        size = int(file.read_text()) if file.exists() else BUFFER_BYTES
        if size < BUFFER_BYTES:
            yield doubtful(
                f"net.core.{name}", f"{size} bytes", f"sysctl net.core.{name}={BUFFER_BYTES}, or bursts are lost"
            )
        else:
            yield good(f"net.core.{name}", f"{size} bytes")


def _speech(command: str) -> Finding:
    what = f"speech.command {command}"
    remedy = "apt-get install espeak-ng; without it <Say> fails"
    if (found := shutil.which(command)) is None:
        return bad(what, "is not there", remedy)
    try:
        done = subprocess.run([found, "--version"], capture_output=True, text=True, timeout=SPEECH_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        return bad(what, f"does not run: {error}", remedy)
    if done.returncode:
        return bad(what, f"ends with {done.returncode}: {done.stderr.strip()[:100]}", remedy)
    return good(what, done.stdout.strip().partition("\n")[0][:80])
