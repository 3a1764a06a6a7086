"""SIP URIs, as far as routing needs them (RFC 3261 §19.1)."""

import re

_USER = re.compile(r"<?sips?:(?:([^@;?>]*)@)?([^;?>]+)", re.IGNORECASE)
_SCHEME = re.compile(r"(sips?):(?:[^@]*@)?(.*)\Z", re.IGNORECASE)


def user_and_host(uri: str) -> tuple[str, str]:
    """User and host[:port] of a sip: URI; empty strings when it is none."""
    match = _USER.match(uri.strip())
    return (match.group(1) or "", match.group(2)) if match else ("", "")


def with_user(uri: str, user: str) -> str:
    """The same URI with another user part."""
    return _SCHEME.sub(lambda match: f"{match.group(1)}:{user}@{match.group(2)}", uri)


def is_sip(address: str) -> bool:
    """Whether an address is a SIP URI."""
    return address.lower().startswith(("sip:", "sips:"))
