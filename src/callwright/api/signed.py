"""The daemon's own application servers: forms that the daemon posts to itself, signed like every webhook."""

import hmac
from collections.abc import Mapping
from urllib.parse import parse_qsl

from starlette.requests import Request

from callwright.account import Account
from callwright.errors import RestError
from callwright.signing import signature

MOST_BYTES = 65536


async def signed_form(request: Request, accounts: Mapping[str, Account], public_url: str) -> dict[str, str]:
    """The fields of a form whose signature is the account's that it names.

    Raises:
        RestError: it is too long (413), or its signature is wrong (403).
    """
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > MOST_BYTES:
            raise RestError("too much", status=413)
    form = dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))
    account = accounts.get(form.get("AccountSid", ""))
    signed = request.headers.get("x-twilio-signature", "").encode()
    url = f"{public_url}{request.url.path}"
    if account is None or not hmac.compare_digest(signed, signature(account.auth_token, url, form.items()).encode()):
        raise RestError("the signature is wrong", status=403)
    return form
