from typing import Any

import pytest

from callwright.api.auth import Caller
from callwright.api.forms import Form
from callwright.api.request import ApiRequest
from callwright.api.stored.values import METHOD, Address, Choice, Flag, Reference, Text, Url, Value, Whole
from callwright.errors import RestError
from callwright.store.directory import Record

from ..conftest import MINE, OTHER, Site

APPLICATION = Reference("applications", "AP", 21218)


def asked(site: Site) -> ApiRequest:
    return ApiRequest(site.services, Caller(MINE), MINE, "POST", "/", "json", Form(), Form())


@pytest.mark.parametrize(
    ("value", "text", "means"),
    [
        (Text(3), "abc", "abc"),
        (Text(3), "", ""),
        (Text(9, pattern="[a-z]+"), "abc", "abc"),
        (Url(), "https://a.example/x?y=z#rc=2", "https://a.example/x?y=z#rc=2"),
        (Url(), "", ""),
        (METHOD, "get", "GET"),
        (Choice(("a", "B")), "b", "B"),
        (Flag(), "TRUE", True),
        (Flag(), "false", False),
        (Whole(0, 9), " 7 ", 7),
        (Address(), "2001:DB8::1", "2001:db8::1"),
        (Address(), "192.0.2.1", "192.0.2.1"),
        (APPLICATION, "", ""),
    ],
)
async def test_reads(site: Site, value: Value, text: str, means: Any) -> None:
    assert value.read(text, "Name", asked(site)) == means
    assert value.schema["type"] in ("string", "boolean", "integer")


@pytest.mark.parametrize(
    ("value", "text", "code"),
    [
        (Text(3, 20002), "abcd", 20002),
        (Text(3, 20002, shortest=1), "", 20002),
        (Text(64), "a\nb", 20422),
        (Text(64, pattern="[a-z]+"), "abc1", 20422),
        (Url(), "ftp://a.example", 21205),
        (Url(), "http://a_b.example", 21205),
        (Url(), "http://a.example/" + "x" * 2048, 21205),
        (Url(21456), "a", 21456),
        (METHOD, "PUT", 21209),
        (Flag(), "", 20422),
        (Whole(1, 9), "0", 20422),
        (Whole(1, 9), "1.5", 20422),
        (Whole(1, 9), "٣", 20422),
        (Address(), "192.0.2.256", 20422),
        (APPLICATION, "AP" + "0" * 32, 21218),
        (Reference("applications", "AP", optional=False), "", 20422),
    ],
)
async def test_refuses(site: Site, value: Value, text: str, code: int) -> None:
    with pytest.raises(RestError) as refused:
        value.read(text, "Name", asked(site))
    assert refused.value.code == code and refused.value.status == 400
    assert "Name" in refused.value.message and "\n" not in refused.value.message
    assert len(refused.value.message) < 200


async def test_a_reference_is_to_what_the_account_has(site: Site) -> None:
    mine, theirs = (Record.new("AP", "applications", account.sid, {}) for account in (MINE, OTHER))
    await site.services.directory.change(mine, theirs)
    assert APPLICATION.read(mine.sid, "Name", asked(site)) == mine.sid
    with pytest.raises(RestError):
        APPLICATION.read(theirs.sid, "Name", asked(site))
