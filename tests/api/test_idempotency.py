import asyncio
from typing import Any

import pytest

from callwright.account import Account

from .conftest import BASE, MINE, NUMBER, OTHER, Site

ORDER = {"To": "+15550002000", "From": NUMBER, "Twiml": "<Response/>"}


async def post(
    site: Site, key: str, data: dict[str, str], *, path: str = f"{BASE}/Calls.json", **options: Any
) -> tuple[int, Any]:
    return await site.json("POST", path, data=data, headers={"Idempotency-Key": key}, **options)


@pytest.mark.parametrize("header", ["Idempotency-Key", "I-Twilio-Idempotency-Token"])
async def test_a_repeated_post_places_one_call(site: Site, header: str) -> None:
    answers = [await site.json("POST", f"{BASE}/Calls.json", data=ORDER, headers={header: "one"}) for _ in range(3)]
    assert answers[0][0] == 201 and answers[1:] == answers[:1] * 2
    assert len(site.switchboard.orders) == 1
    await site.json("POST", f"{BASE}/Calls.json", data=ORDER, headers={header: "two"})
    await site.json("POST", f"{BASE}/Calls.json", data=ORDER)
    assert len(site.switchboard.orders) == 3


async def test_at_the_same_time(site: Site) -> None:
    answers = await asyncio.gather(*(post(site, "one", ORDER) for _ in range(5)))
    assert len({call["sid"] for _, call in answers}) == 1 and len(site.switchboard.orders) == 1


async def test_a_key_is_one_requests(site: Site) -> None:
    await post(site, "one", ORDER)
    status, error = await post(site, "one", ORDER | {"To": "+15550002001"})
    assert (status, error["code"]) == (409, 20409)
    status, error = await post(site, "one", ORDER, path=f"{BASE}/Applications.json")
    assert (status, error["code"]) == (409, 20409)
    assert len(site.switchboard.orders) == 1


async def test_a_key_is_one_accounts(site: Site) -> None:
    path = "/v1/ByocTrunks"
    one = await post(site, "one", {}, path=path)
    other = await post(site, "one", {}, path=path, account=OTHER)
    assert (one[0], other[0]) == (201, 201) and one[1]["sid"] != other[1]["sid"]
    status, _ = await post(site, "one", {}, path=path, account=Account(MINE.sid, "wrong"))
    assert status == 401, "no answer without credentials"


async def test_a_refused_request_may_be_sent_again(site: Site) -> None:
    """Nothing has been done: the next attempt is the first."""
    full = ORDER | {"To": "+15550009999"}
    assert (await post(site, "one", full))[0] == 429
    assert (await post(site, "one", full))[0] == 429
    assert (await post(site, "one", ORDER))[0] == 201


async def test_it_outlives_the_daemon(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    first = await post(site, "one", ORDER)
    monkeypatch.setattr(site.services.answers, "_under_way", {})
    assert await post(site, "one", ORDER) == first
    assert len(site.switchboard.orders) == 1


@pytest.mark.parametrize("key", ["x" * 256, "a\x85b"])
async def test_refuses_keys(site: Site, key: str) -> None:
    status, error = await post(site, key, ORDER)
    assert (status, error["code"]) == (400, 20422)
    assert site.switchboard.orders == []


async def test_other_methods_have_none(site: Site) -> None:
    await post(site, "one", ORDER)
    headers = {"Idempotency-Key": "one"}
    status, page = await site.json("GET", f"{BASE}/Calls.json", headers=headers)
    assert status == 200 and len(page["calls"]) == 1
