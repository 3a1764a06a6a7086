"""REFER both ways within a leg's dialog, and what is reported of it (RFC 3515, RFC 4488, RFC 3891)."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from callwright.engine import Event, EventKind
from tests.engine.station import Station
from tests.harness.call import PhoneCall
from tests.harness.message import Request
from tests.harness.sip import Phone

Phones = Callable[..., Awaitable[Phone]]
BOB = "sip:bob@pbx.example"


async def referred(station: Station, call: PhoneCall, leg: int, **options: Any) -> tuple[int, Request]:
    """A REFER of ours, and as the phone received it."""
    transfer = station.engine.refer(leg, BOB + "?X-Order=7", **options)
    request = await call.expect("REFER")
    assert isinstance(request, Request)
    return transfer, request


async def told(station: Station, transfer: int) -> tuple[str, int, bool]:
    """The next that we hear of a transfer: by what, the code, whether it is the last."""
    event = await station.event(EventKind.TRANSFER, transfer)
    return event.detail["by"], event.code, event.detail["last"]


async def test_a_transfer_with_its_reports(station: Station, phones: Phones) -> None:
    call, leg = await station.answered(await phones("caller"))
    transfer, request = await referred(station, call, leg, headers=[("X-Order", "7")])
    assert request.headers["Refer-To"] == f"<{BOB}?X-Order=7>"
    assert request.headers["X-Order"] == "7"
    assert station.host in request.headers["Referred-By"]
    assert await told(station, transfer) == ("answer", 202, False)
    assert (await call.report("100 Trying", final=False)).status == 200
    assert await told(station, transfer) == ("notify", 100, False)
    assert (await call.report("486 Busy Here")).status == 200
    event = await station.event(EventKind.TRANSFER, transfer)
    assert (event.code, event.text, event.detail["last"]) == (486, "Busy Here", True)
    assert station.engine.counts()["transfers"] == 0
    assert (await call.report("200 OK")).status == 481, "the subscription is over"
    await call.media.received(3)
    await call.hangup()


@pytest.mark.parametrize("status", [405, 603])
async def test_a_refusal(station: Station, phones: Phones, status: int) -> None:
    call, leg = await station.placed(await phones("called"))
    call.refer_status = status
    transfer, _ = await referred(station, call, leg)
    assert await told(station, transfer) == ("answer", status, True)
    await station.until_counts(transfers=0)
    station.engine.hangup(leg)
    await call.until_ended()


async def test_a_final_report_ends_it_whatever_the_subscription_says(station: Station, phones: Phones) -> None:
    call, leg = await station.answered(await phones("caller"))
    transfer, _ = await referred(station, call, leg)
    assert await told(station, transfer) == ("answer", 202, False)
    await call.report("200 OK", final=False)
    assert await told(station, transfer) == ("notify", 200, True)
    await station.until_counts(transfers=0)
    await call.hangup()


async def test_a_subscription_that_ends_without_a_final_report(station: Station, phones: Phones) -> None:
    call, leg = await station.answered(await phones("caller"))
    transfer, _ = await referred(station, call, leg)
    assert await told(station, transfer) == ("answer", 202, False)
    await call.report("180 Ringing")
    assert await told(station, transfer) == ("notify", 180, True)
    await call.hangup()


async def test_a_phone_that_reports_nothing(station: Station, phones: Phones) -> None:
    call, leg = await station.answered(await phones("caller"))
    call.refer_headers = [("Refer-Sub", "false")]
    transfer, _ = await referred(station, call, leg)
    assert await told(station, transfer) == ("answer", 202, False)
    assert await told(station, transfer) == ("silent", 0, True)
    await station.until_counts(transfers=0)
    await call.hangup()


async def test_reports_after_the_end_of_the_leg(station: Station, phones: Phones) -> None:
    call, leg = await station.answered(await phones("caller"))
    transfer, _ = await referred(station, call, leg)
    assert await told(station, transfer) == ("answer", 202, False)
    await call.hangup()
    await station.event(EventKind.ENDED, leg)
    assert (await call.report("200 OK")).status == 200
    assert await told(station, transfer) == ("notify", 200, True)


@pytest.mark.parametrize(
    ("status", "kind", "answer"),
    [("200 OK", "text/plain", 415), ("nonsense", "message/sipfrag", 400), ("0x0 OK", "message/sipfrag", 400)],
)
async def test_a_report_that_cannot_be_read(
    station: Station, phones: Phones, status: str, kind: str, answer: int
) -> None:
    call, leg = await station.answered(await phones("caller"))
    transfer, _ = await referred(station, call, leg)
    assert await told(station, transfer) == ("answer", 202, False)
    assert (await call.report(status, final=False, kind=kind)).status == answer
    await call.report("404 Not Found")
    assert await told(station, transfer) == ("notify", 404, True)
    await call.hangup()


async def test_nobody_asks_any_more(station: Station, phones: Phones) -> None:
    call, leg = await station.answered(await phones("caller"))
    transfer, _ = await referred(station, call, leg)
    assert await told(station, transfer) == ("answer", 202, False)
    station.engine.forget(transfer)
    await station.until_counts(transfers=0)
    assert (await call.report("200 OK")).status == 481
    await call.hangup()


async def test_a_leg_that_is_not_there(station: Station, phones: Phones) -> None:
    call, event = await station.invited(await phones("caller"))
    for leg in (event.id, event.id + 1000):
        assert await told(station, station.engine.refer(leg, BOB)) == ("answer", 481, True)
    await call.cancel()


def test_what_cannot_be_sent(station: Station) -> None:
    for uri in ("bob", "tel:+1555", BOB + "\r\nX: y"):
        with pytest.raises(ValueError):
            station.engine.refer(1, uri)
    with pytest.raises(ValueError):
        station.engine.refer(1, BOB, headers=[("Via", "x")])
    with pytest.raises(ValueError):
        station.engine.notify(1, 99)


# the peer's


async def permit(station: Station, leg: int, **what: bool) -> None:
    """From now on the leg's peer may ask for this."""
    station.engine.permit(leg, **what)
    await station.until_counts(jobs=0)


