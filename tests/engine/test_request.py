"""Requests outside a dialog that Python answers."""

import asyncio
import socket
from collections.abc import Awaitable, Callable

import pytest

from callwright.engine import Event, EventKind
from callwright.sip.events.package import PACKAGES
from tests.engine.station import Station
from tests.engine.users import Account, guard, has_reached_python, serve, users
from tests.harness.dialog import Dialog, HeaderLines, new_call_id
from tests.harness.message import Address, Response
from tests.harness.sip import Phone
from tests.harness.waiting import NotInTime, within

Phones = Callable[..., Awaitable[Phone]]


async def asked(
    station: Station, phone: Phone, method: str, headers: HeaderLines = (), body: bytes = b""
) -> tuple["asyncio.Task[Response]", Event]:
    uri = station.uri(transport=phone.transport.lower())
    answer = asyncio.create_task(phone.request(method, uri, headers=headers, body=body, timeout=8))
    return answer, await station.event(EventKind.REQUEST)


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize("method", ["REGISTER", "SUBSCRIBE", "NOTIFY", "MESSAGE", "PUBLISH"])
async def test_python_answers(station: Station, phones: Phones, method: str, transport: str) -> None:
    phone = await phones("alice", transport=transport)
    sent = [("Contact", phone.contact), ("Expires", "60"), ("Event", "presence"), ("Content-Type", "text/plain")]
    answer, event = await asked(station, phone, method, sent, "grüße\x00".encode())
    assert event.text == method
    assert event.detail["request_uri"] == station.uri(transport=transport)
    assert event.detail["from_uri"] == f"sip:alice@{phone.address}:{phone.port}"
    assert event.detail["contact"] == phone.contact
    assert (event.detail["source_host"], event.detail["transport"]) == (phone.address, transport.upper())
    assert (event.detail["content_type"], event.detail["body"]) == ("text/plain", "grüße\x00".encode())
    assert (event.detail["expires"], event.detail["cseq"]) == (60, 1)
    assert ("Event", "presence") in event.detail["headers"]
    assert station.engine.counts()["requests"] == 1
    station.engine.respond(
        event.id, 202, reason="Taken", headers=[("X-Id", "7"), ("Contact", "<sip:a@127.0.0.1>;expires=60")],
        content_type="application/json;charset=utf-8", body=b'{"a": "\xc3\xbc"}',
    )  # fmt: skip
    response = await answer
    assert (response.status, response.reason) == (202, "Taken")
    assert response.headers["X-Id"] == "7"
    assert response.headers["Contact"] == "<sip:a@127.0.0.1>;expires=60"
    assert response.headers["Content-Type"].replace(" ", "") == "application/json;charset=utf-8"
    assert response.body == b'{"a": "\xc3\xbc"}'
    assert response.to.tag == event.detail["to_tag"] != ""
    await station.until_counts(requests=0)
    station.engine.respond(event.id, 200)  # answered already: no-op
    assert station.engine.counters()["requests"] == 1


async def test_what_a_response_may_say(station: Station, phones: Phones) -> None:
    """What it requires of the phone (RFC 5626 §6), and nothing that the stack writes."""
    phone = await phones("alice")
    answer, event = await asked(station, phone, "REGISTER", [("Contact", phone.contact)])
    for name in ("Via", "Supported", "k", "Call-ID", "Content-Type"):
        with pytest.raises(ValueError, match="is written by the SIP stack"):
            station.engine.respond(event.id, 200, headers=[(name, "x")])
    with pytest.raises(ValueError, match="header Require holds CR, LF or NUL"):
        station.engine.respond(event.id, 200, headers=[("Require", "x\r\ny")])
    station.engine.respond(event.id, 200, headers=[("Require", "outbound"), ("Flow-Timer", "30")])
    response = await answer
    assert (response.status, response.headers["Require"], response.headers["Flow-Timer"]) == (200, "outbound", "30")


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize(
    ("line", "method"),
    [
        (("Expires", "abc"), "REGISTER"),
        (("expires", "-1"), "SUBSCRIBE"),
        (("Contact", "*;expires=0"), "REGISTER"),
        (("m", "<sip:a@"), "REGISTER"),
    ],
)
async def test_what_can_be_read_without_is_passed_over(
    station: Station, phones: Phones, line: tuple[str, str], method: str, transport: str
) -> None:
    """Python reads it (RFC 3261 §10.2.1.1, §10.3), wherever it stands."""
    phone = await phones("alice", transport=transport)
    for lines in ([line, ("Event", "reg")], [line, line], [("Subject", "x"), line]):
        answer, event = await asked(station, phone, method, lines)
        name = "Contact" if line[0] == "m" else line[0]
        assert event.detail["headers"].count((name, line[1])) == lines.count(line)
        assert event.detail["expires"] == -1
        station.engine.respond(event.id, 400)
        assert (await answer).status == 400
    assert station.engine.counters()["malformed"] == 0


