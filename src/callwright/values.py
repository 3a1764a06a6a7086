"""What configuration is made of: sections, and kinds of values, each with its check that says what must be there."""

import ipaddress
import re
from typing import Annotated, Any, Literal
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, StringConstraints

from callwright import ids

CODECS = ("PCMU", "PCMA", "G722", "opus", "GSM", "L16/8000", "L16/16000", "G729")
"""What the engine speaks."""


def _web_url(value: str) -> str:
    if value == "" or value.startswith("/"):
        return value
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_is_good(parts):
        raise ValueError("must be an http:// or https:// URL, or a path below server.public_url")
    return value


def port_is_good(parts: SplitResult) -> bool:
    """Whether a URL's port is none or a number above 0."""
    try:
        return parts.port is None or parts.port > 0
    except ValueError:
        return False


def origin(url: str) -> str:
    """scheme://host:port of a URL, the port always written."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return f"{parts.scheme}://{(parts.hostname or '').lower()}:{port}"


def address_port(value: str) -> str:
    """An address and a port, an IPv6 address in brackets.

    Raises:
        ValueError: it is none.
    """
    host, _, port = value.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise ValueError('must be "address:port"')
    ipaddress.ip_address(host.strip("[]"))
    return value


def _sip_listen(value: str) -> str:
    transport, _, rest = value.partition(":")
    if transport not in ("udp", "tcp", "tls"):
        raise ValueError('must begin with "udp:", "tcp:" or "tls:"')
    address_port(rest)
    return value


def listen_entry(value: Any) -> Any:
    """An entry of sip.listen may be the bare address."""
    return {"address": _sip_listen(value)} if isinstance(value, str) else value


def _advertised(value: str) -> str:
    if value and ipaddress.ip_address(value).is_unspecified:
        raise ValueError("must be an address that peers can reach")
    return value


def _prefix(value: str) -> str:
    ipaddress.ip_network(value, strict=False)
    return value


def is_name(source: str) -> bool:
    """Whether a source is a host name, not an address or prefix."""
    return (
        bool(re.fullmatch(r"(?=.*[A-Za-z])[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*\.?", source)) and len(source) < 254
    )


def _source(value: str) -> str:
    if not is_name(value):
        ipaddress.ip_network(value, strict=False)
    return value


def _sip_uri(value: str) -> str:
    if not re.fullmatch(r"sips?:[^\s<>\0]+", value):
        raise ValueError("must be a sip: or sips: URI")
    return value


def _last_resort(value: str) -> str:
    if value in ("apology", "reject") or re.fullmatch(r"\+?[0-9]{3,20}", value):
        return value
    try:
        return _sip_uri(value)
    except ValueError:
        raise ValueError('must be "apology", "reject", a telephone number, or a sip: URI') from None


def _codecs(value: tuple[str, ...]) -> tuple[str, ...]:
    """Names as the engine has them, whatever their case."""
    spelled = {name.lower(): name for name in CODECS}
    for name in value:
        if name.lower() not in spelled:
            raise ValueError(f"{name!r} is no codec; there are {', '.join(CODECS)}")
    names = tuple(spelled[name.lower()] for name in value)
    if len(set(names)) != len(names):
        raise ValueError("a codec stands twice")
    return names


def _account_sid(value: str) -> str:
    if not ids.valid(value, ids.ACCOUNT):
        raise ValueError('must be "AC" and 32 lower-case hexadecimal digits')
    return value


def is_wildcard(address: str) -> bool:
    """Whether it is 0.0.0.0 or ::, every address of its family."""
    return bool(address) and ipaddress.ip_address(address).is_unspecified


def _own_address(value: str) -> str:
    """Of this machine, or ""."""
    if value and is_wildcard(value):
        raise ValueError("must be an address of this machine: callers send their sound to it")
    return value and str(ipaddress.ip_address(value))


def _media_address(value: str) -> str:
    return str(ipaddress.ip_address(value))


def _outside_url(value: str) -> str:
    if value.startswith("/"):
        raise ValueError("must be an http:// or https:// URL")
    return _web_url(value)


OutsideUrl = Annotated[str, AfterValidator(_outside_url)]
WebUrl = Annotated[str, AfterValidator(_web_url)]
AddressPort = Annotated[str, AfterValidator(address_port)]
SipListen = Annotated[str, AfterValidator(_sip_listen)]
OwnAddress = Annotated[str, AfterValidator(_own_address)]
MediaAddress = Annotated[str, AfterValidator(_media_address)]
Advertised = Annotated[str, AfterValidator(_advertised)]
Prefix = Annotated[str, AfterValidator(_prefix)]
Source = Annotated[str, AfterValidator(_source)]
SipUri = Annotated[str, AfterValidator(_sip_uri)]
LastResort = Annotated[str, AfterValidator(_last_resort)]
DialPrefix = Annotated[str, StringConstraints(max_length=20, pattern=r"^\+?[0-9*#]*$")]
Codecs = Annotated[tuple[str, ...], AfterValidator(_codecs)]
AccountSid = Annotated[str, AfterValidator(_account_sid)]
Domain = Annotated[str, StringConstraints(max_length=200, pattern=r"^[A-Za-z0-9.:\[\]-]+$")]
Method = Literal["GET", "POST"]
