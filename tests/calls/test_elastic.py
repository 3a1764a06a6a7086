"""What a trunk is to its calls (call-control reference §3.15)."""

from typing import Any, cast

import pytest

from callwright.calls.application import Hook
from callwright.calls.call import Call
from callwright.calls.control import DialRecording, NumberTarget, SipTarget
from callwright.calls.elastic import NOTHING, Elastic, Grant, Transfers, termination
from callwright.calls.numbers import Numbers
from callwright.calls.status import Direction
from callwright.store.directory import Directory, Record
from callwright.store.store import Store
from tests.calls.fakes import Room

ONE, TWO = "AC" + "1" * 32, "AC" + "2" * 32
NUMBER = "+15550001000"
DUAL = DialRecording(dual=True, trim=True, source="Trunking")


def found(*urls: tuple[str, int, bool], owner: str = ONE, **trunk: Any) -> Elastic | None:
    """What answers a number of a trunk with these origination URLs: (URI, priority, enabled)."""
    directory = Directory(cast(Store, None))  # nothing is written
    of = Record.new("TK", "trunks", owner, trunk)
    fields = {
        "phone_number": NUMBER,
        "trunk_sid": of.sid,
        "voice_url": "http://a.example/",
        "status_callback": "http://a.example/s",
    }
    own = [
        Record.new(
            "OU",
            "origination_urls",
            owner,
            {"sip_url": uri, "priority": priority, "weight": 10, "enabled": enabled},
            parent_sid=of.sid,
        )
        for uri, priority, enabled in urls
    ]
    directory.declare([of, Record.new("PN", "incoming_phone_numbers", ONE, fields), *own])
    number = Numbers(directory).find(NUMBER)
    assert number is not None and number.application.status_callback == Hook("http://a.example/s")
    assert (number.application.voice is None) == (number.application.elastic is not None)
    return number.application.elastic


def test_calls_go_to_the_origination_urls() -> None:
    trunk = found(
        ("sip:late.example", 20, True), ("sip:pbx.example:5080;transport=tcp", 10, True), ("sip:off.example", 1, False),
        mode="record-from-answer-dual", trim="trim-silence", disaster_recovery_url="http://a.example/d",
    )  # fmt: skip
    assert trunk is not None and (trunk.direction, trunk.pbx) == (Direction.TRUNKING_ORIGINATING, "callee")
    (target,) = trunk.targets
    assert isinstance(target, SipTarget)
    assert target.uri == f"sip:{NUMBER}@pbx.example:5080;transport=tcp"
    assert [other.uri for other in target.alternatives] == [f"sip:{NUMBER}@late.example"]
    assert (trunk.recording, trunk.recovery) == (DUAL, Hook("http://a.example/d"))
    plan = trunk.plan()
    assert plan.answer_on_bridge and plan.recording == DUAL and plan.refer is None


def test_a_secure_trunk_is_secure_whatever_its_urls_say() -> None:
    trunk = found(("sip:pbx.example;transport=udp", 1, True), ("sip:pbx.example;transport=tls", 2, True), secure=True)
    assert trunk is not None and isinstance(trunk.targets[0], SipTarget)
    uris = [trunk.targets[0].uri, *(other.uri for other in trunk.targets[0].alternatives)]
    assert uris == [f"sip:{NUMBER}@pbx.example;transport=tls;secure=true"] * 2


def test_a_trunk_without_a_way_has_nobody_to_call() -> None:
    trunk = found(("sip:off.example", 1, False))
    assert trunk is not None and not trunk.targets and trunk.recording is None


def test_a_trunk_of_another_account_is_none() -> None:
    assert found(("sip:x.example", 1, True), owner=TWO) is None


def test_a_call_from_the_pbx() -> None:
    settings = {"domain_name": "acme.example", "mode": "record-from-ringing", "disaster_recovery_url": "http://a/d"}
    trunk = termination(Record.new("TK", "trunks", ONE, settings), NUMBER)
    assert (trunk.direction, trunk.pbx) == (Direction.TRUNKING_TERMINATING, "caller")
    assert trunk.targets == (NumberTarget(NUMBER),) and trunk.domain == "acme.example"
    assert trunk.recording == DialRecording(from_ringing=True, source="Trunking")
    assert trunk.recovery is None, "a PBX that calls is there"


@pytest.mark.parametrize(
    ("mode", "pbx", "caller", "callee"),
    [
        ("disable-all", "callee", NOTHING, NOTHING),
        ("enable-all", "callee", NOTHING, Grant(blind=True, attended=True)),
        ("enable-all", "caller", Grant(blind=True, attended=True), NOTHING),
        ("sip-only", "caller", Grant(blind=True, attended=False), NOTHING),
        ("enable-all", "", NOTHING, NOTHING),
    ],
)
def test_who_may_transfer(mode: str, pbx: str, caller: Grant, callee: Grant) -> None:
    """The PBX alone, and as far as the trunk says."""
    transfers = Transfers(Elastic("TK1", "", Direction.TRUNKING_ORIGINATING, pbx=pbx, transfer=mode))
    assert (transfers.grant(True), transfers.grant(False)) == (caller, callee)


@pytest.mark.parametrize(
    ("uri", "target"),
    [
        ("sip:+15558880000@acme.example:5061;user=phone", NumberTarget("+15558880000")),
        ("tel:+1-555-888-0000", NumberTarget("+15558880000")),
        ("sip:%2B15558880000@ACME.example", NumberTarget("+15558880000")),
        ("sip:600@pbx.example?X-A=b", SipTarget("sip:600@pbx.example")),
        ("sip:+15558880000@pbx.example", SipTarget("sip:+15558880000@pbx.example")),
        ("sip:alice@acme.example", SipTarget("sip:alice@acme.example")),
    ],
)
async def test_whom_a_caller_is_transferred_to(room: Room, uri: str, target: Any) -> None:
    """From there he is transferred by nobody."""
    call = await moving(room)
    moved = Transfers(trunk(transferee=True)).moved(call, uri)
    assert isinstance(moved, Elastic)
    assert (moved.targets, moved.pbx, moved.caller_id) == ((target,), "", call.from_)
    assert moved.recovery is None
    other = Transfers(trunk(transferee=False)).moved(call, uri)
    assert isinstance(other, Elastic) and other.caller_id == call.to


async def test_sip_only_leads_to_no_number(room: Room) -> None:
    call = await moving(room)
    refused = Transfers(trunk(transfer="sip-only")).moved(call, "sip:+15558880000@acme.example")
    assert isinstance(refused, str) and "sip-only" in refused
    assert isinstance(Transfers(trunk(transfer="sip-only")).moved(call, "sip:600@pbx.example"), Elastic)


async def test_a_secure_trunk_transfers_in_secret(room: Room) -> None:
    moved = Transfers(trunk(secure=True)).moved(await moving(room), "sip:600@pbx.example;transport=tcp")
    assert isinstance(moved, Elastic)
    assert moved.targets == (SipTarget("sip:600@pbx.example;transport=tls;secure=true"),)


def trunk(**settings: Any) -> Elastic:
    """A trunk whose PBX was called."""
    whole: dict[str, Any] = {"transfer": "enable-all", "recovery": Hook("http://a.example/d"), **settings}
    return Elastic("TK1", "acme.example", Direction.TRUNKING_ORIGINATING, pbx="callee", **whole)


async def moving(room: Room) -> Call:
    """An inbound call."""

    async def waits(call: Call) -> None:
        await call.ended

    room.script = waits
    call, _ = await room.inbound()
    return call
