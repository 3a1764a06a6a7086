"""Who calls, as the network asserts it, and who has forwarded the call: read from an INVITE, written into one.

P-Asserted-Identity and P-Preferred-Identity (RFC 3325), Remote-Party-ID (its predecessor), Privacy (RFC 3323),
Diversion (RFC 5806), History-Info (RFC 7044), and the verstat parameter (3GPP TS 24.229 §7.2A.20).
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote

from callwright.sip.contact import split
from callwright.sip.leg import Headers, Invite
from callwright.sip.uri import escaped, user_and_host

ANONYMOUS = "+266696687"
"""What applications get in place of a caller who does not want to be known (call-control reference §2.1)."""
NAMELESS = frozenset({"", "anonymous", "restricted", "unavailable", "unknown"})
LONGEST_NAME = 128
LONGEST_VALUE = 4096
MOST_ENTRIES = 20
HIDING = frozenset({"id", "user", "header"})
ASSERTING = frozenset({"p-asserted-identity", "p-preferred-identity", "remote-party-id"})

_DIGITS = re.compile(r"\+?[0-9]{3,20}\Z")
_VERSTAT = re.compile(
    r";verstat=((?:TN-Validation-(?:Passed|Failed)(?:-[ABC])?|No-TN-Validation))(?=[;>@\s]|\Z)",
    re.ASCII | re.IGNORECASE,
)
_CAUSED = re.compile(r"[;?&]cause(?:=|%3D)([0-9]{3})", re.IGNORECASE)
_LEFT = re.compile(r"[?&]Reason=SIP%3B(?:%20)?cause%3D(302|408|486)\b", re.IGNORECASE)
_INDEX = re.compile(r"[0-9]+(\.[0-9]+)*\Z")


MOST_FORWARDERS = 10
REASONS = {
    "unconditional": 302,
    "no-answer": 408,
    "user-busy": 486,
    "deflection": 480,
    "unavailable": 503,
    "unknown": 404,
}
"""Why a call is forwarded, and the cause that says so in History-Info (RFC 7544, RFC 4458)."""
_CAUSES = {cause: reason for reason, cause in REASONS.items()} | {487: "deflection"}
OTHER_REASONS = frozenset({"time-of-day", "do-not-disturb", "follow-me", "out-of-service", "away"})
"""Further ones of Diversion (RFC 5806 §4), which have no cause of their own."""


@dataclass(frozen=True, slots=True)
class Forwarder:
    """Who has forwarded a call.

    Attributes:
        uri: URI, later number; "" of one who does not want to be known.
        reason: one of `REASONS` or `OTHER_REASONS`.
    """

    uri: str
    reason: str = "unknown"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who calls.

    Attributes:
        uri: asserted by a trusted peer; "" when none asserts anything.
        name: display name of a trusted peer's caller; "" without one.
        private: the caller does not want to be known.
        forwarders: who has forwarded the call, the last one first.
        verstat: what the peer has found of the caller's signature; "" when it says nothing.
    """

    uri: str = ""
    name: str = ""
    private: bool = False
    forwarders: tuple[Forwarder, ...] = ()
    verstat: str = ""

    @property
    def forwarded_from(self) -> str:
        """Who has forwarded the call last; "" when nobody has, or is not told."""
        return self.forwarders[0].uri if self.forwarders else ""


UNKNOWN = Identity()


@dataclass(frozen=True, slots=True)
class Party:
    """One name-addr or addr-spec with its parameters (RFC 3261 §25.1); `text` is all of it, as it stood."""

    name: str
    uri: str
    parameters: dict[str, str] = field(default_factory=dict)
    text: str = ""


def parties(values: Sequence[str]) -> list[Party]:
    """Everybody in the lines of one header field, in order; none of a line that cannot be read."""
    found: list[Party] = []
    for value in values:
        try:
            found += [_party(part) for part in split(value[:LONGEST_VALUE], ",")]
        except ValueError:
            continue
    return found[:MOST_ENTRIES]


def _party(text: str) -> Party:
    begin = -1 if text.startswith('"') else text.find("<")
    name = "" if begin < 0 else text[:begin].strip()
    if quoted := re.match(r'"((?:[^"\\]|\\.)*)"\s*<', text):
        name, begin = re.sub(r"\\(.)", r"\1", quoted[1]), quoted.end() - 1
    if begin < 0:
        uri, _, rest = text.partition(";")
    else:
        end = text.find(">", begin)
        if end < 0:
            raise ValueError("a bracket is not closed")
        uri, rest = text[begin + 1 : end], text[end + 1 :].strip().removeprefix(";")
    return Party(_clean(name), uri.strip(), dict(_parameters(rest)), text)


def _parameters(text: str) -> Iterator[tuple[str, str]]:
    for part in split(text, ";"):
        name, _, value = part.partition("=")
        yield name.strip().lower(), value.strip().strip('"')


def _clean(name: str) -> str:
    """A display name without what no application expects in one."""
    return "".join(one for one in name if one.isprintable()).strip()[:LONGEST_NAME]


def _lines(invite: Invite, name: str) -> list[str]:
    return [value for other, value in invite.headers if other.lower() == name]


# read


