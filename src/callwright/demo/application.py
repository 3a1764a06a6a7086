"""The demonstration's application server: two documents behind signed webhooks, as any application would have them."""

from collections.abc import Mapping
from xml.sax.saxutils import escape

from fastapi import APIRouter, Request, Response

from callwright.account import Account
from callwright.api.signed import signed_form
from callwright.errors import RestError

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


def routes(accounts: Mapping[str, Account], public_url: str) -> APIRouter:
    """`/demo/voice` and `/demo/key`. A request without a valid signature gets 403."""
    router = APIRouter(prefix="/demo")

    async def answer(request: Request, document: str) -> Response:
        try:
            form = await signed_form(request, accounts, public_url)
        except RestError as refused:
            return Response(refused.message, refused.status, media_type="text/plain")
        key = form.get("Digits", "")[:1]
        return Response(document.format(key=escape(NAMES.get(key, key))), media_type="text/xml")

    @router.post("/voice")
    async def voice(request: Request) -> Response:
        return await answer(request, MENU)

    @router.post("/key")
    async def key(request: Request) -> Response:
        return await answer(request, HEARD)

    return router
