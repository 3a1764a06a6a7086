"""The fences on every way out of the house (promise S8)."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from callwright.calls import outbound
from callwright.calls.application import Application
from callwright.calls.call import Call
from callwright.calls.control import ApplicationTarget, DialPlan, NumberTarget, ReferPlan, SipTarget, Target
from callwright.calls.fences import Fences, Way
from callwright.calls.ledger import Ledger, Party, Rates
from callwright.calls.order import CallOrder
from callwright.calls.permissions import Permissions
from callwright.calls.status import CallStatus, Direction
from callwright.errors import RestError
from callwright.sip.locating import Addresses
from callwright.sip.security import Occasion
from tests.calls.fakes import ACCOUNT_SID, NUMBER, SETTINGS, Room
from tests.calls.jumping import turns

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
PREMIUM, SATELLITE, ORDINARY = "+19005551234", "+881612345678", "+15558880000"
CALLER = "+15557654321"
Rooms = Callable[..., Room]


def fenced(room: Room) -> Room:
    """The room with the fences of its configuration."""
    permits, local = Permissions(room.resources).permits, room.registrar.users.is_local
    fences = Fences.of(room.config, permits=permits, owns=room.numbers.owns, is_local=local)
    fences.ledger = Ledger(Rates(room.config.rate), lambda: NOON)
    room.exchange = room.switchboard.exchange = replace(room.exchange, fences=fences)
    return room


def account(**keys: Any) -> dict[str, Any]:
    return {"account": [SETTINGS["account"][0] | keys, SETTINGS["account"][1]]}


@pytest.fixture
def guarded(room: Room) -> Room:
    return fenced(room)


def order(room: Room, to: str, **options: Any) -> CallOrder:
    return CallOrder(account=room.account, to=to, **({"from_": NUMBER, "application": Application()} | options))


async def refused(room: Room, to: str, **options: Any) -> tuple[int, int]:
    """Code and status of a REST call that is not accepted."""
    with pytest.raises(RestError) as caught:
        await room.switchboard.place(order(room, to, **options))
    assert not room.exchange.live
    return caught.value.code, caught.value.status


async def dialled(room: Room, *targets: Target, **plan: Any) -> tuple[Call, str, list[int]]:
    """A caller, how its dial ended, and the codes of all warnings."""
    call, _ = await room.inbound()
    result = await call.dial(DialPlan(targets, **plan))
    return call, result.status, warnings(room)


def warnings(room: Room) -> list[int]:
    sids = [key[0] for key in room.rows.tables["calls"]]
    return [data["code"] for sid in sids for kind, data in room.rows.steps(sid) if kind == "warning"]


def occasions(caplog: pytest.LogCaptureFixture) -> list[Occasion]:
    lines = [one.getMessage() for one in caplog.records if one.name == "callwright.sip.security"]
    return [Occasion.parse(line) for line in lines if line.startswith("security ")]


class TestWays:
    @pytest.mark.parametrize(
        ("target", "way"),
        [
            (NumberTarget("+1 (900) 555"), Way("+1900555", carried=True)),
            (SipTarget("sip:5551234@gw1.example:5080"), Way("5551234", True, "carrier")),
            (SipTarget("sip:5551234@GW1.example.;transport=tcp"), Way("5551234", True, "carrier")),
            (SipTarget("sip:5551234@other.example;maddr=gw2.example"), Way("5551234", True, "carrier")),
            (SipTarget("sip:%2B19005551234@pbx.example"), Way("+19005551234")),
            (SipTarget("sip:19005551234@192.0.2.7"), Way("19005551234")),
            (SipTarget("sip:1-900-555-1234:secret@192.0.2.7"), Way("19005551234")),
            (SipTarget("sip:1001@pbx.example"), Way()),
            (SipTarget("sip:alice@gw1.example"), Way("", True, "carrier", readable=False)),
            (SipTarget("sip:*67%23@gw1.example"), Way("*67#", True, "carrier")),
            (SipTarget("sip:11@gw1.example"), Way("11", True, "carrier")),
            (SipTarget("sip:gw1.example"), Way("", True, "carrier", readable=False)),
            (SipTarget("sip:%2B19005551234%3Bnpdi@gw1.example"), Way(PREMIUM, True, "carrier")),
            (SipTarget("sip:+1/900/555/1234@gw1.example"), Way(PREMIUM, True, "carrier", readable=False)),
            (SipTarget("sip:+19005551234,1@pbx.example"), Way(PREMIUM)),
            (SipTarget("sip:5551234;rn=1@gw1.example"), Way("5551234", True, "carrier", readable=False)),
            (ApplicationTarget("AP" + "1" * 32), Way()),
            ("+15550001000", Way("+15550001000", carried=True)),
            ("client:bob", Way()),
        ],
    )
    async def test_what_a_target_means(self, guarded: Room, target: Target | str, way: Way) -> None:
        assert guarded.exchange.fences.way(target) == way


async def test_a_user_of_ours_is_no_number(rooms: Rooms) -> None:
    """Whatever he is called."""
    users = [{"name": PREMIUM, "account": ACCOUNT_SID, "password": "a"}]
    room = fenced(rooms(user=users, sip={"domain": "pbx.example"}))
    assert room.exchange.fences.way(SipTarget(f"sip:{PREMIUM}@pbx.example")) == Way()
    assert room.exchange.fences.way(SipTarget(f"sip:{PREMIUM}@elsewhere.example")) == Way(PREMIUM)


class TestDestinations:
    @pytest.mark.parametrize("to", [PREMIUM, SATELLITE, "+24712345", "+882161234567", f"sip:{PREMIUM}@pbx.example",
                                    f"sip:{PREMIUM[1:]}@gw1.example"])  # fmt: skip
    async def test_S8_rest(self, guarded: Room, to: str, caplog: pytest.LogCaptureFixture) -> None:
        assert await refused(guarded, to) == (21215, 400)
        assert occasions(caplog) == [Occasion("fenced", "", 0, "INVITE", ACCOUNT_SID)]
        (alert,) = guarded.rows.tables["notifications"].values()
        assert (alert["error_code"], alert["level"], alert["account_sid"]) == (21215, "warning", ACCOUNT_SID)
        assert guarded.exchange.fences.denied == 1

    @pytest.mark.parametrize(
        "target",
        [
            NumberTarget(PREMIUM),
            NumberTarget(f"00{SATELLITE[1:]}"),
            NumberTarget(PREMIUM, through=["sip:own.example"]),
            SipTarget(f"sip:{PREMIUM}@gw1.example"),
            SipTarget(f"sip:{SATELLITE}@anywhere.example"),
            SipTarget("sip:alice@dead.invalid", alternatives=[SipTarget(f"sip:{PREMIUM}@gw1.example")]),
        ],
    )
    async def test_S8_dial(self, guarded: Room, target: Target, caplog: pytest.LogCaptureFixture) -> None:
        _, status, codes = await dialled(guarded, target)
        assert status == "failed" and 13227 in codes and not guarded.engine.of("originate")
        assert occasions(caplog) == [Occasion("fenced", "127.0.0.1", 5090, "INVITE", ACCOUNT_SID)]
        assert [one["error_code"] for one in guarded.rows.tables["notifications"].values()] == codes

    @pytest.mark.parametrize(
        ("user", "code"),
        [("alice", 13224), ("+15558880000,1", 13224), ("+15558880000;rn=%2B1900", 13224), (f"{PREMIUM},1", 13227)],
    )
    async def test_S8_what_cannot_be_read_at_a_gateway(self, guarded: Room, user: str, code: int) -> None:
        """Whatever the gateway reads in it, it does not get it; the destination is the better reason."""
        rest = {13224: (21211, 400), 13227: (21215, 400)}[code]
        assert await refused(guarded, f"sip:{user}@gw1.example") == rest
        _, status, codes = await dialled(guarded, SipTarget(f"sip:{user}@gw2.example;transport=tcp"))
        assert (status, set(codes), guarded.engine.of("originate")) == ("failed", {code}, [])

    async def test_S8_redirect_of_a_placed_call(self, guarded: Room) -> None:
        """What was fenced at the first document is at every other: the dial is."""
        sid = await guarded.switchboard.place(order(guarded, ORDINARY))
        call = guarded.exchange.live[sid]
        guarded.engine.answer_of(await guarded.engine.called())
        await turns()
        assert (await call.dial(DialPlan([NumberTarget(PREMIUM)]))).status == "failed"
        assert warnings(guarded) == [13227] and len(guarded.engine.of("originate")) == 1

    async def test_what_comes_true_while_it_waits(self, guarded: Room) -> None:
        """A call that was accepted is held against the fences once more when its turn comes."""
        sid = await guarded.switchboard.place(order(guarded, ORDINARY, delay=5.0))
        call = guarded.exchange.live[sid]
        guarded.exchange.fences._permits = lambda account, number: False
        assert await call.ended is CallStatus.FAILED
        assert (call.sip_code, warnings(guarded)) == (403, [13227])

    async def test_lists_of_the_account_and_the_trunk(self, rooms: Rooms) -> None:
        trunk = SETTINGS["trunk"][0] | {"deny_prefixes": ["+1555888"]}
        keys = account(deny_prefixes=["+49", "0900", "+1555"], allow_prefixes=["+1900", "+1555888"])
        room = fenced(rooms(**keys, trunk=[trunk]))
        fences = room.exchange.fences

        def code(number: str) -> int:
            denial = fences.denial(room.account, NumberTarget(number), NUMBER)
            return denial.reason.code if denial else 0

        assert (code(PREMIUM), code("+4930123456"), code("00 49 30123456"), code("0900-12345")) == (
            0,
            13225,
            13225,
            13225,
        )
        assert (code(PREMIUM), code(ORDINARY), code(SATELLITE)) == (0, 0, 13227)
        _, status, codes = await dialled(room, NumberTarget(ORDINARY))
        assert (status, set(codes), room.engine.of("originate")) == ("failed", {13225}, []), "the trunk's own list"

    async def test_transfers(self, guarded: Room) -> None:
        """What REFER asks for, either way."""
        call, _ = await guarded.inbound()
        transfer = guarded.exchange.fences.transfer
        denial = transfer(call, f"sip:{PREMIUM}@gw1.example")
        assert denial is not None and denial.reason.code == 13227
        assert transfer(call, f"sip:{ORDINARY}@gw1.example") is None and transfer(call, "sip:bob@pbx.example") is None


class TestOtherNames:
    """Every name stands for 192.0.2.1 here, and so do those of the gateways (promise S8)."""

    @pytest.fixture
    async def found(self, rooms: Rooms) -> Room:
        """Where the gateways are is known."""
        trunk = SETTINGS["trunk"][0] | {"deny_prefixes": ["+1555777"], "max_minutes_day": 1}
        room = fenced(rooms(trunk=[trunk]))
        await room.exchange.fences.gateways.locate(Located(room))
        return room

    @pytest.mark.parametrize(
        ("user", "caller_id", "code"),
        [
            ("9005551234", "+15551230000", 13214),
            ("+15558880000", "+15551230000", 13214),
            ("+15557770000", NUMBER, 13225),
            ("alice", NUMBER, 13224),
        ],
    )
    @pytest.mark.parametrize("host", ["alias.example", "ALIAS.example.", "192.0.2.1:5099", "[::ffff:192.0.2.1]"])
    async def test_S8_no_name_leads_around(
        self, found: Room, user: str, caller_id: str, code: int, host: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        """What an alias of a gateway is asked for is what the gateway is; what a fence holds back is told once."""
        _, status, codes = await dialled(found, SipTarget(f"sip:{user}@{host}"), caller_id=caller_id)
        assert (status, codes, found.engine.of("originate")) == ("failed", [code], [])
        by_the_dial = code == 13214 and "192.0.2.1" in host  # its callerId is looked at before anybody is called
        assert len(occasions(caplog)) == found.exchange.fences.denied == (0 if by_the_dial else 1)

    async def test_S8_another_host_of_the_carrier(self, rooms: Rooms) -> None:
        """Calls come in from there: numbers that go there are the trunk's as well; extensions of a PBX are not."""
        trunk = SETTINGS["trunk"][0] | {"allow": ["203.0.113.8"], "deny_prefixes": ["+1555777"]}
        room = fenced(rooms(trunk=[trunk]))
        assert await refused(room, "sip:+15557770000@203.0.113.8") == (21216, 400)
        assert await refused(room, f"sip:{ORDINARY}@203.0.113.8", from_="+15551230000") == (21210, 400)
        assert await refused(room, f"sip:{ORDINARY};rn=1@203.0.113.8") == (21211, 400)
        for user in ("1001", "alice"):
            await room.switchboard.place(order(room, f"sip:{user}@203.0.113.8", from_="anything"))

    async def test_what_a_place_says_less_of_than_the_uri(self, rooms: Rooms) -> None:
        """The gateway's name has been asked for already; that its address is a source as well changes nothing."""
        room = fenced(rooms(trunk=[SETTINGS["trunk"][0] | {"allow": ["127.0.0.0/8", "192.0.2.1"]}]))
        sid = await room.switchboard.place(order(room, "sip:5558880000@gw1.example"))
        await room.engine.called()
        assert (room.exchange.live[sid].trunk, warnings(room)) == ("", [])
        _, status, codes = await dialled(room, SipTarget("sip:alice@gw1.example"))
        assert (status, codes) == ("failed", [13224])

    async def test_S8_it_is_the_trunks_call(self, found: Room) -> None:
        """It counts against the trunk's day, also after a restart: its row names the trunk."""
        call = found.exchange.live[await found.switchboard.place(order(found, "sip:5558880000@alias.example"))]
        leg = await found.engine.called()
        found.engine.answer_of(leg)
        await turns()
        assert call.trunk == "carrier"
        await asyncio.sleep(61)
        found.exchange.fences.enforce()
        assert await call.ended is CallStatus.COMPLETED and warnings(found) == [20429]
        _, status, codes = await dialled(found, SipTarget("sip:5558880001@alias.example"))
        assert (status, codes) == ("failed", [20429, 20429])

    async def test_S8_the_own_trunk_of_an_account(self, found: Room) -> None:
        """Whose gateways are another trunk's."""
        for host in ("alias.example", "gw1.example"):
            target = NumberTarget("+15557770000", through=[f"sip:{host}"])
            _, status, codes = await dialled(found, target)
            assert (status, set(codes), found.engine.of("originate")) == ("failed", {13225}, [])

    async def test_who_is_elsewhere(self, found: Room) -> None:
        """The second address of a name is nobody's gateway: the first one's refusal is not his."""
        call, _ = await found.inbound()
        dial = asyncio.create_task(call.dial(DialPlan([SipTarget("sip:bob@198.51.100.7")], caller_id="+15551230000")))
        found.engine.end(await found.engine.called(), 486)
        assert (await dial).status == "busy"

    async def test_S8_a_transfer(self, found: Room) -> None:
        """The caller's phone, or his carrier, is not even asked."""
        call, _ = await found.inbound()
        referred = await call.refer(ReferPlan("sip:+15557770000@alias.example"))
        assert (referred.status, found.engine.of("refer")) == ("failed", [])
        assert warnings(found) == [13225]

    async def test_a_maddr_is_not_followed(self, found: Room) -> None:
        """A request goes to the host that has been looked at."""
        await found.switchboard.place(order(found, "sip:bob@198.51.100.7;maddr=198.51.100.8"))
        sent = found.engine.of("originate", await found.engine.called())[0].values
        assert (sent["uri"], sent["next_hop"]) == ("sip:bob@198.51.100.7;maddr=198.51.100.8", "sip:198.51.100.7")


