"""From what is dialled to INVITEs."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from callwright.calls import outbound
from callwright.calls.application import Application
from callwright.calls.call import Call
from callwright.calls.control import NumberTarget, SipTarget, Target
from callwright.calls.fences import Fences
from callwright.calls.fork import Fork
from callwright.calls.status import Direction
from callwright.errors import Fenced
from tests.calls.fakes import ACCOUNT_SID, OTHER_SID, Command, Room
from tests.calls.jumping import turns
from tests.sip.registering import Answers

SECOND = {"name": "second", "account": ACCOUNT_SID, "targets": ["sip:gw3.example"], "prefixes": [""]}


def call_from(room: Room, from_: str, **options: str) -> Call:
    return Call(
        room.exchange, room.account, Application(), direction=Direction.OUTBOUND_API, from_=from_, to="x", **options
    )


def invite(room: Room, from_: str, target: Target, **options: str) -> Command:
    """The first INVITE for a target."""
    call = call_from(room, from_, **options)
    leg = outbound.attempts(call, target)[0].send("")
    assert leg is not None
    call.leg = leg
    leg.ended.add_done_callback(lambda ended: call.finish(ended.result()))
    return room.engine.of("originate", leg.node)[0]


def test_separators_are_left_out() -> None:
    assert outbound.number("+1 (555) 888-00.00") == "+15558880000"
    assert outbound.address_of(NumberTarget("+1 555")) == "+1555"
    assert outbound.address_of(SipTarget("sip:a b@c")) == "sip:a b@c"


@pytest.mark.parametrize(
    ("from_", "shown"),
    [
        ("+15550001000", "<sip:+15550001000@127.0.0.1>"),
        ("sip:alice@host.example", "<sip:alice@127.0.0.1>"),
        ("sip:al%20ice@host.example", "<sip:al%20ice@127.0.0.1>"),
        ('sip:a"b@host', "<sip:a%22b@127.0.0.1>"),
        ('sip:"><x>@host', "<sip:127.0.0.1>"),
        ("client:bob", "<sip:bob@127.0.0.1>"),
        ("+266696687", "<sip:anonymous@127.0.0.1>"),
        ("x\r\nVia: y", "<sip:x%0D%0AVia%3A%20y@127.0.0.1>"),
        ("", "<sip:127.0.0.1>"),
    ],
)
async def test_who_calls(room: Room, from_: str, shown: str) -> None:
    assert invite(room, from_, SipTarget("sip:x@y")).values["local_uri"] == shown


async def test_headers_of_a_sip_party(room: Room) -> None:
    values = invite(room, "+1", SipTarget("sip:x@y", "user", "word", (("X-A", "1"),))).values
    names = [name for name, _ in values["headers"]]
    assert names == ["X-Twilio-CallSid", "X-Twilio-AccountSid", "X-Twilio-ApiVersion", "X-A"]
    assert (values["uri"], values["username"], values["password"]) == ("sip:x@y", "user", "word")


class TestUsers:
    """Calls to users go to the address that registered (promise S12)."""

    @pytest.fixture
    async def house(self, rooms: Callable[..., Room]) -> Room:
        users = [
            {"name": "alice", "account": ACCOUNT_SID, "password": "a", "codecs": ["PCMA"]},
            {"name": "bob", "account": ACCOUNT_SID, "password": "b"},
            {"name": "eve", "account": OTHER_SID, "password": "c"},
        ]
        room = rooms(user=users, sip={"domain": "pbx.example"})
        answers = Answers()
        for name, *contacts in (
            ("alice", "<sip:alice@169.254.169.254:80>"),
            ("bob", "<sip:bob@10.0.0.5>", "<sips:bob@10.0.0.6>"),
            ("eve", "<sip:eve@10.0.0.7>"),
        ):
            place = {"host": "203.0.113.9", "port": 40000, "transport": "TCP", "realm": "pbx.example"}
            room.registrar.take(answers.register(*contacts, name=name, to=f"sip:{name}@pbx.example", **place))  # type: ignore[arg-type]  # mixed
        return room

    async def test_S12_to_where_it_registered_from(self, house: Room) -> None:
        """Whatever the Contact says: it is only whom the request is for."""
        values = invite(house, "+15550001000", SipTarget("sip:alice@pbx.example:5060", headers=(("X-A", "1"),))).values
        assert (values["uri"], values["next_hop"]) == (
            "sip:alice@169.254.169.254:80",
            "sip:203.0.113.9:40000;transport=tcp",
        )
        assert values["local_uri"] == "<sip:+15550001000@pbx.example>" and values["codecs"] == ("PCMA",)
        assert values["headers"][-1] == ("X-A", "1") and values["username"] == ""

    @pytest.mark.parametrize(
        ("facts", "uri", "transport", "offered"),
        [
            ({}, "sip:zoe@pbx.example", "TLS", ("optional", "")),
            ({}, "sip:zoe@pbx.example", "TCP", ("off", "")),
            ({}, "sip:zoe@pbx.example;secure=true", "TCP", ("required", "sdes")),
            ({"srtp": "off"}, "sip:zoe@pbx.example", "TLS", ("off", "")),
            ({"srtp": "off"}, "sip:zoe@pbx.example;secure=true", "TLS", ("required", "sdes")),
            ({"srtp": "required"}, "sip:zoe@pbx.example", "UDP", ("required", "sdes")),
            ({"srtp": "required", "srtp_keying": "dtls"}, "sip:zoe@pbx.example", "TLS", ("required", "dtls")),
            ({"srtp_keying": "dtls"}, "sip:zoe@pbx.example", "TLS", ("optional", "")),
        ],
    )
    async def test_how_a_phone_is_offered_srtp(
        self, rooms: Callable[..., Room], facts: dict[str, str], uri: str, transport: str, offered: tuple[str, str]
    ) -> None:
        """As its user says; keys that it may leave go only where nobody can read them."""
        zoe = {"name": "zoe", "account": ACCOUNT_SID, "password": "a", **facts}
        room = rooms(user=[zoe], sip={"domain": "pbx.example"})
        register = Answers().register("<sip:zoe@10.0.0.5>", name="zoe", to="sip:zoe@pbx.example", transport=transport)
        room.registrar.take(register)
        values = invite(room, "+15550001000", SipTarget(uri)).values
        assert (values["srtp"], values["srtp_keying"]) == offered

    async def test_all_phones_of_a_user(self, house: Room) -> None:
        call = call_from(house, "+1")
        (attempt,) = outbound.attempts(call, SipTarget("sip:bob@pbx.example"))
        assert await house.endpoint.next_hop(attempt.uri) == ""
        leg = attempt.send("")
        assert isinstance(leg, Fork)
        sent = house.engine.of("originate")
        assert [one.values["uri"] for one in sent] == ["sip:bob@10.0.0.5", "sips:bob@203.0.113.9:40000"]
        call.leg = leg
        leg.ended.add_done_callback(lambda ended: call.finish(ended.result()))

    async def test_phones_that_are_not_preferred_equally(self, house: Room) -> None:
        """The next one rings when the first has refused (RFC 3261 §16.6)."""
        contacts = "<sip:bob@10.0.0.5>;q=0.1", "<sips:bob@10.0.0.6>;q=0.9"
        place = {"host": "203.0.113.9", "port": 40000, "transport": "TCP", "realm": "pbx.example"}
        house.registrar.take(Answers().register(*contacts, name="bob", to="sip:bob@pbx.example", cseq=2, **place))  # type: ignore[arg-type]  # mixed
        call = call_from(house, "+1")
        call.ring_s = 20
        (attempt,) = outbound.attempts(call, SipTarget("sip:bob@pbx.example"))
        leg = attempt.send("")
        assert leg is not None
        house.engine.end(await house.engine.called(), 486)
        second = await house.engine.called(2)
        sent = [one.values["uri"] for one in house.engine.of("originate")]
        assert sent == ["sips:bob@203.0.113.9:40000", "sip:bob@10.0.0.5"]
        house.engine.end(second, 480)
        call.finish(await leg.ended)

    @pytest.mark.parametrize(("code", "left"), [(430, 0), (486, 1)])
    async def test_a_phone_that_cannot_be_reached_any_more(self, house: Room, code: int, left: int) -> None:
        """It is no phone of hers from then on (RFC 5626 §5.3.1); one that refuses is."""
        user = house.registrar.users.at("alice@pbx.example")
        assert user is not None
        call = call_from(house, "+1")
        (attempt,) = outbound.attempts(call, SipTarget("sip:alice@pbx.example"))
        leg = attempt.send("")
        assert leg is not None
        house.engine.end(leg.node, code, by="local")
        call.finish(await leg.ended)
        await turns()
        assert len(house.registrar.bindings(user)) == left

    async def test_dialogs_of_all_phones(self, house: Room) -> None:
        """Each of them has one, until it has refused or the other one has answered; who calls is shown as to it."""
        dialogs = house.exchange.dialogs
        house.endpoint.moved = dialogs.moved
        call = call_from(house, "+15550001000")
        (attempt,) = outbound.attempts(call, SipTarget("sip:bob@pbx.example"))
        leg = attempt.send("")
        assert leg is not None
        one, two = (sent.node for sent in house.engine.of("originate"))
        own = dialogs.of("bob@pbx.example")
        assert [(dialog.direction, dialog.remote) for dialog in own] == [
            ("recipient", "sip:+15550001000@pbx.example")
        ] * 2
        house.engine.progress(one)
        await turns()
        assert [dialog.state.value for dialog in dialogs.of("bob@pbx.example")] == ["early", "trying"]
        house.engine.answer_of(two)
        await leg.answered()
        await turns()
        (talking,) = dialogs.of("bob@pbx.example")
        assert (talking.state.value, talking.call_id) == ("confirmed", f"call-{two}")
        house.engine.end(two)
        call.finish(await leg.ended)
        assert len(dialogs) == 0

    @pytest.mark.parametrize(
        ("uri", "code", "status"),
        [
            ("sip:nobody@pbx.example", 404, "failed"),
            ("sip:eve@pbx.example", 404, "failed"),
            ("sip:alice@pbx.example", 480, "no-answer"),
        ],
    )
    async def test_nobody_there(self, house: Room, uri: str, code: int, status: str) -> None:
        """32009; another account's user is as good as none."""
        house.registrar.take(
            Answers().register("*", to="sip:alice@pbx.example", expires=0, cseq=2, realm="pbx.example")
        )
        call = call_from(house, "+1")
        assert not await call.ring_out(outbound.attempts(call, SipTarget(uri)), lambda leg, early: None)
        assert (call.sip_code, str(call.status)) == (code, status)
        assert [data["code"] for kind, data in house.rows.steps(call.sid) if kind == "warning"] == [32009]
        assert house.engine.of("originate") == []


