"""Mailboxes: each user has one at his address of record, and an account may make further ones, which its users share.

A resource of the `message-summary` event is named by the address of record of its user, or by that of a shared mailbox
with its account: the domain of [sip] is of all accounts, and what one has made is not there for another.
"""

import re
from collections.abc import Callable
from urllib.parse import unquote

from callwright.sip.uri import escaped, user_and_host, without_port
from callwright.sip.users import Users

_SHARED = re.compile(r"(.+);account=(AC[0-9a-f]{32})")


def shared(aor: str, account_sid: str) -> str:
    """The resource of a mailbox that an account's users share."""
    return f"{aor};account={account_sid}"


def is_shared(resource: str) -> bool:
    """Whether a resource is a mailbox that is no user's."""
    return _SHARED.fullmatch(resource) is not None


def address(resource: str) -> str:
    """NAME@DOMAIN of a resource."""
    found = _SHARED.fullmatch(resource)
    return found[1] if found else resource


def uri(resource: str) -> str:
    """The SIP URI of a resource."""
    name, _, domain = address(resource).rpartition("@")
    return f"sip:{escaped(name)}@{domain}"


def account_of(resource: str, users: Users) -> str:
    """The account that a resource is of; "" when it is nobody's any more."""
    if (found := _SHARED.fullmatch(resource)) is not None:
        return found[2]
    owner = users.at(resource)
    return owner.account_sid if owner is not None else ""


def named(uri: str, account_sid: str, users: Users, exists: Callable[[str], bool]) -> str:
    """The mailbox of an account that a URI names; "" when there is none.

    Args:
        exists: whether there is a shared mailbox that is this resource.
    """
    owner = users.named(uri)
    if owner is not None and owner.account_sid == account_sid:
        return owner.aor
    resource = shared(at(uri), account_sid)
    return resource if users.is_local(uri) and exists(resource) else ""


def at(uri: str) -> str:
    """NAME@DOMAIN of a URI."""
    name, host = user_and_host(uri)
    return f"{unquote(name)}@{without_port(host).lower()}"
