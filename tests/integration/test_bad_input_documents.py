"""Documents and answers that cannot be used: the fallback hears why, and the call goes on (promises A2 to A6, S9)."""

import gzip

import pytest
import pytest_asyncio
from twilio.base.exceptions import TwilioRestException  # type: ignore[import-untyped]  # twilio ships no types

from tests.harness import Phone, PhoneCall
from tests.harness.application import Answer, Received
from tests.harness.dialog import response_to

from .line import Line, document
from .site import Site

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="session")]

XML = '<?xml version="1.0" encoding="UTF-8"?>'
LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))

BAD = {
    "not well-formed": ("<Response><Say>", "12100"),
    "nothing at all": ("", "12100"),
    "another root": ("<Answer/>", "12102"),
    "a document type": (f"{XML}<!DOCTYPE Response [<!ENTITY a 'b'>]><Response><Say>&a;</Say></Response>", "12100"),
    "a billion laughs": (f"{XML}<!DOCTYPE x [<!ENTITY l0 'ha'>{LAUGHS}]><Response><Say>&l9;</Say></Response>", "12100"),
    "a file as an entity": (
        f'{XML}<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><Response><Say>&f;</Say></Response>',
        "12100",
    ),
    "a server as an entity": (
        f'{XML}<!DOCTYPE x [<!ENTITY f SYSTEM "http://127.0.0.1:1/x">]><Response><Say>&f;</Say></Response>',
        "12100",
    ),
    "an unknown entity": ("<Response><Say>&nbsp;</Say></Response>", "12100"),
    "a depth of five thousand": ("<Response>" + "<a>" * 5000 + "</a>" * 5000 + "</Response>", "12100"),
    "more than 64 KiB": (f"<Response><!--{'x' * 66000}--><Hangup/></Response>", "11750"),
}


@pytest_asyncio.fixture(loop_scope="session")
async def site(line: Line) -> Site:
    """The shared daemon's line with a fallback that hangs up."""
    site = await Site.on(line)
    site.script("/fallback", "<Hangup/>")
    return site


async def rescued(site: Site, call: PhoneCall) -> Received:
    """What the fallback was told of the failure; its document was run."""
    request = await site.application.request("/fallback", timeout=10)
    assert (await call.until_ended()).how == "bye received"
    assert request.form["ErrorUrl"] == site.url("/voice")
    return request


@pytest.mark.parametrize("what", BAD)
async def test_A4_a_document_that_cannot_be_run(site: Site, what: str) -> None:
    """Each kind has its code, and nothing is fetched or expanded."""
    body, code = BAD[what]
    site.application.on("/voice", body)
    call = await site.dial_in()
    told = await rescued(site, call)
    assert told.form["ErrorCode"] == code or (what == "nothing at all" and told.form["ErrorCode"] == "11770")


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Answer(status=500), "11200"),
        (Answer(document("<Hangup/>"), status=404), "11200"),
        (Answer(document("<Hangup/>"), content_type="application/octet-stream"), "12300"),
        (Answer(status=302, headers={"Location": "/voice"}), "11215"),
        (Answer(status=302, headers={"Location": "file:///etc/passwd"}), "11100"),
        (Answer(gzip.compress(b"<Response/>" * 10_000_000), headers={"Content-Encoding": "gzip"}), "11750"),
        (Answer(b"\x1f\x8b garbage", headers={"Content-Encoding": "gzip"}), "11206"),
    ],
    ids=["500", "404", "wrong type", "redirect loop", "redirect to a file", "compressed bomb", "broken gzip"],
)
async def test_A2_A3_an_answer_that_cannot_be_used(site: Site, answer: Answer, code: str) -> None:
    """Transport, status, type and size, each with its code."""
    site.application.on("/voice", answer)
    call = await site.dial_in()
    assert (await rescued(site, call)).form["ErrorCode"] == code
    assert site.application.count("/voice") <= 12


async def test_A5_documents_without_end(site: Site) -> None:
    """A document that redirects to itself for ever: ended after a hundred, with 14106."""
    site.script("/voice", "<Redirect>/voice</Redirect>")
    call = await site.dial_in()
    response = await call.final_response(timeout=20)
    if response.status == 200:
        await call.until_ended()
    line = await site.daemon.logged(r"warning .*code=14106")
    assert "100 documents" in line
    assert 90 <= site.application.count("/voice") <= 110


