"""What follows in the calls of users' phones: it goes where they registered or called from (promise S12), and by the
edge proxies that are really on the way (RFC 3327, RFC 5626)."""

from collections.abc import Awaitable, Callable

import pytest

from tests.harness import Phone, PhoneCall
from tests.harness.call import How

from .house import House, people
from .line import document
from .site import Site

pytestmark = pytest.mark.integration

Sites = Callable[..., Awaitable[Site]]
Phones = Callable[..., Awaitable[Phone]]
both_transports = pytest.mark.parametrize("by", ["udp", "tcp"])


@pytest.fixture
async def house(sites: Sites, phones: Phones) -> House:
    """Alice lives here."""
    return House(await sites(strangers=True, users=people("alice")), phones)


def place(phone: Phone, by: str) -> str:
    """A phone's address as the host part of a URI."""
    return f"{phone.address}:{phone.port};transport={by}"


def untouched(victim: Phone) -> None:
    """Nothing has come to him, by packet or connection."""
    assert victim.trace.entries == [] and victim.connections == []


async def registered(house: House, phone: Phone, *path: str) -> None:
    """A REGISTER with these Paths."""
    aor = f"sip:alice@{house.site.daemon.host}"
    lines = [("Contact", phone.contact), ("Supported", "path"), *(("Path", one) for one in path)]
    registrar = house.registrar(phone.transport.lower())
    answer = await phone.request("REGISTER", registrar, headers=lines, from_uri=aor, to_uri=aor)
    assert answer.status == 200


async def calls_out(house: House, phone: Phone, record: str) -> PhoneCall:
    """An answered call of a phone that writes a Record-Route, and does not believe it itself."""
    call = await phone.invite(house.aor("600"), headers=[("Record-Route", record)])
    call.behaviour.acks = False
    answer = await call.answered()
    call.dialog.routes = []
    phone.send(phone.with_via(call.dialog.request("ACK", cseq=answer.cseq)), phone.hop(call.dialog.target))
    return call


@both_transports
async def test_S12_a_phone_that_answers_from_elsewhere(house: House, phones: Phones, by: str) -> None:
    """Path, Contact and Record-Route name somebody else: ACK and BYE come to who registered."""
    victim, alice = await phones("victim"), await house.phone("alice", transport=by)
    there = place(victim, by)
    alice.shown = f"sip:alice@{there}"
    await registered(house, alice, f"<sip:{there};lr>")
    sid = await house.calls("alice", twiml=document("<Pause length='1'/>"))
    call = await alice.incoming()
    await call.ring(180, [("Record-Route", f"<sip:{there};lr>")])
    await call.answer([("Record-Route", f"<sip:{there};lr>")])
    assert (await call.until_ended()).how is How.BYE_RECEIVED
    assert (await house.site.over(sid)).form["CallStatus"] == "completed"
    untouched(victim)


@both_transports
async def test_S12_a_phone_that_calls_from_elsewhere(house: House, phones: Phones, by: str) -> None:
    """Its own INVITE says that somebody else is on the way: INFO and BYE come to who has called."""
    victim, alice = await phones("victim"), await house.phone("alice", transport=by)
    alice.shown = f"sip:alice@{place(victim, by)}"
    house.site.script("/user", "<Play digits='1'/><Hangup/>")
    call = await calls_out(house, alice, f"<sip:{place(victim, by)};lr>")
    assert (await call.until_ended(10)).how is How.BYE_RECEIVED
    untouched(victim)


class Edge:
    """A proxy in front of a phone, as the daemon sees it: one address, whose requests come from another port than that
    at which it listens.

    Attributes:
        speaks: sends for the phone, and registers it.
        listens: where its Path and Record-Route lead.
    """

    def __init__(self, speaks: Phone, listens: Phone) -> None:
        self.speaks, self.listens = speaks, listens
        self.route = f"<sip:{listens.place};lr>"


@pytest.fixture
async def edge(house: House, phones: Phones) -> Edge:
    speaks = await house.phone("alice")
    return Edge(speaks, await phones("edge", address=speaks.address))


async def test_a_phone_behind_an_edge_proxy_is_called(house: House, edge: Edge) -> None:
    """The proxy that has brought its REGISTER gets the INVITE, with its Path as Route, and what follows."""
    edge.speaks.shown = "sip:alice@192.0.2.77:5062"
    await registered(house, edge.speaks, edge.route)
    sid = await house.calls("alice", twiml=document("<Pause length='1'/>"))
    call = await edge.speaks.incoming()
    assert (call.invite.uri, call.invite.headers.lines("Route")) == ("sip:alice@192.0.2.77:5062", [edge.route])
    await call.answer([("Record-Route", edge.route)], ack=False)
    for method in ("ACK", "BYE"):
        assert (await edge.listens.expect(method)).headers.lines("Route") == [edge.route]
    assert (await house.site.over(sid)).form["CallStatus"] == "completed"
    edge.listens.faults.clear()  # of no call of its own
    edge.speaks.faults.clear()  # its answer has been acknowledged elsewhere


async def test_a_phone_behind_an_edge_proxy_calls(house: House, edge: Edge) -> None:
    house.site.script("/user", "<Pause length='1'/><Hangup/>")
    edge.speaks.shown = "sip:alice@192.0.2.77:5062"
    await calls_out(house, edge.speaks, edge.route)
    assert (await edge.listens.expect("BYE")).headers.lines("Route") == [edge.route]
    edge.listens.faults.clear()
