"""GRUUs: a URI for one phone of a user's, wherever in the world it is used (RFC 5627). Public ones only."""

import re
from urllib.parse import quote, unquote

from callwright.sip.request import Request
from callwright.sip.uri import escaped

_PARAM = "[]/:&+$-_.!~*'()"  # paramchar (RFC 3261 §25.1)
_GR = re.compile(r";gr=([^;?>\s]+)", re.IGNORECASE)


def wanted(request: Request) -> bool:
    """Whether a REGISTER says that its phone knows them."""
    return any("gruu" in (name.strip().lower() for name in value.split(",")) for value in request.values("Supported"))


def public(aor: str, instance: str) -> str:
    """The GRUU of an instance of an address of record."""
    name, _, domain = aor.rpartition("@")
    return f"sip:{escaped(name)}@{domain};gr={quote(instance, _PARAM)}"


def instance_of(uri: str) -> str:
    """The instance whose GRUU a URI is, in lower case; "" when it is none."""
    found = _GR.search(uri.rpartition("@")[2])
    return unquote(found[1]).lower() if found else ""