async def asked(station: Station, leg: int) -> Event:
    return await station.event(EventKind.REFER, leg)


async def fragment(call: PhoneCall) -> tuple[str, str]:
    """The next report that the phone gets: the state of its subscription, and the status line."""
    request = await call.expect("NOTIFY")
    assert request.headers["Event"] == "refer"
    assert request.headers["Content-Type"].startswith("message/sipfrag")
    return request.headers["Subscription-State"].partition(";")[0], request.body.decode().strip()


async def test_nobody_may_transfer_unless_it_is_permitted(station: Station, phones: Phones) -> None:
    """S7: a REFER that nobody has allowed moves no call."""
    call, leg = await station.answered(await phones("caller"))
    assert (await call.refer(f"<{BOB}>")).status == 603
    event = await asked(station, leg)
    assert (event.code, event.text, event.detail["transfer"]) == (603, BOB, 0)
    await permit(station, leg, blind=True)
    await permit(station, leg)
    assert (await call.refer(f"<{BOB}>")).status == 603
    await call.media.received(3)
    await call.hangup()


async def test_a_transfer_that_is_permitted(station: Station, phones: Phones) -> None:
    call, leg = await station.answered(await phones("caller"))
    await permit(station, leg, blind=True)
    answer = await call.refer(f'"Bob" <{BOB};x=1?X-Order=7>', headers=[("Referred-By", "<sip:me@here>")])
    assert answer.status == 202
    event = await asked(station, leg)
    assert (event.code, event.text) == (202, f"{BOB};x=1?X-Order=7")
    assert (event.detail["referred_by"], event.detail["replaced"]) == ("<sip:me@here>", 0)
    assert event.detail["attended"] is False
    assert await fragment(call) == ("active", "SIP/2.0 100 Trying")
    assert (await call.refer(f"<{BOB}>")).status == 603, "one at a time"
    station.engine.notify(event.detail["transfer"], 180)
    assert await fragment(call) == ("active", "SIP/2.0 180 Ringing")
    station.engine.notify(event.detail["transfer"], 200, reason="Fine")
    assert await fragment(call) == ("terminated", "SIP/2.0 200 Fine")
    station.engine.notify(event.detail["transfer"], 200)
    await station.until_counts(transfers=0)
    station.engine.hangup(leg)
    await call.until_ended()
    assert call.phone.trace.transactions("NOTIFY") == 3


