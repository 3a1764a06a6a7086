"""SIP URIs and header fields as `<Sip>` writes them (call-control reference §1.6, §7.3; RFC 3261 §19.1)."""

import re
from urllib.parse import unquote_to_bytes

from callwright.twiml.characters import has_controls

LONGEST_URI = 255
LONGEST_HEADERS = 1024
UNPREFIXED = frozenset({"user-to-user", "remote-party-id", "p-preferred-identity", "p-called-party-id"})
TRANSPORTS = frozenset({"udp", "tcp", "tls"})
ROUTING = frozenset({"region", "edge"})

_URI = re.compile(
    r"(?P<scheme>sips?):"
    r"(?:(?P<user>[A-Za-z0-9\-_.!~*'()&=+$,;?/%:]{1,200})@)?"
    r"(?P<host>[A-Za-z0-9](?:[A-Za-z0-9\-.]{0,200}[A-Za-z0-9])?\.?|\[[0-9A-Fa-f:.]{2,45}\])"
    r"(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<parameters>(?:;[A-Za-z0-9\-_.!~*'()%+=\[\]/:&$]+)*)",
    re.IGNORECASE,
)
_TOKEN = re.compile(r"[A-Za-z0-9\-.!%*_+`'~]{1,100}")


def split(text: str) -> tuple[str, str]:
    """A URI's own part, and its query of header fields.

    The first `?` after the user part begins the query: a user part may hold one itself.

    Raises:
        ValueError: not a SIP URI that can be dialled.
    """
    at = text.find("@")
    mark = text.find("?", at + 1)
    own, query = (text[:mark], text[mark + 1 :]) if mark >= 0 else (text, "")
    if len(own) >= LONGEST_URI:
        raise ValueError(f"a URI of {LONGEST_URI} characters or more")
    if not (match := _URI.fullmatch(own)):
        raise ValueError("not a SIP URI")
    if match["port"] and not 0 < int(match["port"]) < 65536:
        raise ValueError("no such port")
    return own[: match.start("parameters")] + _parameters(match["parameters"]), query


def _parameters(text: str) -> str:
    """The URI parameters, those that chose a region of the hosted service left out."""
    kept = []
    for parameter in text.split(";")[1:]:
        name, _, value = parameter.partition("=")
        if name.lower() == "transport" and value.lower() not in TRANSPORTS:
            raise ValueError("a transport other than udp, tcp and tls")
        if name.lower() not in ROUTING:
            kept.append(f";{parameter}")
    return "".join(kept)


def query_fields(query: str) -> list[tuple[str, str]]:
    """The header fields of a URI's query, percent-decoded ("+" is itself). Undecodable bytes become U+FFFD."""
    fields = []
    for pair in query.split("&"):
        if pair:
            name, _, value = pair.partition("=")
            fields.append((_decoded(name), _decoded(value)))
    return fields


def _decoded(text: str) -> str:
    return unquote_to_bytes(text).decode("utf-8", "replace")


def allowed_name(name: str) -> bool:
    """Whether a document may set this header field: X-... and the four that carry parties' identities."""
    if not _TOKEN.fullmatch(name):
        return False
    return (name.lower().startswith("x-") and len(name) > 2) or name.lower() in UNPREFIXED


def allowed_value(value: str) -> bool:
    """Whether a value stays inside its header line: no control character of any kind, nothing undecodable."""
    return not has_controls(value) and "\ufffd" not in value
