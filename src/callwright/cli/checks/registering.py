"""A trial REGISTER: whether the carrier knows our name and password. It has no Contact, and so changes nothing: its
answer lists the bindings that there are (RFC 3261 §10.2.3)."""

import ssl
from collections.abc import Sequence
from dataclasses import replace

from callwright import digest
from callwright.cli.checks.finding import Finding, bad, doubtful, good
from callwright.cli.checks.question import Answer, Hop, Question, Unanswered, ask
from callwright.sip import contact
from callwright.sip.registrant import MOST_HOPS, Line
from callwright.sip.transaction import UNAUTHORIZED, stale

FORBIDDEN, NOT_FOUND = 403, 404
CANNOT_NOW = 500
MOST_SHOWN = 4


async def trial(
    trunk: str, line: Line, hops: Sequence[Hop], *, seconds: float, tls: ssl.SSLContext | None, name: str
) -> Finding:
    """Asks the places of a registrar in turn, as the daemon does, until one decides.

    Args:
        seconds: to wait for each answer.
        tls: how a TLS peer is verified; name: the name that its certificate must have.
    """
    what = f"trunk {trunk} REGISTER {line.aor}"
    last = bad(what, "its registrar has no address", "See the line above")
    for hop in hops[:MOST_HOPS]:
        where = f"{what} ({hop})"
        try:
            answer, asked = await _exchange(hop, line, seconds, tls if hop.transport == "tls" else None, name)
        except Unanswered as error:
            remedy = f"Is {hop.transport.upper()} port {hop.port} open there, and does it know this machine's address?"
            last = bad(where, str(error), remedy)
            continue
        if answer.code < CANNOT_NOW:
            return _judged(where, line, answer, asked)
        last = bad(
            where, f"{answer.said}: it registers nobody now", "Ask the carrier; the daemon tries again by itself"
        )
    return last


async def _exchange(
    hop: Hop, line: Line, seconds: float, tls: ssl.SSLContext | None, name: str
) -> tuple[Answer, digest.Challenge | None]:
    """The last answer, and the challenge that was answered before it; a second one only when the nonce was stale."""
    question = Question("REGISTER", line.registrar, who=line.aor)
    answered = None
    while True:
        answer = await ask(hop, question, seconds=seconds, tls=tls, name=name)
        if answer.code not in UNAUTHORIZED or question.cseq > 2:
            return answer, answered
        asking, answering = UNAUTHORIZED[answer.code]
        challenges = answer.values(asking)
        if not line.password or (answered is not None and not stale(challenges)):
            return answer, answered
        challenge = digest.strongest(challenges, realm=line.realm)
        if challenge is None:
            return answer, answered
        answered = challenge
        value = digest.answer(challenge, (line.username, line.password), "REGISTER", line.registrar)
        question = replace(question, cseq=question.cseq + 1, headers=[(answering, value)])


def _judged(what: str, line: Line, answer: Answer, asked: digest.Challenge | None) -> Finding:
    if answer.code in UNAUTHORIZED:
        return _unauthorized(what, line, answer, asked)
    if answer.code == FORBIDDEN:
        remedy = "Is the account active, is registering allowed to it, and from this machine's address? Ask the carrier"
        return bad(what, f"{answer.said}: it knows the request, and forbids it", remedy)
    if answer.code == NOT_FOUND:
        remedy = "register.username and the host of register.server make up its name"
        return bad(what, f"{answer.said}: it does not know {line.aor}", remedy)
    if answer.code >= 300:
        return doubtful(
            what, f"{answer.said}: no answer to such a question", "callwright serve tells whether it can register"
        )
    how = "without a password" if asked is None else "name and password are good"
    return good(what, f"{answer.said}: {how}; {_bound(answer)}")


def _unauthorized(what: str, line: Line, answer: Answer, asked: digest.Challenge | None) -> Finding:
    if asked is not None:
        why = f"{answer.said}, after the digest for realm {asked.realm!r} too: wrong password, or user name"
        return bad(what, why, f"register.username is {line.username!r}; ask the carrier for both")
    if not line.password:
        return bad(what, f"{answer.said}: it wants a password", "register.password is empty")
    asking = answer.values(UNAUTHORIZED[answer.code][0])
    other = digest.strongest(asking)
    if other is not None:
        why = f"{answer.said}: it asks for realm {other.realm!r}, and the password is for {line.realm!r} only"
        return bad(what, why, "register.realm must be the carrier's, or empty for the first that asks")
    why = f"{answer.said}: no challenge by Digest with SHA-256 or MD5"
    return bad(what, why, "Ask the carrier for another way of authentication")


def _bound(answer: Answer) -> str:
    """The bindings of a 200."""
    try:
        contacts = contact.parse(answer.values("Contact")) or []
    except ValueError:
        return "its list of who is registered cannot be read"
    shown = [one.uri + (f" for {one.expires} s" if one.expires is not None else "") for one in contacts]
    if not shown:
        return "nobody is registered now"
    return "registered: " + ", ".join(shown[:MOST_SHOWN]) + (" and more" if len(shown) > MOST_SHOWN else "")
