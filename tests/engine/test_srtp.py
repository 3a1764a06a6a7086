"""SRTP by SDES and by DTLS: off, optional and required, offered and answered; nothing passes without its key."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from callwright.engine import EventKind
from callwright.sip.credentials import Credential
from tests.engine.station import CALLER, Station
from tests.harness.call import PhoneCall
from tests.harness.digest import Credentials
from tests.harness.negotiation import Security
from tests.harness.ports import next_address
from tests.harness.sdp import Sdp
from tests.harness.sip import Phone
from tests.harness.srtp import Dtls, Sdes

Phones = Callable[..., Awaitable[Phone]]


async def secured(phones: Phones, security: Callable[[], Security], user: str = "phone") -> Phone:
    phone = await phones(user)
    phone.security = security
    return phone


def trust(station: Station, srtp: str) -> None:
    station.engine.admit(["127.0.0.0/8"], policies=[("127.0.0.0/8", [], srtp, "", [])])


async def talks(station: Station, call: PhoneCall, leg: int, srtp: str) -> None:
    """Protected sound goes both ways."""
    assert (await station.event(EventKind.MEDIA, leg)).detail["srtp"] == srtp
    tone = station.engine.tone([(700, 0, 5000, 0)], sink=leg, loop=0)
    await call.media.heard_tone(700)
    station.engine.stop(tone)
    tap = station.engine.tap(capacity=2000, notify=100)
    station.engine.connect(leg, tap)
    call.media.tone(500)
    heard = b""
    while max(heard, default=0) == 0:
        await station.event(EventKind.TAPPED, tap)
        heard = station.engine.read_tap(tap)
    station.engine.stop(tap)


@pytest.mark.parametrize("srtp", ["optional", "required"])
async def test_sdes_is_answered(station: Station, phones: Phones, srtp: str) -> None:
    trust(station, srtp)
    call, event = await station.invited(await secured(phones, Sdes))
    station.engine.answer(event.id, 200)
    answer = Sdp.parse((await call.answered()).body)
    assert answer.profile == "RTP/SAVP"
    assert (answer.attribute("crypto") or "").startswith("1 AES_CM_128_HMAC_SHA1_80 ")
    await talks(station, call, event.id, "sdes")
    await call.hangup()


@pytest.mark.parametrize(("srtp", "profile"), [("optional", "RTP/AVP"), ("required", "RTP/SAVP")])
async def test_sdes_is_offered(station: Station, phones: Phones, srtp: str, profile: str) -> None:
    phone = await secured(phones, Sdes)
    leg = station.engine.originate(phone.uri, local_uri=CALLER, srtp=srtp)
    call = await phone.incoming()
    assert call.remote_sdp is not None
    assert call.remote_sdp.profile == profile
    suites = [line.split()[1] for line in call.remote_sdp.extra if line.startswith("crypto:")]
    assert "AES_CM_128_HMAC_SHA1_80" in suites and not any("NULL" in suite for suite in suites)
    await call.answer()
    await talks(station, call, leg, "sdes")
    station.engine.hangup(leg)
    await call.until_ended()


@pytest.mark.parametrize("setup", ["active", "passive"])
async def test_dtls_is_offered(station: Station, phones: Phones, setup: str) -> None:
    phone = await secured(phones, lambda: Dtls(setup))
    leg = station.engine.originate(phone.uri, local_uri=CALLER, srtp="required", srtp_keying="dtls")
    call = await phone.incoming()
    assert call.remote_sdp is not None
    assert call.remote_sdp.profile == "UDP/TLS/RTP/SAVP"
    assert call.remote_sdp.attribute("setup") == "actpass"
    await call.answer()
    await talks(station, call, leg, "dtls")
    station.engine.hangup(leg)
    await call.until_ended()


@pytest.mark.parametrize("srtp", ["optional", "required"])
async def test_dtls_is_answered(station: Station, phones: Phones, srtp: str) -> None:
    trust(station, srtp)
    call, event = await station.invited(await secured(phones, Dtls))
    station.engine.answer(event.id, 200)
    answer = Sdp.parse((await call.answered()).body)
    assert answer.profile == "UDP/TLS/RTP/SAVP"
    assert answer.attribute("setup") in ("active", "passive")
    await talks(station, call, event.id, "dtls")
    await call.hangup()


async def behind_a_nat(call: PhoneCall, address: str) -> None:
    """Answers with an address of the network behind it, where nobody can be reached."""
    negotiation = call.negotiation
    assert negotiation.remote is not None and negotiation.security is not None
    inside = replace(Sdp.offer(call.media.address, call.media.port, negotiation.codecs), address=address)
    await call.answer(sdp=negotiation.security.answer(inside.answer_to(negotiation.remote), negotiation.remote))


async def test_dtls_behind_a_nat(station: Station, phones: Phones) -> None:
    """The handshake comes from where the signalling comes from; then the media follows it."""
    phone = await secured(phones, Dtls)
    leg = station.engine.originate(phone.uri, local_uri=CALLER, srtp="required", srtp_keying="dtls")
    call = await phone.incoming()
    await behind_a_nat(call, "127.0.0.254")
    await talks(station, call, leg, "dtls")
    station.engine.hangup(leg)
    await call.until_ended()


async def test_dtls_from_neither_place(station: Station, phones: Phones) -> None:
    """Media from a third host: nobody has said that it is the peer's."""
    phone = await secured(phones, Dtls)
    phone.media_address = next_address()
    leg = station.engine.originate(phone.uri, local_uri=CALLER, srtp="required", srtp_keying="dtls")
    call = await phone.incoming()
    await behind_a_nat(call, "127.0.0.254")
    await station.event(EventKind.ESTABLISHED, leg)
    refused = await station.event(EventKind.SECURITY, leg)
    assert (refused.detail["kind"], refused.detail["source_host"]) == ("rtp-source", call.media.address)
    assert call.media.heard.arrivals == []
    station.engine.hangup(leg)
    await call.until_ended()