INJECTIONS = {
    "query": "<Sip>{uri}?X-One=a%0d%0aX-Injected:%20yes</Sip>",
    "value": "<Sip><Uri>{uri}</Uri><Headers><Header name='X-One' value='a&#13;&#10;X-Injected: yes'/></Headers></Sip>",
    "name": "<Sip><Uri>{uri}</Uri><Headers><Header name='X-Injected: yes&#13;&#10;X-Two' value='a'/></Headers></Sip>",
    "username": "<Sip username='a&#13;&#10;X-Injected: yes' password='b'>{uri}</Sip>",
    "uri": "<Sip>{uri};x=&#13;&#10;X-Injected: yes</Sip>",
    "escaped uri": "<Sip>{uri}%0d%0aX-Injected:%20yes</Sip>",
    "nul": "<Sip>{uri}?X-One=a%00b</Sip>",
    "number": "<Number>{number}&#13;&#10;X-Injected: yes</Number>",
}


def injected(callee: Phone) -> list[bytes]:
    """Messages that a phone received and that hold what must not be in them."""
    received = [entry.data for entry in callee.trace.entries if not entry.sent]
    return [data for data in received if b"\nX-Injected" in data or b"\0" in data]


@pytest.mark.parametrize("where", [*INJECTIONS, "caller"])
async def test_S9_header_injection_by_a_document(site: Site, line: Line, where: str) -> None:
    """CR, LF and NUL never reach a header: the dial fails, or what is wrong is left out."""
    busy = await line.phone("callee")
    for phone in (busy, site.carrier):
        phone.handlers["INVITE"] = lambda request: response_to(request, 486, tag="busy")
    uri = f"sip:callee@{busy.address}:{busy.port}"
    party = INJECTIONS.get(where, "<Sip>{uri}</Sip>").format(uri=uri, number=site.callee)
    caller = " callerId='a&#13;&#10;X-Injected: yes'" if where == "caller" else ""
    site.script("/voice", f"<Dial action='/done'{caller}>{party}</Dial>")
    site.script("/done", "<Hangup/>")
    call = await site.dial_in()
    await site.application.request("/done", timeout=10)
    await call.until_ended()
    assert injected(busy) == injected(site.carrier) == []


@pytest.mark.parametrize(
    "parameters",
    [
        {"to": "{uri}?X-One=a%0d%0aX-Injected:%20yes"},
        {"to": "{uri}\r\nX-Injected: yes"},
        {"to": "{uri};x=a\r\nX-Injected: yes"},
        {"to": "{uri}?X-Injected%3a%20yes%0d%0aX-Two=a"},
        {"to": "{uri}", "from_": "alice\r\nX-Injected: yes"},
        {"to": "{uri}", "from_": "sip:alice%0d%0aX-Injected:%20yes@127.0.0.1"},
        {"to": "{uri}", "caller_id": "alice\r\nX-Injected: yes"},
        {"to": "{uri}", "sip_auth_username": "a\r\nX-Injected: yes", "sip_auth_password": "b"},
        {"to": "{uri}?X-One=a%00b"},
    ],
)
async def test_S9_header_injection_by_a_request(site: Site, line: Line, parameters: dict[str, str]) -> None:
    """The same through REST parameters: refused with 400, or placed without what was injected."""
    callee = await line.phone("callee")
    filled = {"from_": "alice"} | {name: value.format(uri=callee.uri) for name, value in parameters.items()}
    try:
        placed = await site.create(**filled, timeout=1, twiml=document("<Hangup/>"))
    except TwilioRestException as refusal:
        assert refusal.status == 400
        assert "\r" not in refusal.msg and "\n" not in refusal.msg
        assert callee.trace.entries == []
        return
    await site.over(placed.sid)
    assert injected(callee) == []


async def test_A12_control_characters_stay_out_of_the_log(site: Site) -> None:
    """A called number with escape sequences and line ends makes one printable line, and forges none."""
    call = await site.dial_in("%1b%5b31mred%0d%0aforged%20line")
    assert (await call.refused()).status == 404
    await site.daemon.logged("refused: .*forged")
    assert not [line for line in site.daemon.log if line.startswith("forged") or any(ord(c) < 32 for c in line)]
