"""The requests that drive a call (call-control reference §1.1, §2.1, §2.6): what they carry and where they go.

That each of them is signed is asserted of every request in every test of a line.
"""

import base64

import pytest

from tests.harness.application import Answer, Received

from .line import CALLER, LATER, Line, document

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="session")]

GEOGRAPHY = [
    f"{who}{what}" for who in ("From", "To", "Caller", "Called") for what in ("City", "State", "Zip", "Country")
]


async def test_standard_parameters(line: Line) -> None:
    headers = [("X-Ticket", "42"), ("User-to-User", "56a0"), ("Subject", "no")]
    call = await line.call("<Hangup/>", headers=headers)
    request = await line.request("/voice")
    form = request.form
    assert form["CallSid"].startswith("CA") and len(form["CallSid"]) == 34
    assert (form["AccountSid"], form["ApiVersion"]) == (line.daemon.account_sid, "2010-04-01")
    assert (form["Direction"], form["CallStatus"]) == ("inbound", "ringing")
    assert form["From"] == form["Caller"] == CALLER and form["To"] == form["Called"] == line.plan.number
    assert {form[name] for name in GEOGRAPHY} == {""}
    assert (form["SipCallId"], form["SipSourceIp"]) == (call.call_id, call.phone.address)
    assert form["SipDomain"] == line.daemon.host
    assert (form["SipHeader_X-Ticket"], form["SipHeader_User-to-User"]) == ("42", "56a0")
    assert "SipHeader_Subject" not in form and "ParentCallSid" not in form and "Digits" not in form
    assert request.header("Content-Type") == "application/x-www-form-urlencoded; charset=UTF-8"
    assert (request.header("User-Agent"), request.header("Accept")) == ("TwilioProxy/1.1", "*/*")
    assert len(request.header("I-Twilio-Idempotency-Token")) == 36
    await call.until_ended()


async def test_a_caller_that_is_no_number(line: Line) -> None:
    phone = await line.phone("alice")
    await line.call("<Hangup/>", phone=phone, from_uri="sip:alice@example.com", display="Alice & Bob")
    form = (await line.request("/voice")).form
    assert form["From"] == form["Caller"] == "sip:alice@example.com"


async def test_a_caller_without_a_name(line: Line) -> None:
    await line.call("<Hangup/>", from_uri="sip:anonymous@anonymous.invalid")
    assert (await line.request("/voice")).form["From"] == "+266696687"


async def test_text_that_needs_escaping_is_signed_and_read_back(line: Line) -> None:
    await line.call("<Hangup/>", headers=[("X-Text", "a+b=c&d%20é \"q\" 'x' /?")])
    request = await line.request("/voice")
    assert request.signed and request.form["SipHeader_X-Text"] == "a+b=c&d%20é \"q\" 'x' /?"


async def test_get(line: Line) -> None:
    """The parameters join the query that the URL has."""
    await line.call('<Reject reason="busy"/>', number=line.plan.getting)
    request = await line.request("/voice")
    assert (request.method, request.body, request.query["app"]) == ("GET", b"", "7")
    assert (request.query["CallStatus"], request.query["To"]) == ("ringing", line.plan.getting)
    assert request.url.count("?") == 1
    last = await line.request("/status")
    assert (last.method, last.query["CallStatus"], last.query["SipResponseCode"]) == ("GET", "busy", "486")


async def test_redirect_with_get(line: Line) -> None:
    line.on("/next", "<Hangup/>")
    await line.call('<Redirect method="GET">/next?a=1&amp;b=%20</Redirect>')
    request = await line.request("/next")
    assert (request.method, request.query["a"], request.query["b"]) == ("GET", "1", " ")
    assert request.query["CallStatus"] == "ringing"


async def test_relative_urls(line: Line) -> None:
    """Against the URL of the document that they stand in."""
    line.on("/shop/menu/start", "<Redirect>../cart/show?id=1</Redirect>")
    line.on("/shop/cart/show", "<Redirect>?id=2</Redirect>")
    first = document("<Redirect>?id=2</Redirect>")
    line.application.on("/shop/cart/show", first, document("<Redirect>//{}/root</Redirect>".format(
        line.plan.application.removeprefix("http://"))))  # fmt: skip
    line.on("/root", "<Hangup/>")
    await line.call("<Redirect>shop/menu/start</Redirect>")
    assert [request.query["id"] for request in await line.requests("/shop/cart/show", 2)] == ["1", "2"]
    await line.request("/root")


async def test_empty_redirect_asks_for_the_same_document(line: Line) -> None:
    line.application.on("/voice", document("<Redirect/>"), document('<Reject reason="busy"/>'))
    call = await line.call()
    first, second = await line.requests("/voice", 2)
    assert first.url == second.url and first.form == second.form
    await call.refused()