async def test_optional_goes_without_when_the_peer_does(station: Station, phones: Phones) -> None:
    trust(station, "optional")
    call, event = await station.invited(await phones("plain"))
    station.engine.answer(event.id, 200)
    assert Sdp.parse((await call.answered()).body).profile == "RTP/AVP"
    await talks(station, call, event.id, "none")
    await call.hangup()

    phone = await phones("called")
    leg = station.engine.originate(phone.uri, local_uri=CALLER, srtp="optional")
    called = await phone.incoming()
    await called.answer()
    await talks(station, called, leg, "none")
    station.engine.hangup(leg)
    await called.until_ended()


@pytest.mark.parametrize("security", [Sdes, Dtls])
async def test_off_refuses_it(station: Station, phones: Phones, security: Callable[[], Security]) -> None:
    call = await (await secured(phones, security)).invite(station.uri())
    refusal = await call.refused()
    assert (refusal.status, refusal.headers["Warning"].split()[0]) == (488, "302")


async def test_required_refuses_a_plain_offer(station: Station, phones: Phones) -> None:
    trust(station, "required")
    call = await (await phones("plain")).invite(station.uri())
    refusal = await call.refused()
    assert (refusal.status, refusal.headers["Warning"].split()[0]) == (488, "302")


async def test_required_does_not_talk_to_a_peer_that_leaves_it_out(station: Station, phones: Phones) -> None:
    phone = await phones("plain")
    leg = station.engine.originate(phone.uri, local_uri=CALLER, srtp="required")
    call = await phone.incoming()
    assert call.remote_sdp is not None
    assert call.local_sdp is None
    plain = Sdp(call.media.address, call.media.port, (call.remote_sdp.codecs[0],), session=1, version=1)
    await call.answer(sdp=plain)
    ended = await station.event(EventKind.ENDED, leg)
    assert ended.code >= 400
    assert len(call.media.heard.arrivals) == 0
    await call.until_ended()


async def test_a_reinvite_keeps_the_protection(station: Station, phones: Phones) -> None:
    trust(station, "required")
    call, event = await station.invited(await secured(phones, Sdes))
    station.engine.answer(event.id, 200)
    await call.answered()
    await talks(station, call, event.id, "sdes")
    assert (await call.hold()).status == 200
    assert (await call.resume()).status == 200
    since = call.media.mark()
    await call.media.received(20, since=since)
    await call.hangup()


async def test_a_reinvite_cannot_take_it_away(station: Station, phones: Phones) -> None:
    trust(station, "required")
    call, event = await station.invited(await secured(phones, Sdes))
    station.engine.answer(event.id, 200)
    await call.answered()
    first = call.local_sdp
    assert first is not None
    plain = Sdp(first.address, first.port, first.codecs, session=first.session, version=first.version + 1)
    call.negotiation.security = None
    response = await call.request("INVITE", body=call.negotiation.offer(plain))
    assert response.status == 488
    await call.hangup()


