"""What a SUBSCRIBE asks for, and whether it may (RFC 6665 §4.2.1)."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from callwright.sip.contact import parse, split
from callwright.sip.events import mailbox
from callwright.sip.events.package import ALLOWED, MESSAGE_SUMMARY, PACKAGES, Package, accepts, event_of
from callwright.sip.events.subscription import Subscription, tag_of
from callwright.sip.registration import LONGEST_AGENT, Refusal, Terms
from callwright.sip.request import Request
from callwright.sip.users import User, Users

LONGEST_PARTY = 256
LONGEST_CALL_ID = 128
LONGEST_ROUTES = 768
RESERVED = 1000
"""CSeq numbers that a row lets its NOTIFYs use: it is written again when half of them are gone."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Who wants to watch whom, for how long.

    Attributes:
        resource: NAME@DOMAIN of a user, or a mailbox that users share; see `mailbox`.
        seconds: granted; 0: to be told once, and no more.
    """

    watcher: User
    resource: str
    package: Package
    event_id: str
    seconds: int


def required(request: Request) -> Refusal | None:
    """420 to what we do not know: no extension is needed for events."""
    names = {name.strip().lower() for value in request.values("Require") for name in value.split(",")} - {""}
    if not names:
        return None
    text = ", ".join(sorted(names))
    return Refusal(420, f"it requires {text}", headers=[("Unsupported", text)])


def asked(
    request: Request, users: Users, exists: Callable[[str], bool], terms: Terms, draw: Callable[[], float]
) -> Asked | Refusal:
    """What a SUBSCRIBE outside a dialog wants.

    Args:
        exists: whether there is a shared mailbox that is this resource.
    """
    watcher = users.proven(request.user, request.realm, request.from_uri) if request.user else None
    if watcher is None:
        return Refusal(403, f"{request.user or 'nobody'} may watch nobody")
    if (refusal := required(request)) is not None:
        return refusal
    name, event_id = event_of(request.values("Event"))
    package = PACKAGES.get(name)
    if package is None:
        return Refusal(489, f"the event package {name or 'of a bad Event'} is none of ours", headers=[ALLOWED])
    resource = _resource(request.request_uri, package, watcher, users, exists)
    if isinstance(resource, Refusal):
        return resource
    if not accepts(request.values("Accept"), package.content_type):
        return Refusal(406, f"it takes no {package.content_type}", headers=[("Accept", package.content_type)])
    seconds = granted(request.expires, terms, draw)
    if isinstance(seconds, Refusal):
        return seconds
    return Asked(watcher, resource, package, event_id, seconds)


def _resource(uri: str, package: Package, watcher: User, users: Users, exists: Callable[[str], bool]) -> str | Refusal:
    """What is to be watched; another account's user, or mailbox, is as good as none."""
    if package is MESSAGE_SUMMARY:
        resource = mailbox.named(uri, watcher.account_sid, users, exists)
    else:
        owner = users.named(uri)
        resource = owner.aor if owner is not None and owner.account_sid == watcher.account_sid else ""
    if not resource:
        return Refusal(404, f"{watcher.aor} may not watch {uri}")
    if package.private and resource != watcher.aor and not mailbox.is_shared(resource):
        return Refusal(403, f"{watcher.aor} may not watch the {package.name} event of {resource}")
    return resource


def granted(wanted: int, terms: Terms, draw: Callable[[], float]) -> int | Refusal:
    """The seconds of a subscription or publication.

    Args:
        wanted: -1 for the usual time.
    """
    if 0 < wanted < terms.shortest:
        return Refusal(423, f"{wanted} s are too short", headers=[("Min-Expires", str(terms.shortest))])
    return terms.granted(terms.usual if wanted < 0 else wanted, draw) if wanted else 0


def begun(request: Request, wanted: Asked, now: datetime) -> Subscription | Refusal:
    """The subscription that a SUBSCRIBE outside a dialog makes."""
    remote, to = "".join(request.values("From")), "".join(request.values("To"))
    if not tag_of(remote) or not request.to_tag:
        return Refusal(400, "a From without a tag", "Missing Tag")
    if max(len(remote), len(to)) > LONGEST_PARTY or len(request.call_id) > LONGEST_CALL_ID:
        return Refusal(400, "its From, To or Call-ID is too long", "Too Long")
    uri = _contact(request)
    routes = _routes(request)
    for found in (uri, routes):
        if isinstance(found, Refusal):
            return found
    assert isinstance(uri, str) and isinstance(routes, tuple)
    agents = request.values("User-Agent")
    return Subscription(
        id=secrets.token_hex(16),
        watcher=wanted.watcher.aor,
        resource=wanted.resource,
        package=wanted.package.name,
        event_id=wanted.event_id,
        call_id=request.call_id,
        local=f"{to};tag={request.to_tag}",
        remote=remote,
        uri=uri,
        routes=routes,
        host=request.source_host,
        port=request.source_port,
        transport=request.transport,
        contact=_own_contact(request),
        cseq=RESERVED,
        remote_cseq=request.cseq,
        expires_at=now + timedelta(seconds=wanted.seconds),
        user_agent="".join(c if c.isprintable() else "?" for c in agents[0][:LONGEST_AGENT]) if agents else "",
    )


def refreshed(
    request: Request,
    subscription: Subscription,
    users: Users,
    terms: Terms,
    *,
    now: datetime,
    draw: Callable[[], float],
) -> Subscription | Refusal:
    """A subscription after a SUBSCRIBE in its dialog: its end is now when that is what it asks for."""
    watcher = users.proven(request.user, request.realm, request.from_uri)
    if watcher is None or watcher.aor != subscription.watcher:
        return Refusal(403, f"{request.user or 'nobody'} is not {subscription.watcher}")
    if (refusal := required(request)) is not None:
        return refusal
    if event_of(request.values("Event")) != (subscription.package, subscription.event_id):
        return Refusal(481, "the dialog has no such subscription")
    if request.cseq <= subscription.remote_cseq:
        return Refusal(500, f"CSeq {request.cseq} after {subscription.remote_cseq}", "Out Of Order")
    seconds = granted(request.expires, terms, draw)
    if isinstance(seconds, Refusal):
        return seconds
    uri = _contact(request) if request.values("Contact") else subscription.uri
    if isinstance(uri, Refusal):
        return uri
    return replace(
        subscription,
        uri=uri,
        host=request.source_host,
        port=request.source_port,
        transport=request.transport,
        contact=_own_contact(request),
        remote_cseq=request.cseq,
        expires_at=now + timedelta(seconds=seconds),
    )


def _contact(request: Request) -> str | Refusal:
    try:
        contacts = parse(request.values("Contact")) or []
    except ValueError as fault:
        return Refusal(400, f"Contact: {fault}", "Bad Contact")
    return contacts[0].uri if len(contacts) == 1 else Refusal(400, "not one Contact", "Bad Contact")


def _routes(request: Request) -> tuple[str, ...] | Refusal:
    values = request.values("Record-Route")
    if sum(map(len, values)) > LONGEST_ROUTES or not all(one.isascii() and one.isprintable() for one in values):
        return Refusal(400, f"Record-Routes of more than {LONGEST_ROUTES} characters, or not of ASCII")
    try:
        return tuple(part for value in values for part in split(value, ","))
    except ValueError as fault:
        return Refusal(400, f"Record-Route: {fault}")


def _own_contact(request: Request) -> str:
    host = f"[{request.local_host}]" if ":" in request.local_host else request.local_host
    transport = "" if request.transport == "UDP" else f";transport={request.transport.lower()}"
    return f"sip:{host}:{request.local_port}{transport}"
