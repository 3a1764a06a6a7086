"""From an INVITE to its account and application."""

from dataclasses import replace
from typing import cast

import pytest

from callwright.calls.application import Account
from callwright.calls.numbers import Numbers
from callwright.calls.router import ANONYMOUS, Admission, Refusal, Router, caller, lines
from callwright.config import TrunkSection, validate
from callwright.sip.leg import Invite
from callwright.sip.roster import Entry, Roster
from callwright.sip.trunks import Trunks
from callwright.sip.trunks import declared as declared_trunk
from callwright.sip.users import Users
from callwright.sip.vouching import declared as vouching
from callwright.store.declared import numbers
from callwright.store.directory import Directory
from callwright.store.store import Store

ONE, TWO = "AC" + "1" * 32, "AC" + "2" * 32
CONFIG = validate(
    {
        "account": [{"sid": ONE}, {"sid": TWO}],
        "number": [
            {"number": "+15550001000", "account": ONE, "voice_url": "http://127.0.0.1:9000/v", "voice_method": "GET"},
            {"number": "hello", "account": ONE, "twiml": "<Response/>", "status_callback": "/done"},
            {"number": "+15550002000", "account": TWO, "voice_url": "/demo/voice"},
        ],
        "trunk": [
            {"name": "wide", "account": ONE, "allow": ["127.0.0.0/8"]},
            {"name": "narrow", "account": TWO, "allow": ["127.0.0.9", "::1"]},
        ],
        "sip": {"domain": "pbx.example"},
        "domain": [{"name": "two.example", "account": TWO, "voice_url": "/two", "status_callback": "/over"}],
        "user": [
            {"name": "alice", "account": ONE, "password": "a", "voice_url": "/alice", "caller_id": "+15550001000"},
            {"name": "mute", "account": ONE, "password": "a"},
            {"name": "zoe", "account": TWO, "password": "a", "domain": "two.example"},
            {"name": "own", "account": TWO, "password": "a", "domain": "two.example", "voice_url": "/own"},
        ],
    }
)
ACCOUNTS = {sid: Account(sid, "token") for sid in (ONE, TWO)}


@pytest.fixture
def router() -> Router:
    trunks = Trunks(declared_trunk(section) for section in CONFIG.trunk)
    directory = Directory(cast(Store, None))  # nothing is written
    directory.declare(numbers(CONFIG))
    return Router(ACCOUNTS, Numbers(directory), trunks, Users.of(CONFIG), lines(CONFIG))


def invite(
    uri: str,
    source: str = "127.0.0.1",
    from_uri: str = "sip:+15557654321@carrier",
    user: str = "",
    realm: str = "pbx.example",
) -> Invite:
    return Invite(
        uri, from_uri, from_uri, uri, uri, "", "call-1", source, 5060, "UDP", user=user, realm=realm if user else ""
    )


def test_number_with_and_without_plus(router: Router) -> None:
    for user in ("+15550001000", "15550001000", "%2B15550001000", "+15550001000;npdi;rn=+1999", "+15550001000:secret"):
        decision = router.inbound(invite(f"sip:{user}@127.0.0.1:5060;user=phone"))
        assert isinstance(decision, Admission)
        assert (decision.account.sid, decision.to, decision.from_) == (ONE, "+15550001000", "+15557654321")
        assert decision.application.voice is not None and decision.application.voice.method == "GET"
        assert decision.trunk is not None and decision.trunk.name == "wide"


def test_number_as_tel_uri(router: Router) -> None:
    """Some carriers name both parties so (RFC 3966)."""
    decision = router.inbound(invite("tel:+1-555-000-1000", from_uri="tel:+15557654321;cpc=ordinary"))
    assert isinstance(decision, Admission)
    assert (decision.to, decision.from_) == ("+15550001000", "+15557654321")


