"""What a REGISTER does to the bindings of an address of record (RFC 3261 §10.3, RFC 3327, RFC 5626)."""

import re
import secrets
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from callwright.sip import flow
from callwright.sip.binding import Binding
from callwright.sip.contact import UNREADABLE_EXPIRES, Contact, parse, split
from callwright.sip.leg import Headers
from callwright.sip.request import Request
from callwright.sip.users import User, Users

SPREAD = 0.1
LONGEST_PATH = 1024
LONGEST_AGENT = 128
KNOWN = frozenset({"path", "outbound", "gruu"})
"""Extensions that a REGISTER may require of us."""
_HOP = re.compile(r'(?:[^<>"]*|"[^<>"]*"\s*)<sips?:[^<>\s"]+>\s*(?:;[^<>]*)?', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Terms:
    """How long a registration lasts, in seconds."""

    shortest: int = 60
    longest: int = 3600
    usual: int = 3600

    def granted(self, wanted: int, draw: Callable[[], float]) -> int:
        """What a phone gets that wants so much: up to a tenth less, so that phones that have registered together do
        not come back together; never more than it asked for (RFC 3261 §10.3), never less than the shortest.

        Args:
            draw: a random number of 0 to 1.
        """
        most = min(wanted, self.longest)
        return max(min(self.shortest, most), round(most * (1 - SPREAD * draw())))


@dataclass(frozen=True, slots=True)
class Refusal:
    """The answer to a REGISTER that changes nothing.

    Attributes:
        why: for the log.
    """

    code: int
    why: str
    reason: str = ""
    headers: Headers = field(default=())


def addressed(request: Request, users: Users) -> User | Refusal:
    """Whose bindings a REGISTER is about: his who has authenticated, and no other's."""
    if not users.serve(request.request_uri):
        return Refusal(404, f"{request.request_uri} is no registrar of ours")
    if not users.is_local(request.to_uri):
        return Refusal(404, f"{request.to_uri} is of no domain of ours")
    required = [name.strip().lower() for value in request.values("Require") for name in value.split(",")]
    if unknown := sorted(set(required) - KNOWN - {""}):
        return Refusal(420, f"it requires {', '.join(unknown)}", headers=[("Unsupported", ", ".join(unknown))])
    user = users.named(request.to_uri)
    proven = (request.user, request.realm.lower())
    if user is None or (user.credential.username, user.credential.realm.lower()) != proven:
        return Refusal(403, f"{request.user or 'nobody'} may not register {request.to_uri}")
    return user


def updated(
    request: Request,
    user: User,
    bindings: Sequence[Binding],
    terms: Terms,
    *,
    now: datetime,
    draw: Callable[[], float],
    dead: Collection[str] = (),
) -> Refusal | tuple[Binding, ...]:
    """A user's bindings after his REGISTER, the latest last: all of it is done, or nothing.

    Args:
        bindings: those that he has, in the order in which they were registered.
        draw: a random number of 0 to 1, once for each Contact.
        dead: ids of those whose connection is gone.
    """
    contacts = _asked(request)
    if isinstance(contacts, Refusal):
        return contacts
    if contacts is None:
        return _out_of_order(request, bindings) or ()
    after = {binding.id: binding for binding in bindings}
    for contact in contacts:
        wanted = _wanted(contact, request, terms)
        if 0 < wanted < terms.shortest:
            return Refusal(423, f"{wanted} s are too short", headers=[("Min-Expires", str(terms.shortest))])
        known = [one for one in after.values() if one.is_of(contact) or one.is_left_by(contact, request)]
        if late := _out_of_order(request, [one for one in known if one in bindings]):
            return late
        for binding in known:
            del after[binding.id]
        if wanted:
            expires_at = now + timedelta(seconds=terms.granted(wanted, draw))
            id_ = known[0].id if known else secrets.token_hex(8)
            after[id_] = _made(id_, request, user, contact, expires_at)
    for binding in _left_behind(tuple(after.values()), bindings, request, user.max_contacts, dead):
        del after[binding.id]
    if len(after) > user.max_contacts and len(after) > len(bindings):
        return Refusal(403, f"{user.aor} would have more than {user.max_contacts} contacts", "Too Many Contacts")
    return tuple(after.values())


def _asked(request: Request) -> Refusal | list[Contact] | None:
    """Its Contacts, when all that it says of them can be granted; None for `*`."""
    try:
        contacts = _contacts(request)
    except ValueError as fault:
        return Refusal(400, f"Contact: {fault}", "Bad Contact")
    if wrong := _fault_of_path(request):
        return Refusal(400, wrong, "Bad Path")
    if contacts is None and request.expires != 0:
        return Refusal(400, "* without Expires: 0", "Wildcard Contact Needs Expires: 0")
    if any(one.reg_id for one in contacts or ()) and not flow.is_kept_by_first_hop(request):
        return Refusal(439, "the first proxy on its way keeps no flows", "First Hop Lacks Outbound Support")
    return contacts


def _left_behind(
    after: Sequence[Binding], before: Sequence[Binding], request: Request, most: int, dead: Collection[str]
) -> Sequence[Binding]:
    """What makes room for a phone that registers anew from another place each time that it connects, and would be shut
    out by its own past: as many bindings as there are too many. Those without a connection go first, then those of its
    Call-ID or instance, then those of its host and its make; of each the oldest first."""
    new = [binding for binding in after if binding not in before]
    instances, makes = {one.instance for one in new} - {""}, {(one.host, one.user_agent) for one in new}

    def likely(one: Binding) -> int:
        if one.id in dead:
            return 0
        if one.call_id == request.call_id or one.instance in instances:
            return 1
        return 2 if (one.host, one.user_agent) in makes and not one.path else 3

    past = sorted((one for one in after if one in before and likely(one) < 3), key=likely)
    return past[: max(0, len(after) - max(most, len(before)))]


def _contacts(request: Request) -> list[Contact] | None:
    """Its Contacts; None for `*`. A flow is of an instance, and one REGISTER is of one flow (RFC 5626 §6).

    Raises:
        ValueError: they cannot be read, or have several flows.
    """
    found = parse(request.values("Contact"))
    if found is None:
        return None
    contacts = [one if one.instance else replace(one, reg_id=0) for one in found]
    if sum(one.reg_id > 0 for one in contacts) > 1:
        raise ValueError("more than one with a reg-id")
    return contacts


def _fault_of_path(request: Request) -> str:
    """What is wrong with its Path; "" when nothing is (RFC 3327 §4)."""
    values = request.values("Path")
    text = "".join(values)
    if len(text) > LONGEST_PATH or not (text.isascii() and text.isprintable()):
        return f"a Path of more than {LONGEST_PATH} characters, or not of ASCII"
    try:
        hops = [hop for value in values for hop in split(value, ",")]
    except ValueError as fault:
        return f"Path: {fault}"
    bad = next((hop for hop in hops if not _HOP.fullmatch(hop)), None)
    return "" if bad is None else f"Path: {bad!r} is no address in brackets"


def _wanted(contact: Contact, request: Request, terms: Terms) -> int:
    if contact.expires is not None:
        return contact.expires
    if request.expires < 0 and request.values("Expires"):
        return UNREADABLE_EXPIRES
    return request.expires if request.expires >= 0 else terms.usual


def _out_of_order(request: Request, bindings: Sequence[Binding]) -> Refusal | None:
    for binding in bindings:
        if binding.call_id == request.call_id and request.cseq <= binding.cseq:
            return Refusal(500, f"CSeq {request.cseq} after {binding.cseq}", "Out Of Order")
    return None


def _made(id_: str, request: Request, user: User, contact: Contact, expires_at: datetime) -> Binding:
    agents = request.values("User-Agent")
    return Binding(
        aor=user.aor,
        id=id_,
        uri=contact.uri,
        call_id=request.call_id,
        cseq=request.cseq,
        expires_at=expires_at,
        host=request.source_host,
        port=request.source_port,
        transport=request.transport,
        q=contact.q,
        instance=contact.instance,
        reg_id=contact.reg_id,
        path=tuple(request.values("Path")),
        user_agent=_printable(agents[0][:LONGEST_AGENT]) if agents else "",
    )


def _printable(text: str) -> str:
    """Text that can stand in a line of the log."""
    return "".join(character if character.isprintable() else "?" for character in text)
