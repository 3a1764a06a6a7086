"""Text messages over SIP (RFC 3428): from phones and trunks to applications, to phones, and out by API and document."""

from collections.abc import Awaitable, Callable

import aiohttp
import pytest

from tests.harness import ApplicationServer, Phone
from tests.harness.application import Answer
from tests.harness.dialog import response_to
from tests.harness.message import Request, Response

from .conftest import TOKEN
from .house import House, people
from .line import document
from .site import CALLER, Site, authorization

pytestmark = pytest.mark.integration

Sites = Callable[..., Awaitable[Site]]
Phones = Callable[..., Awaitable[Phone]]
Applications = Callable[..., Awaitable[ApplicationServer]]
PLAIN = [("Content-Type", "text/plain")]
TEXTED = "+15550001100"


@pytest.fixture
async def inbox(applications: Applications) -> ApplicationServer:
    """The application that is told of messages."""
    application = await applications(TOKEN)
    application.on("/text", "")
    return application


@pytest.fixture
async def house(sites: Sites, phones: Phones, inbox: ApplicationServer) -> House:
    """Alice and Bob have no application for messages, Carol has one, and so has a number."""
    carol = {**people("carol")[0], "message_url": inbox.url("/text")}
    number = {"number": TEXTED, "voice_url": inbox.url("/voice"), "message_url": inbox.url("/text")}
    return House(await sites(strangers=True, users=[*people("alice", "bob"), carol], numbers=[number]), phones)


async def says(phone: Phone, uri: str, text: bytes = b"hello", content_type: str = "text/plain") -> Response:
    return await phone.request("MESSAGE", uri, headers=[("Content-Type", content_type)], body=text, timeout=8)


def heard(phone: Phone) -> list[tuple[str, str]]:
    """Whom the messages that a phone got were from, and what they said."""
    requests = [one for one in phone.trace.messages("MESSAGE") if isinstance(one, Request)]
    return [(one.from_.uri, one.body.decode()) for one in requests]


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_one_user_writes_to_another(house: House, transport: str) -> None:
    """All phones of his get it, each where it registered; the sender hears whether one has it."""
    alice = await house.registered("alice", transport=transport)
    desk, mobile = await house.registered("bob"), await house.registered("bob", transport="tcp")
    connections = mobile.connections
    aor = f"sip:alice@{house.site.daemon.host}"
    assert (await says(alice, house.aor("bob", transport), "grüße".encode())).status == 200
    assert heard(desk) == heard(mobile) == [(aor, "grüße")]
    assert mobile.connections == connections
    request = desk.trace.messages("MESSAGE")[0]
    assert isinstance(request, Request)
    assert request.to.uri == f"sip:bob@{house.site.daemon.host}" and "Contact" not in request.headers

    desk.handlers["MESSAGE"] = lambda request: response_to(request, 486, tag="x")
    assert (await says(alice, house.aor("bob", transport))).status == 200
    mobile.handlers["MESSAGE"] = lambda request: response_to(request, 603, tag="x")
    assert (await says(alice, house.aor("bob", transport))).status == 486


async def test_nobody_is_there(house: House) -> None:
    alice = await house.registered("alice")
    assert (await says(alice, house.aor("bob"))).status == 480
    assert (await says(alice, house.aor("nobody"))).status == 404
    silent = await house.registered("bob")
    silent.behaviour.never_answers.add("MESSAGE")
    assert (await says(alice, house.aor("bob"))).status == 408


async def test_what_is_no_text(house: House) -> None:
    alice = await house.registered("alice")
    await house.registered("bob")
    refused = await says(alice, house.aor("bob"), b"<isComposing/>", "application/im-iscomposing+xml")
    assert (refused.status, refused.headers["Accept"]) == (415, "text/plain")
    assert (await says(alice, house.aor("bob"), b"x", "text/plain;charset=iso-8859-1")).status == 415
    assert (await says(alice, house.aor("bob"), b"\xff")).status == 400


async def test_a_users_application_is_told(house: House, inbox: ApplicationServer) -> None:
    """Whatever he writes to, as for his calls; signed, and answered before the application has."""
    carol = await house.registered("carol")
    bob = await house.registered("bob")
    response = await carol.request(
        "MESSAGE", house.aor("bob"), headers=[*PLAIN, ("X-Floor", "3")], body="Mañana?".encode(),
        from_uri=f"sip:carol@{house.site.daemon.host}",
    )  # fmt: skip
    assert response.status == 202
    told = await inbox.request("/text")
    assert told.signed
    form = told.form
    assert form["MessageSid"].startswith("SM") and form["MessageSid"] == form["SmsSid"] == form["SmsMessageSid"]
    assert (form["Body"], form["NumMedia"], form["SmsStatus"]) == ("Mañana?", "0", "received")
    assert (form["From"], form["To"]) == (f"sip:carol@{house.site.daemon.host}", house.aor("bob"))
    assert (form["SipUsername"], form["SipHeader_X-Floor"]) == ("carol", "3")
    assert form["AccountSid"] == house.site.daemon.account_sid
    assert heard(bob) == []


