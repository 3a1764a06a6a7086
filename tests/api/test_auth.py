import base64

import pytest

from callwright.account import Account
from callwright.api.auth import authenticate
from callwright.errors import RestError

ACCOUNT = Account("AC1", "tökén:with:colons")
ACCOUNTS = {"AC1": ACCOUNT, "AC2": Account("AC2", "")}


def basic(text: str) -> bytes:
    return b"Basic " + base64.b64encode(text.encode())


def test_authenticates() -> None:
    assert authenticate(basic("AC1:tökén:with:colons"), ACCOUNTS) is ACCOUNT
    assert authenticate(basic("AC1:tökén:with:colons").replace(b"Basic", b"bAsIc"), ACCOUNTS) is ACCOUNT


@pytest.mark.parametrize(
    "header",
    [
        None,
        b"",
        b"Basic",
        b"Basic ",
        b"Basic !!!",
        b"Bearer x",
        basic("AC1"),
        basic("AC1:"),
        basic("AC1:token"),
        basic("AC2:"),
        basic("AC3:x"),
        basic(":" + "0" * 32),
        basic(":"),
        basic("ÄC1:x"),
    ],
)
def test_refuses(header: bytes | None) -> None:
    with pytest.raises(RestError) as refused:
        authenticate(header, ACCOUNTS)
    assert (refused.value.code, refused.value.status) == (20003, 401)