def test_inline_document_and_own_path(router: Router) -> None:
    decision = router.inbound(invite("sip:hello@127.0.0.1"))
    assert isinstance(decision, Admission)
    assert decision.application.twiml == "<Response/>" and decision.application.voice is None
    assert decision.application.status_callback is not None
    assert decision.application.status_callback.url == "http://127.0.0.1:8080/done"


def test_narrowest_source_wins(router: Router) -> None:
    for source in ("127.0.0.9", "::ffff:127.0.0.9", "::1"):
        decision = router.inbound(invite("sip:+15550002000@x", source))
        assert isinstance(decision, Admission) and decision.trunk is not None
        assert decision.trunk.name == "narrow"


@pytest.mark.parametrize(
    ("uri", "source", "code"),
    [
        ("sip:+15550001000@x", "10.0.0.1", 403),
        ("sip:+15559999999@x", "127.0.0.1", 404),
        ("sip:+15550002000@x", "127.0.0.1", 404),  # another account's number
        ("sip:127.0.0.1", "127.0.0.1", 404),
        ("tel:+15559999999", "127.0.0.1", 404),
    ],
)
def test_refusals(router: Router, uri: str, source: str, code: int) -> None:
    decision = router.inbound(invite(uri, source))
    assert isinstance(decision, Refusal) and decision.code == code


@pytest.mark.parametrize(
    ("claimed", "from_"),
    [
        ("sip:alice@pbx.example", "sip:alice@pbx.example"),
        ("sip:alice@pbx.example:5060;x=y", "sip:alice@pbx.example:5060;x=y"),
        ("sip:zoe@two.example", "sip:alice@pbx.example"),
        ("sip:+15550002000@pbx.example", "sip:alice@pbx.example"),
        ("sip:alice@elsewhere", "sip:alice@pbx.example"),
    ],
)
def test_a_user_calls(router: Router, claimed: str, from_: str) -> None:
    """His own application runs, whatever he dials and whoever his phone claims to be."""
    decision = router.inbound(invite("sip:+15550002000@pbx.example:5060", "192.0.2.7", claimed, user="alice"))
    assert isinstance(decision, Admission) and decision.trunk is None and decision.user is not None
    assert (decision.account.sid, decision.from_, decision.number_sid) == (ONE, from_, None)
    assert decision.to == "sip:+15550002000@pbx.example:5060"
    assert decision.application.voice is not None
    assert decision.application.voice.url == "http://127.0.0.1:8080/alice"
    assert (decision.user.caller_id, decision.extra["SipUsername"]) == ("+15550001000", "alice")
    assert decision.extra["SipDomain"] == "pbx.example" and decision.extra["SipDomainSid"].startswith("SD")


@pytest.mark.parametrize(("name", "path"), [("zoe", "/two"), ("own", "/own")])
def test_a_domains_application_is_for_who_has_none(router: Router, name: str, path: str) -> None:
    decision = router.inbound(invite("sip:x@two.example", "192.0.2.7", user=name, realm="two.example"))
    assert isinstance(decision, Admission) and decision.account.sid == TWO
    assert decision.application.voice is not None and decision.application.voice.url.endswith(path)
    assert (decision.application.status_callback is not None) is (name == "zoe")


@pytest.mark.parametrize(("name", "voice_url", "path"), [("carol", "", "/asking"), ("dave", "http://app/own", "/own")])
def test_who_is_vouched_for(name: str, voice_url: str, path: str) -> None:
    """What his application has named runs, else what the domain's users have; the file's own has none of it."""
    domain = {"name": "two.example", "account": TWO, "voice_url": "/asking", "auth_url": "/auth"}
    config = validate({"account": [{"sid": TWO}], "sip": {"domain": "pbx.example"}, "domain": [domain]})
    users, roster = Users.of(config), Roster(vouching(config), lambda: 0.0)
    users.vouch(roster)
    router = Router(ACCOUNTS, Numbers(Directory(cast(Store, None))), Trunks(()), users, lines(config))
    call = invite("sip:x@two.example", "192.0.2.7", user=name, realm="two.example")
    assert isinstance(router.inbound(call), Refusal)
    presumed = roster.presume(f"{name}@two.example")
    assert presumed is not None
    roster._keep(Entry(replace(presumed, voice_url=voice_url)), 1.0)
    decision = router.inbound(call)
    assert isinstance(decision, Admission) and decision.account.sid == TWO and decision.application.voice is not None
    assert decision.application.voice.url.endswith(path)
    assert lines(CONFIG).keys() == {"alice@pbx.example", "zoe@two.example", "own@two.example"}


