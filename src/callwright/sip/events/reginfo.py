"""The registrations of a user, as his own phones may watch them (RFC 3680)."""

import hashlib
from collections.abc import Sequence

from callwright.sip.binding import Binding
from callwright.sip.events.document import Document, attribute, element, newest
from callwright.sip.events.package import REGISTRATION


def document(aor: str, bindings: Sequence[Binding]) -> Document:
    """The reginfo of a user, always all of it: a refresh changes nothing that it tells.

    Args:
        bindings: those that live.
    """
    contacts = newest(_contact(binding) for binding in bindings)
    id_ = "a" + hashlib.sha256(aor.encode()).hexdigest()[:16]
    state = "active" if bindings else "init"
    return Document(
        REGISTRATION.content_type,
        '<?xml version="1.0" encoding="UTF-8"?>\n<reginfo xmlns="urn:ietf:params:xml:ns:reginfo" version="',
        f'" state="full"><registration aor={attribute(f"sip:{aor}")} id="{id_}" state="{state}">{contacts}'
        "</registration></reginfo>\n",
    )


def _contact(binding: Binding) -> str:
    q = f' q="{binding.q}"' if binding.q else ""
    return (
        f'<contact id="b{binding.id}" state="active" event="registered"{q} callid={attribute(binding.call_id)}>'
        f"<uri>{element(binding.uri)}</uri></contact>"
    )
