import asyncio
from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

WHOLE: dict[str, Any] = {
    "customer_name": "A",
    "street": "1 Main",
    "city": "B",
    "region": "C",
    "postal_code": "D",
    "iso_country": "US",
}


async def test_sdk_keeps_addresses(client: Client) -> None:
    made = await asyncio.to_thread(client.addresses.create, **WHOLE, friendly_name="HQ")
    assert (made.street, made.validated, made.emergency_enabled) == ("1 Main", False, False)
    changed = await asyncio.to_thread(client.addresses(made.sid).update, street="2 Main")
    assert (changed.street, changed.iso_country) == ("2 Main", "US")
    assert [one.sid for one in await asyncio.to_thread(client.addresses.list, customer_name="A")] == [made.sid]
    assert await asyncio.to_thread(client.addresses(made.sid).delete)
    with pytest.raises(TwilioRestException) as refused:
        await asyncio.to_thread(client.addresses.create, **{**WHOLE, "iso_country": "Utopia"})
    assert refused.value.code == 20422