@pytest.mark.parametrize(
    ("name", "realm", "code"), [("mute", "pbx.example", 404), ("alice", "two.example", 403), ("x", "pbx.example", 403)]
)
def test_users_refused(router: Router, name: str, realm: str, code: int) -> None:
    decision = router.inbound(invite("sip:hello@pbx.example", "192.0.2.7", user=name, realm=realm))
    assert isinstance(decision, Refusal) and decision.code == code


def test_a_trunks_source_is_the_trunks(router: Router) -> None:
    """Also when somebody there could prove to be a user."""
    decision = router.inbound(invite("sip:hello@pbx.example", user="alice"))
    assert isinstance(decision, Admission) and decision.user is None and decision.trunk is not None


@pytest.mark.parametrize(
    ("from_uri", "seen"),
    [
        ("sip:+15551112222@h", "+15551112222"),
        ("sip:15551112222@h;x=y", "15551112222"),
        ("sip:alice@h:5080", "sip:alice@h:5080"),
        ("sip:anonymous@anonymous.invalid", ANONYMOUS),
        ("sip:h", ANONYMOUS),
        ("sip:%2B15551112222@h", "+15551112222"),
        ("sip:+15551112222;phone-context=x@h", "+15551112222"),
        ("sip:al%0D%0Aice@h", "sip:al%0D%0Aice@h"),
        ("tel:911x", "911x"),
    ],
)
def test_caller(from_uri: str, seen: str) -> None:
    assert caller(invite("sip:x@y", from_uri=from_uri)) == seen


def trunked(**keys: object) -> Router:
    """A router with one trunk of these keys."""
    directory = Directory(cast(Store, None))
    directory.declare(numbers(CONFIG))
    section = TrunkSection.model_validate({"name": "one", "account": ONE, "allow": ["127.0.0.0/8"], **keys})
    return Router(ACCOUNTS, Numbers(directory), Trunks([declared_trunk(section)]))


ASSERTED = (
    ("P-Asserted-Identity", '"Ada L." <sip:+15553334444@carrier>, <tel:+15550000000>'),
    ("Diversion", "<sip:+15551110000@carrier>;reason=unconditional"),
)


def test_a_trusted_trunk_says_who_calls() -> None:
    call = replace(invite("sip:+15550001000@x"), headers=ASSERTED)
    decision = trunked(trust_identity=True).inbound(call)
    assert isinstance(decision, Admission)
    assert decision.from_ == "+15553334444" and decision.identity.name == "Ada L."
    assert decision.extra == {"ForwardedFrom": "+15551110000", "CallerName": "Ada L."}
    untrusted = trunked().inbound(call)
    assert isinstance(untrusted, Admission)
    assert (untrusted.from_, dict(untrusted.extra)) == ("+15557654321", {})


@pytest.mark.parametrize("trusted", [True, False])
def test_a_private_caller_is_nobody(trusted: bool) -> None:
    """RFC 3323: whoever is believed; the name goes, and who has forwarded the call stays."""
    call = replace(invite("sip:+15550001000@x"), headers=(*ASSERTED, ("Privacy", "id;critical")))
    decision = trunked(trust_identity=trusted).inbound(call)
    assert isinstance(decision, Admission)
    assert decision.from_ == ANONYMOUS and "CallerName" not in decision.extra
    assert ("ForwardedFrom" in decision.extra) is trusted


