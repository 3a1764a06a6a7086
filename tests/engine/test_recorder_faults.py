"""Recorders when the disc, the file or the process fails: audio goes on, files stay playable, the report is true."""

import asyncio
import ctypes
import errno
import fcntl
import os
import signal
import struct
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import numpy as np
import pytest

from callwright.engine import EventKind
from tests.engine.bridge import Bridge, noise, trimmed
from tests.harness import tones
from tests.harness.waiting import within

RING_SECONDS = 10.24
"""What a recorder holds while its writer stands."""


@contextmanager
def failing_disc() -> Iterator[tuple[str, int]]:
    """A file in memory, as a path and a descriptor, that refuses to grow once it is sealed."""
    descriptor = os.memfd_create("recording", os.MFD_ALLOW_SEALING)
    try:
        yield f"/proc/self/fd/{descriptor}", descriptor
    finally:
        os.close(descriptor)


def contents(descriptor: int) -> bytes:
    return os.pread(descriptor, os.fstat(descriptor).st_size, 0)


async def test_a_disc_that_fails_ends_the_file_but_not_the_audio(bridge: Bridge) -> None:
    pcm = noise(3 * 16000)
    tap = bridge.tap()
    with failing_disc() as (path, descriptor):
        (recorder,) = bridge.engine.recorder(path, sample_rate=16000, silence=1.0)
        player = bridge.engine.player([bridge.sound(pcm)], sink=recorder)
        bridge.engine.connect(player, tap)
        await bridge.hear(tap, 1.2)
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_GROW)
        await bridge.event(EventKind.PLAYED, player)
        await bridge.event(EventKind.SILENCE, recorder)  # it still listens
        bridge.engine.stop(recorder)
        recorded = await bridge.event(EventKind.RECORDED, recorder)
        heard, _ = tones.read_wav(contents(descriptor))

    assert recorded.detail["error"] == os.strerror(errno.EPERM)
    assert recorded.detail["duration"] == len(heard) / 16
    assert 0.5 * 16000 <= len(heard) < 3 * 16000
    assert np.array_equal(trimmed(heard), pcm[: len(trimmed(heard))])
    assert np.array_equal(trimmed(bridge.heard(tap)), pcm)
    bridge.engine.stop(tap)
    await bridge.rest()


async def test_a_file_that_cannot_be_made_is_an_os_error(bridge: Bridge, tmp_path: Path) -> None:
    for path, code in (
        (tmp_path / "absent" / "x.wav", errno.ENOENT),
        (tmp_path, errno.EISDIR),
        (Path("/dev/null"), errno.EINVAL),
    ):
        with pytest.raises(OSError) as raised:
            bridge.engine.recorder(str(path))
        assert (raised.value.errno, raised.value.filename) == (code, str(path))
    with failing_disc() as (name, descriptor), pytest.raises(OSError) as raised:
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_GROW)
        bridge.engine.recorder(name)
    assert raised.value.errno == errno.EPERM
    assert bridge.engine.counts()["ports"] == 1  # the ticker


def wav(*, channels: int = 1, rate: int = 8000, bits: int = 16, data: bytes = bytes(1600), after: bytes = b"") -> bytes:
    step = channels * bits // 8
    head = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, channels, rate, rate * step, step, bits)
    body = b"WAVE" + head + struct.pack("<4sI", b"data", len(data)) + data + after
    return struct.pack("<4sI", b"RIFF", len(body)) + body


