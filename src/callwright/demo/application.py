"""The demonstration's application server: two documents behind signed webhooks, as any application would have them."""

import hmac
from collections.abc import Mapping
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from fastapi import APIRouter, Request, Response

from callwright.account import Account
from callwright.signing import signature

MENU = """<?xml version="1.0" encoding="UTF-8"?>
<Response>
  <Gather numDigits="1" timeout="8" action="/demo/key">
    <Say>Welcome to Callwright. Press any key.</Say>
  </Gather>
  <Say>No key was pressed. Goodbye.</Say>
</Response>"""

HEARD = """<?xml version="1.0" encoding="UTF-8"?>
<Response>
  <Say>You pressed {key}. Goodbye.</Say>
  <Hangup/>
</Response>"""

NAMES = {"*": "star", "#": "pound"}
MOST_BYTES = 65536


def routes(accounts: Mapping[str, Account], public_url: str) -> APIRouter:
    """`/demo/voice` and `/demo/key`. A request without a valid signature gets 403."""
    router = APIRouter(prefix="/demo")

    async def answer(request: Request, document: str) -> Response:
        body = b""
        async for piece in request.stream():
            body += piece
            if len(body) > MOST_BYTES:
                return Response("too much", status_code=413, media_type="text/plain")
        form = dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))
        account = accounts.get(form.get("AccountSid", ""))
        signed = request.headers.get("x-twilio-signature", "").encode()
        url = f"{public_url}{request.url.path}"
        if account is None or not hmac.compare_digest(
            signed, signature(account.auth_token, url, form.items()).encode()
        ):
            return Response("the signature is wrong", status_code=403, media_type="text/plain")
        key = form.get("Digits", "")[:1]
        return Response(document.format(key=escape(NAMES.get(key, key))), media_type="text/xml")

    @router.post("/voice")
    async def voice(request: Request) -> Response:
        return await answer(request, MENU)

    @router.post("/key")
    async def key(request: Request) -> Response:
        return await answer(request, HEARD)

    return router
