"""Codecs by preference, by engine, source and call: what the descriptions say, what is heard and what is said."""

import asyncio
from collections.abc import Awaitable, Callable

import numpy as np
import pytest

from callwright.engine import EventKind
from tests.engine.station import CALLER, Station, running_engine
from tests.harness import tones
from tests.harness.call import PhoneCall
from tests.harness.sdp import DTMF, G722, G729, GSM, L16, L16_WIDE, OPUS, PCMA, PCMU, Codec, Sdp
from tests.harness.sip import Phone
from tests.harness.speech import decoded, encoded

Phones = Callable[..., Awaitable[Phone]]
Stations = Callable[..., Station]

CRYPTO = "crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"
EVENTS = {8000: Codec(101, "telephone-event", 8000, "0-16"), 48000: Codec(110, "telephone-event", 48000, "0-16")}
NAMED = {
    "PCMU": PCMU,
    "PCMA": PCMA,
    "G722": G722,
    "opus": OPUS,
    "GSM": GSM,
    "L16/8000": L16,
    "L16/16000": L16_WIDE,
    "G729": G729,
}
EVERY = pytest.mark.parametrize("name", NAMED)


def offer_of(phone: Phone, *codecs: Codec, **more: object) -> Sdp:
    return Sdp(phone.address, 40000, codecs, session=7, version=1, **more)  # type: ignore[arg-type]  # of Sdp


def heard_of(call: PhoneCall, codec: Codec, since: int) -> list[bytes]:
    """Payloads of a codec that came since a mark, in order."""
    arrivals = call.media.heard.arrivals[since:]
    return [each.packet.payload for each in arrivals if each.packet.payload_type == codec.payload_type]


async def tap_hears(station: Station, leg: int, hz: float, rate: int) -> None:
    """Returns when the leg says this tone."""
    tap = station.engine.tap(capacity=2000, notify=100)
    station.engine.connect(leg, tap)
    sound = b""
    async with asyncio.timeout(8):
        while not tones.contains(np.frombuffer(sound[-rate:], dtype="<i2"), hz, rate=rate):
            await station.event(EventKind.TAPPED, tap)
            sound += station.engine.read_tap(tap)
    station.engine.stop(tap)


