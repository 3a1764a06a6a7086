"""A registered user calls out: his application, his codecs, the number that he shows."""

from collections.abc import Callable

import pytest

from callwright.calls.call import Call
from callwright.calls.control import DialPlan, NumberTarget, SipTarget, Target
from callwright.engine import EventKind
from tests.calls.fakes import ACCOUNT_SID, NUMBER, Room

USER = {
    "name": "alice",
    "account": ACCOUNT_SID,
    "password": "a",
    "voice_url": "http://app.example/alice",
    "codecs": ["G722", "PCMA"],
    "caller_id": NUMBER,
}
INVITE = {"source_host": "192.0.2.7", "from_": "alice", "user": "alice", "realm": "127.0.0.1", "to": "600"}

NOBODY = "sip:anonymous@anonymous.invalid"


@pytest.fixture
async def house(rooms: Callable[..., Room]) -> Room:
    return rooms(user=[USER])


async def test_what_his_application_is_told(house: Room) -> None:
    call, leg = await house.inbound(
        **INVITE, from_uri="sip:alice@127.0.0.1", headers=[("X-Floor", "3"), ("Subject", "x")]
    )
    told = call.parameters()
    assert (told["From"], told["To"], told["Direction"]) == ("sip:alice@127.0.0.1", "sip:600@127.0.0.1", "inbound")
    assert (told["SipUsername"], told["SipDomain"], told["SipSourceIp"]) == ("alice", "127.0.0.1", "192.0.2.7")
    assert told["SipHeader_X-Floor"] == "3" and "SipHeader_Subject" not in told and "FromCity" not in told
    assert call.application.voice is not None and call.application.voice.url == "http://app.example/alice"
    assert house.rows.row("calls", call.sid)["phone_number_sid"] is None
    assert (await house.engine.until("answer", leg)).values == {"code": 200, "codecs": ["G722", "PCMA"]}


async def test_his_dialog(house: Room) -> None:
    """From his INVITE to its end, for those who watch him."""
    dialogs = house.exchange.dialogs
    house.endpoint.moved = dialogs.moved
    told: list[str] = []

    def changed(aor: str) -> None:
        told.extend(one.state.value for one in dialogs.of(aor))

    dialogs.changed = changed

    async def ringing(call: Call) -> None:
        call.require_leg().ring()
        await call.answer()
        await call.pause(60)

    house.script = ringing
    from_ = "<sip:alice@127.0.0.1>;tag=hers"
    call, leg = await house.inbound(**INVITE, from_uri="sip:alice@127.0.0.1", from_header=from_)
    (dialog,) = dialogs.of("alice@127.0.0.1")
    assert (dialog.direction, dialog.remote) == ("initiator", "sip:600@127.0.0.1")
    assert (dialog.call_id, dialog.local_tag) == (f"call-{leg}", "hers")
    house.engine.happen(EventKind.ESTABLISHED, leg, 200, headers=[], call_id=f"call-{leg}")
    house.engine.end(leg)
    await call.ended
    assert told == ["proceeding", "early", "confirmed"] and len(dialogs) == 0


@pytest.mark.parametrize(
    ("target", "caller_id", "shown"),
    [
        (NumberTarget("+15558880000"), "", NUMBER),
        (NumberTarget("+15558880000"), "+15550001000", "+15550001000"),
        (SipTarget("sip:bob@host.example"), "", "alice"),
    ],
)
async def test_who_he_is_shown_as(house: Room, target: Target, caller_id: str, shown: str) -> None:
    """His number to numbers; his name to others."""

    async def dialling(call: Call) -> None:
        await call.dial(DialPlan([target], caller_id=caller_id))

    house.script = dialling
    await house.inbound(**INVITE, from_uri="sip:alice@127.0.0.1")
    originated = await house.engine.until("originate")
    assert originated.values["local_uri"] == f"<sip:{shown}@127.0.0.1>"


@pytest.mark.parametrize(
    ("wish", "target", "shown"),
    [
        ({"headers": [("Privacy", "id")]}, NumberTarget("+15558880000"), f'"Anonymous" <{NOBODY}>'),
        ({"from_header": f"<{NOBODY}>"}, SipTarget("sip:bob@host.example"), "<sip:anonymous@127.0.0.1>"),
    ],
)
async def test_who_does_not_want_to_be_known(house: Room, wish: dict[str, object], target: Target, shown: str) -> None:
    """Those whom he calls do not see him; his application does."""

    async def dialling(call: Call) -> None:
        await call.dial(DialPlan([target]))

    house.script = dialling
    from_uri = str(wish.get("from_header", "sip:alice@127.0.0.1")).strip("<>")
    call, _ = await house.inbound(**INVITE | wish, from_uri=from_uri)
    assert call.parameters()["From"] == "sip:alice@127.0.0.1"
    originated = await house.engine.until("originate")
    assert originated.values["local_uri"] == shown
    assert "alice" not in str(originated.values) and NUMBER not in str(originated.values)


async def test_full(rooms: Callable[..., Room], caplog: pytest.LogCaptureFixture) -> None:
    house = rooms(user=[USER], limits={"concurrent_calls": 1})
    await house.inbound()
    refused = await house.engine.until("hangup", house.engine.incoming(**INVITE))
    assert refused.values["code"] == 503
    assert "INVITE of user alice@127.0.0.1 refused" in caplog.text
