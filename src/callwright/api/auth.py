"""HTTP Basic authentication with an account's SID and token, or with an API key (call-control reference §3.1, §3.9)."""

import base64
import binascii
import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from callwright.account import Account
from callwright.api.errors import inactive, unauthorized
from callwright.store.directory import Directory

CHALLENGE = b'Basic realm="Twilio API"'

_NOBODY = Account("", "0" * 32)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who makes a request.

    Attributes:
        account: whose credentials they are.
        key: SK... when they are an API key, which cannot manage accounts and keys; "" for the account's token.
    """

    account: Account
    key: str = ""


def authenticate(header: bytes | None, accounts: Mapping[str, Account], directory: Directory) -> Caller:
    """Whose credentials these are. Unknown accounts and wrong tokens take the same time.

    Args:
        header: the value of Authorization.

    Raises:
        RestError: 20003, they are missing or wrong; 20005, the account is suspended or closed.
    """
    user, secret = _credentials(header)
    key = directory.get("keys", user)
    account = accounts.get(key.account_sid if key else user, _NOBODY)
    token = (str(key["secret"]) if key else account.auth_token).encode()
    matches = hmac.compare_digest(secret, token)
    if account is _NOBODY or not token or not matches:
        raise unauthorized()
    if not account.active:
        raise inactive(account)
    return Caller(account, key.sid if key else "")


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