class Located:
    """The look-up of a room."""

    def __init__(self, room: Room) -> None:
        self.hops = room.endpoint.hops

    async def resolve_all(self, name: str) -> Addresses:
        raise OSError("no server can tell")


class TestCallerIds:
    @pytest.mark.parametrize("to", [ORDINARY, "sip:5558880000@gw1.example"])
    async def test_S8_rest(self, guarded: Room, to: str) -> None:
        assert await refused(guarded, to, from_="+15551230000") == (21210, 400)
        assert await refused(guarded, to, caller_id="+15551230000") == (21210, 400)
        await guarded.switchboard.place(order(guarded, to))
        await guarded.switchboard.place(order(guarded, "sip:bob@pbx.example", from_="anything"))

    async def test_a_number_calls_itself(self, guarded: Room) -> None:
        """As the validation of a caller ID does, when the account has no number yet."""
        await guarded.switchboard.place(order(guarded, ORDINARY, from_=ORDINARY))

    @pytest.mark.parametrize("target", [NumberTarget(ORDINARY), SipTarget("sip:5558880000@gw2.example")])
    async def test_S8_dial(self, guarded: Room, target: Target) -> None:
        _, status, codes = await dialled(guarded, target, caller_id="+15551230000")
        assert (status, codes, guarded.engine.of("originate")) == ("failed", [13214], [])

    @pytest.mark.parametrize("shown", ["", CALLER, NUMBER])
    async def test_numbers_of_the_call(self, guarded: Room, shown: str) -> None:
        call, _ = await guarded.inbound()
        work = asyncio.create_task(call.dial(DialPlan([NumberTarget(ORDINARY)], caller_id=shown)))
        leg = await guarded.engine.called()
        assert guarded.engine.of("originate", leg)[0].values["local_uri"] == f"<sip:{shown or CALLER}@127.0.0.1>"
        guarded.engine.end(leg, 486)
        assert (await work).status == "busy"

    @pytest.mark.parametrize(
        ("direction", "from_", "to"),
        [
            (Direction.OUTBOUND_DIAL, "+15551230000", "sip:me@evil.example"),
            (Direction.OUTBOUND_DIAL, "+15551230000", "AP" + "1" * 32),
            (Direction.OUTBOUND_API, "+15551230000", "sip:me@evil.example"),
            (Direction.OUTBOUND_API, NUMBER, "sip:+15551230000@evil.example"),
            (Direction.OUTBOUND_API, NUMBER, "sip:+15551230000%3Bx@evil.example"),
        ],
    )
    async def test_a_from_that_was_made_up_on_the_way(
        self, guarded: Room, direction: Direction, from_: str, to: str
    ) -> None:
        """A SIP party may be shown anything, and an application too: it is no number of the call for what follows."""
        parent = Call(guarded.exchange, guarded.account, Application(), direction=direction, from_=from_, to=to)
        made_up = from_ if from_ != NUMBER else to
        child = parent.child(ORDINARY, caller_id=made_up, callback=None)
        assert not await child.ring_out(outbound.attempts(child, NumberTarget(ORDINARY)), lambda leg, early: None)
        assert (child.sip_code, warnings(guarded), guarded.engine.of("originate")) == (403, [13214], [])
        parent.hang_up()


