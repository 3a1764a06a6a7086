"""HTTP Basic authentication with an account's SID and token (call-control reference §3.1)."""

import base64
import binascii
import hmac
from collections.abc import Mapping

from callwright.account import Account
from callwright.api.errors import unauthorized

CHALLENGE = b'Basic realm="Twilio API"'

_NOBODY = Account("", "0" * 32)


def authenticate(header: bytes | None, accounts: Mapping[str, Account]) -> Account:
    """The account that the credentials are of. Unknown accounts and wrong tokens take the same time.

    Args:
        header: the value of Authorization.

    Raises:
        RestError: 20003, they are missing or wrong.
    """
    user, secret = _credentials(header)
    account = accounts.get(user, _NOBODY)
    token = account.auth_token.encode()
    matches = hmac.compare_digest(secret, token)
    if account is _NOBODY or not token or not matches:
        raise unauthorized()
    return account


def _credentials(header: bytes | None) -> tuple[str, bytes]:
    scheme, _, encoded = (header or b"").partition(b" ")
    if scheme.lower() != b"basic":
        raise unauthorized()
    try:
        user, colon, secret = base64.b64decode(encoded.strip(), validate=True).partition(b":")
        name = user.decode("ascii")
    except (binascii.Error, UnicodeDecodeError):
        raise unauthorized() from None
    if not colon:
        raise unauthorized()
    return name, secret
