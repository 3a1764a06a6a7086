"""The application server against an HTTP client and the vendor's own signatures."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
import pytest
from multidict import MultiDict
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]  # twilio ships no types

from .application import Answer, ApplicationServer, Break, Received
from .waiting import NotInTime

Applications = Callable[..., Awaitable[ApplicationServer]]


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(5)) as session:
        yield session


async def test_answers_come_in_turn_and_the_last_stays(
    application: ApplicationServer, client: aiohttp.ClientSession
) -> None:
    application.on("/voice", [Answer("no", status=503, headers={"Retry-After": "1"}), "<Response/>"])
    seen = []
    for _ in range(3):
        async with client.post(application.url("/voice?a=1"), data={"CallSid": "CA1", "Empty": ""}) as response:
            seen.append((response.status, await response.text(), response.content_type))
    assert seen == [(503, "no", "text/xml"), (200, "<Response/>", "text/xml"), (200, "<Response/>", "text/xml")]
    request = await application.request("/voice")
    assert (request.method, request.query, request.form) == ("POST", {"a": "1"}, {"CallSid": "CA1", "Empty": ""})
    assert request.params == request.form and request.order == 0 and request.signed is None
    assert (await application.request("/voice")).order == 1
    async with client.get(application.url("/nowhere")) as response:
        assert response.status == 404


async def test_a_callable_sees_the_request(application: ApplicationServer, client: aiohttp.ClientSession) -> None:
    async def later(request: Received) -> Answer:
        return Answer(request.body, content_type="application/json")

    application.on("/plain", lambda request: f"<{request.params['x']}/>")
    application.on("/json", later)
    async with client.get(application.url("/plain"), params={"x": "é"}) as response:
        assert await response.text() == "<é/>"
    async with client.post(application.url("/json"), json={"a": [1]}) as response:
        assert await response.json() == {"a": [1]}
    assert (await application.request("/json")).json == {"a": [1]}


async def test_a_held_answer_waits_for_the_test(application: ApplicationServer, client: aiohttp.ClientSession) -> None:
    held = application.hold("/slow", "<Response/>")
    asked = asyncio.ensure_future(client.get(application.url("/slow")))
    await application.request("/slow")
    assert not asked.done()
    held.set()
    async with await asked as response:
        assert response.status == 200


async def test_a_request_that_does_not_come_fails_with_those_that_did(
    application: ApplicationServer, client: aiohttp.ClientSession
) -> None:
    async with client.post(application.url("/other"), data={"CallStatus": "ringing"}):
        pass
    with pytest.raises(NotInTime, match=r"a request to /voice; came:\n  0 POST /other ringing"):
        await application.request("/voice", timeout=0.05)


@pytest.mark.parametrize(
    ("how", "error"),
    [
        (Break.RESET, aiohttp.ClientOSError),
        (Break.CLOSE, aiohttp.ServerDisconnectedError),
        (Break.GARBAGE, aiohttp.ClientResponseError),
        (Break.TRUNCATED, aiohttp.ClientPayloadError),
        (Break.HANG, TimeoutError),
        (Break.ENDLESS, TimeoutError),
    ],
)
async def test_each_way_to_break(
    application: ApplicationServer, client: aiohttp.ClientSession, how: Break, error: type[Exception]
) -> None:
    application.on("/broken", how)
    with pytest.raises(error):
        async with client.get(application.url("/broken"), timeout=aiohttp.ClientTimeout(total=0.3)) as response:
            await response.read()
    assert (await application.request("/broken")).method == "GET"


async def test_refused_connections_and_back(application: ApplicationServer, client: aiohttp.ClientSession) -> None:
    application.on("/voice", "<Response/>")
    await application.refuse_connections()
    with pytest.raises(aiohttp.ClientConnectorError):
        await client.get(application.url("/voice"))
    await application.listen()
    async with client.get(application.url("/voice")) as response:
        assert response.status == 200


async def test_signatures_are_checked_with_the_vendors_validator(
    applications: Applications, client: aiohttp.ClientSession
) -> None:
    token = "0123456789abcdef0123456789abcdef"
    application = await applications(token)
    application.on("/voice", "<Response/>")
    url = application.url("/voice?b=2&a=x%20y")
    form = {"CallSid": "CA1", "To": "+1555"}
    signature = RequestValidator(token).compute_signature(url, form)
    signatures = {"good": signature, "bad": signature[:-4] + "AAA=", "none": ""}
    for value in signatures.values():
        async with client.post(url, data=form, headers={"X-Twilio-Signature": value} if value else {}):
            pass
    assert [(await application.request("/voice")).signed for _ in signatures] == [True, False, False]
    repeated = MultiDict([("MediaUrl", "b"), ("MediaUrl", "a")])
    signature = RequestValidator(token).compute_signature(url, repeated)
    async with client.post(url, data=repeated, headers={"X-Twilio-Signature": signature}):
        pass
    assert (await application.request("/voice")).signed is True
    get = RequestValidator(token).compute_signature(url, {})
    async with client.get(url, headers={"X-Twilio-Signature": get}):
        pass
    assert (await application.request("/voice")).signed is True


async def test_sounds_with_validators(application: ApplicationServer, client: aiohttp.ClientSession) -> None:
    content = b"RIFF...."
    application.serve_sound("/a.wav", content, etag=True, last_modified=1e9, cache_control="max-age=60")
    async with client.get(application.url("/a.wav")) as response:
        assert (await response.read(), response.content_type) == (content, "audio/wav")
        etag, modified = response.headers["ETag"], response.headers["Last-Modified"]
        assert (response.headers["Cache-Control"], modified) == ("max-age=60", "Sun, 09 Sep 2001 01:46:40 GMT")
    for headers, status in (
        ({"If-None-Match": etag}, 304),
        ({"If-None-Match": '"other"'}, 200),
        ({"If-Modified-Since": modified}, 304),
        ({"If-None-Match": '"other"', "If-Modified-Since": modified}, 200),
    ):
        async with client.get(application.url("/a.wav"), headers=headers) as response:
            assert response.status == status
    assert application.count("/a.wav") == 5
