"""Peculiarities of carriers and PBXs, by name: each is the [[trunk]] keys that it stands for.

A profile only sets defaults: a key that the trunk itself sets goes before, and a later profile before an earlier one.
"""

from collections.abc import Mapping
from typing import Any

PROFILES: Mapping[str, Mapping[str, Any]] = {
    # From must name the account that registers or authenticates; who calls stands in P-Asserted-Identity
    "from-is-auth-user": {"from_user": "auth", "identity": "pai"},
    # a peer inside the operator's own trust domain (RFC 3324): it is believed, and told who calls
    "trusted-pai": {"trust_identity": True, "identity": "pai", "diversion": True},
    # the same for peers of before RFC 3325
    "trusted-rpid": {"trust_identity": True, "identity": "rpid", "diversion": True},
    # fails at provisional responses that ask to be acknowledged
    "no-100rel": {"reliable": "off"},
    # takes Session-Expires for a fault, or refreshes late and is hung up
    "no-session-timer": {"session_timer": False},
    # names an address of its own network in Contact: what follows goes where its messages come from
    "symmetric-port": {"symmetric_port": True},
    # takes the marker of a telephone-event for a new stream, and drops the key
    "dtmf-without-marker": {"dtmf_marker": False},
    # takes two codecs and no other
    "g711": {"codecs": ("PCMU", "PCMA")},
    "g711-alaw": {"codecs": ("PCMA", "PCMU")},
    # says that it takes telephone-event and passes on none
    "inband-dtmf": {"dtmf": "inband"},
    "info-dtmf": {"dtmf": "info"},
    # digits only, as E.164 without the plus sign
    "no-plus": {"inbound_numbers": ("no-plus",), "outbound_numbers": ("no-plus",)},
    # ten or eleven digits, 011 for abroad
    "nanp": {"inbound_numbers": ("nanp",), "outbound_numbers": ("nanp",)},
    # signalling over TLS, and no call without SRTP
    "secure": {"transport": "tls", "srtp": "required"},
}