async def test_an_application_replies(house: House, inbox: ApplicationServer) -> None:
    """In the name of whom the message was for; both are resources, the reply with its end."""
    site, carol = house.site, await house.registered("carol")
    inbox.on("/sent", "")
    inbox.on("/text", document('<Message statusCallback="/sent">Got it</Message>'))
    response = await carol.request(
        "MESSAGE", house.aor("bob"), headers=PLAIN, body=b"hello", from_uri=f"sip:carol@{site.daemon.host}"
    )
    assert response.status == 202
    told = (await inbox.request("/text")).form
    sent = (await inbox.request("/sent", 10)).form
    assert (sent["MessageStatus"], heard(carol)) == ("delivered", [(f"sip:bob@{site.daemon.host}", "Got it")])
    reply, message = await site.do(lambda client: client.messages.list())
    assert (message.sid, message.direction, message.status) == (told["MessageSid"], "inbound", "received")
    assert (message.from_, message.to, message.body) == (told["From"], told["To"], "hello")
    assert (reply.sid, reply.direction, reply.status) == (sent["MessageSid"], "outbound-reply", "delivered")
    assert (reply.from_, reply.to) == (message.to, message.from_)
    (found,) = await site.do(lambda client: client.messages.list(to=message.to, date_sent_after=message.date_sent))
    assert found.sid == message.sid
    assert (await site.do(lambda client: client.messages(message.sid).update(body=""))).body == ""
    assert await site.do(lambda client: client.messages(message.sid).delete())
    assert [one.sid for one in await site.do(lambda client: client.messages.list())] == [reply.sid]


async def test_messages_by_a_gateway(sites: Sites, inbox: ApplicationServer) -> None:
    """It delivers to a number, and is given the reply; a number that a trunk writes to has the same application."""
    number = {"number": TEXTED, "voice_url": inbox.url("/voice"), "message_url": inbox.url("/text")}
    site = await sites(numbers=[number], sections={"messages": {"gateway": inbox.url("/gateway")}})
    inbox.on("/gateway", "")
    inbox.on("/text", document("<Message><Body>Thanks</Body><Media>/a.png</Media></Message>"))
    account = site.daemon.account_sid
    form = {"From": CALLER, "To": TEXTED, "Body": "by air", "MediaUrl0": inbox.url("/photo.png")}
    async with (
        aiohttp.ClientSession(headers=authorization(account, site.daemon.auth_token), trust_env=False) as session,
        session.post(site.daemon.base_url + site.path("InboundMessages.json"), data=form) as response,
    ):
        made = await response.json()
        assert (response.status, made["direction"], made["num_media"]) == (201, "inbound", "1")
    told = await inbox.request("/text")
    assert told.signed and told.form["MessageSid"] == made["sid"]
    assert (told.form["Body"], told.form["MediaUrl0"]) == ("by air", inbox.url("/photo.png"))
    given = (await inbox.request("/gateway")).form
    assert (given["From"], given["To"], given["Body"]) == (TEXTED, CALLER, "Thanks")
    assert given["MediaUrl0"] == inbox.url("/a.png")

    assert (await says(site.carrier, site.daemon.sip_uri(TEXTED))).status == 202
    assert (await inbox.request("/text")).form["From"] == CALLER
    assert (await inbox.request("/gateway")).form["Body"] == "Thanks"
    kept = await site.do(lambda client: client.messages.list(to=TEXTED))
    assert [one.body for one in kept] == ["hello", "by air"]


async def test_an_application_that_is_down_is_told_later(house: House, inbox: ApplicationServer) -> None:
    """Also after a crash of the daemon; what it then replies is sent."""
    site, carol = house.site, await house.registered("carol")
    inbox.on("/sent", "")
    inbox.on("/text", Answer(status=500))
    response = await carol.request(
        "MESSAGE", house.aor("bob"), headers=PLAIN, body=b"hello", from_uri=f"sip:carol@{site.daemon.host}"
    )
    assert response.status == 202
    first = (await inbox.request("/text")).form
    await site.daemon.kill()
    to = f"sip:nobody@{site.daemon.host}"
    inbox.on("/text", document(f'<Message to="{to}" statusCallback="/sent">Back</Message>'))
    await site.daemon.restart()
    told = (await inbox.request("/sent", 15)).form
    assert (told["To"], told["MessageStatus"], told["ErrorCode"]) == (to, "undelivered", "30005")
    (message,) = await site.do(lambda client: client.messages.list(to=house.aor("bob")))
    assert (message.sid, message.direction) == (first["MessageSid"], "inbound")


