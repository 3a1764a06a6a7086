"""`ApplicationServer`: a webhook server that follows the test's script, and remembers every request in order.

app = await ApplicationServer.start()
app.on("/voice", "<Response><Hangup/></Response>")
app.on("/next", [Answer(status=500), "<Response/>"])          # in turn; the last one stays
held = app.hold("/slow", "<Response/>")                       # answers only after held.set()
app.on("/broken", Break.RESET)
request = await app.request("/voice", timeout=5)
assert request.form["CallSid"] and request.signed
"""

import asyncio
import email.utils
import hashlib
import json
import socket
import struct
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, TypeAlias, cast
from urllib.parse import parse_qsl

from aiohttp import web
from multidict import MultiDict
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]  # twilio ships no types

from .ports import daemon_address
from .waiting import Changes


class Break(Enum):
    """Ways in which a server fails an HTTP client after it has read the request."""

    RESET = "the connection is reset"
    CLOSE = "the connection is closed without an answer"
    HANG = "no answer comes as long as the client waits"
    GARBAGE = "the answer is not HTTP"
    TRUNCATED = "the body is shorter than its Content-Length"
    ENDLESS = "the body trickles and never ends"


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer. `held` keeps it back until the event is set."""

    body: str | bytes = ""
    status: int = 200
    content_type: str = "text/xml"
    headers: dict[str, str] = field(default_factory=dict)
    held: asyncio.Event | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it came.

    Attributes:
        order: its place among all requests of the server, from 0.
        query: decoded query parameters (the last of each name).
        form: decoded form parameters, of POST.
        params: `query` for GET and `form` for POST: the webhook's parameters.
        signed: True or False as the signature is right for the server's token; None without a token.
    """

    order: int
    time: float
    method: str
    path: str
    url: str
    query: dict[str, str]
    form: dict[str, str]
    headers: dict[str, str]
    cookies: dict[str, str]
    body: bytes
    signed: bool | None

    @property
    def params(self) -> dict[str, str]:
        """The parameters of a webhook."""
        return self.form if self.method == "POST" else self.query

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    def header(self, name: str) -> str:
        """A header without regard to case, "" when it is missing."""
        return next((value for key, value in self.headers.items() if key.lower() == name.lower()), "")


Reply: TypeAlias = str | bytes | Answer | Break
Script: TypeAlias = Reply | Callable[[Received], Reply] | Callable[[Received], Awaitable[Reply]]


