"""The HTTP face of the daemon: the 2010-04-01 API, /v1/, /health and /metrics, in one application."""

import asyncio
import contextlib
import json
import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from callwright import ids
from callwright.account import Account
from callwright.api import audit, errors, idempotency, openapi
from callwright.api.auth import CHALLENGE, Caller, authenticate
from callwright.api.catalogue import routes
from callwright.api.concurrency import Concurrency, kind_of
from callwright.api.forms import Form
from callwright.api.paging import aside
from callwright.api.representation import API_VERSION, CONTENT_TYPES, page_to_csv, page_to_xml, to_json, to_xml
from callwright.api.request import Answer, ApiRequest, Gone, Page, Resource
from callwright.api.routes import OWN, ROOTS
from callwright.api.services import Services
from callwright.errors import CallwrightError, RestError

log = logging.getLogger(__name__)

MAX_BODY = 131_072
BODY_S = 15.0
EXTENSIONS = frozenset({*CONTENT_TYPES, "wav", "mp3", "txt"})
HEADERS = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-methods", b"GET, POST, DELETE, OPTIONS"),
    (
        b"access-control-allow-headers",
        b"Accept, Authorization, Content-Type, If-Match, If-Modified-Since, If-None-Match, If-Unmodified-Since, "
        b"Idempotency-Key, I-Twilio-Idempotency-Token",
    ),
    (b"access-control-expose-headers", b"ETag"),
    (b"access-control-allow-credentials", b"true"),
    (b"x-api-domain", b"api"),
)
TOKEN_ONLY = (f"{OWN}/Keys", f"{OWN}/SigningKeys")
"""What an API key cannot be used for, besides changes of accounts."""
FORM_TYPES = (b"", b"application/x-www-form-urlencoded")


class Api:
    """The resources of the 2010-04-01 API and of the product APIs below /v1/, as an ASGI application.

    Everything but OPTIONS must authenticate. What does not exist and what is another account's look the same.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._routes = routes()
        self._concurrency = Concurrency(services.metrics)
        self._audit = audit.Audit(services.directory, services.store)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = asyncio.get_running_loop().time()
        path, extension = _split(scope["path"])
        shape = "json" if path.startswith(ROOTS) else extension
        facts = [*HEADERS, (b"twilio-request-id", ids.new(ids.REQUEST).encode())]
        seat = None
        try:
            if scope["method"] == "OPTIONS":
                response = Response(status_code=204)
            else:
                headers = dict(scope["headers"])
                services = self._services
                caller = authenticate(headers.get(b"authorization"), services.accounts, services.directory)
                address = scope["client"][0] if scope.get("client") else ""
                audit.ACTOR.set(audit.Actor(caller.key or caller.account.sid, address))
                try:
                    seat = await self._concurrency.enter(caller.account, kind_of(path))
                finally:
                    facts.append((b"twilio-concurrent-requests", b"%d" % self._concurrency[caller.account.sid]))
                body = await _body(headers, receive)
                query = Form.read(scope["query_string"])
                request = ApiRequest(
                    services, caller, caller.account, scope["method"], scope["path"], extension, query, Form.read(body)
                )
                work = partial(self._respond, request, path, shape)
                token = idempotency.token(headers) if request.method == "POST" else b""
                response = await (idempotency.once(services.answers, request, token, body, work) if token else work())
        except CallwrightError as error:
            response = refusal(error, shape)
        except Exception:
            log.exception("x %s %s failed", scope["method"], scope["path"])
            response = refusal(CallwrightError("Internal server error"), shape)
        facts.append((b"twilio-request-duration", b"%.3f" % (asyncio.get_running_loop().time() - begun)))
        response.raw_headers.extend(facts)
        try:
            await response(scope, receive, send)
        finally:
            if seat is not None:
                self._concurrency.leave(seat)

    async def _respond(self, request: ApiRequest, path: str, shape: str) -> Response:
        answer = await self._answer(request, path)
        rows = len(answer.items) if isinstance(answer, Page) else 1
        return await aside(partial(rendered, answer, shape), rows)

    async def _answer(self, request: ApiRequest, path: str) -> Answer:
        segments = path.removeprefix(f"/{API_VERSION}").removeprefix("/").split("/")
        if not path.startswith(ROOTS):
            request, segments = self._addressed(request, segments)
        handlers, names = self._routes.find(segments)
        if not handlers:
            raise request.missing()
        handler = handlers.get("GET" if request.method == "HEAD" else request.method)
        if handler is None:
            raise errors.method_not_allowed(request.method)
        answer = await handler(request, **names)
        if request.method == "DELETE":
            self._audit.deleted(request.account.sid, segments)
        return answer

    def _addressed(self, request: ApiRequest, segments: list[str]) -> tuple[ApiRequest, list[str]]:
        """A request to the account that its path names, and the path with "-" in its place.

        Raises:
            RestError: 20404, it is not the caller's; 20003, not for an API key; 20005, it is closed.
        """
        if segments[0] != "Accounts":
            raise request.missing()
        if len(segments) > 1:
            account = self._services.accounts.get(segments[1])
            if account is None or not _may_act(request.caller, account):
                raise request.missing()
            request = replace(request, account=account)
            segments = ["Accounts", "-", *segments[2:]]
        writes = request.method not in ("GET", "HEAD")
        path = "/".join(segments)
        if request.caller.key and ((writes and len(segments) < 3) or path.startswith(TOKEN_ONLY)):
            raise errors.forbidden("accounts and keys")
        if writes and request.account.status == "closed":
            raise errors.inactive(request.account)
        return request, segments


def _may_act(caller: Caller, account: Account) -> bool:
    """Whether a caller may act on an account: on his own, and with his token on those that he owns."""
    return account.sid == caller.account.sid or (account.owner_sid == caller.account.sid and not caller.key)


def _split(path: str) -> tuple[str, str]:
    """A path without its extension, and the extension; "" when it has none that is known."""
    if path.startswith(ROOTS):
        return path, ""
    stem, dot, extension = path.rpartition(".")
    return (stem, extension) if dot and extension in EXTENSIONS else (path, "")


async def _body(headers: Mapping[bytes, bytes], receive: Receive) -> bytes:
    """The form in the body of a request; b"" when it has none.

    Raises:
        RestError: it is too long, or takes too long.
    """
    length = headers.get(b"content-length", b"")
    if length.isdigit() and int(length) > MAX_BODY:
        raise errors.too_large(MAX_BODY)
    if length == b"0" or (not length and b"transfer-encoding" not in headers):
        return b""
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_S):
            more = True
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise RestError("The request was not sent whole", status=408)
                body += message.get("body", b"")
                more = message.get("more_body", False)
                if len(body) > MAX_BODY:
                    raise errors.too_large(MAX_BODY)
    except TimeoutError:
        raise RestError("The request's body did not arrive in time", status=408) from None
    kind = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    return bytes(body) if kind in FORM_TYPES else b""


def rendered(answer: Answer, extension: str) -> Response:
    """An answer in the form that the path's extension asks for."""
    if isinstance(answer, Response):
        return answer
    if isinstance(answer, Gone):
        return Response(status_code=204)
    form = extension or "xml"
    if isinstance(answer, Resource):
        if form == "csv":
            return Response(page_to_csv([dict(answer.body)]), answer.status, media_type=CONTENT_TYPES[form])
        body = to_json(answer.body) if form == "json" else to_xml(answer.name, answer.body)
        return Response(body, answer.status, media_type=CONTENT_TYPES[form])
    return Response(_page(answer, form), media_type=CONTENT_TYPES[form])


