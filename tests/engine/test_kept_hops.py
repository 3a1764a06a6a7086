"""Dialogs with users' phones: what follows goes where they registered or called from, whatever they say (promise S12).

A victim listens at the address that Contact and Record-Route name. Proxies that are really on the way are followed.
"""

from collections.abc import Awaitable, Callable

import pytest

from callwright.engine import EventKind
from tests.engine.station import CALLER, Station
from tests.engine.users import Account, guard
from tests.harness.call import How, PhoneCall
from tests.harness.dialog import new_tag
from tests.harness.message import Request, Response
from tests.harness.sip import Phone

Phones = Callable[..., Awaitable[Phone]]

# {victim} and {phone} are host:port, {host} the phone's address; the nearest to us is the last one of a response
ELSEWHERE = [
    "<sip:{victim};lr>",
    "<sip:{victim}>",
    "<sip:{victim};lr;transport=udp>, <sip:{victim};lr>",
    "<sip:{phone};lr>, <sip:{victim};lr>",
    "<sip:{host};lr;maddr={victim_host}>",
    "<sip:{host}@{victim};lr>",
    "<sip:nobody.invalid;lr>",
    "<sip:{victim};lr;hide>",
]


def written(pattern: str, phone: Phone, victim: Phone) -> str:
    """A Record-Route."""
    return pattern.format(victim=victim.place, victim_host=victim.address, phone=phone.place, host=phone.address)


def placed(station: Station, phone: Phone, *route: str) -> int:
    """An INVITE to where a phone has registered from."""
    return station.engine.originate(
        "sip:bob@192.0.2.1", next_hop=phone.uri, route=route, keep_hop=True, local_uri=CALLER
    )


async def shown_at(phones: Phones, victim: Phone, user: str = "called", **options: object) -> Phone:
    """A phone whose Contact is the victim's."""
    phone = await phones(user, **options)
    phone.shown = victim.uri
    return phone


def untouched(victim: Phone) -> None:
    """Nothing has come to it."""
    assert victim.trace.entries == [] and victim.connections == []


class TestCalled:
    @pytest.mark.parametrize("pattern", ELSEWHERE)
    async def test_S12_a_record_route_that_points_elsewhere(
        self, station: Station, phones: Phones, pattern: str
    ) -> None:
        """ACK, re-INVITE and BYE come to who was called, also when its Path has named the victim."""
        victim = await phones("victim")
        phone = await shown_at(phones, victim)
        leg = placed(station, phone, f"<sip:{victim.place};lr>")
        call = await phone.incoming()
        assert call.invite.headers.lines("Route") == [f"<sip:{victim.place};lr>"]
        record = [("Record-Route", written(pattern, phone, victim))]
        await call.ring(180, record)
        await station.event(EventKind.PROGRESS, leg)
        await call.answer(record)
        await station.event(EventKind.ESTABLISHED, leg)
        station.engine.hold(leg, True)
        await call.expect("INVITE")
        await call.expect("INVITE")
        station.engine.hangup(leg)
        assert (await call.until_ended()).how is How.BYE_RECEIVED
        untouched(victim)

    async def test_S12_a_reliable_provisional_response(self, station: Station, phones: Phones) -> None:
        """Its PRACK is sent before anybody is told of it; a Record-Route in the answer to that changes nothing."""
        victim = await phones("victim")
        phone = await shown_at(phones, victim)
        leg = placed(station, phone)
        call = await phone.incoming()
        record = [("Record-Route", f"<sip:{victim.place};lr>")]
        await call.progress(183, record, reliable=True)
        assert (await call.expect("PRACK")).headers.lines("Route") == [record[0][1]]
        await call.answer(record)
        await station.event(EventKind.ESTABLISHED, leg)
        station.engine.hangup(leg)
        assert (await call.until_ended()).how is How.BYE_RECEIVED
        untouched(victim)

    async def test_S12_an_answer_after_the_end(self, station: Station, phones: Phones) -> None:
        """The call has been given up; who answers all the same gets ACK and BYE, and nobody else does."""
        victim = await phones("victim")
        phone = await shown_at(phones, victim)
        phone.behaviour.never_answers = {"CANCEL"}
        leg = placed(station, phone)
        call = await phone.incoming()
        await call.ring()
        await station.event(EventKind.PROGRESS, leg)
        station.engine.hangup(leg)
        await station.event(EventKind.ENDED, leg)
        await phone.expect("CANCEL")
        await call.answer([("Record-Route", f"<sip:{victim.place};lr>")])
        assert (await call.until_ended()).how is How.BYE_RECEIVED
        untouched(victim)

    async def test_S12_a_second_answer(self, station: Station, phones: Phones) -> None:
        """Of another dialog, which nobody wants: its BYE goes to who has sent it."""
        victim = await phones("victim")
        phone = await shown_at(phones, victim)
        leg = placed(station, phone)
        first = await phone.incoming()
        second = first.fork()
        await first.answer()
        await station.event(EventKind.ESTABLISHED, leg)
        await second.answer([("Record-Route", f"<sip:{victim.place};lr>")])
        assert (await second.until_ended()).how is How.BYE_RECEIVED
        station.engine.hangup(leg)
        assert (await first.until_ended()).how is How.BYE_RECEIVED
        untouched(victim)

    @pytest.mark.parametrize("pattern", ["<sip:{place};lr>", "<sip:192.0.2.9;lr>, <sip:{place};lr;r2=on>"])
    async def test_a_proxy_on_the_way_is_followed(self, station: Station, phones: Phones, pattern: str) -> None:
        """It has the hop's address: it may listen at another port of it, and knows the way from there."""
        phone = await phones("called")
        proxy = await phones("proxy", address=phone.address)
        leg = placed(station, phone)
        call = await phone.incoming()
        record = pattern.format(place=proxy.place)
        await call.answer([("Record-Route", record)], ack=False)
        ack = await proxy.expect("ACK")
        assert isinstance(ack, Request) and ack.headers.values("Route") == record.split(", ")[::-1]
        station.engine.hangup(leg)
        await proxy.expect("BYE")
        proxy.faults.clear()  # they are of no call of its own


