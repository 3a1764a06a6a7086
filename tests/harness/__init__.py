"""The test harness: a SIP and RTP peer, a scripted application server, an impairment relay, tones, all of its own.

It shares no code with the daemon. Every wait is bounded and says what was missing; `phone.ladder()` and
`call.media.describe()` make a failure readable. A caller, a called party and an application server:

    async def test_a_call(phones, application):
        application.on("/voice", "<Response><Say>Hello</Say><Hangup/></Response>")
        carrier, called = await phones("carrier"), await phones("called", transport="tcp")

        call = await carrier.invite("sip:+15550001000@127.0.0.1:5060", headers=[("X-Test", "1")])
        request = await application.request("/voice", timeout=5)
        assert request.form["CallStatus"] == "ringing"
        await call.answered()
        call.media.tone(440)                             # who speaks ...
        incoming = await called.incoming()
        await incoming.ring()
        await incoming.answer()
        await incoming.media.heard_tone(440)             # ... and who hears it
        await incoming.media.send_digits("12#")
        assert tones.gaps(incoming.media.pcm(), longer_than_ms=60) == []
        await call.hold()
        await call.hangup()
        ending = await incoming.until_ended()
        assert ending.how == "bye received"

The fixtures are in `tests/conftest.py`. Phones listen on 127.0.<worker>.x and free ports.
"""

from . import tones
from .application import ApplicationServer
from .call import How, PhoneCall, Refused
from .digest import Credentials, Guard
from .rtp import RtpPeer
from .sdp import DTMF, PCMA, PCMU, Codec, Sdp
from .sip import Behaviour, Phone
from .waiting import NotInTime, within

__all__ = [
    "DTMF",
    "PCMA",
    "PCMU",
    "ApplicationServer",
    "Behaviour",
    "Codec",
    "Credentials",
    "Guard",
    "How",
    "NotInTime",
    "Phone",
    "PhoneCall",
    "Refused",
    "RtpPeer",
    "Sdp",
    "tones",
    "within",
]
