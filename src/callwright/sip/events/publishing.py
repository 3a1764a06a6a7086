"""What a PUBLISH is about, whether it may, and whether its body can be kept (RFC 3903 §6).

A phone publishes its own user's presence. Whoever of an account has authenticated, a user or a trunk's peer, publishes
what is in the account's mailboxes: that is how a voicemail server lights lamps.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from callwright.sip.events import mailbox, pidf, summary
from callwright.sip.events.package import MESSAGE_SUMMARY, PRESENCE, Package, event_of
from callwright.sip.events.subscribing import required
from callwright.sip.registration import Refusal
from callwright.sip.request import Request
from callwright.sip.trunks import Trunks
from callwright.sip.users import Users

MOST_SOURCES = 10
"""Who may tell of one mailbox."""
PACKAGES = {package.name: package for package in (PRESENCE, MESSAGE_SUMMARY)}
ALLOWED = ("Allow-Events", ", ".join(PACKAGES))

_READ: dict[str, Callable[[bytes], object]] = {PRESENCE.name: pidf.parse, MESSAGE_SUMMARY.name: summary.parse}
_MOST_BYTES = {PRESENCE.name: pidf.MOST_BYTES, MESSAGE_SUMMARY.name: summary.MOST_BYTES}


@dataclass(frozen=True, slots=True)
class Subject:
    """Of what something is published.

    Attributes:
        resource: NAME@DOMAIN of a user, or a mailbox that users share.
        most: how many publications of it there may be.
        source: id of the only publication that whoever publishes has of it; "" when there may be several.
    """

    resource: str
    package: Package
    most: int
    source: str = ""


def subject(request: Request, users: Users, trunks: Trunks, exists: Callable[[str], bool]) -> Subject | Refusal:
    """What a PUBLISH is about.

    Args:
        exists: whether there is a shared mailbox that is this resource.
    """
    name = event_of(request.values("Event"))[0]
    package = PACKAGES.get(name)
    if package is None:
        what = name or "of a bad Event"
        return Refusal(489, f"the event package {what} cannot be published", headers=[ALLOWED])
    found = _own(request, users) if package is PRESENCE else _mailbox(request, users, trunks, exists)
    return (required(request) or found) if isinstance(found, Subject) else found


def _own(request: Request, users: Users) -> Subject | Refusal:
    owner = users.proven(request.user, request.realm, request.from_uri) if request.user else None
    if owner is None or owner != users.named(request.request_uri):
        return Refusal(403, f"{request.user or 'nobody'} may not publish for {request.request_uri}")
    return Subject(owner.aor, PRESENCE, owner.max_contacts)


def _mailbox(request: Request, users: Users, trunks: Trunks, exists: Callable[[str], bool]) -> Subject | Refusal:
    """A server that has lost its SIP-ETag, and publishes anew, is not to be counted twice: each has one publication."""
    known = dict(_accounts(request, users, trunks))
    if not known:
        return Refusal(403, f"{request.user or 'nobody'} may not publish for {request.request_uri}")
    for account_sid, publisher in known.items():
        if resource := mailbox.named(request.request_uri, account_sid, users, exists):
            source = hashlib.sha256(publisher.encode()).hexdigest()[:16]
            return Subject(resource, MESSAGE_SUMMARY, MOST_SOURCES, source)
    return Refusal(404, f"{request.request_uri} is no mailbox of the account of {request.user}")


def _accounts(request: Request, users: Users, trunks: Trunks) -> list[tuple[str, str]]:
    """(account, name) of who has authenticated."""
    if not request.user:
        return []
    user = users.proven(request.user, request.realm, request.from_uri)
    if user is not None:
        return [(user.account_sid, user.aor)]
    return [(trunk.account_sid, f"trunk {trunk.name}") for trunk in trunks.of_user(request.user, request.realm)]


def unreadable(request: Request, package: Package) -> Refusal | None:
    """Why a body is none that can be kept."""
    if len(request.body) > _MOST_BYTES[package.name]:
        return Refusal(413, f"a document of more than {_MOST_BYTES[package.name]} bytes")
    if any(value.strip().lower() != "identity" for value in request.values("Content-Encoding")):
        return Refusal(415, "its encoding is unknown", headers=[("Accept-Encoding", "identity")])
    if request.content_type.partition(";")[0].strip().lower() != package.content_type:
        return Refusal(415, f"not {package.content_type}", headers=[("Accept", package.content_type)])
    try:
        _READ[package.name](request.body)
    except ValueError as fault:
        kind = "Presence Document" if package is PRESENCE else "Message Summary"
        return Refusal(400, str(fault), f"Bad {kind}")
    return None