@pytest.mark.parametrize(
    "content",
    [
        b"not audio at all, but long enough to hold a header",
        b"RIFF",
        wav(channels=2),
        wav(rate=16000),
        wav(bits=8),
        wav(after=struct.pack("<4sI4s", b"LIST", 4, b"INFO")),
        wav()[:36],
        wav()[:12] + struct.pack("<4sI", b"junk", 0) * 100 + wav()[12:],
        wav()[:200],
    ],
    ids=["text", "short", "stereo", "rate", "8-bit", "chunk-after", "no-data", "many-chunks", "truncated"],
)
async def test_only_its_own_kind_of_file_is_continued(bridge: Bridge, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "recording.wav"
    path.write_bytes(content)

    with pytest.raises(OSError) as raised:
        bridge.engine.recorder(str(path), append=True)

    assert raised.value.errno == errno.EINVAL
    assert path.read_bytes() == content
    await bridge.rest()


async def test_what_a_crash_left_is_continued(bridge: Bridge, tmp_path: Path) -> None:
    path = tmp_path / "recording.wav"
    before = noise(5000)
    header_behind = wav(data=before[:4000].tobytes()) + before[4000:].tobytes() + b"\1"  # and half a sample
    path.write_bytes(header_behind)

    (recorder,) = bridge.engine.recorder(str(path), append=True, max_duration=0.1)
    recorded = await bridge.event(EventKind.RECORDED, recorder)

    heard, _ = tones.read_wav(path)
    assert recorded.detail["duration"] == 100
    assert len(heard) == 5000 + 800
    assert np.array_equal(heard[:5000], before)


async def test_a_foreign_header_is_kept_and_its_sizes_follow(bridge: Bridge, tmp_path: Path) -> None:
    path = tmp_path / "recording.wav"
    plain = wav(data=bytes(1600))
    listed = plain[:12] + struct.pack("<4sI3sx", b"note", 3, b"abc") + plain[12:]
    path.write_bytes(listed[:4] + struct.pack("<I", len(listed) - 8) + listed[8:])

    (recorder,) = bridge.engine.recorder(str(path), append=True, max_duration=0.1)
    await bridge.event(EventKind.RECORDED, recorder)

    data = path.read_bytes()
    assert struct.unpack("<I", data[4:8])[0] == len(data) - 8
    assert b"note\3\0\0\0abc\0fmt " in data
    assert len(tones.read_wav(path)[0]) == 800 + 800


async def test_the_files_32_bit_sizes_are_a_limit(bridge: Bridge, tmp_path: Path) -> None:
    path = tmp_path / "recording.wav"
    room = 8000 // 4  # samples: 250 ms
    data = (2**32 - 1 - 36 - 2 * room) // 2 * 2
    header = wav(data=b"")[:4] + struct.pack("<I", data + 36) + wav(data=b"")[8:40] + struct.pack("<I", data)

    def make_sparse() -> None:
        with path.open("wb") as file:
            file.write(header)
            file.truncate(44 + data)

    make_sparse()
    (recorder,) = bridge.engine.recorder(str(path), append=True)
    recorded = await bridge.event(EventKind.RECORDED, recorder)

    assert [event.kind for event in bridge.of(recorder)] == [EventKind.LIMIT, EventKind.RECORDED]
    assert recorded.detail["duration"] == 250
    with path.open("rb") as file:
        riff, size = struct.unpack("<4xI32xI", file.read(44))
    assert riff == os.stat(path).st_size - 8 == size + 36
    assert 2**32 - 3 <= riff + 1 <= 2**32


RECORD = """
import select, sys
import numpy as np
from callwright.engine import Engine, Sound

engine = Engine(listen=[("udp", "127.0.0.1", 0)], media_address="127.0.0.1", rtp_ports=(41000, 41998), log_level=1)
tone = (8000 * np.sin(np.arange(16000) * 2 * np.pi * 440 / 16000)).astype("<i2")
tap = engine.tap(capacity=4000, notify=20)
left, right = engine.recorder(sys.argv[1], channels=2)
engine.connect(engine.player([Sound(tone.tobytes(), 16000)], sink=left, loop=0), right)
heard = 0
while True:
    select.select([engine.event_fd], [], [])
    engine.drain()
    heard += len(engine.read_tap(tap)) // 2
    print(heard / 16000, flush=True)
"""


async def test_after_kill_9_the_file_plays_up_to_the_last_second(tmp_path: Path) -> None:
    path = tmp_path / "recording.wav"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", RECORD, str(path), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    passed = 0.0
    try:
        while passed < 3.3:
            passed = float(await within(process.stdout.readline(), 20, "the recording process says nothing"))
    finally:
        process.send_signal(signal.SIGKILL)
        await process.wait()

    (left, right), rate = tones.read_wav_channels(path)
    assert len(left) / rate > passed - 1
    assert len(left) / rate > 2
    for heard in (left, right):
        assert [round(peak.hz) for peak in tones.frequencies(trimmed(heard), rate)] == [440]
        assert tones.gaps(heard, rate=rate) == []


TRACER = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
SEIZE, INTERRUPT, DETACH = 0x4206, 0x4207, 17
WALL = 0x40000000
thread = int(sys.argv[1])
def ptrace(request):
    if libc.ptrace(request, thread, None, None) != 0:
        raise OSError(ctypes.get_errno(), "ptrace")
ptrace(SEIZE)
ptrace(INTERRUPT)
os.waitpid(thread, WALL)
print("stopped", flush=True)
sys.stdin.readline()
ptrace(DETACH)
"""
PR_SET_PTRACER = 0x59616D61


def threads(name: str) -> list[int]:
    """The threads of this process that have the name."""
    return [int(task.name) for task in Path("/proc/self/task").iterdir() if (task / "comm").read_text() == f"{name}\n"]


@asynccontextmanager
async def stalled_writer() -> AsyncIterator[None]:
    """Holds the writer thread inside: a disc that does not answer, for the length of the block."""
    (thread,) = threads("recorder")
    ctypes.CDLL(None).prctl(PR_SET_PTRACER, ctypes.c_ulong(-1), 0, 0, 0)  # Yama: allow any process to trace us
    pipe = asyncio.subprocess.PIPE
    tracer = await asyncio.create_subprocess_exec(sys.executable, "-c", TRACER, str(thread), stdin=pipe, stdout=pipe)
    assert tracer.stdin is not None and tracer.stdout is not None
    try:
        assert await within(tracer.stdout.readline(), 10, "the tracer says nothing") == b"stopped\n"
        yield
    finally:
        tracer.stdin.write(b"go on\n")
        tracer.stdin.close()
        assert await within(tracer.wait(), 10, "the tracer does not end") == 0


async def test_a_disc_that_stalls_for_a_second_loses_nothing(bridge: Bridge, tmp_path: Path) -> None:
    path = tmp_path / "recording.wav"
    pcm = noise(2 * 16000)
    tap = bridge.tap()
    (recorder,) = bridge.engine.recorder(str(path), sample_rate=16000)
    player = bridge.engine.player([bridge.sound(pcm)], sink=recorder)
    bridge.engine.connect(player, tap)
    async with stalled_writer():
        await bridge.hear(tap, 1.2)
    await bridge.event(EventKind.PLAYED, player)
    bridge.engine.stop(recorder)
    recorded = await bridge.event(EventKind.RECORDED, recorder)

    assert (recorded.detail["dropped"], recorded.detail["error"]) == (0, "")
    assert np.array_equal(trimmed(tones.read_wav(path)[0]), pcm)
    assert np.array_equal(trimmed(bridge.heard(tap)), pcm)


async def test_what_a_long_stall_loses_is_counted_and_silent_in_its_place(bridge: Bridge, tmp_path: Path) -> None:
    path = tmp_path / "recording.wav"
    pcm = noise(1600)
    tap = bridge.tap()
    (recorder,) = bridge.engine.recorder(str(path), sample_rate=16000)
    player = bridge.engine.player([bridge.sound(pcm)], sink=recorder, loop=0)
    bridge.engine.connect(player, tap)
    async with stalled_writer():
        before = len(bridge.heard(tap)) / 16000
        await bridge.hear(tap, before + RING_SECONDS + 1)
    await bridge.pass_time(25)
    bridge.engine.stop(recorder)
    recorded = await bridge.event(EventKind.RECORDED, recorder)

    heard = trimmed(tones.read_wav(path)[0])
    lost = heard == 0
    assert np.array_equal(heard[~lost], np.resize(pcm, len(heard))[~lost])  # the rest is where it belongs
    assert recorded.detail["dropped"] >= 40
    assert int(lost.sum()) == recorded.detail["dropped"] * bridge.frame
    assert recorded.detail["error"] == ""
    through = trimmed(bridge.heard(tap))
    assert np.array_equal(through, np.resize(pcm, len(through)))


async def test_the_close_does_not_wait_for_a_dead_disc(bridge: Bridge, tmp_path: Path) -> None:
    (recorder,) = bridge.engine.recorder(str(tmp_path / "recording.wav"))
    await bridge.pass_time(5)
    async with stalled_writer():
        started = asyncio.get_running_loop().time()
        bridge.close()
        took = asyncio.get_running_loop().time() - started

    (recorded,) = bridge.of(recorder)
    assert took < 3
    assert recorded.kind == EventKind.RECORDED
    assert recorded.detail["error"] == "the disc did not answer in time"
