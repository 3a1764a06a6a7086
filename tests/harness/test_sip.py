"""A phone calls a phone: the harness proves itself before it judges anybody."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from .call import How, Refused
from .dialog import response_to
from .digest import Credentials, Guard
from .message import Request, Response
from .sdp import PCMA, Sdp
from .sip import Phone
from .transaction import Timers
from .waiting import NotInTime

Phones = Callable[..., Awaitable[Phone]]
QUICK = Timers(t1=0.05, t2=0.2)


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_call_answer_hangup(phones: Phones, transport: str) -> None:
    alice, bob = await phones("alice", transport=transport), await phones("bob", transport=transport)
    call = await alice.invite(bob.uri, headers=[("X-Probe", "1")], display="Alice A.")
    incoming = await bob.incoming()
    assert incoming.from_user == "alice" and incoming.to_user == "bob"
    assert incoming.invite.headers["X-Probe"] == "1" and incoming.invite.from_.display == "Alice A."
    await incoming.ring(headers=[("X-Ring", "yes")])
    assert (await call.ringing()).headers["X-Ring"] == "yes"
    await incoming.answer([("X-Answer", "yes")])
    assert (await call.answered()).headers["X-Answer"] == "yes"
    assert call.established and incoming.established
    await incoming.hangup([("X-Bye", "b")])
    ending = await call.until_ended()
    assert (ending.how, ending.headers["X-Bye"]) == (How.BYE_RECEIVED, "b")
    assert incoming.ended.result().how is How.BYE_SENT
    assert alice.trace.messages("ACK", sent=True) and "180 Ringing" in alice.ladder()


async def test_both_hear_each_other_and_the_right_frequency(phones: Phones) -> None:
    alice, bob = await phones("alice"), await phones("bob")
    call = await alice.invite(bob.uri)
    incoming = await bob.incoming()
    await incoming.answer()
    await call.answered()
    call.media.tone(440, dbov=-20)
    incoming.media.tone(1000)
    assert await incoming.media.heard_tone(440) == pytest.approx(-20, abs=0.5)
    assert await call.media.heard_tone(1000) == pytest.approx(-13, abs=0.5)
    with pytest.raises(NotInTime, match=r"1000 Hz.*440 Hz"):
        await incoming.media.heard_tone(1000, timeout=0.3)


async def test_early_media_is_heard_before_the_answer(phones: Phones) -> None:
    alice, bob = await phones("alice"), await phones("bob")
    call = await alice.invite(bob.uri)
    incoming = await bob.incoming()
    await incoming.progress()
    incoming.media.tone(600)
    await call.media.heard_tone(600)
    assert call.final is None
    await incoming.answer()
    await call.answered()


async def test_offer_in_the_answer(phones: Phones) -> None:
    alice, bob = await phones("alice"), await phones("bob")
    call = await alice.invite(bob.uri, offer=False)
    incoming = await bob.incoming()
    assert incoming.invite.body == b""
    await incoming.answer()
    assert incoming.remote_sdp is not None and incoming.remote_sdp.port == call.media.port
    incoming.media.tone(500)
    await call.media.heard_tone(500)


async def test_negotiation_takes_the_only_shared_codec(phones: Phones) -> None:
    alice, bob = await phones("alice"), await phones("bob")
    call = await alice.invite(bob.uri)
    incoming = await bob.incoming()
    incoming.negotiation.codecs = (PCMA,)
    await incoming.answer()
    await call.answered()
    assert call.remote_sdp is not None and call.remote_sdp.codecs == (PCMA,)
    call.media.tone(700)
    await incoming.media.heard_tone(700)
    assert incoming.media.heard.payload_types == {8}


async def test_refusal_carries_its_headers(phones: Phones) -> None:
    alice, bob = await phones("alice"), await phones("bob")
    call = await alice.invite(bob.uri)
    incoming = await bob.incoming()
    await incoming.refuse(486, [("Retry-After", "7")], "Engaged")
    response = await call.refused()
    assert (response.status, response.reason, response.headers["Retry-After"]) == (486, "Engaged", "7")
    assert (await call.until_ended()).how is How.REFUSED
    with pytest.raises(Refused, match="486 Engaged"):
        await call.answered()


async def test_cancel(phones: Phones) -> None:
    alice, bob = await phones("alice"), await phones("bob")
    call = await alice.invite(bob.uri)
    incoming = await bob.incoming()
    await incoming.ring()
    assert (await call.cancel([("Reason", 'SIP;cause=200;text="elsewhere"')])).status == 487
    assert (await call.until_ended()).how is How.CANCELLED
    ending = await incoming.until_ended()
    assert ending.how is How.CANCELLED and "elsewhere" in ending.reason


async def test_hold_stops_one_direction_and_resume_brings_it_back(phones: Phones) -> None:
    alice, bob = await phones("alice"), await phones("bob")
    call = await alice.invite(bob.uri)
    incoming = await bob.incoming()
    await incoming.answer()
    await call.answered()
    incoming.media.tone(440)
    await call.media.heard_tone(440)
    assert (await call.hold()).status == 200
    assert call.remote_sdp is not None and call.remote_sdp.direction == "recvonly"
    await call.media.silence_heard(0.3)
    await call.resume()
    await call.media.heard_tone(440)
    assert len(incoming.reinvites) == 2 and incoming.local_sdp is not None
    assert incoming.local_sdp.direction == "sendrecv" and incoming.local_sdp.version == 4


async def test_both_reinvite_at_once_and_both_get_491(phones: Phones) -> None:
    alice, bob = await phones("alice"), await phones("bob")
    call = await alice.invite(bob.uri)
    incoming = await bob.incoming()
    await incoming.answer()
    await call.answered()
    responses = await asyncio.gather(call.reinvite(), incoming.reinvite())
    assert [response.status for response in responses] == [491, 491]


async def test_digits_by_rfc4733_and_by_info(phones: Phones) -> None:
    alice, bob = await phones("alice"), await phones("bob")
    call = await alice.invite(bob.uri)
    incoming = await bob.incoming()
    await incoming.answer()
    await call.answered()
    await call.media.send_digits("12#", duration=0.08, gap=0.04)
    digits = await incoming.media.heard_digits("12#")
    assert [(d.duration_ms, d.packets, d.end_packets, d.marker) for d in digits] == [(80, 7, 3, True)] * 3
    assert (await call.info_dtmf("5")).status == 200
    await call.info_dtmf("*", plain=True)
    assert incoming.info_digits == "5*"


async def test_challenge_is_answered_once_and_wrong_passwords_are_refused(phones: Phones) -> None:
    guard = Guard("alice", "secret", algorithm="SHA-256")
    alice = await phones("alice", credentials=Credentials("alice", "secret"))
    mallory = await phones("mallory", credentials=Credentials("alice", "wrong"))
    bob = await phones("bob")
    bob.guard = guard
    call = await alice.invite(bob.uri)
    incoming = await bob.incoming()
    await incoming.answer()
    assert (await call.answered()).cseq == 2
    refused = await (await mallory.invite(bob.uri)).refused()
    assert refused.status == 401 and len(bob.trace.messages("INVITE")) == 2 + 3


async def test_register_at_a_handler(phones: Phones) -> None:
    alice, registrar = await phones("alice", credentials=Credentials("alice", "secret")), await phones("registrar")
    registrar.guard = Guard("alice", "secret")
    registrar.handlers["REGISTER"] = lambda request: _ok(request, request.headers["Contact"])
    place = f"sip:{registrar.address}:{registrar.port}"
    response = await alice.register(place, expires=60)
    assert response.status == 200 and response.headers["Contact"] == alice.contact
    second = await alice.register(place, expires=0)
    assert second.status == 200 and second.call_id == response.call_id and second.cseq > response.cseq


def _ok(request: Request, contact: str) -> Response:
    return response_to(request, 200, headers=[("Contact", contact)], tag="reg")


async def test_a_caller_that_never_acks_gets_the_200_again(phones: Phones) -> None:
    alice, bob = await phones("alice"), await phones("bob", timers=QUICK)
    alice.behaviour.acks = False
    call = await alice.invite(bob.uri)
    incoming = await bob.incoming()
    await incoming.answer(ack=False)
    for _ in range(3):
        await call.expect(200)
    assert len({bytes(message) for message in alice.trace.messages(200)}) == 1


async def test_requests_are_repeated_until_an_answer_comes(phones: Phones) -> None:
    alice, bob = await phones("alice", timers=QUICK), await phones("bob")
    bob.behaviour.trying = False
    await alice.invite(bob.uri)
    incoming = await bob.incoming()
    await bob.expect("INVITE")
    await bob.expect("INVITE")
    await incoming.ring()
    bob.behaviour.never_answers.add("OPTIONS")
    with pytest.raises(NotInTime, match="the answer to OPTIONS"):
        await alice.request("OPTIONS", bob.uri, timeout=0.3)
    assert len(bob.trace.messages("OPTIONS")) >= 3


async def test_reliable_provisional_is_acknowledged(phones: Phones) -> None:
    alice, bob = await phones("alice"), await phones("bob", timers=QUICK)
    alice.behaviour.reliable_provisionals = True
    call = await alice.invite(bob.uri)
    incoming = await bob.incoming()
    await incoming.ring(reliable=True)
    prack = await incoming.expect("PRACK")
    assert prack.headers["RAck"] == "1 1 INVITE"
    await incoming.answer()
    await call.answered()
    assert len(call.provisional) == 1


async def test_options_unknown_dialog_and_raw_bytes(phones: Phones) -> None:
    alice, bob = await phones("alice"), await phones("bob")
    assert (await alice.request("OPTIONS", bob.uri)).headers["Allow"].startswith("INVITE")
    assert (await alice.request("SUBSCRIBE", bob.uri)).status == 405
    stray = (
        f"BYE {bob.uri} SIP/2.0\r\nVia: SIP/2.0/UDP {alice.address}:{alice.port};rport;branch=z9hG4bKstray\r\n"
        f"f: <{alice.uri}>;tag=1\r\nt: <{bob.uri}>;tag=2\r\ni: stray\r\nCSeq: 1 BYE\r\n\r\n"
    )
    alice.send_raw(stray.encode(), bob.uri)
    assert isinstance(await alice.expect(481), Response)
    alice.send_raw(b"INVITE nonsense\r\n\r\n", bob.uri)
    await bob.trace.changes.until(lambda: bob.faults, 5, "the fault is noted")
    assert "start line" in bob.faults.pop()


async def test_a_refused_tcp_connection_fails_the_call(phones: Phones) -> None:
    alice, bob = await phones("alice", transport="tcp"), await phones("bob")
    uri = bob.uri
    await bob.close()
    call = await alice.invite(uri)
    assert (await call.until_ended()).how is How.FAILED
    with pytest.raises(AssertionError, match="the call failed"):
        await call.answered()
    assert "Connect call failed" in alice.faults.pop()


async def test_hold_with_an_explicit_description(phones: Phones) -> None:
    alice, bob = await phones("alice"), await phones("bob")
    call = await alice.invite(bob.uri)
    incoming = await bob.incoming()
    await incoming.answer()
    await call.answered()
    old_style = Sdp("0.0.0.0", call.media.port, session=1, version=9)
    await call.reinvite(sdp=old_style)
    assert incoming.remote_sdp is not None and incoming.remote_sdp.held
    await call.media.silence_heard(0.2)
