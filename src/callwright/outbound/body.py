"""Bodies of answers: decoded, bounded after decompression, read piece by piece."""

import zlib
from collections.abc import AsyncIterator, Generator, Mapping

import aiohttp

from callwright.errors import ApplicationError
from callwright.outbound.failure import ReadError, broken_off
from callwright.outbound.limits import Limits
from callwright.outbound.target import Target

PIECE = 262144


class _Decoder:
    """Undoes a Content-Encoding in pieces of bounded size."""

    def __init__(self, encoding: str) -> None:
        self._deflate = encoding == "deflate"
        self._zlib = zlib.decompressobj(31 if encoding in ("gzip", "x-gzip") else 15)
        if encoding not in ("gzip", "x-gzip", "deflate"):
            raise ApplicationError(f"the Content-Encoding {encoding[:40]!r} was not offered", code=11206)

    def pieces(self, chunk: bytes) -> Generator[bytes, None, None]:
        """What a chunk decodes to. Raises zlib.error when it is malformed."""
        try:
            piece = self._zlib.decompress(chunk, PIECE)
        except zlib.error:
            if not self._deflate:
                raise
            # Some servers send a bare deflate stream for "deflate".
            self._zlib = zlib.decompressobj(-15)
            piece = self._zlib.decompress(chunk, PIECE)
        self._deflate = False
        while piece:
            yield piece
            piece = self._zlib.decompress(self._zlib.unconsumed_tail, PIECE)

    def finish(self) -> None:
        """To be called after the last chunk. Raises ReadError when the body was cut off."""
        if not self._zlib.eof:
            raise ReadError("the compressed body ended too early", code=11205)


class Stream:
    """An answer whose body is read piece by piece.

    Attributes:
        headers: names match without regard to case.
    """

    def __init__(self, response: aiohttp.ClientResponse, target: Target, limits: Limits, max_bytes: int) -> None:
        self.status = response.status
        self.url = target.text
        self.headers: Mapping[str, str] = response.headers
        self._content = response.content
        self._target = target
        self._limits = limits
        self._max_bytes = max_bytes

    async def chunks(self) -> AsyncIterator[bytes]:
        """The decoded body.

        Raises:
            ApplicationError: 11750 more than the allowed bytes; 11205, 11206 the body is cut off or malformed; 11200,
                11203 it came too slowly.
        """
        length = self.headers.get("Content-Length", "")
        if length.isdigit() and int(length) > self._max_bytes:
            raise self._too_large()
        encoding = self.headers.get("Content-Encoding", "").strip().lower()
        decoder = _Decoder(encoding) if encoding not in ("", "identity") else None
        raw = size = 0
        while chunk := await self._next():
            raw += len(chunk)
            for piece in self._decoded(decoder, chunk) if decoder else (chunk,):
                size += len(piece)
                if max(size, raw) > self._max_bytes:
                    raise self._too_large()
                yield piece
        if decoder and raw:
            decoder.finish()

    async def _next(self) -> bytes:
        try:
            return await self._content.readany()
        except (aiohttp.ClientError, OSError) as error:
            raise broken_off(error, self._target, self._limits) from error

    def _decoded(self, decoder: _Decoder, chunk: bytes) -> Generator[bytes, None, None]:
        try:
            yield from decoder.pieces(chunk)
        except zlib.error as error:
            raise broken_off(error, self._target, self._limits) from error

    def _too_large(self) -> ApplicationError:
        return ApplicationError(f"the body is larger than {self._max_bytes} bytes", code=11750)
