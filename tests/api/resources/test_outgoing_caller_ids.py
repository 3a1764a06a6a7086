import asyncio
from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from callwright.calls.application import Hook
from callwright.signing import signature

from ..conftest import MINE, NUMBER, OTHER, Site

PHONE = "+15557654321"


async def ask(site: Site, page: str, call_sid: str, **fields: str) -> tuple[int, str]:
    """What the validation's application server answers to the call."""
    form = {"AccountSid": MINE.sid, "CallSid": call_sid, **fields}
    signed = signature(MINE.auth_token, f"http://voice.example/caller-ids/{page}", form.items())
    headers = {"X-Twilio-Signature": signed}
    response, body = await site.ask("POST", f"/caller-ids/{page}", account=None, data=form, headers=headers)
    return response.status, body.decode()


async def begin(client: Client, **parameters: Any) -> Any:
    return await asyncio.to_thread(client.validation_requests.create, phone_number=PHONE, **parameters)


async def test_the_right_code_validates(site: Site, client: Client) -> None:
    begun = await begin(
        client, friendly_name="Desk", call_delay=7, extension="12w", status_callback="http://a.example/"
    )
    assert (begun.phone_number, begun.friendly_name, begun.account_sid) == (PHONE, "Desk", MINE.sid)
    assert len(begun.validation_code) == 6 and begun.validation_code.isdigit()
    order = site.switchboard.orders[-1]
    assert (order.to, order.from_, order.delay, order.send_digits) == (PHONE, NUMBER, 7.0, "12w")
    assert order.application.voice == Hook("http://voice.example/caller-ids/ask")
    assert 'action="/caller-ids/code"' in (await ask(site, "ask", begun.call_sid))[1]
    assert "try again" in (await ask(site, "code", begun.call_sid, Digits="12"))[1]
    assert not site.services.owns(MINE.sid, PHONE)
    assert "validated" in (await ask(site, "code", begun.call_sid, Digits=begun.validation_code))[1]
    assert site.services.owns(MINE.sid, PHONE) and not site.services.owns(OTHER.sid, PHONE)
    (listed,) = await asyncio.to_thread(client.outgoing_caller_ids.list, phone_number=PHONE)
    assert (listed.phone_number, listed.friendly_name) == (PHONE, "Desk")
    assert (await ask(site, "over", begun.call_sid, CallStatus="completed"))[0] == 200
    (told,) = site.posts.posted
    assert told["hook"] == Hook("http://a.example/") and told["params"]["CallStatus"] == "completed"
    assert (told["params"]["VerificationStatus"], told["params"]["OutgoingCallerIdSid"]) == ("success", listed.sid)
    with pytest.raises(TwilioRestException) as again:
        await begin(client)
    assert again.value.code == 21450
    changed = await asyncio.to_thread(client.outgoing_caller_ids(listed.sid).update, friendly_name="Else")
    assert (changed.friendly_name, changed.phone_number) == ("Else", PHONE)
    assert await asyncio.to_thread(client.outgoing_caller_ids(listed.sid).delete)
    assert not site.services.owns(MINE.sid, PHONE)


async def test_wrong_codes_do_not(site: Site, client: Client) -> None:
    """Three attempts; afterwards not even the right one."""
    begun = await begin(client, status_callback="http://a.example/")
    wrong = "000000" if begun.validation_code != "000000" else "111111"
    for _ in range(2):
        assert "try again" in (await ask(site, "code", begun.call_sid, Digits=wrong))[1]
    assert "Goodbye" in (await ask(site, "code", begun.call_sid, Digits=wrong))[1]
    assert "Goodbye" in (await ask(site, "code", begun.call_sid, Digits=begun.validation_code))[1]
    await ask(site, "over", begun.call_sid, CallStatus="completed")
    assert site.posts.posted[0]["params"]["VerificationStatus"] == "failed"
    assert await asyncio.to_thread(client.outgoing_caller_ids.list) == []
    assert (await ask(site, "code", begun.call_sid, Digits=begun.validation_code))[0] == 404


async def test_strangers_cannot_answer(site: Site, client: Client) -> None:
    begun = await begin(client)
    form = {"AccountSid": MINE.sid, "CallSid": begun.call_sid, "Digits": begun.validation_code}
    response, _ = await site.ask("POST", "/caller-ids/code", account=None, data=form)
    assert response.status == 403
    assert await asyncio.to_thread(client.outgoing_caller_ids.list) == []


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"PhoneNumber": "5551"}, 21401),
        ({}, 21401),
        ({"PhoneNumber": PHONE, "CallDelay": "61"}, 21454),
        ({"PhoneNumber": PHONE, "Extension": "x"}, 21206),
        ({"PhoneNumber": PHONE, "StatusCallback": "x"}, 21205),
        ({"PhoneNumber": PHONE, "FriendlyName": "x" * 65}, 20002),
    ],
)
async def test_refuses(site: Site, parameters: dict[str, str], code: int) -> None:
    path = f"/2010-04-01/Accounts/{MINE.sid}/OutgoingCallerIds.json"
    status, error = await site.json("POST", path, data=parameters)
    assert (status, error["code"]) == (400, code)
    assert site.switchboard.orders == []
