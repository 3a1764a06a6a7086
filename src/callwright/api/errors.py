"""Refusals in the shape of the API: code, message, more_info, status (call-control reference §3.1)."""

from typing import Any

from callwright.account import Account
from callwright.errors import MORE_INFO, CallwrightError, RestError

UNAUTHORIZED = 20003
METHOD_NOT_ALLOWED = 20004
NOT_ACTIVE = 20005
NOT_FINISHED = 20009
NOT_FOUND = 20404
CONFLICT = 20409
TOO_LARGE = 20413
INVALID_PARAMETER = 20422
SERVER_ERROR = 20500
WRONG_STATE = 21220
BAD_PAGE_TOKEN = 21481


def not_found(path: str) -> RestError:
    """The answer for what does not exist, and for what belongs to somebody else."""
    return RestError(f"The requested resource {path} was not found", code=NOT_FOUND, status=404)


def unauthorized() -> RestError:
    """The answer to missing or wrong credentials."""
    return RestError("Authenticate", code=UNAUTHORIZED, status=401)


def forbidden(what: str) -> RestError:
    """The answer to an API key that asks for what only the account's own token may do."""
    return RestError(f"An API key cannot be used for {what}", code=UNAUTHORIZED, status=403)


def inactive(account: Account) -> RestError:
    """The answer to what a suspended or closed account may not do."""
    return RestError(f"Account {account.sid} is {account.status}", code=NOT_ACTIVE, status=403)


def method_not_allowed(method: str) -> RestError:
    """The answer to a method that a resource does not have."""
    return RestError(f"Method {method} is not allowed on this resource", code=METHOD_NOT_ALLOWED, status=405)


def too_large(limit: int) -> RestError:
    """The answer to a body that is longer than it may be."""
    return RestError(f"The request's body is longer than {limit} bytes", code=TOO_LARGE, status=413)


def invalid(name: str, value: str = "") -> RestError:
    """The answer to a parameter that cannot be read."""
    return RestError(f"Invalid parameter {name}: {value}" if value else f"Invalid parameter {name}", code=20422)


def status_of(error: CallwrightError) -> int:
    """The HTTP status of the answer."""
    return error.status if isinstance(error, RestError) else error.http_status


def body(error: CallwrightError) -> dict[str, Any]:
    """The error's fields."""
    return {
        "code": error.code,
        "message": error.message,
        "more_info": MORE_INFO.format(code=error.code),
        "status": status_of(error),
    }