async def test_a_trunk_writes(house: House, inbox: ApplicationServer) -> None:
    """To a number with an application, to one without, to a user, and to nobody."""
    site, bob = house.site, await house.registered("bob")
    assert (await says(site.carrier, house.aor(TEXTED))).status == 202
    form = (await inbox.request("/text")).form
    assert (form["From"], form["To"], form["Body"]) == (CALLER, TEXTED, "hello")
    assert (await says(site.carrier, house.aor(site.number))).status == 603
    assert (await says(site.carrier, house.aor("+15559990000"))).status == 404
    assert (await says(site.carrier, house.aor("bob"))).status == 200
    assert heard(bob) == [(f"sip:{CALLER}@{site.daemon.host}", "hello")]


async def test_strangers_write_nothing(house: House, phones: Phones, inbox: ApplicationServer) -> None:
    stranger = await phones("stranger")
    assert (await says(stranger, house.aor(TEXTED))).status == 401
    assert inbox.count("/text") == 0


async def test_the_api_writes_to_a_user(house: House, inbox: ApplicationServer) -> None:
    """The resource tells how it ended, and so does the callback."""
    site, bob = house.site, await house.registered("bob")
    inbox.on("/sent", "")
    to = f"sip:bob@{site.daemon.host}"

    async def sent(to: str) -> tuple[str, str, int | None]:
        made = await site.do(
            lambda client: client.messages.create(
                to=to, from_=site.number, body="Grüße\naus dem API", status_callback=inbox.url("/sent")
            )
        )
        assert (made.status, made.error_code, made.date_sent) == ("queued", None, None)
        told = (await inbox.request("/sent", 10)).form
        assert (told["MessageSid"], told["To"], told["From"]) == (made.sid, to, site.number)
        assert told["MessageStatus"] == told["SmsStatus"]
        kept = await site.do(lambda client: client.messages(made.sid).fetch())
        assert kept.status == told["MessageStatus"] and str(kept.error_code or "") == told.get("ErrorCode", "")
        assert (kept.date_sent is None) == (kept.error_code is not None)
        return told["MessageStatus"], made.sid, kept.error_code

    assert (await sent(to))[0] == "delivered"
    assert heard(bob) == [(f"sip:{site.number}@{site.daemon.host}", "Grüße\naus dem API")]
    bob.handlers["MESSAGE"] = lambda request: response_to(request, 202, tag="x")
    assert (await sent(to))[0] == "sent"
    assert ((await sent(f"sip:alice@{site.daemon.host}"))[::2]) == ("undelivered", 30003)
    assert ((await sent(f"sip:nobody@{site.daemon.host}"))[::2]) == ("undelivered", 30005)
    assert ((await sent("sip:nobody@nowhere.invalid"))[::2]) == ("undelivered", 30003)


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_the_api_writes_to_a_uri(house: House, phones: Phones, transport: str) -> None:
    phone = await phones("away", transport=transport)
    made = await house.site.do(
        lambda client: client.messages.create(to=phone.uri, from_=house.site.number, body="out there")
    )
    assert made.status == "queued"
    await phone.expect("MESSAGE")
    assert heard(phone) == [(f"sip:{house.site.number}@{house.site.daemon.host}", "out there")]


async def test_a_document_writes_to_a_user(house: House, inbox: ApplicationServer) -> None:
    site, bob = house.site, await house.registered("bob")
    inbox.on("/sent", "")
    callback, action = inbox.url("/sent"), site.url("/next")
    to = f"sip:bob@{site.daemon.host}"
    site.application.on(
        "/voice",
        document(f'<Message to="{to}" statusCallback="{callback}" action="{action}">from a call</Message>'),
    )
    site.script("/next", "<Hangup/>")
    call = await site.dial_in()
    following = (await site.application.request("/next")).form
    told = (await inbox.request("/sent", 10)).form
    assert (following["SmsStatus"], told["MessageStatus"]) == ("queued", "delivered")
    assert following["SmsSid"] == told["MessageSid"] and told["CallSid"] == following["CallSid"]
    assert heard(bob) == [(f"sip:{site.number}@{site.daemon.host}", "from a call")]
    await call.until_ended()
    await site.over(following["CallSid"])


async def test_a_crash_leaves_no_message_queued(house: House, phones: Phones) -> None:
    """Whether it was delivered nobody knows, and the resource says so."""
    silent = await phones("away")
    silent.behaviour.never_answers.add("MESSAGE")
    site = house.site
    made = await site.do(lambda client: client.messages.create(to=silent.uri, from_=site.number, body="?"))
    await silent.expect("MESSAGE")
    await site.daemon.kill()
    await site.daemon.restart()
    kept = await site.do(lambda client: client.messages(made.sid).fetch())
    assert (kept.status, kept.error_code, kept.error_message) == ("undelivered", 30008, "the server was restarted")