async def test_packets_of_another_key_are_not_heard(station: Station, phones: Phones) -> None:
    trust(station, "required")
    call, event = await station.invited(await secured(phones, Sdes))
    station.engine.answer(event.id, 200)
    await call.answered()
    await station.event(EventKind.MEDIA, event.id)
    call.media.guard = None  # from now on everything goes in the clear
    call.media.tone(500)
    tap = station.engine.tap(capacity=2000, notify=100)
    station.engine.connect(event.id, tap)
    for _ in range(5):
        await station.event(EventKind.TAPPED, tap)
        assert max(station.engine.read_tap(tap), default=0) == 0
    station.engine.stop(tap)
    await call.hangup()


async def test_a_certificate_that_the_description_does_not_name_ends_in_silence(
    station: Station, phones: Phones
) -> None:
    wrong = "sha-256 " + ":".join(["AB"] * 32)
    phone = await secured(phones, lambda: Dtls("passive", wrong))
    leg = station.engine.originate(phone.uri, local_uri=CALLER, srtp="required", srtp_keying="dtls")
    call = await phone.incoming()
    await call.answer()
    await station.event(EventKind.ESTABLISHED, leg)
    station.engine.tone([(700, 0, 5000, 0)], sink=leg, loop=0)
    await call.media.silence_heard(1.0)
    assert len(call.media.heard.arrivals) == 0
    station.engine.hangup(leg)
    await call.until_ended()


async def test_keys_are_not_logged(stations: Callable[..., Station], phones: Phones) -> None:
    station = stations(log_level=4)
    phone = await secured(phones, Sdes)
    leg = station.engine.originate(phone.uri, local_uri=CALLER, srtp="required")
    call = await phone.incoming()
    await call.answer()
    await station.event(EventKind.ESTABLISHED, leg)
    station.engine.hangup(leg)
    await call.until_ended()
    log = "\n".join(event.text for event in station.events if event.kind is EventKind.LOG)
    assert call.remote_sdp is not None and call.local_sdp is not None
    assert "a=crypto:1" in log
    for sdp in (call.remote_sdp, call.local_sdp):
        keys = [line.split("inline:")[1].split("|")[0] for line in sdp.extra if "inline:" in line]
        assert keys and not any(key in log for key in keys)


USER = ("alice", "pbx.example")


async def prover(station: Station, phones: Phones, security: Callable[[], Security] | None) -> Phone:
    """A phone that proves to be a user, on an engine that trusts no source."""
    station.engine.admit([])
    station.engine.credentials([Credential.of(*USER, "secret").as_tuple()])
    station.engine.authenticate(realm=USER[1])
    phone = await phones(USER[0], credentials=Credentials(USER[0], "secret"))
    phone.security = security
    return phone


@pytest.mark.parametrize(
    ("srtp", "source", "security", "status"),
    [
        ("optional", "off", Sdes, 200),
        ("optional", "required", None, 200),
        ("required", "off", Dtls, 200),
        ("required", "optional", None, 488),
        ("off", "optional", Sdes, 488),
        ("off", "required", None, 200),
    ],
)
async def test_a_users_policy_goes_before_that_of_his_source(
    station: Station, phones: Phones, srtp: str, source: str, security: Callable[[], Security] | None, status: int
) -> None:
    phone = await prover(station, phones, security)
    station.engine.admit([], policies=[("0.0.0.0/0", [], source, "", [])])
    station.engine.trust([(*USER, [], srtp, "", []), ("bob", USER[1], [], "off", "", [])])
    call = await phone.invite(station.uri())
    if status != 200:
        refusal = await call.refused()
        assert (refusal.status, refusal.headers["Warning"].split()[0]) == (status, "302")
        assert [event.kind for event in station.events] == []
        return
    event = await station.event(EventKind.INCOMING)
    station.engine.answer(event.id, 200)
    await call.answered()
    await talks(station, call, event.id, {Sdes: "sdes", Dtls: "dtls", None: "none"}[security])  # type: ignore[index]  # the classes
    await call.hangup()


async def test_whom_nothing_is_said_of_is_as_his_source(station: Station, phones: Phones) -> None:
    phone = await prover(station, phones, None)
    station.engine.admit([], policies=[("0.0.0.0/0", [], "required", "", [])])
    station.engine.trust([("alice", "other.example", [], "optional", "", []), ("bob", USER[1], [], "off", "", [])])
    assert (await (await phone.invite(station.uri())).refused()).status == 488
    station.engine.trust([(*USER, ["PCMA"], "off", "", [])])
    call, _ = await station.answered(phone)
    assert call.remote_sdp is not None and call.remote_sdp.audio.name == "PCMA"
    await call.hangup()


def test_policies_of_users_that_are_none(station: Station) -> None:
    for codecs, srtp in ((["MP3"], ""), ([], "always")):
        with pytest.raises(ValueError, match=r"MP3|always"):
            station.engine.trust([(*USER, codecs, srtp, "", [])])
