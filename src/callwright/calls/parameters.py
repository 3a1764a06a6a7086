"""The parameters of an application's requests (call-control reference §2.1, §2.2)."""

import math
from datetime import datetime

from callwright import clock
from callwright.calls.control import Recorded
from callwright.media.machine import Verdict
from callwright.sip.leg import Invite
from callwright.sip.request import Request
from callwright.sip.uri import user_and_host, without_port

API_VERSION = "2010-04-01"
GEOGRAPHY = tuple(
    f"{who}{what}" for who in ("From", "To", "Caller", "Called") for what in ("City", "State", "Zip", "Country")
)

UNPREFIXED = frozenset({"user-to-user", "diversion", "p-asserted-identity", "remote-party-id"})


def standard(*, sid: str, account_sid: str, from_: str, to: str, status: str, direction: str) -> dict[str, str]:
    """What every request carries."""
    params = {
        "CallSid": sid,
        "AccountSid": account_sid,
        "From": from_,
        "To": to,
        "Caller": from_,
        "Called": to,
        "CallStatus": status,
        "ApiVersion": API_VERSION,
        "Direction": direction,
    }
    if not from_.startswith(("sip:", "sips:", "client:")):
        params.update(dict.fromkeys(GEOGRAPHY, ""))
    return params


def progress(sequence: int, at: datetime) -> dict[str, str]:
    """What a status callback adds. Sequence numbers count from 0."""
    return {
        "CallbackSource": "call-progress-events",
        "Timestamp": clock.rfc2822(at),
        "SequenceNumber": str(sequence),
    }


def ending(seconds: int, sip_code: int) -> dict[str, str]:
    """What the last status callback adds: Duration in minutes, CallDuration in seconds."""
    return {
        "Duration": str(math.ceil(seconds / 60)),
        "CallDuration": str(seconds),
        "SipResponseCode": str(sip_code),
    }


def recording(recorded: Recorded) -> dict[str, str]:
    """What the last status callback of a call that was recorded whole adds."""
    return {
        "RecordingSid": recorded.sid,
        "RecordingUrl": recorded.url,
        "RecordingDuration": str(recorded.duration),
    }


def answerer(verdict: Verdict) -> dict[str, str]:
    """Who answered, and after how many milliseconds that was known."""
    return {"AnsweredBy": str(verdict.answered_by), "MachineDetectionDuration": str(verdict.duration)}


def sip(invite: Invite | Request) -> dict[str, str]:
    """What the SIP side of an inbound call, or message, adds (call-control reference §7.1)."""
    domain = without_port(user_and_host(invite.request_uri)[1])
    params = {"SipCallId": invite.call_id, "SipSourceIp": invite.source_host, "SipDomain": domain}
    for name, value in invite.headers:
        if (known := name.lower()).startswith("x-") or known in UNPREFIXED:
            params[f"SipHeader_{name}"] = value
    return params
