"""Requests of ours outside calls: what goes on the wire, and the one RESPONSE that ends each."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from callwright.engine import Event, EventKind
from tests.engine.station import Station
from tests.engine.test_families import dual
from tests.engine.test_tls import AUTHORITY, STRANGER, caller, options
from tests.harness.call import How
from tests.harness.dialog import response_to
from tests.harness.message import Request
from tests.harness.sip import Phone
from tests.harness.waiting import within

Phones = Callable[..., Awaitable[Phone]]
Stations = Callable[..., Station]
FROM = [("From", "<sip:alice@example.org>;tag=abc")]


async def answered(station: Station, phone: Phone, method: str = "MESSAGE", **more: Any) -> tuple[Event, Request]:
    """The RESPONSE to a request to the phone, and the request as it came."""
    number = station.engine.request(method, phone.uri, **more)
    response = await station.event(EventKind.RESPONSE, number)
    request = phone.trace.messages(method)[-1]
    assert isinstance(request, Request)
    return response, request


def answering(phone: Phone, method: str, status: int, **more: Any) -> None:
    phone.handlers[method] = lambda request: response_to(request, status, tag="theirs", **more)


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize("address", [None, "::1"], ids=["ipv4", "ipv6"])
async def test_a_request_and_its_response(
    stations: Stations, phones: Phones, transport: str, address: str | None
) -> None:
    station = stations(**dual())
    phone = await phones("bob", address=address, transport=transport)
    answering(phone, "MESSAGE", 202, reason="Taken", headers=[("X-Id", "7"), ("Content-Type", "a/b")], body=b"\x00\xff")
    response, request = await answered(
        station, phone, headers=FROM, content_type="text/plain;charset=utf-8", body="grüße\x00".encode()
    )
    assert (response.code, response.text) == (202, "Taken")
    detail = response.detail
    assert ("X-Id", "7") in detail["headers"]
    assert (detail["content_type"], detail["body"]) == ("a/b", b"\x00\xff")
    assert (detail["source_host"], detail["source_port"]) == (phone.address, phone.port)
    assert detail["transport"] == transport.upper()
    assert (request.uri, request.via.transport) == (phone.uri, transport.upper())
    assert ("[::1]" in request.headers["Via"]) == bool(address)
    assert request.headers["Content-Type"].replace(" ", "") == "text/plain;charset=utf-8"
    assert request.body == "grüße\x00".encode()
    assert request.headers["From"] == "<sip:alice@example.org>;tag=abc"
    assert request.to.uri.startswith("sip:bob@")
    assert request.to.tag == ""
    await station.until_counts(transactions=0)


async def test_what_is_missing_is_made(station: Station, phones: Phones) -> None:
    phone = await phones("bob")
    first, second = [(await answered(station, phone, "OPTIONS"))[1] for _ in range(2)]
    assert first.from_.tag and first.from_.tag != second.from_.tag
    assert first.call_id and first.call_id != second.call_id
    assert (first.headers["CSeq"], first.headers["Max-Forwards"]) == ("1 OPTIONS", "70")
    assert first.headers["User-Agent"] == "Callwright"
    assert f"{station.host}:{station.port()}" in first.headers["Contact"]
    assert "Route" not in first.headers


async def test_a_contact_has_the_user_of_the_from(station: Station, phones: Phones) -> None:
    """And none is in what sets nothing up (RFC 3428 section 5)."""
    phone = await phones("bob")
    _, options_ = await answered(station, phone, "OPTIONS", headers=[("From", "<sip:a%20b@example.org>")])
    assert f"<sip:a%20b@{station.host}:{station.port()}>" == options_.headers["Contact"]
    assert options_.from_.tag
    for method in ("MESSAGE", "PUBLISH"):
        assert "Contact" not in (await answered(station, phone, method))[1].headers


async def test_headers_are_taken_as_they_are(station: Station, phones: Phones) -> None:
    phone = await phones("bob")
    given = [
        ("f", '"Al > ice" <sip:alice@example.org>;tag=ours'),
        ("To", "<sip:bob@example.org>;tag=theirs"),
        ("Call-ID", "one@two"),
        ("CSeq", "17 NOTIFY"),
        ("Max-Forwards", "3"),
        ("Contact", "<sip:me@192.0.2.1:5062;x=y>;expires=60"),
        ("Event", "dialog;id=1"),
        ("Subscription-State", "active;expires=60"),
        ("User-Agent", "Other/1"),
        ("Authorization", 'Digest username="a", realm="r"'),
        ("X-Umlaut", "grüße, ä;b"),
    ]
    response, request = await answered(station, phone, "NOTIFY", headers=given)
    assert response.code == 200
    for name, value in given:
        full = {"f": "From"}.get(name, name)
        assert request.headers.lines(full) == [value], full
    assert "Route" not in request.headers


async def test_routes_and_the_next_hop(station: Station, phones: Phones) -> None:
    """The first Route names where it goes, unless a next hop does; the URI and the routes are shown as given."""
    phone, other = await phones("bob"), await phones("proxy")
    uri = "sip:bob@nowhere.invalid"
    routes = [("Route", f"<sip:{other.place};lr>, <sip:192.0.2.1;lr>"), ("Route", "<sip:192.0.2.2;lr>")]
    number = station.engine.request("OPTIONS", uri, headers=routes)
    assert (await station.event(EventKind.RESPONSE, number)).code == 200
    number = station.engine.request("OPTIONS", uri, headers=routes, next_hop=phone.uri)
    assert (await station.event(EventKind.RESPONSE, number)).code == 200
    for peer in (other, phone):
        (request,) = peer.trace.messages("OPTIONS")
        assert isinstance(request, Request) and request.uri == uri
        shown = ",".join(request.headers.lines("Route")).replace(" ", "")
        assert shown == f"<sip:{other.place};lr>,<sip:192.0.2.1;lr>,<sip:192.0.2.2;lr>"


async def test_headers_behind_the_uri_are_not_sent(station: Station, phones: Phones) -> None:
    phone = await phones("bob")
    number = station.engine.request("OPTIONS", f"{phone.uri}?X-Evil=1%0D%0AX-Worse%3A%202&Route=%3Csip%3A192.0.2.1%3E")
    assert (await station.event(EventKind.RESPONSE, number)).code == 200
    (request,) = phone.trace.messages("OPTIONS")
    assert "evil" not in str(request).lower() and "worse" not in str(request).lower()
    assert "Route" not in request.headers


@pytest.mark.parametrize("status", [302, 401, 404, 503, 603])
async def test_a_refusal_is_a_response(station: Station, phones: Phones, status: int) -> None:
    phone = await phones("bob")
    answering(phone, "REGISTER", status, headers=[("WWW-Authenticate", 'Digest realm="r", nonce="n"')])
    response, _ = await answered(station, phone, "REGISTER")
    assert response.code == status
    assert ("WWW-Authenticate", 'Digest realm="r", nonce="n"') in response.detail["headers"]


async def test_only_the_final_response_counts(station: Station, phones: Phones) -> None:
    phone = await phones("bob")
    phone.behaviour.never_answers.add("MESSAGE")
    number = station.engine.request("MESSAGE", phone.uri)
    request = await phone.expect("MESSAGE")
    assert isinstance(request, Request)
    for status in (100, 183, 200, 200):
        phone.send(response_to(request, status, tag="x"), phone.hop(station.uri()))
    assert (await station.event(EventKind.RESPONSE, number)).code == 200
    assert (await answered(station, phone, "OPTIONS"))[0].code == 200  # by now the second 200 has been read
    assert station.of(number) == [EventKind.RESPONSE]


async def test_nothing_comes_in_time(station: Station, phones: Phones) -> None:
    """It is sent again until then, and not after; what comes later changes nothing."""
    phone = await phones("bob")
    phone.behaviour.never_answers.add("MESSAGE")
    began = station.now()
    number = station.engine.request("MESSAGE", phone.uri, timeout=0.8)
    response = await station.event(EventKind.RESPONSE, number)
    assert 0.75 < station.now() - began < 3
    assert (response.code, response.text) == (408, "no response came in time")
    detail = response.detail
    assert (detail["headers"], detail["source_host"], detail["source_port"], detail["transport"]) == ([], "", 0, "")
    assert (detail["content_type"], detail["body"]) == ("", b"")
    requests = phone.trace.messages("MESSAGE")
    assert len(requests) == 2  # Timer E: at once and after 500 ms
    assert isinstance(requests[0], Request)
    phone.send(response_to(requests[0], 200, tag="late"), phone.hop(station.uri()))
    assert (await answered(station, phone, "OPTIONS"))[0].code == 200
    assert station.of(number) == [EventKind.RESPONSE]


async def test_nobody_listens(station: Station) -> None:
    with socket.socket() as unused:
        unused.bind((station.host, 0))
        number = station.engine.request("OPTIONS", f"sip:{station.host}:{unused.getsockname()[1]};transport=tcp")
        response = await station.event(EventKind.RESPONSE, number)
    assert (response.code, response.detail["headers"]) == (503, [])
    assert response.text
    assert [event for event in station.events if event.kind is EventKind.FLOW_CLOSED] == []  # it never was open


@pytest.mark.parametrize("uri", ["sips:a@127.0.0.1", "sip:a@127.0.0.1;transport=tls", "sip:a@[::1]"])
async def test_no_transport_of_ours_leads_there(station: Station, uri: str) -> None:
    for method in ("OPTIONS", "MESSAGE"):
        number = station.engine.request(method, uri)
        response = await station.event(EventKind.RESPONSE, number)
        assert response.code == 503 and response.text


async def test_the_engine_closes(station: Station, phones: Phones) -> None:
    phone = await phones("bob")
    phone.behaviour.never_answers.add("MESSAGE")
    number = station.engine.request("MESSAGE", phone.uri)
    await phone.expect("MESSAGE")
    assert station.engine.counts()["transactions"] == 1
    await asyncio.get_running_loop().run_in_executor(None, station.engine.close)
    station.drain()
    response = await station.event(EventKind.RESPONSE, number)
    assert (response.code, response.text) == (503, "the engine is closed")
    with pytest.raises(RuntimeError, match="closed"):
        station.engine.request("MESSAGE", phone.uri)


async def test_ten_thousand_may_wait(station: Station) -> None:
    """One more is answered at once; all are answered in the end."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind((station.host, 0))
        uri = f"sip:{station.host}:{silent.getsockname()[1]}"
        numbers = [station.engine.request("OPTIONS", uri) for _ in range(10_000)]
        assert station.engine.counts()["transactions"] == 10_000
        refused = await station.event(EventKind.RESPONSE, station.engine.request("OPTIONS", uri))
        assert (refused.code, refused.text) == (503, "too many requests wait for their responses")
        await asyncio.get_running_loop().run_in_executor(None, station.engine.close)
        while station.engine.counts()["events"]:
            station.drain()
    ended = [event.id for event in station.events if event.kind is EventKind.RESPONSE]
    assert sorted(ended) == sorted([*numbers, refused.id])


