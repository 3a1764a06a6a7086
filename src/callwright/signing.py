"""Signatures of the requests that we make, so that an application can trust them (call-control reference §2.7)."""

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Iterable


def signature(token: str, url: str, params: Iterable[tuple[str, str]] = ()) -> str:
    """The X-Twilio-Signature of a request.

    Args:
        token: the account's auth token.
        url: as requested, without userinfo and fragment, the port as it was configured.
        params: the fields of a POST form; none for GET, JSON bodies and WebSocket handshakes. A repeated key counts
            once for each different value.
    """
    # UTF-8 keeps the order of code points, so sorting text is the byte order that the rule asks for.
    text = url + "".join([key + value for key, value in sorted(set(params))])
    return b64encode(hmac.digest(token.encode(), text.encode("utf-8", "replace"), "sha1")).decode("ascii")


def body_sha256_url(url: str, body: bytes) -> str:
    """The URL that a JSON body is posted to, which is also the one that is signed: it names the body's digest."""
    separator = "&" if "?" in url else "?"
    return f"{url}{separator}bodySHA256={hashlib.sha256(body).hexdigest()}"