class ApplicationServer:
    """Made by `start`, ended by `close`. A path without a script is answered 404.

    Attributes:
        token: the account's auth token; with it every request's signature is verified (`Received.signed`).
        requests: every request, in order of arrival.
    """

    def __init__(self, token: str = "") -> None:
        self.token = token
        self.requests: list[Received] = []
        self._scripts: dict[str, list[Script]] = {}
        self._changes = Changes()
        self._taken: dict[str, int] = {}
        self._over = asyncio.Event()
        self._runner: web.AppRunner | None = None
        self._host, self._port = daemon_address(), 0

    @classmethod
    async def start(cls, token: str = "", *, port: int = 0) -> "ApplicationServer":
        """Listens on a free port of this worker's loopback address."""
        server = cls(token)
        server._port = port
        await server.listen()
        return server

    async def listen(self) -> None:
        """Begins to accept connections, again after `refuse_connections`, on the same port."""
        application = web.Application(client_max_size=64 * 2**20)
        application.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(application, handle_signals=False, access_log=None, shutdown_timeout=0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self._port, reuse_address=True)
        await site.start()
        self._port = self._runner.addresses[0][1]

    async def refuse_connections(self) -> None:
        """From now on connections are refused, until `listen`."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    async def close(self) -> None:
        """Releases what is held and stops."""
        self._over.set()
        await self.refuse_connections()

    @property
    def base_url(self) -> str:
        """`http://HOST:PORT`, without a slash at the end."""
        return f"http://{self._host}:{self._port}"

    def url(self, path: str) -> str:
        """The absolute URL of a path."""
        return self.base_url + path

    # the script

    def on(self, path: str, *scripts: Script | Sequence[Script]) -> None:
        """Says how a path answers: one reply for ever, or several in turn, of which the last stays."""
        flat: list[Script] = []
        for script in scripts:
            if isinstance(script, str | bytes | Answer | Break) or callable(script):
                flat.append(script)
            else:
                flat.extend(script)
        self._scripts[path] = flat

    def hold(self, path: str, reply: str | bytes | Answer) -> asyncio.Event:
        """The path's answer is kept back until the returned event is set."""
        held = asyncio.Event()
        answer = reply if isinstance(reply, Answer) else Answer(reply)
        self.on(path, Answer(answer.body, answer.status, answer.content_type, answer.headers, held))
        return held

    def serve_sound(
        self,
        path: str,
        content: bytes,
        content_type: str = "audio/wav",
        *,
        etag: bool = False,
        last_modified: float | None = None,
        cache_control: str = "",
    ) -> None:
        """Serves a file, and answers 304 to a conditional request that its validators satisfy (RFC 9110 §13).

        Args:
            path: where.
            content: the file.
            content_type: media type.
            etag: sends a strong ETag.
            last_modified: seconds since 1970.
            cache_control: value of Cache-Control; "" sends none.
        """
        headers = {"Cache-Control": cache_control} if cache_control else {}
        if etag:
            headers["ETag"] = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
        if last_modified is not None:
            headers["Last-Modified"] = email.utils.formatdate(last_modified, usegmt=True)

        def serve(request: Received) -> Answer:
            same = request.header("If-None-Match") == headers.get("ETag", "absent")
            dated = not request.header("If-None-Match") and "Last-Modified" in headers
            fresh = dated and request.header("If-Modified-Since") == headers["Last-Modified"]
            if same or fresh:
                return Answer(b"", 304, content_type, headers)
            return Answer(content, 200, content_type, headers)

        self.on(path, serve)

    # what came

    def count(self, path: str) -> int:
        """How many requests came for a path so far."""
        return sum(request.path == path for request in self.requests)

    async def request(self, path: str, timeout: float = 5.0) -> Received:
        """The next request to a path that was not returned before."""

        def probe() -> Received | None:
            to_path = [request for request in self.requests if request.path == path]
            taken = self._taken.get(path, 0)
            if len(to_path) <= taken:
                return None
            self._taken[path] = taken + 1
            return to_path[taken]

        return await self._changes.until(probe, timeout, lambda: f"a request to {path}; came:\n{self.history()}")

    def history(self) -> str:
        """The requests so far, one line each."""
        return "\n".join(
            f"{request.order:3} {request.method} {request.path} {request.params.get('CallStatus', '')}"
            for request in self.requests
        )

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        received = await self._record(request)
        scripts = self._scripts.get(received.path)
        if not scripts:
            return web.Response(status=404, text=f"no script for {received.path}")
        script = scripts.pop(0) if len(scripts) > 1 else scripts[0]
        reply: Any = script(received) if callable(script) else script
        if isinstance(reply, Awaitable):
            reply = await reply
        if isinstance(reply, Break):
            return await self._break(request, reply)
        answer = reply if isinstance(reply, Answer) else Answer(reply)
        if answer.held is not None:
            await self._until(answer.held)
        body = answer.body.encode() if isinstance(answer.body, str) else answer.body
        headers = {"Content-Type": answer.content_type, **answer.headers} if answer.content_type else answer.headers
        return web.Response(body=body, status=answer.status, headers=headers)

    async def _until(self, event: asyncio.Event) -> None:
        waits = [asyncio.ensure_future(one.wait()) for one in (event, self._over)]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def _record(self, request: web.Request) -> Received:
        body = await request.read()
        url = self.base_url + request.raw_path
        kind = request.content_type
        form = dict(parse_qsl(body.decode(), keep_blank_values=True)) if kind.endswith("urlencoded") else {}
        received = Received(
            order=len(self.requests),
            time=asyncio.get_running_loop().time(),
            method=request.method,
            path=request.path,
            url=url,
            query=dict(request.query),
            form=form,
            headers=dict(request.headers),
            cookies=dict(request.cookies),
            body=body,
            signed=self._signed(request, url, body, form),
        )
        self.requests.append(received)
        self._changes.notify()
        return received

    def _signed(self, request: web.Request, url: str, body: bytes, form: dict[str, str]) -> bool | None:
        """The vendor's own check, over all values of repeated parameters, or the body's hash for JSON."""
        if not self.token:
            return None
        signature = request.headers.get("X-Twilio-Signature", "")
        params: Any = form
        if "bodySHA256" in request.query:
            params = body.decode()
        elif form:
            params = MultiDict(parse_qsl(body.decode(), keep_blank_values=True))
        return bool(RequestValidator(self.token).validate(url, params, signature))

    async def _break(self, request: web.Request, how: Break) -> web.StreamResponse:
        transport = cast(asyncio.Transport, request.transport)
        if how in (Break.TRUNCATED, Break.ENDLESS):
            return await self._broken_body(request, how)
        if how is Break.HANG:
            await self._over.wait()
        elif how is Break.GARBAGE:
            transport.write(b"\x00\xff this is not HTTP \r\n\r\n")
        elif how is Break.RESET:
            linger = struct.pack("ii", 1, 0)
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        transport.close()
        return web.Response(status=500)

    async def _broken_body(self, request: web.Request, how: Break) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/xml"})
        if how is Break.TRUNCATED:
            response.content_length = 1000
        else:
            response.enable_chunked_encoding()
        await response.prepare(request)
        try:
            await response.write(b"<Response>")
            while how is Break.ENDLESS and not self._over.is_set():
                await response.write(b" " * 64)
                await asyncio.wait([asyncio.ensure_future(self._over.wait())], timeout=0.02)
        except ConnectionError:
            return response  # the client had enough, as it should
        cast(asyncio.Transport, request.transport).close()
        return response
