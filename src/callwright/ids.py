"""SIDs: two letters and 32 lower-case hexadecimal digits (call-control reference §3.1)."""

import hashlib
import os
import re

_SID = re.compile(r"[A-Z]{2}[0-9a-f]{32}\Z")

ACCOUNT = "AC"
CALL = "CA"
RECORDING = "RE"
CONFERENCE = "CF"
QUEUE = "QU"
APPLICATION = "AP"
PHONE_NUMBER = "PN"
NOTIFICATION = "NO"
SIP_DOMAIN = "SD"
REQUEST = "RQ"
MESSAGE = "SM"
TRANSCRIPTION = "TR"
PARTICIPATION = "CP"
AUDIT_EVENT = "AE"


def new(prefix: str) -> str:
    """A fresh random SID with this prefix, e.g. `new(CALL)`."""
    return prefix + os.urandom(16).hex()


def valid(sid: str, prefix: str) -> bool:
    """Whether `sid` is well formed and of this kind."""
    return sid.startswith(prefix) and _SID.match(sid) is not None


def derived(prefix: str, *parts: str) -> str:
    """The SID of something that the configuration file declares: the same at every start."""
    return prefix + hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