class TestBounds:
    async def talk(self, room: Room, to: str = ORDINARY) -> tuple[Call, int]:
        """A placed call that is answered."""
        count = len(room.engine.of("originate"))
        call = room.exchange.live[await room.switchboard.place(order(room, to))]
        leg = await room.engine.called(count + 1)
        room.engine.answer_of(leg)
        await turns()
        assert call.status is CallStatus.IN_PROGRESS
        return call, leg

    async def test_S8_minutes_a_day(self, rooms: Rooms) -> None:
        room = fenced(rooms(**account(max_minutes_day=3)))
        call, leg = await self.talk(room)
        await asyncio.sleep(120)
        room.engine.end(leg)
        await call.ended
        other, leg = await self.talk(room)
        await asyncio.sleep(61)
        assert await refused_beside(room) == (20429, 429)
        room.exchange.fences.enforce()
        assert await other.ended is CallStatus.COMPLETED
        assert warnings(room) == [20429]
        assert room.exchange.fences.denial(room.account, NumberTarget("911"), NUMBER) is None

    async def test_the_watch_ends_calls(self, rooms: Rooms) -> None:
        room = fenced(rooms(**account(max_minutes_day=1)))
        watch = asyncio.create_task(room.exchange.fences.watch())
        call, _ = await self.talk(room)
        assert await call.ended is CallStatus.COMPLETED
        assert 60 <= call.duration <= 62
        watch.cancel()

    async def test_S8_spend_a_day(self, rooms: Rooms) -> None:
        rates = [{"prefix": "+1", "per_minute": 0.4}]
        room = fenced(rooms(**account(max_spend_day=1), rate=rates))
        calls = [await self.talk(room) for _ in range(3)]
        await asyncio.sleep(1)
        assert await refused_beside(room) == (20429, 429), "three minutes have begun"
        assert room.exchange.fences.ledger.spent(Party("account", ACCOUNT_SID)).money == pytest.approx(1.2)
        room.exchange.fences.enforce()
        for call, _ in calls:
            assert await call.ended is CallStatus.COMPLETED
        assert await refused(room, "+447700900000") == (21216, 400), "nobody knows what it costs"

    async def test_S8_minutes_of_a_trunk(self, rooms: Rooms) -> None:
        trunk = SETTINGS["trunk"][0] | {"max_minutes_day": 1}
        room = fenced(rooms(trunk=[trunk]))
        _call, leg = await self.talk(room)
        await asyncio.sleep(61)
        room.engine.end(leg)
        await turns()
        _, status, codes = await dialled(room, NumberTarget(ORDINARY))
        assert (status, set(codes)) == ("failed", {20429})
        _, status, codes = await dialled(room, SipTarget("sip:5558880000@gw1.example"))
        assert (status, set(codes)) == ("failed", {20429}), "nor by its gateway's URI"

    async def test_S8_calls_a_second(self, rooms: Rooms) -> None:
        """Of all ways out together; a caller's own leg is none."""
        room = fenced(rooms(**account(max_calls_second=2)))
        targets = [NumberTarget(f"+1555888000{n}") for n in range(4)]
        call, _ = await room.inbound()
        work = asyncio.create_task(call.dial(DialPlan(targets)))
        await room.engine.called(2)
        await turns()
        assert len(room.engine.of("originate")) == 2 and warnings(room) == [20429, 20429]
        for one in room.engine.of("originate"):
            room.engine.end(one.node, 486)
        assert (await work).status in ("busy", "failed")

    async def test_a_subaccount_spends_its_owners_minutes(self, rooms: Rooms) -> None:
        room = fenced(rooms(**account(max_minutes_day=1)))
        part = replace(room.account, sid="AC" + "7" * 32, owner_sid=ACCOUNT_SID)
        _call, leg = await self.talk(room)
        await asyncio.sleep(61)
        room.engine.end(leg)
        await turns()
        denial = room.exchange.fences.denial(part, NumberTarget(ORDINARY), ORDINARY)
        assert denial is not None and denial.reason.code == 20429

    async def test_nobody_is_followed_without_a_bound(self, guarded: Room) -> None:
        await self.talk(guarded)
        assert not guarded.exchange.fences.ledger.live


async def refused_beside(room: Room) -> tuple[int, int]:
    """Code and status of a REST call that is not accepted while others live."""
    with pytest.raises(RestError) as caught:
        await room.switchboard.place(order(room, ORDINARY))
    return caught.value.code, caught.value.status


async def test_the_line_tells_who_and_where(guarded: Room, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        await dialled(guarded, NumberTarget(PREMIUM))
    assert f"account {ACCOUNT_SID}: a call is held back: the account may not call {PREMIUM}" in caplog.text