@pytest.mark.parametrize(
    "wrong",
    [
        {"method": "INVITE"},
        {"method": "bye"},
        {"method": "A B"},
        {"method": ""},
        {"uri": "tel:+1555"},
        {"uri": "sip:bob@127.0.0.1\r\nX: y"},
        {"uri": "sip:bob@example.org"},
        {"uri": "sip:bob@example.org", "headers": [("Route", "<sip:proxy.example.org;lr>")]},
        {"next_hop": "127.0.0.1:5060"},
        {"next_hop": "sip:proxy.example.org"},
        {"headers": [("X", "a\r\nb")]},
        {"headers": [("X: y", "a")]},
        {"headers": [("v", "SIP/2.0/UDP 127.0.0.1")]},
        {"headers": [("Content-Type", "a/b")]},
        {"headers": [("l", "5")]},
        {"headers": [("From", "<sip:a@b")]},
        {"headers": [("From", "<sip:a@b>"), ("f", "<sip:a@b>")]},
        {"headers": [("CSeq", "1 NOTIFY")]},
        {"headers": [("CSeq", "many MESSAGE")]},
        {"headers": [("Max-Forwards", "x")]},
        {"headers": [("Route", "nonsense")]},
        {"headers": [("X", "y")] * 65},
        {"headers": [("X", "y" * 7200)]},
        {"body": b"x"},
        {"body": b"x" * 7200, "content_type": "text/plain"},
        {"body": b"x", "content_type": "text/plain\r\nX: y"},
        {"timeout": 0.0},
        {"timeout": float("nan")},
    ],
)
def test_wrong_arguments(station: Station, wrong: dict[str, Any]) -> None:
    given = {"method": "MESSAGE", "uri": "sip:bob@127.0.0.1"} | wrong
    with pytest.raises(ValueError, match=r".+"):
        station.engine.request(given.pop("method"), given.pop("uri"), **given)
    assert station.engine.counts()["transactions"] == 0


