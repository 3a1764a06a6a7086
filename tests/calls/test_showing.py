"""Whom a call that goes out shows, trunk by trunk."""

from collections.abc import Callable
from typing import Any

import pytest

from callwright.calls import outbound
from callwright.calls.application import Application
from callwright.calls.call import Call
from callwright.calls.control import NumberTarget, SipTarget, Target
from callwright.calls.status import Direction
from callwright.sip.identity import ANONYMOUS, UNKNOWN, Forwarder, Identity
from tests.calls.fakes import ACCOUNT_SID, NUMBER, OTHERS_NUMBER, Room

CALLER, FORWARDER, CALLEE = "+15557654321", "+15553334444", "+15558880000"
FORWARDED = Identity(name="Ada", forwarders=(Forwarder(FORWARDER, "user-busy"),))
Rooms = Callable[..., Room]


def trunk(**keys: object) -> dict[str, object]:
    fixed = {"name": "carrier", "account": ACCOUNT_SID, "targets": ["sip:gw.example"], "username": "acct"}
    return {**fixed, "password": "word", **keys}


def sent(
    room: Room, target: Target, *, identity: Identity = UNKNOWN, caller_id: str = "", to: str = NUMBER, about: str = ""
) -> tuple[str, str, list[tuple[str, str]]]:
    """URI, From and headers of the INVITE of a call that is passed on."""
    options: dict[str, Any] = {"identity": identity, "direction": Direction.INBOUND, "from_": CALLER, "to": to}
    parent = Call(room.exchange, room.account, Application(), **options)
    child = parent.child(CALLEE, caller_id=caller_id, callback=None)
    child.reason = about
    leg = outbound.attempts(child, target)[0].send("")
    assert leg is not None
    child.leg = leg
    leg.ended.add_done_callback(lambda ended: child.finish(ended.result()))
    parent.hang_up()
    values = room.engine.of("originate", leg.node)[0].values
    return values["uri"], values["local_uri"], list(values.get("headers", ()))


async def test_a_plain_trunk_is_told_nothing_more(rooms: Rooms) -> None:
    _, local, headers = sent(
        rooms(trunk=[trunk()]), NumberTarget(CALLEE), identity=Identity(forwarders=(Forwarder(FORWARDER),))
    )
    assert (local, headers) == (f"<sip:{CALLER}@127.0.0.1>", [])


async def test_who_has_forwarded(rooms: Rooms) -> None:
    """We, when the caller is shown; before us, who had forwarded it already."""
    room = rooms(trunk=[trunk(diversion=True, from_domain="our.example", identity="pai")])
    _, local, headers = sent(room, NumberTarget(CALLEE), identity=FORWARDED)
    assert local == f'"Ada" <sip:{CALLER}@our.example>'
    assert headers == [
        ("P-Asserted-Identity", f'"Ada" <sip:{CALLER}@our.example>'),
        ("Diversion", f"<sip:{NUMBER}@our.example>;reason=unconditional"),
        ("Diversion", f"<sip:{FORWARDER}@our.example>;reason=user-busy"),
    ]
    _, local, headers = sent(room, NumberTarget(CALLEE), identity=FORWARDED, caller_id=NUMBER)
    assert local == f"<sip:{NUMBER}@our.example>"
    assert headers[1:] == [("Diversion", f"<sip:{FORWARDER}@our.example>;reason=user-busy")]


async def test_the_way_that_a_call_has_taken(rooms: Rooms) -> None:
    """As History-Info, in the trunk's form of numbers; nothing of it to a trunk that does not want it."""
    first, hidden = Forwarder("+15552223333", "no-answer"), Forwarder("", "user-busy")
    identity = Identity(forwarders=(Forwarder(FORWARDER, "user-busy"), hidden, Forwarder(ANONYMOUS), first))
    room = rooms(trunk=[trunk(history_info=True, from_domain="our.example", outbound_numbers=["no-plus"])])
    uri, _, headers = sent(room, NumberTarget(CALLEE), identity=identity)
    assert uri == f"sip:{CALLEE[1:]}@gw.example"
    assert headers == [
        ("History-Info", "<sip:15552223333@our.example>;index=1"),
        ("History-Info", f"<sip:{FORWARDER[1:]}@our.example;cause=408>;index=1.1;mp=1"),
        ("History-Info", f"<sip:{NUMBER[1:]}@our.example;cause=486>;index=1.1.1;mp=1.1"),
        ("History-Info", f"<sip:{CALLEE[1:]}@gw.example;cause=302>;index=1.1.1.1;mp=1.1.1"),
    ]
    _, _, headers = sent(rooms(trunk=[trunk()]), NumberTarget(CALLEE), identity=identity)
    assert headers == []


