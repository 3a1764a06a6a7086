import asyncio

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from callwright import ids

from ..conftest import MINE, NUMBER


async def test_sdk_keeps_regions(client: Client) -> None:
    of = client.routes.v2.phone_numbers(NUMBER)
    shown = await asyncio.to_thread(of.fetch)
    assert (shown.phone_number, shown.voice_region, shown.account_sid) == (NUMBER, "us1", MINE.sid)
    assert ids.valid(shown.sid, "QQ")
    changed = await asyncio.to_thread(of.update, voice_region="ie1", friendly_name="x")
    assert (changed.voice_region, changed.friendly_name, changed.sid) == ("ie1", "x", shown.sid)
    again = await asyncio.to_thread(of.fetch)
    assert again.voice_region == "ie1" and again.date_created is not None
    domain = await asyncio.to_thread(client.sip.domains.create, domain_name="a.example")
    route = await asyncio.to_thread(client.routes.v2.sip_domains(domain.domain_name).fetch)
    assert route.sip_domain == "a.example"
    with pytest.raises(TwilioRestException) as missing:
        await asyncio.to_thread(client.routes.v2.trunks("a.pstn.twilio.com").fetch)
    assert missing.value.code == 20404
    with pytest.raises(TwilioRestException) as refused:
        await asyncio.to_thread(of.update, voice_region="moon")
    assert refused.value.code == 20422