# connections


async def heard(station: Station, phone: Phone) -> Event:
    """A request that came from the phone, answered."""
    uri = station.uri(transport=phone.transport.lower())
    asking = asyncio.create_task(phone.request("MESSAGE", uri))
    event = await station.event(EventKind.REQUEST)
    station.engine.respond(event.id, 200)
    await asking
    return event


def at(event: Event) -> str:
    """Where a REQUEST came from, as a URI."""
    detail = event.detail
    return f"sip:{detail['source_host']}:{detail['source_port']};transport={detail['transport'].lower()}"


async def test_a_connection_is_used_again(station: Station, phones: Phones) -> None:
    """The phone's own, by its address; and one that we have opened."""
    phone = await phones("bob", transport="tcp")
    event = await heard(station, phone)
    for _ in range(2):
        number = station.engine.request("OPTIONS", "sip:bob@192.0.2.1;transport=tcp", next_hop=at(event))
        assert (await station.event(EventKind.RESPONSE, number)).code == 200
    assert len(phone.connections) == 1
    for _ in range(2):
        assert (await answered(station, phone, "OPTIONS"))[0].code == 200
    assert len(phone.connections) == 2


async def test_a_connection_that_is_gone_is_told(station: Station, phones: Phones) -> None:
    phone = await phones("bob", transport="tcp")
    event = await heard(station, phone)
    phone.drop_connections()
    gone = (await station.event(EventKind.FLOW_CLOSED)).detail
    assert gone == {name: event.detail[name] for name in ("transport", "source_host", "source_port")}
    number = station.engine.request("OPTIONS", "sip:bob@192.0.2.1", next_hop=at(event), timeout=3)
    assert (await station.event(EventKind.RESPONSE, number)).code == 503  # nobody listens there

    assert (await answered(station, phone, "OPTIONS"))[0].code == 200
    phone.drop_connections()
    gone = (await station.event(EventKind.FLOW_CLOSED)).detail
    assert gone == {"transport": "TCP", "source_host": phone.address, "source_port": phone.port}