async def test_the_last_report_and_the_bye(station: Station, phones: Phones) -> None:
    call, leg = await station.answered(await phones("caller"))
    await permit(station, leg, blind=True)
    await call.refer("<tel:+15550001111>")
    event = await asked(station, leg)
    assert event.text == "tel:+15550001111"
    station.engine.notify(event.detail["transfer"], 200)
    station.engine.hangup(leg)
    await call.until_ended()
    await fragment(call)
    assert await fragment(call) == ("terminated", "SIP/2.0 200 OK")


async def test_a_peer_that_wants_no_reports(station: Station, phones: Phones) -> None:
    call, leg = await station.answered(await phones("caller"))
    await permit(station, leg, blind=True)
    answer = await call.refer(f"<{BOB}>", headers=[("Refer-Sub", "false")])
    assert (answer.status, answer.headers["Refer-Sub"]) == (202, "false")
    assert (await asked(station, leg)).detail["transfer"] == 0
    await call.hangup()
    await station.event(EventKind.ENDED, leg)
    assert call.phone.trace.messages("NOTIFY") == []


@pytest.mark.parametrize(
    ("target", "status"),
    [("<sip:bob@", 400), ("<http://pbx.example>", 416), (f"<sip:{'b' * 2100}@pbx.example>", 400), ("", 400)],
)
async def test_a_target_that_is_none(station: Station, phones: Phones, target: str, status: int) -> None:
    call, leg = await station.answered(await phones("caller"))
    await permit(station, leg, blind=True)
    assert (await call.refer(target)).status == status
    assert (await asked(station, leg)).code == status
    twice = [("Refer-To", f"<{BOB}>"), ("Refer-To", f"<{BOB}>")]
    assert (await call.request("REFER", headers=twice)).status == 400
    assert (await call.request("REFER")).status == 400
    await call.hangup()


async def test_a_leg_to_be_replaced(station: Station, phones: Phones) -> None:
    """The dialog that a Replaces names, with the tags as its other side sees them."""
    phone = await phones("caller")
    first, leg = await station.answered(phone)
    second, other = await station.answered(phone)
    tags = f"to-tag%3D{second.dialog.remote.tag}%3Bfrom-tag%3D{second.dialog.local.tag}"
    target = f"<{BOB}?Replaces={second.call_id}%3B{tags}>"
    await permit(station, leg, blind=True)
    assert (await first.refer(target)).status == 603
    await permit(station, leg, attended=True)
    assert (await first.refer(f"<{BOB}>")).status == 603
    own = f"to-tag%3D{first.dialog.remote.tag}%3Bfrom-tag%3D{first.dialog.local.tag}"
    assert (await first.refer(f"<{BOB}?Replaces={first.call_id}%3B{own}>")).status == 603
    assert (await first.refer(target)).status == 202
    events = [await asked(station, leg) for _ in range(4)]
    assert [event.detail["replaced"] for event in events] == [other, 0, leg, other]
    assert [event.detail["attended"] for event in events] == [True, False, True, True]
    assert events[-1].text.lower() == target.strip("<>").lower()
    station.engine.notify(events[-1].detail["transfer"], 200)
    await first.hangup()
    await second.hangup()


async def test_a_dialog_of_nobody(station: Station, phones: Phones) -> None:
    """It may be another server's: who may transfer to anybody transfers to who is named, and who may not is told."""
    call, leg = await station.answered(await phones("caller"))
    target = f"<{BOB}?Replaces=nobody%3Bto-tag%3Da%3Bfrom-tag%3Db>"
    await permit(station, leg)
    assert (await call.refer(target)).status == 603
    await asked(station, leg)
    for may, attended in (({"attended": True}, True), ({"blind": True, "attended": True}, False)):
        await permit(station, leg, **may)
        assert (await call.refer(target)).status == 202
        event = await asked(station, leg)
        assert (event.detail["attended"], event.detail["replaced"]) == (attended, 0)
        assert event.text.lower() == target.strip("<>").lower()
        station.engine.notify(event.detail["transfer"], 481)
        await station.until_counts(transfers=0)
    await call.hangup()
