"""Users as declared, and the domains that are ours."""

import pytest

from callwright.config import validate
from callwright.sip.credentials import Credential
from callwright.sip.roster import Roster
from callwright.sip.users import User, Users
from callwright.sip.vouching import Vouching

ONE, TWO = "AC" + "1" * 32, "AC" + "2" * 32
CONFIG = validate(
    {
        "account": [{"sid": ONE}, {"sid": TWO}],
        "sip": {"domain": "Pbx.Example", "listen": ["udp:127.0.0.1:5070", "tcp:127.0.0.1:5080"]},
        "domain": [{"name": "two.example", "account": TWO}, {"name": "empty.example", "account": TWO}],
        "user": [
            {"name": "alice", "account": ONE, "password": "a", "codecs": ["pcma"], "caller_id": "+1555"},
            {"name": "alice", "account": TWO, "password": "b", "domain": "Two.Example"},
            {"name": "bob", "account": ONE, "ha1_md5": "1" * 32, "ha1_sha256": "2" * 64},
        ],
    }
)
USERS = Users.of(CONFIG)


def test_who_there_is() -> None:
    assert [user.aor for user in USERS] == ["alice@pbx.example", "alice@two.example", "bob@pbx.example"]
    alice, _, bob = USERS
    assert (alice.codecs, alice.caller_id, alice.account_sid, alice.max_contacts) == (("PCMA",), "+1555", ONE, 10)
    assert alice.credential == Credential.of("alice", "Pbx.Example", "a")
    assert bob.credential == Credential("bob", "Pbx.Example", "1" * 32, "2" * 64)
    assert alice.credential.ha1_md5 not in repr(alice)


def test_a_digest_that_nobody_asks_for_is_a_secret_of_nobody() -> None:
    user = {"name": "bob", "account": ONE, "ha1_md5": "1" * 32}
    config = validate({"account": [{"sid": ONE}], "sip": {"digest": ["MD5"]}, "user": [user]})
    (first,), (second,) = Users.of(config), Users.of(config)
    assert len(first.credential.ha1_sha256) == 64
    assert first.credential.ha1_sha256 != second.credential.ha1_sha256


@pytest.mark.parametrize(
    ("uri", "account"),
    [
        ("sip:alice@pbx.example", ONE),
        ("sip:alice@PBX.example:5070", ONE),
        ("<sips:%61lice@pbx.example:5080;transport=tcp>", ONE),
        ("sip:alice@two.example", TWO),
        ("sip:alice@pbx.example:5060", None),
        ("sip:ALICE@pbx.example", None),
        ("sip:alice@three.example", None),
        ("sip:pbx.example", None),
        ("tel:alice", None),
    ],
)
def test_named(uri: str, account: str | None) -> None:
    found = USERS.named(uri)
    assert (found.account_sid if found else None) == account


def test_local() -> None:
    assert USERS.is_local("sip:nobody@pbx.example") and USERS.is_local("sip:x@empty.example:5070")
    assert not USERS.is_local("sip:x@pbx.example:5061") and not USERS.is_local("sip:x@pbx.example.org")
    assert not Users([]).is_local("sip:x@127.0.0.1")


def test_proven() -> None:
    assert USERS.proven("alice", "Pbx.Example") == USERS.named("sip:alice@pbx.example")
    assert USERS.proven("bob", "two.example") is None


class Office:
    """A domain of the API, and one that has a file's name."""

    def __contains__(self, host: object) -> bool:
        return host in ("office.example", "two.example")

    def registrant(self, username: str, host: str) -> User | None:
        secret = Credential.of(username, "Pbx.Example", "z")
        return User(username, host, ONE, secret, hosted=True) if host in self and username != "nobody" else None


def test_users_of_domains_of_the_api() -> None:
    """They come and go; the file's stay, and go before."""
    users = Users.of(CONFIG)
    assert users.at("zoe@office.example") is None and not users.is_local("sip:x@office.example")
    users.host(Office())
    zoe = users.named("sip:zoe@Office.example:5070")
    assert zoe is not None and zoe.hosted and users.at("zoe@office.example") == zoe
    own = users.named("sip:alice@two.example")
    assert own is not None and own.account_sid == TWO and len(users) == 3
    assert users.named("sip:nobody@office.example") is users.named("sip:zoe@three.example") is None
    assert users.is_local("sip:x@office.example") and not users.is_local("sip:x@office.example:5060")
    assert users.proven("zoe", "Pbx.Example") is None, "whom the engine has proven is the domain's to say"


def test_users_whom_an_application_vouches_for() -> None:
    """The file's and the API's go before; who was registered before is somebody."""
    users, roster = Users.of(CONFIG), Roster([Vouching("two.example", "two.example", TWO)], lambda: 0.0)
    assert users.registered("carol@two.example") is None
    users.vouch(roster)
    assert users.at("carol@two.example") is None
    carol = users.registered("carol@two.example")
    assert carol is not None and carol.account_sid == TWO
    assert users.at("carol@two.example") is users.named("sip:carol@TWO.example") is carol
    assert users.proven("carol", "two.example", "sip:x@y") is carol and users.proven("carol", "Pbx.Example") is None
    alice = users.at("alice@two.example")
    assert alice is not None and users.registered("alice@two.example") is alice and len(roster) == 1
    users.host(Office())
    hosted = users.at("carol@two.example")
    assert hosted is not None and hosted.hosted


def test_srtp_is_his_own_or_his_domains() -> None:
    users = [
        {"name": "alice", "account": ONE, "password": "a"},
        {"name": "bob", "account": ONE, "password": "a", "srtp": "required", "srtp_keying": "dtls"},
        {"name": "zoe", "account": TWO, "password": "a", "domain": "Two.example"},
        {"name": "own", "account": TWO, "password": "a", "domain": "two.example", "srtp": "off", "srtp_keying": "sdes"},
    ]
    domain = [{"name": "Two.Example", "account": TWO, "srtp": "required", "srtp_keying": "dtls"}]
    config = validate({"account": [{"sid": ONE}, {"sid": TWO}], "domain": domain, "user": users})
    assert [(user.srtp, user.srtp_keying, user.encrypted) for user in Users.of(config)] == [
        ("optional", "sdes", False),
        ("required", "dtls", True),
        ("required", "dtls", True),
        ("off", "sdes", False),
    ]