async def test_what_is_no_reason_to_pass_the_rest(station: Station, phones: Phones) -> None:
    """A field that must be read, or another method's Contact: dropped as before."""
    phone = await phones("alice")
    phone.behaviour.repeats = False
    bad = [("Contact", "*;expires=0"), ("Expires", "abc")]
    for number, (method, lines) in enumerate(
        [("SUBSCRIBE", bad), ("REGISTER", [*bad, ("Max-Forwards", "x")]), ("REGISTER", [*bad, ("Min-Expires", "x")])], 1
    ):
        with pytest.raises(NotInTime):
            await phone.request(method, station.uri(), headers=lines, timeout=0.5)
        assert station.engine.counters()["malformed"] == number
    assert station.engine.counts()["requests"] == 0


async def test_a_field_that_is_passed_over_and_ends_the_message(station: Station) -> None:
    """pjsip gives a message up whose last field cannot be read."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.setblocking(False)
        peer.connect((station.host, station.port()))
        peer.send(
            f"REGISTER sip:{station.host} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKlast;rport\r\n"
            f"From: <sip:a@{station.host}>;tag=1\r\nTo: <sip:a@{station.host}>\r\nCall-ID: last\r\nCSeq: 1 REGISTER\r\n"
            "Max-Forwards: 70\r\nContact: <sip:a@h>\r\nContent-Length: 0\r\nExpires:\r\n abc\r\n\r\n".encode()
        )
        event = await station.event(EventKind.REQUEST)
        assert event.detail["contact"] == "<sip:a@h>" and ("Expires", "abc") in event.detail["headers"]
        station.engine.respond(event.id, 200)
        waiting = asyncio.ensure_future(asyncio.get_running_loop().sock_recv(peer, 2000))
        assert (await within(waiting, 5, "an answer")).startswith(b"SIP/2.0 200")


def listed(response: Response, name: str) -> set[str]:
    return {one.strip() for one in response.headers[name].split(",")} if name in response.headers else set()


async def test_what_an_answer_to_OPTIONS_says(station: Station, phones: Phones) -> None:
    """What is so (RFC 3261 §11.2): more where users register."""
    phone = await phones("alice")
    answer = await phone.request("OPTIONS", station.uri())
    assert (
        answer.status == 200 and answer.headers["User-Agent"] == "Callwright" and "Allow-Events" not in answer.headers
    )
    common = {"INVITE", "ACK", "BYE", "CANCEL", "UPDATE", "PRACK", "INFO", "REFER", "NOTIFY", "MESSAGE", "OPTIONS"}
    assert common <= listed(answer, "Allow") and "REGISTER" not in listed(answer, "Allow")
    assert {"100rel", "timer", "replaces"} <= listed(answer, "Supported")
    assert listed(answer, "Supported").isdisjoint({"trickle-ice", "siprec", "path", "outbound", "gruu"})
    bodies = {"application/sdp", "text/plain", "message/sipfrag;version=2.0", "application/pidf+xml"}
    assert listed(answer, "Accept") == bodies | {"application/simple-message-summary"}
    guard(station)
    station.engine.admit(["127.0.0.0/8"])
    answer = await phone.request("OPTIONS", station.uri())
    assert common | {"REGISTER", "SUBSCRIBE", "PUBLISH"} == listed(answer, "Allow")
    assert {"path", "outbound", "gruu"} < listed(answer, "Supported")
    assert listed(answer, "Allow-Events") == set(PACKAGES)


async def test_a_request_without_expiry_or_body(station: Station, phones: Phones) -> None:
    phone = await phones("alice")
    answer, event = await asked(station, phone, "REGISTER")
    assert (event.detail["expires"], event.detail["content_type"], event.detail["body"]) == (-1, "", b"")
    station.engine.respond(event.id, 200)
    response = await answer
    assert (response.status, response.reason, response.body) == (200, "OK", b"")


async def test_a_retransmission_is_not_a_new_request(station: Station, phones: Phones) -> None:
    phone = await phones("alice")
    answer, event = await asked(station, phone, "MESSAGE", [("Content-Type", "text/plain")], b"hi")
    request = phone.trace.messages("MESSAGE", sent=True)[0]
    phone.send(request, phone.hop(station.uri()))
    phone.send(request, phone.hop(station.uri()))
    station.engine.respond(event.id, 200)
    await answer
    phone.send(request, phone.hop(station.uri()))
    await phone.expect(200)
    await phone.expect(200)  # the transaction repeats its answer
    assert [event.kind for event in station.events].count(EventKind.REQUEST) == 1


async def test_nobody_answers_within_five_seconds(station: Station, phones: Phones) -> None:
    phone = await phones("alice")
    answer, event = await asked(station, phone, "REGISTER")
    response = await answer
    assert response.status == 503
    assert int(response.headers["Retry-After"]) > 0
    assert station.engine.counts()["requests"] == 0
    station.engine.respond(event.id, 200)


async def test_other_methods_outside_a_dialog(station: Station, phones: Phones) -> None:
    phone = await phones("alice")
    refusals = {"INFO": 481, "BYE": 481, "UPDATE": 481, "REFER": 405, "FROBNICATE": 501}
    for method, status in refusals.items():
        response = await phone.request(method, station.uri())
        assert (method, response.status) == (method, status)
        assert "INVITE" in response.headers["Allow"]
    assert [event for event in station.events if event.kind is not EventKind.LOG] == []


def within_a_dialog(phone: Phone, station: Station) -> Dialog:
    """A dialog that no call of the engine has."""
    local = Address(f"sip:{phone.user}@{phone.place}", "", {"tag": "theirs"})
    return Dialog(new_call_id(), local, Address("sip:service@example.org", "", {"tag": "ours"}), station.uri())


async def sent(station: Station, phone: Phone, dialog: Dialog, method: str) -> Response:
    request = dialog.request(method, headers=[("Contact", phone.contact), ("Event", "presence")])
    transaction = phone.transact(request, phone.hop(station.uri()), phone.behaviour)
    return await within(transaction.final, 8, f"the answer to {method}")


@pytest.mark.parametrize("method", ["SUBSCRIBE", "NOTIFY", "PUBLISH", "MESSAGE", "REGISTER"])
async def test_dialogs_that_python_keeps(station: Station, phones: Phones, method: str) -> None:
    phone = await phones("alice")
    answer = asyncio.create_task(sent(station, phone, within_a_dialog(phone, station), method))
    event = await station.event(EventKind.REQUEST)
    assert (event.text, event.detail["to_tag"]) == (method, "ours")
    station.engine.respond(event.id, 200)
    response = await answer
    assert (response.status, response.to.tag) == (200, "ours")


async def test_dialogs_of_calls_are_pjsips(station: Station, phones: Phones) -> None:
    """And a tag that nobody knows is refused for every other method, as before."""
    phone = await phones("alice")
    call, _ = await station.answered(phone)
    for method in ("NOTIFY", "MESSAGE"):
        response = await call.request(method, headers=[("Event", "presence")])
        assert response.status != 481, response
    await call.hangup()
    for method in ("INFO", "UPDATE", "BYE"):
        assert (await sent(station, phone, within_a_dialog(phone, station), method)).status == 481
    assert [event for event in station.events if event.kind is EventKind.REQUEST] == []


async def test_a_tag_opens_no_door(station: Station, phones: Phones) -> None:
    """Who is no user is asked who he is, whatever dialog he claims; and a flood is a flood."""
    alice = Account()
    guard(station, alice)
    phone = await phones("alice")
    for method in ("SUBSCRIBE", "NOTIFY", "PUBLISH", "MESSAGE", "REGISTER"):
        assert (await sent(station, phone, within_a_dialog(phone, station), method)).status == 401
    assert not has_reached_python(station)
    dialog = within_a_dialog(phone, station)
    asked = await sent(station, phone, dialog, "SUBSCRIBE")
    serve(station)
    request = dialog.request("SUBSCRIBE", headers=[("Authorization", alice.answer(asked, "SUBSCRIBE", station.uri()))])
    transaction = phone.transact(request, phone.hop(station.uri()), phone.behaviour)
    assert (await within(transaction.final, 8, "the answer")).status == 200
    assert users(station) == ["alice"]


async def test_waiting_requests_are_refused_when_the_engine_closes(station: Station, phones: Phones) -> None:
    phone = await phones("alice")
    answer, _ = await asked(station, phone, "REGISTER")
    await asyncio.get_running_loop().run_in_executor(None, station.engine.close)
    assert (await answer).status == 503


@pytest.mark.parametrize(
    "wrong",
    [
        {"code": 100},
        {"code": 700},
        {"reason": "a\r\nX: y"},
        {"headers": [("X", "a\nb")]},
        {"headers": [("X: y", "a")]},
        {"headers": [("Via", "a")]},
        {"content_type": "text/plain\r\nX: y", "body": b"x"},
        {"body": b"x"},
    ],
)
def test_wrong_arguments(station: Station, wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        station.engine.respond(1, **({"code": 200} | wrong))  # type: ignore[arg-type]  # wrong on purpose
