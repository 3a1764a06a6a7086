"""A real HTTP server on the loopback that serves what a test puts on it and remembers every request."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class FileServer:
    """Paths and what they answer. `requests` holds every request, in order of arrival."""

    base: str = ""
    requests: list[web.Request] = field(default_factory=list)
    handlers: dict[str, Handler] = field(default_factory=dict)

    def serve(self, path: str, body: bytes, *, status: int = 200, **headers: str) -> str:
        """Answers a path always the same, without a thought for conditions; header names are written with `_`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}

        async def answer(_: web.Request) -> web.StreamResponse:
            return web.Response(body=body, status=status, headers=named)

        return self.handle(path, answer)

    def serve_validated(self, path: str, body: bytes, etag: str, **headers: str) -> str:
        """Answers 304 when the request's If-None-Match names this ETag."""
        named = {"ETag": etag} | {name.replace("_", "-"): value for name, value in headers.items()}

        async def answer(request: web.Request) -> web.StreamResponse:
            if request.headers.get("If-None-Match") == etag:
                return web.Response(status=304, headers=named)
            return web.Response(body=body, headers=named)

        return self.handle(path, answer)

    def handle(self, path: str, handler: Handler) -> str:
        """Answers a path by a function; gives its URL."""
        self.handlers[path] = handler
        return self.base + path

    def count(self, path: str) -> int:
        """Requests that a path had."""
        return sum(request.path == path for request in self.requests)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        handler = self.handlers.get(request.path)
        if handler is None:
            return web.Response(status=404)
        return await handler(request)


@asynccontextmanager
async def file_server(host: str = "127.0.0.1") -> AsyncIterator[FileServer]:
    """A server on a free port."""
    server = FileServer()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", server._answer)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, host, 0)
    await site.start()
    port = runner.addresses[0][1]
    server.base = f"http://{host}:{port}"
    try:
        yield server
    finally:
        await runner.cleanup()


@dataclass
class Gate:
    """Holds requests until the test opens it; `arrived` is set when one waits."""

    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    opened: asyncio.Event = field(default_factory=asyncio.Event)

    async def wait(self) -> None:
        self.arrived.set()
        await self.opened.wait()
