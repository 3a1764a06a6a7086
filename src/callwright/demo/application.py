"""The demonstration's application server: two documents behind signed webhooks, as any application would have them."""

from collections.abc import Mapping
from xml.sax.saxutils import escape

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

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


def routes(accounts: Mapping[str, Account], public_url: str) -> list[Route]:
    """`/demo/voice` and `/demo/key`. A request without a valid signature gets 403."""

    async def answer(request: Request, document: str) -> Response:
        try:
            form = await signed_form(request, accounts, public_url)
        except RestError as refused:
            return Response(refused.message, refused.status, media_type="text/plain")
        key = form.get("Digits", "")[:1]
        return Response(document.format(key=escape(NAMES.get(key, key))), media_type="text/xml")

    async def voice(request: Request) -> Response:
        return await answer(request, MENU)

    async def key(request: Request) -> Response:
        return await answer(request, HEARD)

    return [Route("/demo/voice", voice, methods=["POST"]), Route("/demo/key", key, methods=["POST"])]
