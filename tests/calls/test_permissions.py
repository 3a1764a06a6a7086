from dataclasses import replace
from typing import cast

from callwright.account import Account
from callwright.calls.permissions import KIND, LOW_RISK, SETTINGS, SPECIAL, TOLLFRAUD, Permissions, sid
from callwright.store.directory import Directory, Record
from callwright.store.store import Store

OWNER = Account("AC" + "1" * 32, "token")
PART = Account("AC" + "2" * 32, "token", owner_sid=OWNER.sid)


def forbidding(account: Account, *isos: str) -> Permissions:
    directory = Directory(cast(Store, None))  # nothing is written
    directory.declare(Record(sid(account.sid, iso), KIND, account.sid, {LOW_RISK: False}) for iso in isos)
    return Permissions(directory)


def test_all_is_permitted_at_first() -> None:
    assert all(forbidding(OWNER).permits(OWNER, number) for number in ("+447700900000", "+14155551212", "demo", "911"))


def test_a_forbidden_country() -> None:
    permissions = forbidding(OWNER, "GB", "US")
    assert not permissions.permits(OWNER, "+447700900000")
    assert permissions.permits(OWNER, "+4915112345678")
    assert permissions.permits(OWNER, "+14155551212"), "it may be in Canada"
    assert permissions.permits(replace(OWNER, sid="AC" + "3" * 32), "+447700900000"), "another account"
    assert not forbidding(OWNER, "US", "CA").permits(OWNER, "+14155551212")


def test_a_subaccount_inherits_until_it_says_otherwise() -> None:
    directory = Directory(cast(Store, None))
    directory.declare([Record(sid(OWNER.sid, "GB"), KIND, OWNER.sid, {LOW_RISK: False})])
    permissions = Permissions(directory)
    assert not permissions.permits(PART, "+447700900000")
    own = {"dialing_permissions_inheritance": False}
    directory.declare([Record(sid(PART.sid), SETTINGS, PART.sid, own)])
    assert permissions.permits(PART, "+447700900000")


def test_costly_numbers_are_called_where_they_are_enabled() -> None:
    permissions = forbidding(OWNER)
    assert not any(permissions.permits(OWNER, one) for one in ("+881612345678", "+449098790000", "+24712345"))
    directory = Directory(cast(Store, None))
    flags = {("XA", SPECIAL), ("GB", TOLLFRAUD), ("SH", TOLLFRAUD)}
    directory.declare(Record(sid(OWNER.sid, iso), KIND, OWNER.sid, {flag: True}) for iso, flag in flags)
    permissions = Permissions(directory)
    assert permissions.permits(OWNER, "+881612345678") and permissions.permits(OWNER, "+24712345")
    assert not permissions.permits(OWNER, "+449098790000"), "another kind"
    assert permissions.permits(OWNER, "+447700900000") and not permissions.permits(PART, "+5378123456")
    assert permissions.permits(PART, "+881612345678"), "as its owner"