def read(invite: Invite, *, trusted: bool) -> Identity:
    """Who calls. A wish for privacy counts whoever says it, everything else of a trusted peer only."""
    wishes = {word.strip().lower() for value in _lines(invite, "privacy") for word in re.split("[;,]", value)}
    remote = [one for one in parties(_lines(invite, "remote-party-id")) if _is_caller(one)]
    hidden = any(one.parameters.get("privacy", "off").lower() in ("full", "uri", "name") for one in remote)
    private = hidden or bool(wishes & HIDING)
    if not trusted:
        return Identity(private=private)
    asserted = [*parties(_lines(invite, "p-asserted-identity")), *parties(_lines(invite, "p-preferred-identity"))]
    caller = parties([invite.from_header])
    named = next((one for one in (*asserted, *remote) if user_and_host(one.uri)[0]), None)
    name = next((one.name for one in (*asserted, *remote, *caller) if one.name), "")
    return Identity(
        uri=named.uri if named else "",
        name="" if private or name.lower() in NAMELESS else name,
        private=private,
        forwarders=() if "history" in wishes else tuple(_forwarders(invite))[:MOST_FORWARDERS],
        verstat=_verstat([*asserted, *caller]),
    )


def of_user(invite: Invite) -> Identity:
    """Of a user's call only whether he wants to be known: by whom he calls, for his application knows him."""
    found = read(invite, trusted=False)
    named_nobody = unquote(user_and_host(invite.from_uri)[0]).lower() == "anonymous"
    return Identity(private=found.private or named_nobody)


def _is_caller(party: Party) -> bool:
    return party.parameters.get("party", "calling").lower() == "calling"


def _verstat(found: Sequence[Party]) -> str:
    matched = next((match for one in found if (match := _VERSTAT.search(one.text)) is not None), None)
    return matched[1] if matched else ""


def _forwarders(invite: Invite) -> Iterator[Forwarder]:
    """Who has forwarded a call, the last one first: as Diversion says (RFC 5806 §5.4), or those from whose entries the
    entries of History-Info were made that came by a diversion (RFC 7044 §10.3)."""
    diversions = parties(_lines(invite, "diversion"))
    for one in diversions:
        reason = one.parameters.get("reason", "").lower()
        yield Forwarder(_shown(one), reason if reason in REASONS or reason in OTHER_REASONS else "unknown")
    if not diversions:
        yield from _in_history(parties(_lines(invite, "history-info")))


def _in_history(entries: Sequence[Party]) -> Iterator[Forwarder]:
    by_index = {one.parameters.get("index", ""): one for one in entries}
    for entry in reversed(entries):
        index = entry.parameters.get("index", "")
        cause = _CAUSED.search(entry.uri)
        source = entry.parameters.get("mp", "")
        if not source and cause and _INDEX.match(index):
            source = index.rpartition(".")[0]
        if source and (found := by_index.pop(source, None)) is not None:
            cause = cause or _LEFT.search(found.uri)
            yield Forwarder(_shown(found), _CAUSES.get(int(cause[1]) if cause else 0, "unknown"))


def _shown(party: Party) -> str:
    """The URI of who has forwarded; "" when he does not want to be known."""
    return "" if _is_hidden(party) else _CAUSED.sub("", party.uri.partition("?")[0])


def _is_hidden(party: Party) -> bool:
    shown = party.parameters.get("privacy", "off").strip().lower() in ("off", "no", "none")
    return not shown or "privacy=history" in unquote(party.uri).lower()


def is_nobody(uri: str) -> bool:
    """Whether a URI names no caller."""
    return unquote(user_and_host(uri)[0]).lower() in NAMELESS


def number_of(uri: str) -> str:
    """The telephone number of a URI; "" when its user is none."""
    plain = unquote(user_and_host(uri)[0])
    return plain if _DIGITS.match(plain) else ""


# written


@dataclass(frozen=True, slots=True)
class Caller:
    """Whom an INVITE is to show.

    Attributes:
        user: user part, in the form of the trunk; ANONYMOUS for nobody.
        name: display name; "" for none.
        own: the number that the network is told of an anonymous caller; "" when none is known.
        diverted: (user, reason) of those who have forwarded the call, the last one first.
    """

    user: str
    name: str = ""
    own: str = ""
    diverted: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class Style:
    """How a trunk wants to be told who calls.

    Attributes:
        identity: "from", "pai", "rpid" or "pai+rpid".
        from_user: "" for the caller, else what stands in From in his place.
        domain: host part of From and of identities.
        diversion: forwarders are told.
    """

    domain: str
    identity: str = "from"
    from_user: str = ""
    diversion: bool = False


def name_addr(user: str, domain: str, name: str = "") -> str:
    """A name-addr whose parts cannot break out of their places (promise S9)."""
    uri = f"<sip:{escaped(user)}@{domain}>" if user else f"<sip:{domain}>"
    shown = re.sub(r'(["\\])', r"\\\1", _clean(name))
    return f'"{shown}" {uri}' if shown else uri


def written(caller: Caller, style: Style) -> tuple[str, Headers]:
    """From and the other headers that tell who calls."""
    hidden = caller.user == ANONYMOUS
    known = caller.own if hidden else caller.user
    if style.from_user:
        local = name_addr(style.from_user, style.domain, "" if hidden else caller.name)
    elif hidden:
        local = name_addr("anonymous", "anonymous.invalid", "Anonymous")
    else:
        local = name_addr(caller.user, style.domain, caller.name)
    headers = []
    if known and "pai" in style.identity:
        headers.append(("P-Asserted-Identity", name_addr(known, style.domain, "" if hidden else caller.name)))
    if known and "rpid" in style.identity:
        privacy = "full" if hidden else "off"
        value = f"{name_addr(known, style.domain)};party=calling;screen=yes;privacy={privacy}"
        headers.append(("Remote-Party-ID", value))
    if hidden:
        headers.append(("Privacy", "id"))
    if style.diversion:
        headers += diversion(caller.diverted, style.domain)
    return local, headers


def diversion(diverted: Sequence[tuple[str, str]], domain: str) -> Headers:
    """One Diversion line for each who has forwarded a call (RFC 5806 §5.2)."""
    return [("Diversion", f"{name_addr(user, domain)};reason={reason}") for user, reason in diverted if user]
