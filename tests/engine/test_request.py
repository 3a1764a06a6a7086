"""Requests outside a dialog that Python answers."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from callwright.engine import Event, EventKind
from tests.engine.station import Station
from tests.engine.users import Account, guard, has_reached_python, serve, users
from tests.harness.dialog import Dialog, HeaderLines, new_call_id
from tests.harness.message import Address, Response
from tests.harness.sip import Phone
from tests.harness.waiting import within

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
