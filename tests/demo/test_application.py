"""The demonstration's application server."""

from urllib.parse import urlencode

import pytest
from lxml import etree
from starlette.applications import Starlette

from callwright.account import Account
from callwright.api.signed import MOST_BYTES
from callwright.demo.application import routes
from callwright.signing import signature

ACCOUNT = Account("AC" + "1" * 32, "secret")
BASE = "http://127.0.0.1:8080"


async def post(path: str, body: bytes, signed: str) -> tuple[int, str]:
    """One request to the application, as the HTTP server hands it over."""
    app = Starlette(routes=routes({ACCOUNT.sid: ACCOUNT}, BASE))
    sent: list[dict[str, object]] = []
    pieces = [body[at : at + 16384] for at in range(0, len(body), 16384)] or [b""]

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": pieces.pop(0), "more_body": bool(pieces)}

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    headers = [(b"x-twilio-signature", signed.encode("latin-1")), (b"content-length", str(len(body)).encode())]
    scope = {"type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "query_string": b""}
    await app(scope | {"headers": headers, "http_version": "1.1"}, receive, send)  # type: ignore[arg-type]  # plain ASGI
    return int(str(sent[0]["status"])), b"".join(bytes(part.get("body", b"")) for part in sent[1:]).decode()  # type: ignore[arg-type]  # bytes


def form(**fields: str) -> tuple[bytes, dict[str, str]]:
    fields = {"AccountSid": ACCOUNT.sid} | fields
    return urlencode(fields).encode(), fields


@pytest.mark.parametrize(
    ("digits", "said"), [("5", "You pressed 5."), ("#", "You pressed pound."), ("<", "You pressed <."), ("", "You")]
)
async def test_key_is_spoken(digits: str, said: str) -> None:
    body, fields = form(Digits=digits)
    status, text = await post("/demo/key", body, signature("secret", f"{BASE}/demo/key", fields.items()))
    assert status == 200 and said in etree.fromstring(text.encode()).findtext("Say", "")


async def test_menu() -> None:
    body, fields = form()
    status, text = await post("/demo/voice", body, signature("secret", f"{BASE}/demo/voice", fields.items()))
    gather = etree.fromstring(text.encode()).find("Gather")
    assert status == 200 and gather is not None and gather.get("action") == "/demo/key"


@pytest.mark.parametrize("signed", ["", "wrong", "\xe9"])
async def test_unsigned_is_refused(signed: str) -> None:
    assert (await post("/demo/voice", form()[0], signed))[0] == 403


async def test_unknown_account_is_refused() -> None:
    body = urlencode({"AccountSid": "AC0"}).encode()
    signed = signature("", f"{BASE}/demo/voice", [("AccountSid", "AC0")])
    assert (await post("/demo/voice", body, signed))[0] == 403


async def test_endless_request_is_refused() -> None:
    assert (await post("/demo/voice", b"x" * (MOST_BYTES + 1), ""))[0] == 413


async def test_bytes_that_are_no_text() -> None:
    assert (await post("/demo/voice", b"\xff\xfe=%ff", ""))[0] == 403
