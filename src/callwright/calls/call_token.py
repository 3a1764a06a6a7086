"""CallToken: what the requests of a call from a trunk carry, so that a call that is placed over the API while it lives
may show its caller (call-control reference §2.1, §3.2, §7.6).

A JSON object, URL-encoded: a JWT that names the call, signed with its account's auth token (RFC 7515, HS256), and the
PASSporT that it came with.
"""

import base64
import binascii
import hmac
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from callwright.calls.status import Direction

if TYPE_CHECKING:
    from callwright.calls.call import Call

LONGEST = 16384
_HEADER = {"alg": "HS256", "typ": "JWT"}


def made(call: "Call") -> str:
    """The token of a call."""
    claims = {"accountSid": call.account.sid, "callSid": call.sid, "from": call.from_, "to": call.to}
    signed = f"{_encoded(_HEADER)}.{_encoded(claims)}"
    token = f"{signed}.{_base64(_mac(call.account.auth_token, signed))}"
    passport = call.stir_verdict.token if call.stir_verdict is not None else ""
    whole = {"parentCallInfoToken": token, "identityHeaderTokens": [passport] if passport else []}
    return quote(json.dumps(whole, separators=(",", ":")), safe="")


def named(token: str, account_sid: str, live: "Mapping[str, Call]") -> "Call | None":
    """The live inbound call of this account that a token is of; None when it is of none."""
    try:
        whole = json.loads(unquote(token) if len(token) <= LONGEST else "")
        signed, _, mac = whole["parentCallInfoToken"].rpartition(".")
        claims = json.loads(_bytes(signed.partition(".")[2]))
        call = live.get(claims["callSid"])
        if call is None or call.account.sid != account_sid or not offered(call):
            return None
        genuine = hmac.compare_digest(_mac(call.account.auth_token, signed), _bytes(mac))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None  # whatever it is, it is none of ours
    return call if genuine else None


def offered(call: "Call") -> bool:
    """Whether a call's requests carry one: it came in by a trunk."""
    return call.direction is Direction.INBOUND and bool(call.trunk)


def _mac(key: str, signed: str) -> bytes:
    return hmac.digest(key.encode(), signed.encode(), "sha256")


def _encoded(part: Mapping[str, Any]) -> str:
    return _base64(json.dumps(part, separators=(",", ":")).encode())


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError("not base64url") from error
