import asyncio
import json
from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from callwright.calls.countries import COUNTRIES
from callwright.calls.permissions import Permissions

from ..conftest import MINE, Site, client_of


async def do(work: Any, **parameters: Any) -> Any:
    return await asyncio.to_thread(work, **parameters)


def off(*isos: str, value: str = "false") -> str:
    return json.dumps([{"iso_code": iso, "low_risk_numbers_enabled": value} for iso in isos])


async def test_sdk_lists_countries(client: Client) -> None:
    countries = client.voice.v1.dialing_permissions.countries
    assert len(await do(countries.list)) == len(COUNTRIES)
    (one,) = await do(countries.list, iso_code="GB")
    assert (one.name, one.continent, one.country_codes) == ("United Kingdom", "EUROPE", ["+44"])
    assert {each.iso_code for each in await do(countries.list, country_code="1")} == {"US", "CA"}
    assert (await do(countries("de").fetch)).low_risk_numbers_enabled is True
    special = await do(countries("DE").highrisk_special_prefixes.list)
    assert "+49900" in [one.prefix for one in special] and all(one.prefix.startswith("+49") for one in special)
    assert await do(countries("AD").highrisk_special_prefixes.list) == []
    assert "+881" in [one.prefix for one in await do(countries("XA").highrisk_special_prefixes.list)]
    fetched = await do(countries("DE").fetch)
    assert not fetched.high_risk_special_numbers_enabled and not fetched.high_risk_tollfraud_numbers_enabled
    with pytest.raises(TwilioRestException) as missing:
        await do(countries("ZZ").fetch)
    assert missing.value.code == 20404


async def test_a_forbidden_country(site: Site, client: Client) -> None:
    """That it is not called is told by the fences' tests: they ask what is changed here."""
    permissions = client.voice.v1.dialing_permissions
    made = await do(permissions.bulk_country_updates.create, update_request=off("GB", "CU"))
    assert made.update_count == 2
    off_now = await do(permissions.countries.list, low_risk_numbers_enabled=False, page_size=1)
    assert [one.iso_code for one in off_now] == ["CU", "GB"]
    asked = Permissions(site.services.directory)
    assert not asked.permits(MINE, "+447700900000") and asked.permits(MINE, "+4915112345678")
    await do(permissions.bulk_country_updates.create, update_request=off("GB", value="true"))
    assert asked.permits(MINE, "+447700900000") and not asked.permits(MINE, "+449098790000")
    special = json.dumps([{"iso_code": "GB", "high_risk_special_numbers_enabled": "true"}])
    await do(permissions.bulk_country_updates.create, update_request=special)
    assert asked.permits(MINE, "+449098790000")


async def test_a_subaccount_has_its_owners_permissions(site: Site, client: Client) -> None:
    part = await do(client.api.v2010.accounts.create)
    await do(client.voice.v1.dialing_permissions.bulk_country_updates.create, update_request=off("CU"))
    with client_of(site, part.sid, part.auth_token) as own:
        permissions = own.voice.v1.dialing_permissions
        assert (await do(permissions.countries("CU").fetch)).low_risk_numbers_enabled is False
        assert (await do(permissions.settings().fetch)).dialing_permissions_inheritance is True
        changed = await do(permissions.settings().update, dialing_permissions_inheritance=False)
        assert changed.dialing_permissions_inheritance is False
        assert (await do(permissions.countries("CU").fetch)).low_risk_numbers_enabled is True


@pytest.mark.parametrize("text", ["", "x", "{}", "[]", "[1]", '[{"iso_code":"ZZ"}]', "[" * 5000, off("GB", value="?")])
async def test_refuses(site: Site, text: str) -> None:
    path = "/v1/DialingPermissions/BulkCountryUpdates"
    status, error = await site.json("POST", path, data={"UpdateRequest": text})
    assert (status, error["code"]) == (400, 20422)