async def test_a_phone_behind_its_tls_connection(stations: Stations, phones: Phones) -> None:
    """It has proved no name, and opened the connection: it is used for whatever its Contact says."""
    station = stations(**options())
    phone = await caller(phones)
    event = await heard(station, phone)
    for uri in ("sip:caller@10.1.2.3:5061;transport=tls", "sips:caller@phone.invalid"):
        number = station.engine.request("OPTIONS", uri, next_hop=at(event))
        assert (await station.event(EventKind.RESPONSE, number)).code == 200
    assert len(phone.connections) == 1


async def test_a_tls_server_proves_its_name(stations: Stations, phones: Phones) -> None:
    """Its connection serves that name, and addresses, and no other name."""
    station = stations(**options())
    phone = await phones("bob", transport="tls", tls=AUTHORITY.tls("gateway.test"))
    hop = f"sip:{phone.place};transport=tls"

    async def asked(host: str) -> int:
        number = station.engine.request("OPTIONS", f"sip:bob@{host};transport=tls", next_hop=hop)
        return (await station.event(EventKind.RESPONSE, number)).code

    assert [await asked(host) for host in ("gateway.test", "gateway.test", "192.0.2.1")] == [200, 200, 200]
    assert (len(phone.connections), phone.server_names) == (1, ["gateway.test"])
    assert await asked("other.test") == 503
    stranger = await phones("eve", transport="tls", tls=STRANGER.tls("gateway.test"))
    hop = f"sip:{stranger.place};transport=tls"
    assert await asked("gateway.test") == 503
    assert stranger.trace.messages("OPTIONS") == []


async def test_calls_go_on_beside(station: Station, phones: Phones) -> None:
    phone = await phones("bob")
    call, leg = await station.placed(phone)
    assert (await answered(station, phone, "OPTIONS"))[0].code == 200
    station.engine.hangup(leg)
    assert (await within(call.until_ended(), 5, "the end of the call")).how is How.BYE_RECEIVED


async def test_the_contact_of_a_listener_on_every_interface(stations: Stations, phones: Phones) -> None:
    """Is the address of the interface that leads to the peer."""
    station = stations(listen=[("udp", "0.0.0.0", 0), ("tcp", "0.0.0.0", 0)])
    for transport in ("udp", "tcp"):
        phone = await phones("bob", transport=transport)
        _, request = await answered(station, phone, "OPTIONS", headers=FROM)
        suffix = "" if transport == "udp" else ";transport=tcp"
        assert request.headers["Contact"] == f"<sip:alice@127.0.0.1:{station.port(transport)}{suffix}>"
        assert len(phone.connections) == (transport == "tcp")
