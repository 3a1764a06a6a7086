"""The thread that keeps time for every RTP peer of the process: it sends due frames and reads arriving packets.

One thread serves all peers, with absolute deadlines on `time.monotonic`; it starts with the first peer and ends with
the last one, so that a test which closes its peers leaves no thread behind.
"""

import contextlib
import os
import selectors
import socket
import threading
import time
from typing import Protocol


class Paced(Protocol):
    """What the thread serves. All methods but `sockets` are called with `LOCK` held."""

    @property
    def sockets(self) -> tuple[socket.socket, ...]:
        """Sockets to read from."""

    def due(self) -> float:
        """When `tick` is wanted next, on `time.monotonic`; infinity for never."""

    def tick(self, now: float) -> None:
        """Sends what is due."""

    def readable(self, sock: socket.socket) -> None:
        """Reads what has arrived."""


LOCK = threading.RLock()
"""Guards the state of every paced object and the set of them."""

_members: dict[Paced, None] = {}
_thread: "_RtpClock | None" = None


def join(member: Paced) -> None:
    """Begins to serve a peer."""
    global _thread
    with LOCK:
        if _thread is None:
            _thread = _RtpClock()
            _thread.start()
        _members[member] = None
        _thread.add(member)


def leave(member: Paced) -> None:
    """Ends serving a peer; after the return the thread does not touch it, and it is gone if it served nobody else."""
    global _thread
    with LOCK:
        if member not in _members or _thread is None:
            return
        del _members[member]
        thread = _thread
        thread.remove(member)
        if _members:
            return
        _thread = None
        thread.stop()
    thread.join()


def wake() -> None:
    """Tells the thread that a member's due time has changed."""
    with LOCK:
        if _thread is not None:
            _thread.wake()


class _RtpClock(threading.Thread):
    def __init__(self) -> None:
        super().__init__(name="rtp-clock", daemon=True)
        self._selector = selectors.DefaultSelector()
        self._wakeup = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._selector.register(self._wakeup, selectors.EVENT_READ, None)
        self._stopping = False

    def add(self, member: Paced) -> None:
        for sock in member.sockets:
            self._selector.register(sock, selectors.EVENT_READ, member)
        self.wake()

    def remove(self, member: Paced) -> None:
        for sock in member.sockets:
            self._selector.unregister(sock)

    def stop(self) -> None:
        self._stopping = True
        self.wake()

    def wake(self) -> None:
        os.eventfd_write(self._wakeup, 1)

    def run(self) -> None:
        with contextlib.suppress(
            PermissionError
        ):  # a favour that only the privileged get; the measurements allow for it
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), -10)
        try:
            while not self._stopping:
                self._turn()
        finally:
            self._selector.close()
            os.close(self._wakeup)

    def _turn(self) -> None:
        with LOCK:
            due = min((member.due() for member in _members), default=float("inf"))
        wait = None if due == float("inf") else max(0.0, due - time.monotonic())
        for key, _ in self._selector.select(wait):
            if key.data is None:
                os.eventfd_read(self._wakeup)
                continue
            with LOCK:
                if key.data in _members:  # it may have left since the selector returned
                    key.data.readable(key.fileobj)
        now = time.monotonic()
        with LOCK:
            for member in list(_members):
                if member.due() <= now:
                    member.tick(now)