async def test_a_trunks_credentials_are_for_its_realm(rooms: Callable[..., Room]) -> None:
    room = rooms(trunk=[SECOND | {"username": "user", "password": "word", "realm": "carrier.example"}])
    assert invite(room, "+1", NumberTarget("+1555")).values["realm"] == "carrier.example"


async def test_trunk_gets_its_own_credentials_and_no_headers(room: Room) -> None:
    values = invite(room, "+1", NumberTarget("+1555#")).values
    assert values["uri"] == "sip:+1555%23@gw1.example"
    assert (values["username"], values["password"], list(values["headers"])) == ("user", "word", [])


@pytest.mark.parametrize("text", ["client:bob", "bob", "+1;x=y", "+1@evil.example", "", "1" * 33])
async def test_what_is_no_number_goes_nowhere(rooms: Callable[..., Room], text: str) -> None:
    room = rooms(trunk=[SECOND])
    call = call_from(room, "+1")
    assert outbound.attempts(call, NumberTarget(text)) == []
    call.hang_up()


async def test_a_trunks_start_is_taken_when_it_is_used(rooms: Callable[..., Room]) -> None:
    """The trunk that is only there in reserve keeps its rate and its room for its own calls."""
    first = {"name": "first", "account": ACCOUNT_SID, "targets": ["sip:gw1.example", "sip:gw2.example"]}
    slow = SECOND | {"calls_per_second": 0.01, "max_calls": 1}
    room = rooms(trunk=[first | {"max_calls": 1}, slow])
    call = call_from(room, "+1")
    gw1, gw2, gw3 = outbound.attempts(call, NumberTarget("+1555"))
    assert gw1.send("") is not None and call.trunk == "first"
    assert gw2.send("") is not None, "the second gateway of a trunk is the same call: it takes no further room"
    other = call_from(room, "+1")
    refused, again, reserve = outbound.attempts(other, NumberTarget("+1555"))
    assert refused.send("") is None and again.send("") is None
    assert reserve.send("") is not None and other.trunk == "second"
    assert gw3.send("") is None
    for one in (call, other):
        one.hang_up()


