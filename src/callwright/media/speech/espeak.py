"""Speech by the program espeak-ng: text on its standard input, a WAV stream on its standard output."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from functools import partial

from callwright.errors import MediaError, StartError
from callwright.media import wave
from callwright.media.speech import ssml as markup
from callwright.media.speech import voices
from callwright.media.speech.protocol import Utterance

log = logging.getLogger(__name__)

_CHECK_SECONDS = 10.0
_LISTING_BYTES = 1 << 20
_COMPLAINT_BYTES = 4096
_RATE_BYTES = 22050 * 2
_PIECE = 1 << 16


class _TooMuch(Exception):
    """A program wrote more than it may."""


class EspeakSynthesis:
    """Speaks with espeak-ng; one process for each text, a few at a time.

    Args:
        command: the program's name or path.
        language: of voices that have none, BCP-47.
        concurrency: processes at the same time; further texts wait.
        seconds: the most that a process may run.
        sound_seconds: the longest sound that is taken.
    """

    def __init__(
        self,
        command: str = "espeak-ng",
        *,
        language: str = "en-US",
        concurrency: int = 4,
        seconds: float = 20.0,
        sound_seconds: float = 1200.0,
    ) -> None:
        self._command = command
        self._language = language
        self._slots = asyncio.Semaphore(concurrency)
        self._seconds = seconds
        self._max_bytes = round(sound_seconds * _RATE_BYTES) + 1024
        self._version = ""
        self._available: frozenset[str] = frozenset()

    async def check(self) -> None:
        """Asks the program for its version and languages; needed once, before the first text.

        Raises:
            StartError: it is missing or does not run; the message says what to do.
        """
        remedy = 'install it (Debian, Ubuntu: apt-get install espeak-ng) or set "speech.command"'
        try:
            version = await self._run(["--version"], b"", _LISTING_BYTES, _CHECK_SECONDS)
            listing = await self._run(["--voices"], b"", _LISTING_BYTES, _CHECK_SECONDS)
        except (OSError, MediaError, _TooMuch, TimeoutError) as error:
            raise StartError(f"speech: {self._command} cannot be run ({_said(error)}): {remedy}") from error
        self._available = frozenset(_languages(listing.decode("utf-8", "replace")))
        words = version.decode("utf-8", "replace").split("Data at:")[0].split()
        self._version = words[-1] if words else ""
        if not self._available or not self._version:
            raise StartError(f"speech: {self._command} is not espeak-ng: {remedy}")
        log.info("speech by espeak-ng %s, %d languages", self._version, len(self._available))

    @property
    def identity(self) -> str:
        """Program, version, tables and default language."""
        self._checked()
        return f"espeak-ng {self._version}; voices {voices.VERSION}; ssml {markup.VERSION}; {self._language}"

    async def synthesise(self, text: str, *, voice: str, language: str, ssml: bool) -> Utterance:
        """See `Synthesis`."""
        self._checked()
        speaker = voices.resolve(voice, language, self._language)
        name_of = partial(voices.espeak_language, available=self._available)
        name = name_of(speaker.language)
        if ssml:
            spoken = markup.render(text, markup.Speaker(speaker.language, speaker.gender, name_of))
        else:
            spoken = markup.plain(text)
        if not spoken.strip():
            raise MediaError("there is nothing in the text to speak", code=13520)
        chosen = f"{name}+{speaker.variant}" if speaker.variant else name
        arguments = ["-v", chosen, "-b", "1", "--stdin", "--stdout", *(["-m"] if ssml else [])]
        async with self._slots:
            try:
                given = spoken.encode("utf-8", "replace")
                output = await self._run(arguments, given, self._max_bytes, self._seconds)
            except TimeoutError as error:
                raise MediaError(f"espeak-ng took longer than {self._seconds:g} s", code=12400) from error
            except _TooMuch as error:
                raise MediaError("the text takes too long to speak", code=13521) from error
            except OSError as error:
                raise MediaError(f"espeak-ng cannot be run: {error.strerror}", code=12400) from error
        return _utterance(output)

    def _checked(self) -> None:
        if not self._version:
            raise RuntimeError("EspeakSynthesis.check was not called")

    async def _run(self, arguments: list[str], given: bytes, max_bytes: int, seconds: float) -> bytes:
        """Runs the program to its end and gives its output.

        Raises:
            OSError: it cannot be started.
            TimeoutError, _TooMuch: it was killed for its time or its output.
            MediaError: 12400: it failed; with what it complained of.
        """
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            self._command, *arguments, stdin=pipe, stdout=pipe, stderr=pipe, limit=_PIECE
        )
        assert process.stdin is not None and process.stdout is not None and process.stderr is not None
        try:
            async with asyncio.timeout(seconds):
                (output, overran), (complaint, _), _ = await asyncio.gather(
                    _read(process.stdout, max_bytes, partial(_kill, process)),
                    _read(process.stderr, _COMPLAINT_BYTES),
                    _write(process.stdin, given),
                )
                code = await process.wait()
        finally:
            _kill(process)
            await process.wait()
        if overran:
            raise _TooMuch(f"more than {max_bytes} bytes came")
        if code != 0:
            said = complaint.decode("utf-8", "replace").strip().partition("\n")[0][:200]
            raise MediaError(f"espeak-ng failed with {code}: {said or 'without a word'}", code=12400)
        return output


def _kill(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()


async def _read(
    stream: asyncio.StreamReader, limit: int, overrun: Callable[[], None] | None = None
) -> tuple[bytes, bool]:
    """What comes up to the limit, and whether more came; `overrun` is called then, and the rest is dropped."""
    taken, more = bytearray(), False
    while piece := await stream.read(_PIECE):
        if len(taken) + len(piece) > limit and not more:
            more = True
            if overrun is not None:
                overrun()
        taken += piece[: limit - len(taken)]
    return bytes(taken), more


async def _write(stream: asyncio.StreamWriter, data: bytes) -> None:
    try:
        stream.write(data)
        await stream.drain()
        stream.close()
        await stream.wait_closed()
    except (BrokenPipeError, ConnectionResetError, RuntimeError):
        # The program ended before it had read all; its exit code says why. (uvloop: RuntimeError for a closed pipe.)
        return


def _languages(listing: str) -> list[str]:
    """The second column of `--voices`, without the MBROLA voices, which need further programs."""
    rows = [line.split() for line in listing.splitlines()[1:]]
    return [row[1].lower() for row in rows if len(row) >= 5 and not row[4].startswith("mb/")]


def _utterance(output: bytes) -> Utterance:
    try:
        facts = wave.parse(output[: wave.HEAD_BYTES], len(output))
    except ValueError as error:
        if not output:
            raise MediaError("there is nothing in the text to speak", code=13520) from error
        raise MediaError(f"espeak-ng gave no WAV file: {error}", code=12400) from error
    if facts.bits != 16 or facts.channels != 1:
        raise MediaError(f"espeak-ng gave {facts.channels} channels of {facts.bits} bits", code=12400)
    samples = output[facts.data_offset : facts.data_offset + facts.data_bytes]
    if not samples:
        raise MediaError("there is nothing in the text to speak", code=13520)
    return Utterance(samples, facts.rate)


def _said(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