async def called_by(station: Station, phone: Phone, record: str) -> tuple[PhoneCall, int]:
    """An established call from a phone, which does not believe its own Record-Route, and its leg."""
    call, event = await station.invited(phone, headers=[("Record-Route", record)])
    call.behaviour.acks = False
    station.engine.answer(event.id, 200)
    answer = await call.answered()
    call.dialog.routes = []
    phone.send(phone.with_via(call.dialog.request("ACK", cseq=answer.cseq)), phone.hop(call.dialog.target))
    await station.event(EventKind.ESTABLISHED, event.id)
    return call, event.id


class TestCalling:
    @pytest.mark.parametrize("pattern", ELSEWHERE[:2] + ELSEWHERE[4:])
    async def test_S12_a_record_route_of_an_invite(self, station: Station, phones: Phones, pattern: str) -> None:
        """A user's own INVITE, with the victim as Contact and proxy: re-INVITE and BYE come to who has called."""
        alice = Account()
        guard(station, alice)
        victim = await phones("victim")
        phone = await shown_at(phones, victim, "alice", credentials=alice.phone())
        call, leg = await called_by(station, phone, written(pattern, phone, victim))
        station.engine.hold(leg, True)
        await call.expect("INVITE")
        station.engine.hangup(leg)
        assert (await call.until_ended()).how is How.BYE_RECEIVED
        untouched(victim)

    async def test_a_proxy_on_the_way_is_followed(self, station: Station, phones: Phones) -> None:
        alice = Account()
        guard(station, alice)
        phone = await phones("alice", credentials=alice.phone())
        proxy = await phones("proxy", address=phone.address)
        record = f"<sip:{proxy.place};lr>"
        _, leg = await called_by(station, phone, record)
        station.engine.hangup(leg)
        assert (await proxy.expect("BYE")).headers.lines("Route") == [record]
        proxy.faults.clear()  # it is of no call of its own


async def test_an_answer_goes_to_where_the_request_came_from(station: Station, phones: Phones) -> None:
    """Not to a `maddr` of its Via: nobody is made to hear what he has not asked for."""
    victim, phone = await phones("victim"), await phones("asks")
    branch = "z9hG4bK" + new_tag()
    lines = [
        f"OPTIONS {station.uri()} SIP/2.0",
        f"Via: SIP/2.0/UDP {phone.place};branch={branch};maddr={victim.address}",
        f"Via: SIP/2.0/UDP {victim.place};branch={branch}1;maddr={victim.address}",
        f"From: <sip:asks@{phone.address}>;tag={new_tag()}",
        f"To: <{station.uri()}>",
        f"Call-ID: {new_tag()}",
        "CSeq: 1 OPTIONS",
        "Content-Length: 0",
    ]
    phone.send_raw("\r\n".join([*lines, "", ""]).encode(), station.uri())
    assert isinstance(await phone.expect(200, method="OPTIONS"), Response)
    untouched(victim)
    phone.faults.clear()  # a response that it has asked for by hand