@pytest.mark.parametrize(("to", "asserted"), [(NUMBER, [NUMBER]), (OTHERS_NUMBER, [])])
async def test_an_anonymous_caller(rooms: Rooms, to: str, asserted: list[str]) -> None:
    """The network is told a number of the account's own, and no other's."""
    room = rooms(trunk=[trunk(identity="pai")])
    _, local, headers = sent(room, NumberTarget(CALLEE), caller_id=ANONYMOUS, to=to)
    assert local == '"Anonymous" <sip:anonymous@anonymous.invalid>'
    assert headers == [
        *(("P-Asserted-Identity", f"<sip:{one}@127.0.0.1>") for one in asserted),
        ("Privacy", "id"),
    ]


async def test_only_numbers_of_its_own(rooms: Rooms) -> None:
    """Of a call that is passed on the number that was called is shown, and no name; without one it does not go out."""
    room = rooms(trunk=[trunk(caller_ids="owned", identity="pai")])
    _, local, headers = sent(room, NumberTarget(CALLEE), identity=FORWARDED)
    assert (local, headers) == (f"<sip:{NUMBER}@127.0.0.1>", [("P-Asserted-Identity", f"<sip:{NUMBER}@127.0.0.1>")])
    _, local, _ = sent(room, NumberTarget(CALLEE), caller_id=ANONYMOUS)
    assert local == '"Anonymous" <sip:anonymous@anonymous.invalid>'
    options: dict[str, Any] = {"direction": Direction.INBOUND, "from_": CALLER, "to": OTHERS_NUMBER}
    parent = Call(room.exchange, room.account, Application(), **options)
    child = parent.child(CALLEE, caller_id="", callback=None)
    assert not await child.ring_out(outbound.attempts(child, NumberTarget(CALLEE)), lambda leg, early: None)
    assert (child.sip_code, str(child.status)) == (400, "failed")
    assert len(room.engine.of("originate")) == 2
    parent.hang_up()


async def test_from_is_the_account_of_the_trunk(rooms: Rooms) -> None:
    room = rooms(trunk=[trunk(profile="from-is-auth-user")])
    _, local, headers = sent(room, NumberTarget(CALLEE))
    assert (local, headers) == ("<sip:acct@127.0.0.1>", [("P-Asserted-Identity", f"<sip:{CALLER}@127.0.0.1>")])


async def test_every_number_in_the_trunks_form(rooms: Rooms) -> None:
    room = rooms(trunk=[trunk(identity="rpid", diversion=True, outbound_numbers=["no-plus", "tech-prefix:77"])])
    uri, local, headers = sent(room, NumberTarget(CALLEE), identity=Identity(forwarders=(Forwarder(FORWARDER),)))
    assert (uri, local) == (f"sip:77{CALLEE[1:]}@gw.example", f"<sip:{CALLER[1:]}@127.0.0.1>")
    assert [value.partition(">")[0] for _, value in headers] == [
        f"<sip:{number[1:]}@127.0.0.1" for number in (CALLER, NUMBER, FORWARDER)
    ]


async def test_a_sip_party_is_told_who_had_forwarded(rooms: Rooms) -> None:
    """Call-control reference §7.3."""
    room = rooms()
    _, _, headers = sent(room, SipTarget("sip:desk@192.0.2.9"), identity=FORWARDED)
    assert headers[-1] == ("Diversion", f"<sip:{FORWARDER}@127.0.0.1>;reason=user-busy")
    _, _, headers = sent(room, SipTarget("sip:desk@192.0.2.9"))
    assert "Diversion" not in dict(headers)


@pytest.mark.parametrize(
    ("about", "written"), [("Your parcel", "Your parcel"), ('"A\\B"', '\\"A\\\\B\\"'), ("Grüße", "Grüße")]
)
async def test_what_it_is_about(rooms: Rooms, about: str, written: str) -> None:
    """RFC 9796 §5, to a carrier and to a SIP party alike."""
    line = ("Call-Info", f'<data:>;purpose=jcard;call-reason="{written}"')
    assert sent(rooms(trunk=[trunk()]), NumberTarget(CALLEE), about=about)[2] == [line]
    assert sent(rooms(trunk=[trunk()]), SipTarget("sip:bob@host.example"), about=about)[2][-1] == line
