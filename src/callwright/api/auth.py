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
    first, second = (str(key["secret"]), "") if key else (account.auth_token, _second(directory, user))
    matches = [bool(token) and hmac.compare_digest(secret, token.encode()) for token in (first, second)]
    if account is _NOBODY or not any(matches):
        raise unauthorized()
    if not account.active:
        raise inactive(account)
    return Caller(account, key.sid if key else "")


def _second(directory: Directory, account_sid: str) -> str:
    """The token that is to be an account's next one; "" for none."""
    record = directory.get("accounts", account_sid)
    return str(record["secondary_auth_token"] or "") if record else ""


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
