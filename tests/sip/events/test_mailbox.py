"""Whose mailbox is meant."""

from dataclasses import replace

import pytest

from callwright.sip.events.mailbox import account_of, address, is_shared, named, shared, uri
from callwright.sip.users import Users
from tests.sip.registering import ALICE, user

FOREIGN = "AC" + "2" * 32
CAROL = replace(user("carol"), account_sid=FOREIGN)
USERS = Users([ALICE, CAROL], ports=[5060])
SALES = shared("sales@pbx.example", ALICE.account_sid)
THEIRS = shared("sales@pbx.example", FOREIGN)


@pytest.mark.parametrize(
    ("wanted", "account", "found"),
    [
        ("sip:alice@pbx.example", ALICE.account_sid, ALICE.aor),
        ("sip:alice@PBX.example:5060", ALICE.account_sid, ALICE.aor),
        ("sip:alice@pbx.example", FOREIGN, ""),
        ("sip:sales@PBX.example;user=phone", ALICE.account_sid, SALES),
        ("sip:sales@pbx.example", FOREIGN, ""),
        ("sip:sales@elsewhere", ALICE.account_sid, ""),
        ("sip:pbx.example", ALICE.account_sid, ""),
        ("mailto:sales@pbx.example", ALICE.account_sid, ""),
    ],
)
def test_by_uri(wanted: str, account: str, found: str) -> None:
    assert named(wanted, account, USERS, {SALES}.__contains__) == found


def test_two_accounts_have_one_of_a_name() -> None:
    assert named("sip:sales@pbx.example", FOREIGN, USERS, {SALES, THEIRS}.__contains__) == THEIRS


def test_parts() -> None:
    assert is_shared(SALES) and not is_shared(ALICE.aor)
    assert (address(SALES), address(ALICE.aor)) == ("sales@pbx.example", ALICE.aor)
    assert (uri(SALES), uri("o'b rien@pbx.example")) == ("sip:sales@pbx.example", "sip:o'b%20rien@pbx.example")
    assert account_of(SALES, USERS) == account_of(ALICE.aor, USERS) == ALICE.account_sid
    assert account_of("nobody@pbx.example", USERS) == ""


def test_a_user_who_is_called_like_one() -> None:
    """His name cannot make his address of record another account's mailbox."""
    odd = f"x;account={FOREIGN}@pbx.example"
    assert not is_shared(odd) and address(odd) == odd and account_of(odd, USERS) == ""
