"""Parties as applications see them: a number when a URI looks like one, else the SIP URI."""

from callwright.numbering import AS_IT_IS, Numbering
from callwright.sip import identity
from callwright.sip.identity import ANONYMOUS
from callwright.sip.leg import Invite
from callwright.sip.uri import user_and_host


def caller(invite: Invite, form: Numbering = AS_IT_IS) -> str:
    """From as applications see it."""
    return spelled(invite.from_uri, form)


def spelled(uri: str, form: Numbering = AS_IT_IS) -> str:
    """Who has a URI, as applications see it: a number when it looks like one, else the SIP URI.

    Args:
        form: of the numbers of who calls.
    """
    if identity.is_nobody(uri):
        return ANONYMOUS
    if number := identity.number_of(uri):
        return form.calling(number)
    user, host = user_and_host(uri)
    return f"sip:{user}@{host}" if host else user
