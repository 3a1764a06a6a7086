import base64
from typing import cast

import pytest

from callwright.account import Account
from callwright.api.auth import Caller, authenticate
from callwright.errors import RestError
from callwright.store.directory import Directory, Record
from callwright.store.store import Store

ACCOUNT = Account("AC1", "tökén:with:colons")
ACCOUNTS = {
    "AC1": ACCOUNT,
    "AC2": Account("AC2", ""),
    "AC4": Account("AC4", "token", status="suspended"),
    "AC5": Account("AC5", "token", status="closed"),
}


def basic(text: str) -> bytes:
    return b"Basic " + base64.b64encode(text.encode())


@pytest.fixture
def directory() -> Directory:
    directory = Directory(cast(Store, None))  # nothing is written
    directory.declare(
        [Record("SK1", "keys", "AC1", {"secret": "s3cret"}), Record("SK4", "keys", "AC4", {"secret": "s3cret"})]
    )
    return directory


def test_authenticates(directory: Directory) -> None:
    header = basic("AC1:tökén:with:colons")
    assert authenticate(header, ACCOUNTS, directory) == Caller(ACCOUNT)
    assert authenticate(header.replace(b"Basic", b"bAsIc"), ACCOUNTS, directory) == Caller(ACCOUNT)


def test_authenticates_by_key(directory: Directory) -> None:
    assert authenticate(basic("SK1:s3cret"), ACCOUNTS, directory) == Caller(ACCOUNT, "SK1")


@pytest.mark.parametrize("credentials", ["AC4:token", "AC5:token", "SK4:s3cret"])
def test_refuses_accounts_that_are_not_active(directory: Directory, credentials: str) -> None:
    with pytest.raises(RestError) as refused:
        authenticate(basic(credentials), ACCOUNTS, directory)
    assert (refused.value.code, refused.value.status) == (20005, 403)


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
        basic("AC4:wrong"),
        basic("SK1:wrong"),
        basic("SK1:"),
        basic("SK2:s3cret"),
        basic(":" + "0" * 32),
        basic(":"),
        basic("ÄC1:x"),
    ],
)
def test_refuses(directory: Directory, header: bytes | None) -> None:
    with pytest.raises(RestError) as refused:
        authenticate(header, ACCOUNTS, directory)
    assert (refused.value.code, refused.value.status) == (20003, 401)
