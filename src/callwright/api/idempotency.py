"""Idempotency keys: a POST that is sent again with the same key does nothing again and gets the same answer.

The header is `Idempotency-Key`, or `I-Twilio-Idempotency-Token`; its value is the caller's own, at most 255 printable
characters. A key is an account's, and belongs to one request: its method, path and parameters.
"""

from collections.abc import Awaitable, Callable, Mapping

from starlette.responses import Response

from callwright.api.errors import CONFLICT, INVALID_PARAMETER
from callwright.api.request import ApiRequest
from callwright.errors import RestError
from callwright.store.idempotency import Answers, Kept, digest

HEADERS = (b"idempotency-key", b"i-twilio-idempotency-token")
LONGEST = 255


def token(headers: Mapping[bytes, bytes]) -> bytes:
    """The key of a request; b"" for none.

    Raises:
        RestError: it is too long, or not printable.
    """
    found = next((value for name in HEADERS if (value := headers.get(name, b"").strip())), b"")
    if len(found) > LONGEST or not found.decode("latin-1").isprintable():
        raise RestError(f"An idempotency key has at most {LONGEST} printable characters", code=INVALID_PARAMETER)
    return found


async def once(
    answers: Answers, request: ApiRequest, key: bytes, body: bytes, work: Callable[[], Awaitable[Response]]
) -> Response:
    """The response to a request with a key.

    Raises:
        RestError: 20409, the key was another request's; and what `work` raises.
    """
    own = digest(request.method.encode(), request.path.encode(), body)

    async def made() -> Kept:
        response = await work()
        return Kept(own, response.status_code, response.media_type or "", bytes(response.body))

    whose = digest(request.caller.account.sid.encode(), key)
    kept = await answers.once(whose, made)
    if kept.request != own:
        raise RestError("The idempotency key belongs to another request", code=CONFLICT, status=409)
    return Response(kept.body, kept.status, media_type=kept.kind or None)