@EVERY
async def test_is_spoken_and_understood(stations: Stations, phones: Phones, name: str) -> None:
    codec = NAMED[name]
    station = stations(codecs=[name], clock_rate=16000)
    phone = await phones("caller")
    leg = station.engine.originate(phone.uri, local_uri=CALLER)
    call = await phone.incoming()
    call.negotiation.codecs = (codec, EVENTS.get(codec.rate, DTMF))
    assert call.remote_sdp is not None
    offer = call.remote_sdp
    assert [(each.name, each.rate, each.channels) for each in offer.codecs] == [
        (codec.name, codec.rate, codec.channels),
        ("telephone-event", codec.rate, 1),
    ]
    await call.answer()
    media = await station.event(EventKind.MEDIA, leg)
    assert media.detail["codec"] == codec.name
    assert (media.detail["ptime"], media.detail["srtp"]) == (20, "none")

    negotiated = offer.codecs[0]
    call.media.accept([negotiated])
    station.engine.tone([(700, 0, 5000, 0)], sink=leg, loop=0)
    since = call.media.mark()
    await call.media.received(60, since=since)
    payloads = heard_of(call, negotiated, since)
    assert len(payloads) >= 50
    pcm, rate = decoded(payloads[10:], codec.name, codec.rate)
    assert tones.contains(pcm[-rate // 2 :], 700, rate=rate)

    call.media.payloads(payloads[10:40])
    call.media.connect((offer.address, offer.port), codec=negotiated, sending=True)
    await tap_hears(station, leg, 700, 16000)
    station.engine.hangup(leg)
    await call.until_ended()


@pytest.mark.parametrize(("name", "rate"), [("G722", 16000), ("opus", 48000)])
async def test_wideband_of_a_foreign_encoder_is_wideband(
    stations: Stations, phones: Phones, name: str, rate: int
) -> None:
    station = stations(codecs=[name], clock_rate=16000)
    phone = await phones("called")
    leg = station.engine.originate(phone.uri, local_uri=CALLER)
    call = await phone.incoming()
    assert call.remote_sdp is not None
    offer = call.remote_sdp
    call.negotiation.codecs = (NAMED[name],)
    await call.answer()
    await station.event(EventKind.MEDIA, leg)
    call.media.payloads(encoded(tones.tone(6000, 2.0, rate=rate), name))
    call.media.connect((offer.address, offer.port), codec=offer.codecs[0], sending=True)
    await tap_hears(station, leg, 6000, 16000)


async def test_our_order_decides_and_one_codec_is_answered(stations: Stations, phones: Phones) -> None:
    station = stations(codecs=["G722", "PCMA", "PCMU"])
    phone = await phones("caller")
    call, event = await station.invited(phone, offer=offer_of(phone, PCMU, PCMA, G722, DTMF))
    station.engine.answer(event.id, 200)
    answer = Sdp.parse((await call.answered()).body)
    assert [codec.name for codec in answer.codecs] == ["G722", "telephone-event"]
    assert (await station.event(EventKind.MEDIA, event.id)).detail["codec"] == "G722"


async def test_a_call_has_its_own_codecs(stations: Stations, phones: Phones) -> None:
    station = stations(codecs=["PCMU"])
    phone = await phones("both")
    leg = station.engine.originate(phone.uri, local_uri=CALLER, codecs=["opus", "pcma"])
    call = await phone.incoming()
    assert call.remote_sdp is not None
    assert [codec.name for codec in call.remote_sdp.codecs] == ["opus", "PCMA", "telephone-event", "telephone-event"]
    assert [codec.rate for codec in call.remote_sdp.codecs if codec.name == "telephone-event"] == [48000, 8000]
    station.engine.hangup(leg)

    inbound, event = await station.invited(phone, offer=offer_of(phone, PCMU, G722, GSM, DTMF))
    station.engine.answer(event.id, 200, codecs=["GSM", "G722"])
    answer = Sdp.parse((await inbound.answered()).body)
    assert [codec.name for codec in answer.codecs] == ["GSM", "telephone-event"]
    assert (await station.event(EventKind.MEDIA, event.id)).detail["codec"] == "GSM"
    await inbound.hangup()


async def test_an_answer_whose_codecs_were_not_offered_is_a_refusal(station: Station, phones: Phones) -> None:
    phone = await phones("caller")
    call, event = await station.invited(phone)
    station.engine.answer(event.id, 200, codecs=["G729"])
    refusal = await call.refused()
    assert refusal.status == 488
    assert "305" in refusal.headers["Warning"]
    assert (await station.event(EventKind.ENDED, event.id)).code == 488


async def test_a_late_offer_has_the_codecs_of_the_answer(stations: Stations, phones: Phones) -> None:
    station = stations(codecs=["PCMU"])
    phone = await phones("caller")
    call, event = await station.invited(phone, offer=False)
    station.engine.answer(event.id, 200, codecs=["PCMA", "G722"])
    offer = Sdp.parse((await call.answered()).body)
    assert [codec.name for codec in offer.codecs] == ["PCMA", "G722", "telephone-event"]
    assert (await station.event(EventKind.MEDIA, event.id)).detail["codec"] == "PCMA"


async def test_sources_have_their_own_codecs(stations: Stations, phones: Phones) -> None:
    station = stations(codecs=["PCMU"])
    narrow, wide = await phones("narrow"), await phones("wide")
    station.engine.admit(
        ["127.0.0.0/8"],
        policies=[("127.0.0.0/8", ["G729"], "", "", []), (f"{wide.address}/32", ["G722", "PCMA"], "", "", [])],
    )
    call, event = await station.invited(wide, offer=offer_of(wide, PCMU, PCMA, G722))
    station.engine.answer(event.id, 200)
    assert [codec.name for codec in Sdp.parse((await call.answered()).body).codecs] == ["G722"]
    other = await narrow.invite(station.uri(), offer=offer_of(narrow, PCMU, PCMA, G722))
    assert (await other.refused()).status == 488


@pytest.mark.parametrize(
    ("offer", "code"),
    [
        (lambda phone: offer_of(phone, Codec(99, "AMR", 8000), DTMF), 305),
        (lambda phone: offer_of(phone, PCMU, profile="RTP/SAVP", extra=(CRYPTO,)), 302),
        (lambda phone: offer_of(phone, PCMU, profile="UDP/TLS/RTP/SAVPF"), 302),
        (lambda phone: offer_of(phone, PCMU, profile="TCP/MSRP"), 302),
        (lambda phone: Sdp("2001:db8::1", 40000, (PCMU,), session=7, version=1), 300),
    ],
    ids=["codec", "sdes", "dtls", "no-rtp", "ipv6"],
)  # fmt: skip
async def test_what_fits_nothing_is_refused_with_a_warning(
    station: Station, phones: Phones, offer: Callable[[Phone], Sdp], code: int
) -> None:
    phone = await phones("caller")
    call = await phone.invite(station.uri(), offer=offer(phone))
    refusal = await call.refused()
    assert refusal.status == 488
    assert refusal.headers["Warning"].startswith(f"{code} ")
    await station.until_counts(legs=0, jobs=0)
    assert station.engine.counters()["refused_offer"] == 1
    assert [event for event in station.events if event.kind in (EventKind.INCOMING, EventKind.LOG)] == []


async def test_a_reinvite_that_fits_nothing_leaves_the_call_as_it_is(station: Station, phones: Phones) -> None:
    phone = await phones("caller")
    call, leg = await station.answered(phone)
    await station.event(EventKind.MEDIA, leg)
    since = call.media.mark()
    foreign = offer_of(phone, Codec(99, "AMR", 8000), DTMF)
    response = await call.reinvite(sdp=foreign)
    assert response.status == 488
    await call.media.received(10, since=since)
    await call.hangup()


@pytest.mark.parametrize("ptime", [10, 20, 30, 40, 60])
async def test_the_peers_ptime_is_honoured(station: Station, phones: Phones, ptime: int) -> None:
    phone = await phones("caller")
    call, event = await station.invited(phone, offer=offer_of(phone, PCMU, DTMF, ptime=ptime))
    station.engine.answer(event.id, 200)
    answer = Sdp.parse((await call.answered()).body)
    assert (answer.ptime, answer.attribute("maxptime")) == (20, "60")
    assert (await station.event(EventKind.MEDIA, event.id)).detail["ptime"] == ptime


async def test_our_ptime_is_asked_for_and_used_when_the_peer_says_nothing(stations: Stations, phones: Phones) -> None:
    station = stations(ptime=40)
    phone = await phones("caller")
    call, event = await station.invited(phone, offer=offer_of(phone, PCMU, DTMF, ptime=0))
    assert b"ptime" not in call.invite.body
    station.engine.answer(event.id, 200)
    assert Sdp.parse((await call.answered()).body).ptime == 40
    assert (await station.event(EventKind.MEDIA, event.id)).detail["ptime"] == 40


@pytest.mark.parametrize("ptime", [1, 7, 200, 2550])
async def test_an_odd_ptime_does_no_harm(station: Station, phones: Phones, ptime: int) -> None:
    phone = await phones("caller")
    call, event = await station.invited(phone, offer=offer_of(phone, PCMU, DTMF, ptime=ptime))
    station.engine.answer(event.id, 200)
    await call.answered()
    assert 10 <= (await station.event(EventKind.MEDIA, event.id)).detail["ptime"] <= 60


async def test_digits_have_the_clock_of_the_codec(stations: Stations, phones: Phones) -> None:
    station = stations(codecs=["opus", "PCMU"])
    phone = await phones("called")
    leg = station.engine.originate(phone.uri, local_uri=CALLER)
    call = await phone.incoming()
    assert b"\r\nb=" not in call.invite.body
    call.negotiation.codecs = (PCMU, EVENTS[48000], EVENTS[8000])
    await call.answer()
    assert call.local_sdp is not None
    assert [codec.rate for codec in call.local_sdp.codecs] == [8000, 48000, 8000]
    await station.event(EventKind.ESTABLISHED, leg)
    station.engine.send_digits(leg, "5")
    heard = await call.media.heard_digits("5")
    assert heard[0].duration_ms == pytest.approx(160, abs=40)
    types = {arrival.packet.payload_type for arrival in call.media.heard.arrivals}
    assert EVENTS[8000].payload_type in types and EVENTS[48000].payload_type not in types
    station.engine.hangup(leg)
    await call.until_ended()


async def test_opus_says_what_is_configured(stations: Stations, phones: Phones) -> None:
    station = stations(codecs=["opus"], clock_rate=16000, opus={"bitrate": 24000, "complexity": 3, "fec": 1, "dtx": 1})
    phone = await phones("called")
    station.engine.originate(phone.uri, local_uri=CALLER)
    call = await phone.incoming()
    assert call.remote_sdp is not None
    parameters = call.remote_sdp.codecs[0].parameters
    assert dict(each.split("=") for each in parameters.split(";")) == {
        "maxplaybackrate": "16000",
        "sprop-maxcapturerate": "16000",
        "maxaveragebitrate": "24000",
        "usedtx": "1",
        "useinbandfec": "1",
    }


@pytest.mark.parametrize("bitrate", [8000, 48000])
async def test_opus_spends_what_is_configured(stations: Stations, phones: Phones, bitrate: int) -> None:
    station = stations(codecs=["opus"], clock_rate=16000, opus={"bitrate": bitrate})
    phone = await phones("called")
    leg = station.engine.originate(phone.uri, local_uri=CALLER)
    call = await phone.incoming()
    assert call.remote_sdp is not None
    codec = call.remote_sdp.codecs[0]
    call.negotiation.codecs = (OPUS,)
    await call.answer()
    call.media.accept([codec])
    station.engine.tone([(440, 1234, 5000, 0)], sink=leg, loop=0)
    since = call.media.mark()
    await call.media.received(80, since=since)
    payloads = heard_of(call, codec, since)[20:]
    spent = sum(len(payload) for payload in payloads) * 8 * 50 / len(payloads)
    assert 0.5 * bitrate < spent < 1.3 * bitrate


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"codecs": []}, "codecs: at least one"),
        ({"codecs": ["PCMX"]}, 'codecs: "PCMX" is none'),
        ({"codecs": ["PCMU", "pcmu"]}, "codecs: pcmu stands twice"),
        ({"ptime": 7}, "ptime: 10, 20"),
        ({"ptime": 70}, "ptime: 10, 20"),
        ({"opus": {"bitrate": 100}}, "opus_bitrate: 0, or 6000"),
        ({"opus": {"complexity": 11}}, "opus_complexity: 0 to 10"),
        ({"opus": {"gain": 1}}, 'opus: "gain" is no setting'),
    ],
)
def test_settings_that_are_none(media_ports: tuple[int, int], options: dict[str, object], fault: str) -> None:
    with pytest.raises(ValueError, match=fault), running_engine(media_ports, **options):
        raise AssertionError("it started")


async def test_arguments_that_are_none(station: Station) -> None:
    engine = station.engine
    for name, value in (("codecs", ["PCMX"]), ("srtp", "maybe"), ("srtp_keying", "zrtp"), ("reliable", "yes")):
        with pytest.raises(ValueError, match=name):
            engine.originate("sip:a@127.0.0.1", local_uri=CALLER, **{name: value})  # type: ignore[arg-type]  # it is none
    with pytest.raises(ValueError, match="codecs"):
        engine.answer(1, 200, codecs=["PCMX"])
    with pytest.raises(ValueError, match="srtp"):
        engine.admit([], policies=[("127.0.0.1", [], "perhaps", "", [])])
