import pytest

from callwright.api import errors
from callwright.errors import CallwrightError, RestError, StoreError


@pytest.mark.parametrize(
    ("error", "code", "status"),
    [
        (errors.not_found("/x"), 20404, 404),
        (errors.unauthorized(), 20003, 401),
        (errors.method_not_allowed("PUT"), 20004, 405),
        (errors.too_large(1), 20413, 413),
        (errors.invalid("PageSize", "x"), 20422, 400),
        (RestError("x", code=21201), 21201, 400),
        (StoreError("x"), 20503, 503),
        (CallwrightError("x"), 20500, 500),
    ],
)
def test_bodies(error: CallwrightError, code: int, status: int) -> None:
    assert errors.body(error) == {
        "code": code,
        "message": error.message,
        "more_info": f"https://www.twilio.com/docs/errors/{code}",
        "status": status,
    }
    assert errors.status_of(error) == status
