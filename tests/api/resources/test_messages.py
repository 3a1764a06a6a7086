import asyncio

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from ..conftest import NUMBER


async def test_sdk_keeps_messages_that_are_not_sent(client: Client) -> None:
    made = await asyncio.to_thread(client.messages.create, to="+15550002000", from_=NUMBER, body="Hello\nyou")
    assert (made.status, made.error_code, made.direction) == ("failed", 30008, "outbound-api")
    assert (made.body, made.num_segments, made.num_media, made.price) == ("Hello\nyou", "1", "0", None)
    assert [one.sid for one in await asyncio.to_thread(client.messages.list, to="+15550002000")] == [made.sid]
    assert await asyncio.to_thread(client.messages.list, to="+15550002001") == []
    assert await asyncio.to_thread(client.messages(made.sid).media.list) == []
    assert await asyncio.to_thread(client.messages(made.sid).delete)
    for parameters, code in (
        ({"to": "+1", "body": "x"}, 21603),
        ({"to": "+1", "from_": NUMBER}, 21602),
        ({"to": "", "from_": NUMBER, "body": "x"}, 21604),
    ):
        with pytest.raises(TwilioRestException) as refused:
            await asyncio.to_thread(client.messages.create, **parameters)
        assert refused.value.code == code
