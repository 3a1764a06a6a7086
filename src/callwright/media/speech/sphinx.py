"""Speech recognition by PocketSphinx, in a bounded number of processes beside the daemon (see `sphinx_worker`).

A process is taken when somebody begins to speak and given back when the utterance is understood; who finds none free
waits with the sound in memory, for a grammar is searched many times faster than people speak.
"""

import asyncio
import contextlib
import importlib.util
import json
import logging
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from callwright.errors import MediaError, StartError
from callwright.media.speech.recognition import Heard, Listening

log = logging.getLogger(__name__)

FAILED = 13340
WORKER = "callwright.media.speech.sphinx_worker"
MOST_SECONDS = 65
PIECE_SECONDS = 1.0
"""The most sound that one message to a process carries."""
ANSWER_S = 15.0
"""The most that a process may take for one message; loading the large language model takes most of a second."""
IDLE_S = 300.0
"""A start costs the event loop some 10 ms, an idle process 60 MB."""
LONGEST_ANSWER = 1 << 20


@dataclass(frozen=True, slots=True)
class Model:
    """The files of a model: a directory with the acoustic one, a pronouncing dictionary, a language model."""

    acoustic: Path
    dictionary: Path
    language: Path

    @classmethod
    def embedded(cls) -> Self:
        """The one of the package (US English).

        Raises:
            StartError: the package is not installed, or came without it.
        """
        package = importlib.util.find_spec("pocketsphinx")
        if package is None or package.origin is None:
            raise StartError("speech.recognition: the Python package pocketsphinx is missing: pip install pocketsphinx")
        return cls.at(Path(package.origin).parent / "model" / "en-us")

    @classmethod
    def at(cls, directory: Path) -> Self:
        """The one in a directory: `*.dict`, `*.lm` or `*.lm.bin`, and beside them a directory that holds `mdef`.

        Raises:
            StartError: a part is missing.
        """
        acoustic = next((path.parent for path in sorted(directory.glob("*/mdef"))), None)
        dictionary = next(iter(sorted(directory.glob("*.dict"))), None)
        models = [*directory.glob("*.lm"), *directory.glob("*.lm.bin")]
        language = next((path for path in sorted(models) if "phone" not in path.name), None)
        if acoustic is None or dictionary is None or language is None:
            parts = {"an acoustic model (*/mdef)": acoustic, "*.dict": dictionary, "*.lm.bin": language}
            missing = ", ".join(name for name, part in parts.items() if part is None)
            raise StartError(f"speech.recognition_model: {directory}: no {missing} there")
        return cls(acoustic, dictionary, language)


class SphinxRecognition:
    """Understands speech with PocketSphinx.

    Args:
        model: what it understands.
        language: of the model, BCP-47; its regional relatives are understood as well as they go.
        processes: at the same time.
        speaker: espeak-ng's name or path: it knows how words are said that an English model does not hold.
        idle: seconds after which a process that nobody needs ends.
    """

    def __init__(
        self,
        model: Model,
        *,
        language: str = "en-US",
        processes: int = 2,
        speaker: str = "",
        idle: float = IDLE_S,
    ) -> None:
        self._model = model
        self._speaker = speaker if _primary(language) == "en" else ""
        self._language = language
        self._slots = asyncio.Semaphore(processes)
        self._idle_seconds = idle
        self._idle: list[_Worker] = []
        self._workers: set[_Worker] = set()
        self._hearings: set[_Hearing] = set()
        self._leaving: set[asyncio.Task[None]] = set()

    def knows(self, language: str) -> bool:
        """See `Recognition`."""
        return _primary(language) == _primary(self._language)

    def hear(self, listening: Listening, rate: int, on_partial: Callable[[str], None] | None = None) -> "_Hearing":
        """See `Recognition`."""
        hearing = _Hearing(self, listening, rate, on_partial)
        self._hearings.add(hearing)
        hearing.task.add_done_callback(lambda _: self._hearings.discard(hearing))
        return hearing

    async def close(self) -> None:
        """See `Recognition`."""
        for hearing in tuple(self._hearings):
            hearing.close()
        await asyncio.gather(*(hearing.task for hearing in tuple(self._hearings)), return_exceptions=True)
        for worker in tuple(self._workers):
            await self._end(worker)
        await asyncio.gather(*self._leaving)

    async def take(self) -> "_Worker":
        """A process, as soon as one may be had.

        Raises:
            MediaError: it does not start.
        """
        await self._slots.acquire()
        try:
            while self._idle:
                worker = self._idle.pop()
                worker.rest.cancel()
                if worker.alive:
                    return worker
                self._workers.discard(worker)
            worker = await _Worker.start(self._model, self._speaker)
        except BaseException:
            self._slots.release()
            raise
        self._workers.add(worker)
        return worker

    async def give(self, worker: "_Worker") -> None:
        """Takes a process back; one that is in the middle of something is ended."""
        try:
            if worker.busy or not worker.alive:
                await self._end(worker)
                return
            loop = asyncio.get_running_loop()
            worker.rest = loop.call_later(self._idle_seconds, self._retire, worker)
            self._idle.append(worker)
        finally:
            self._slots.release()

    def _retire(self, worker: "_Worker") -> None:
        """Lets a process go that nobody has needed for a while."""
        self._idle.remove(worker)
        leaving = asyncio.get_running_loop().create_task(self._end(worker), name="recogniser ends")
        self._leaving.add(leaving)
        leaving.add_done_callback(self._leaving.discard)

    async def _end(self, worker: "_Worker") -> None:
        self._workers.discard(worker)
        worker.rest.cancel()
        await worker.kill()