def _page(page: Page, form: str) -> bytes:
    if form == "json":
        return to_json({page.key: page.items, **page.meta})
    if form == "csv":
        return page_to_csv(page.items)
    return page_to_xml(page.collection, page.name, page.meta, page.items)


def refusal(error: CallwrightError, extension: str) -> Response:
    """An error in the form that the path's extension asks for."""
    status = errors.status_of(error)
    if extension in ("", "xml", "wav", "mp3"):
        response = Response(to_xml("RestException", errors.body(error)), status, media_type=CONTENT_TYPES["xml"])
    else:
        response = Response(to_json(errors.body(error)), status, media_type=CONTENT_TYPES["json"])
    if status == 401:
        response.headers["WWW-Authenticate"] = CHALLENGE.decode()
    if status in (429, 503):
        response.headers["Retry-After"] = "1"
    return response


def build(services: Services, demo: Iterable[Route] = ()) -> Starlette:
    """The whole HTTP application.

    Args:
        demo: the demonstration's application server, which the daemon has in it.
    """

    async def health(request: Request) -> Response:
        status, facts = services.health()
        return Response(json.dumps(dict(facts), default=str), status, media_type="application/json")

    async def metrics(request: Request) -> Response:
        return Response(generate_latest(services.metrics), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def description(request: Request) -> Response:
        body = await asyncio.to_thread(openapi.written, services.public_url)
        return Response(body, media_type="application/json")

    async def unknown(request: Request, error: Exception) -> Response:
        path = request.url.path
        if isinstance(error, HTTPException) and error.status_code == 405:
            return refusal(errors.method_not_allowed(request.method), "json")
        return refusal(errors.not_found(path), "json")

    own = [Route("/health", health), Route("/metrics", metrics), Route("/openapi.json", description)]
    return _Faces(
        Api(services),
        routes=[*own, *services.validations.routes(), *demo],
        exception_handlers={404: unknown, 405: unknown},
    )


class _Faces(Starlette):
    """All faces; requests to the API go past the framework's layers, which would cost as much as their work."""

    def __init__(self, api: Api, **settings: Any) -> None:
        super().__init__(**settings)
        self._api = api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith((f"/{API_VERSION}/", *ROOTS)):
            await self._api(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


class _Server(uvicorn.Server):
    """uvicorn inside the daemon's loop: signals are the daemon's business."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def server(app: Starlette, listen: str, *, certificate: str = "", private_key: str = "") -> uvicorn.Server:
    """An HTTP server for the daemon's loop: `await serve()`, and `should_exit = True` to end it.

    Args:
        listen: "address:port"; an IPv6 address stands in brackets.
        certificate: PEM file; with `private_key`, HTTPS.
    """
    host, _, port = listen.rpartition(":")
    settings: dict[str, Any] = {"ssl_certfile": certificate, "ssl_keyfile": private_key} if certificate else {}
    return _Server(
        uvicorn.Config(
            app,
            host=host.strip("[]"),
            port=int(port),
            loop="none",
            http="httptools",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=30,
            timeout_graceful_shutdown=5,
            **settings,
        )
    )