async def test_http_redirect(line: Line) -> None:
    """Followed with GET and without the form; the new place is the base of relative URLs."""
    line.application.on("/key", Answer(status=302, headers={"Location": "/moved/here?x=1"}))
    line.on("/moved/here", "<Redirect>there</Redirect>")
    line.on("/moved/there", LATER)
    call = await line.call('<Gather action="/key" numDigits="1"/>')
    await call.answered()
    await call.media.send_digits("5")
    assert (await line.request("/key")).form["Digits"] == "5"
    moved = await line.request("/moved/here")
    assert (moved.method, moved.query, moved.body) == ("GET", {"x": "1"}, b"")
    assert (await line.request("/moved/there")).method == "POST"


@pytest.mark.parametrize("status", [301, 303, 307, 308])
async def test_every_http_redirect_becomes_get(line: Line, status: int) -> None:
    line.application.on("/voice", Answer(status=status, headers={"Location": "/moved"}))
    line.on("/moved", '<Reject reason="busy"/>')
    call = await line.call()
    assert (await line.request("/moved")).method == "GET"
    assert (await call.refused()).status == 486


async def test_cookies_belong_to_the_call(line: Line) -> None:
    def voice(request: Received) -> Answer:
        cookie = f"session={request.form['CallSid']}; Path=/"
        return Answer(document("<Redirect>/next</Redirect>"), headers={"Set-Cookie": cookie})

    line.application.on("/voice", voice)
    line.application.on("/next", document("<Redirect>/next</Redirect>"), document("<Hangup/>"))
    await (await line.call()).until_ended()
    sid = line.application.requests[0].form["CallSid"]
    assert [request.cookies for request in await line.requests("/next", 2)] == [{"session": sid}] * 2
    line.application.on("/voice", document("<Redirect>/next</Redirect>"))
    await (await line.call()).until_ended()
    assert (await line.request("/next")).cookies == {}


async def test_cookies_of_a_path_and_their_end(line: Line) -> None:
    line.application.on(
        "/voice", Answer(document("<Redirect>/shop/in</Redirect>"), headers={"Set-Cookie": "cart=1; Path=/shop"})
    )
    line.application.on(
        "/shop/in", Answer(document("<Redirect>/out</Redirect>"), headers={"Set-Cookie": "all=2; Path=/"})
    )
    line.application.on(
        "/out", Answer(document("<Redirect>/shop/end</Redirect>"), headers={"Set-Cookie": "all=; Path=/; Max-Age=0"})
    )
    line.on("/shop/end", "<Hangup/>")
    await line.call()
    assert (await line.request("/shop/in")).cookies == {"cart": "1"}
    assert (await line.request("/out")).cookies == {"all": "2"}
    assert (await line.request("/shop/end")).cookies == {"cart": "1"}


async def test_basic_authentication(line: Line) -> None:
    """Credentials of the URL go into the header, and are no part of what is signed."""
    line.on("/next", "<Redirect>/again</Redirect>")
    line.on("/again", "<Hangup/>")
    place = line.plan.application.removeprefix("http://")
    await line.call(f"<Redirect>http://user:p%40ss@{place}/next</Redirect>")
    expected = "Basic " + base64.b64encode(b"user:p@ss").decode()
    for path in ("/next", "/again"):  # the second is relative to the first
        request = await line.request(path)
        assert request.header("Authorization") == expected and request.signed
    assert (await line.request("/voice")).header("Authorization") == ""


@pytest.mark.parametrize("content_type", ["application/xml", "text/html; charset=utf-8", "text/xml;charset=UTF-8"])
async def test_content_types_of_a_document(line: Line, content_type: str) -> None:
    line.application.on("/voice", Answer(document('<Reject reason="busy"/>'), content_type=content_type))
    assert (await (await line.call()).refused()).status == 486


async def test_documents_that_lead_nowhere_end(line: Line) -> None:
    """A document that redirects to itself is not asked for ever."""
    call = await line.call("<Redirect/>")
    assert (await call.until_ended(15)).how == "bye received"
    assert 50 <= line.application.count("/voice") <= 150
    await line.warned(14106)


async def test_parameters_of_a_document_are_told_of_the_moment(line: Line) -> None:
    """CallStatus is ringing until a verb answers, then in-progress."""
    line.sound("/tone.wav", 440, 0.2)
    line.on("/a", "<Play>/tone.wav</Play><Redirect>/b</Redirect>")
    line.on("/b", "<Hangup/>")
    await line.call("<Redirect>/a</Redirect>")
    statuses = [(await line.request(path)).form["CallStatus"] for path in ("/voice", "/a", "/b", "/status")]
    assert statuses == ["ringing", "ringing", "in-progress", "completed"]
    assert len({request.form["CallSid"] for request in line.application.requests if request.form}) == 1
