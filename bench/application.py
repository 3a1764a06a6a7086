"""The application server of P7 and the origin of its prompt: uvicorn, on the load's core, its CPU time counted apart.

As a program: `python -m bench.application --port N`. Paths: /voice (a document that plays the prompt), /status (takes
callbacks), /prompt.wav, /figures (what it has served, as JSON).
"""

import argparse
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

import uvicorn

from .audio import prompt_wav

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

DOCUMENT = '<?xml version="1.0" encoding="UTF-8"?><Response><Play>{origin}/prompt.wav</Play></Response>'


class Application:
    """An ASGI application without a framework."""

    def __init__(self, origin: str) -> None:
        self._document = DOCUMENT.format(origin=origin).encode()
        self._prompt = prompt_wav()
        self._counts = {"/voice": 0, "/status": 0, "/prompt.wav": 0}
        self._slowest = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        if scope["type"] != "http":
            return
        began = time.perf_counter()
        while (await receive()).get("more_body"):
            pass
        path = scope["path"]
        if path in self._counts:
            self._counts[path] += 1
        status, kind, body = self._answer(path)
        headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
        if path == "/prompt.wav":
            headers.append((b"cache-control", b"max-age=86400"))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})
        self._slowest = max(self._slowest, time.perf_counter() - began)

    def _answer(self, path: str) -> tuple[int, bytes, bytes]:
        match path:
            case "/voice":
                return 200, b"text/xml", self._document
            case "/status":
                return 204, b"text/plain", b""
            case "/prompt.wav":
                return 200, b"audio/wav", self._prompt
            case "/figures":
                figures = {"requests": self._counts, "slowest_ms": round(self._slowest * 1000, 2)}
                self._slowest = 0.0
                return 200, b"application/json", json.dumps(figures).encode()
        return 404, b"text/plain", b""


def main() -> None:
    """Serves until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    port = parser.parse_args().port
    application = Application(f"http://127.0.0.1:{port}")
    uvicorn.run(
        application,
        host="127.0.0.1",
        port=port,
        loop="uvloop",
        http="httptools",
        lifespan="off",
        access_log=False,
        log_level="warning",
        timeout_keep_alive=60,
        backlog=2048,
    )


if __name__ == "__main__":
    main()