def test_what_a_rest_request_dials() -> None:
    assert outbound.target_of("SIP:a@b", username="u", password="p", headers=(("X-A", "1"),)) == SipTarget(
        "SIP:a@b", "u", "p", (("X-A", "1"),)
    )
    assert outbound.target_of("+1555") == NumberTarget("+1555")
    assert "secret" not in repr(outbound.target_of("sip:a@b", username="u", password="secret"))


async def test_a_country_that_may_not_be_called(room: Room) -> None:
    """No INVITE, and the call's story says why."""
    fences = Fences(permits=lambda account, number: not number.startswith("+44"))
    exchange = replace(room.exchange, fences=fences)
    call = Call(exchange, room.account, Application(), direction=Direction.OUTBOUND_API, from_="x", to="y")
    (held,) = outbound.attempts(call, NumberTarget("+4 4 7700900000"))
    with pytest.raises(Fenced, match=r"may not call \+447700900000"):
        held.send("")
    assert not await call.ring_out([held], lambda leg, early: None)
    await call.ended
    assert (call.status, call.sip_code, room.engine.of("originate")) == ("failed", 403, [])
    assert [data["code"] for kind, data in room.rows.steps(call.sid) if kind == "warning"] == [13227]


async def test_by_a_trunk_that_the_account_brings_along(room: Room) -> None:
    """One that it does not have is no reason to send the call another way."""

    def byoc(account_sid: str, sid: str) -> tuple[str, ...]:
        return ("sip:gw1.example", "sip:gw2.example") if (account_sid, sid) == (room.account.sid, "BY1") else ()

    exchange = replace(room.exchange, byoc=byoc)
    call = Call(exchange, room.account, Application(), direction=Direction.OUTBOUND_API, from_="x", to="y")
    attempts = outbound.attempts(call, NumberTarget("+15558880000", byoc="BY1"))
    assert [one.uri for one in attempts] == ["sip:+15558880000@gw1.example", "sip:+15558880000@gw2.example"]
    assert outbound.attempts(call, NumberTarget("+15558880000", byoc="BY2")) == []
    assert [data["code"] for kind, data in room.rows.steps(call.sid) if kind == "warning"] == [32400]
    call.hang_up()
    await call.ended


async def test_through_gateways_of_ones_own(room: Room) -> None:
    """In place of a trunk, one after the other, with the number as the user."""
    call = call_from(room, "+1")
    target = outbound.target_of("+15558880000", through=("sip:gw1.example:5080;transport=tcp", "sip:gw2.example"))
    attempts = outbound.attempts(call, target)
    assert [one.uri for one in attempts] == [
        "sip:+15558880000@gw1.example:5080;transport=tcp",
        "sip:+15558880000@gw2.example",
    ]
    leg = attempts[0].send("")
    assert leg is not None
    call.leg = leg
    leg.ended.add_done_callback(lambda ended: call.finish(ended.result()))
    assert call.trunk == ""