def _primary(language: str) -> str:
    return language.lower().partition("-")[0]


class _Worker:
    """One process, and the messages to it: each is answered before the next."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.busy = False
        self.rest: asyncio.Handle = asyncio.get_running_loop().call_soon(lambda: None)

    @classmethod
    async def start(cls, model: Model, speaker: str) -> Self:
        """Raises: MediaError: it cannot be started."""
        files = [str(model.acoustic), str(model.dictionary), str(model.language), speaker]
        pipe = asyncio.subprocess.PIPE
        try:
            # of a session of its own: a signal to the terminal's group is for the daemon to act on
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", WORKER, *files, stdin=pipe, stdout=pipe, start_new_session=True
            )
        except OSError as error:
            raise MediaError(f"the recogniser cannot be started: {error.strerror or error}", code=FAILED) from error
        return cls(process)

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process.returncode is None

    async def ask(self, kind: bytes, body: bytes) -> dict[str, Any]:
        """The answer to a message.

        Raises:
            MediaError: the process has ended, or takes too long. It is of no use any more.
        """
        given, answers = self._process.stdin, self._process.stdout
        assert given is not None and answers is not None
        self.busy = True
        try:
            async with asyncio.timeout(ANSWER_S):
                given.write(struct.pack("<cI", kind, len(body)) + body)
                await given.drain()
                (length,) = struct.unpack("<I", await answers.readexactly(4))
                if length > LONGEST_ANSWER:
                    raise MediaError("the recogniser's answer is no answer", code=FAILED)
                answer: dict[str, Any] = json.loads(await answers.readexactly(length))
        except TimeoutError as error:
            raise MediaError(f"the recogniser took longer than {ANSWER_S:g} s", code=FAILED) from error
        except (OSError, RuntimeError, asyncio.IncompleteReadError) as error:
            # uvloop: RuntimeError for a closed pipe
            raise MediaError("the recogniser's process has ended", code=FAILED) from error
        self.busy = False
        return answer

    async def kill(self) -> None:
        """Ends it at once."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()


class _Hearing:
    """One utterance: samples wait here until a process takes them."""

    def __init__(
        self, pool: SphinxRecognition, listening: Listening, rate: int, on_partial: Callable[[str], None] | None
    ) -> None:
        self._pool = pool
        self._listening = listening
        self._rate = rate
        self._on_partial = on_partial
        self._room = MOST_SECONDS * rate * 2
        self._waiting = bytearray()
        self._more = asyncio.Event()
        self._last = False
        self._partial = ""
        self.task = asyncio.get_running_loop().create_task(self._understand(), name="recognition")

    def feed(self, samples: bytes) -> None:
        """See `Hearing`."""
        samples = samples[: self._room]
        self._room -= len(samples)
        self._waiting += samples
        self._more.set()

    async def finish(self) -> Heard:
        """See `Hearing`."""
        self._last = True
        self._more.set()
        return await asyncio.shield(self.task)

    def close(self) -> None:
        """See `Hearing`."""
        self._on_partial = None
        if self.task.done() and not self.task.cancelled():
            self.task.exception()  # it was of no consequence
        self.task.cancel()

    async def _understand(self) -> Heard:
        worker = await self._pool.take()
        try:
            return await self._converse(worker)
        finally:
            await self._pool.give(worker)

    async def _converse(self, worker: _Worker) -> Heard:
        asked = {"rate": self._rate, "hints": self._listening.hints, "commands": self._listening.commands}
        await worker.ask(b"O", json.dumps(asked).encode())
        piece = round(PIECE_SECONDS * self._rate) * 2
        while self._waiting or not self._last:
            if not self._waiting:
                self._more.clear()
                await self._more.wait()
                continue
            taken = bytes(self._waiting[:piece])
            del self._waiting[:piece]
            self._tell(await worker.ask(b"A", taken))
        answer = await worker.ask(b"E", b"")
        return Heard(answer["text"], answer["confidence"], tuple(answer["left_out"]))

    def _tell(self, answer: dict[str, Any]) -> None:
        if self._on_partial is not None and answer["partial"] and answer["partial"] != self._partial:
            self._partial = answer["partial"]
            self._on_partial(self._partial)