def test_numbers_in_a_carriers_form() -> None:
    router = trunked(trust_identity=True, inbound_numbers=["tech-prefix:77", "nanp"])
    call = replace(
        invite("sip:775550001000@x", from_uri="sip:5557654321@x"), headers=(("Diversion", "<sip:5552220000@carrier>"),)
    )
    decision = router.inbound(replace(call, request_uri="sip:775550001000@x"))
    assert isinstance(decision, Refusal), "5550001000 is no number of North America: its exchange begins with 0"
    router = trunked(inbound_numbers=["tech-prefix:77", "national:+1"])
    decision = router.inbound(invite("sip:7705550001000@x", from_uri="sip:05557654321@x"))
    assert isinstance(decision, Admission)
    assert (decision.to, decision.from_) == ("+15550001000", "+15557654321")


def test_nobodys_number_is_everybodys() -> None:
    """To show nothing claims nothing."""
    directory = Directory(cast(Store, None))
    directory.declare(numbers(CONFIG))
    owns = Numbers(directory).owns
    assert [owns(ONE, number) for number in (ANONYMOUS, "+15550001000", "+15550002000")] == [True, True, False]


def test_a_number_of_a_subaccount_is_reached_through_its_owners_trunk() -> None:
    directory = Directory(cast(Store, None))
    directory.declare(numbers(CONFIG))
    trunks = Trunks(declared_trunk(section) for section in CONFIG.trunk)
    own = replace(ACCOUNTS[TWO], owner_sid=ONE)
    reached = Router({**ACCOUNTS, TWO: own}, Numbers(directory), trunks).inbound(invite("sip:+15550002000@x"))
    assert isinstance(reached, Admission) and reached.account is own and reached.trunk.name == "wide"


@pytest.mark.parametrize("status", ["suspended", "closed"])
def test_an_account_that_is_not_active_takes_no_calls(status: str) -> None:
    directory = Directory(cast(Store, None))
    directory.declare(numbers(CONFIG))
    trunks = Trunks(declared_trunk(section) for section in CONFIG.trunk)
    accounts = {ONE: replace(ACCOUNTS[ONE], status=status)}
    decision = Router(accounts, Numbers(directory), trunks).inbound(invite("sip:+15550001000@x"))
    assert decision == Refusal(403, f"account {ONE} is {status}")


class TestLines:
    """Calls for what a trunk has registered, from its registrar."""

    @pytest.fixture
    def router(self, router: Router) -> Router:
        router._trunks.registered("narrow", "line1", ["192.0.2.1", "127.0.0.1"])
        return router

    def to(self, user: str, source: str, to: str = "") -> Invite:
        one = invite(f"sip:{user}@127.0.0.1", source)
        return replace(one, to_uri=to or one.to_uri)

    @pytest.mark.parametrize("source", ["192.0.2.1", "127.0.0.1", "::ffff:192.0.2.1"])
    def test_to_names_the_number(self, router: Router, source: str) -> None:
        """Also where another trunk allows the source: the line says more."""
        decision = router.inbound(self.to("line1", source, "sip:+15550002000@carrier.example"))
        assert isinstance(decision, Admission)
        assert decision.trunk is not None and decision.trunk.name == "narrow"
        assert (decision.account.sid, decision.to) == (TWO, "+15550002000")

    @pytest.mark.parametrize(
        ("user", "source", "to", "code"),
        [
            ("line2", "192.0.2.1", "sip:+15550002000@x", 403),  # no line
            ("line1", "192.0.2.2", "sip:+15550002000@x", 403),  # not from its registrar
            ("line1", "192.0.2.1", "sip:+15550001000@x", 404),  # another account's number
            ("line1", "192.0.2.1", "", 404),
            ("line2", "127.0.0.1", "sip:+15550001000@x", 404),  # To counts for lines only
        ],
    )
    def test_nobody_else(self, router: Router, user: str, source: str, to: str, code: int) -> None:
        decision = router.inbound(self.to(user, source, to))
        assert isinstance(decision, Refusal) and decision.code == code
