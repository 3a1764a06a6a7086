"""Trunks by source and by number."""

from collections import Counter

import pytest

from callwright.config import DEMO_ACCOUNT, TrunkSection
from callwright.sections import RouteSection
from callwright.sip.registrant import Line
from callwright.sip.routes import Routes
from callwright.sip.routes import declared as declared_route
from callwright.sip.trunks import Trunks, declared

OTHER = "AC" + "9" * 32


def trunk(name: str, **keys: object) -> TrunkSection:
    return TrunkSection.model_validate({"name": name, "account": DEMO_ACCOUNT, **keys})


TRUNKS = Trunks(
    declared(section)
    for section in (
        trunk("any", allow=["0.0.0.0/0", "::/0"], targets=["sip:any"], prefixes=[""]),
        trunk(
            "office",
            allow=["192.0.2.0/24"],
            targets=["sip:b", {"uri": "sip:a", "priority": 1}],
            prefixes=["+44", "+4420"],
        ),
        trunk("dumb", allow=["192.0.2.7"]),
    )
)


def test_narrowest_source() -> None:
    names = [
        found.name
        for host in ("192.0.2.7", "192.0.2.8", "198.51.100.1", "2001:db8::1", "::ffff:192.0.2.8")
        if (found := TRUNKS.by_source(host))
    ]
    assert names == ["dumb", "office", "any", "any", "office"]


def test_no_trunk() -> None:
    assert Trunks([]).by_source("192.0.2.1") is None
    assert Trunks([]).carrying("+1", DEMO_ACCOUNT) == []


def test_longest_prefix_first_and_once() -> None:
    assert [t.name for t in TRUNKS.carrying("+442071234567", DEMO_ACCOUNT)] == ["office", "any"]
    assert [t.name for t in TRUNKS.carrying("+15551234567", DEMO_ACCOUNT)] == ["any"]
    assert TRUNKS.carrying("+44", "AC" + "9" * 32) == []


def test_targets_by_priority() -> None:
    assert TRUNKS.carrying("+44", DEMO_ACCOUNT)[0].gateways() == ["sip:a", "sip:b"]


def test_transport_of_targets_that_name_none() -> None:
    targets = ["sip:a", "sip:b:5070;transport=tcp", "sips:c"]
    assert declared(trunk("t", targets=targets, transport="tls")).gateways() == [
        "sip:a;transport=tls",
        "sip:b:5070;transport=tcp",
        "sips:c",
    ]


def test_equal_targets_share_calls_by_weight() -> None:
    targets = [{"uri": "sip:a", "weight": 3}, {"uri": "sip:b", "weight": 1}, {"uri": "sip:c", "priority": 20}]
    one = declared(trunk("t", targets=targets))
    orders = Counter(tuple(one.gateways()) for _ in range(2000))
    assert set(orders) == {("sip:a", "sip:b", "sip:c"), ("sip:b", "sip:a", "sip:c")}
    assert 1350 < orders["sip:a", "sip:b", "sip:c"] < 1650


class TestRoutes:
    """Where a route fits, it alone decides."""

    def trunks(self, *routes: dict[str, object]) -> Trunks:
        sections = [trunk(name, targets=[f"sip:{name}"], prefixes=["+"]) for name in ("cheap", "good")]
        other = {**trunk("theirs", targets=["sip:theirs"]).model_dump(by_alias=True), "account": OTHER}
        sections.append(TrunkSection.model_validate(other))
        found = Routes(declared_route(RouteSection.model_validate(route)) for route in routes)
        return Trunks((declared(section) for section in sections), found)

    def carriers(self, trunks: Trunks, number: str, account: str = DEMO_ACCOUNT) -> list[str]:
        return [one.name for one in trunks.carrying(number, account)]

    def test_the_longest_prefix_decides_alone(self) -> None:
        trunks = self.trunks({"prefix": "+44", "trunks": ["good", "cheap"]}, {"prefix": "+447", "trunks": ["cheap"]})
        assert self.carriers(trunks, "+4420") == ["good", "cheap"]
        assert self.carriers(trunks, "+44770") == ["cheap"]
        assert self.carriers(trunks, "+1555") == ["cheap", "good"], "no route: the trunks' own prefixes"

    def test_an_accounts_own_route_comes_first(self) -> None:
        trunks = self.trunks(
            {"prefix": "+44", "trunks": ["cheap", "theirs"]},
            {"prefix": "+44", "account": DEMO_ACCOUNT, "trunks": ["good"]},
        )
        assert self.carriers(trunks, "+4420") == ["good"]
        assert self.carriers(trunks, "+4420", OTHER) == ["theirs"], "only by trunks that are the account's"

    def test_by_priority(self) -> None:
        ways = [{"trunk": "cheap", "priority": 2}, {"trunk": "good", "priority": 1}]
        assert self.carriers(self.trunks({"prefix": "", "trunks": ways}), "0049") == ["good", "cheap"]


def test_policies_for_the_engine() -> None:
    section = trunk("t", allow=["192.0.2.0/24", "::1"], codecs=["opus", "pcmu"], srtp="required", reliable="off")
    assert Trunks([declared(section)]).policies() == [
        ("192.0.2.0/24", ("opus", "PCMU"), "required", "off", ()),
        ("::1/128", ("opus", "PCMU"), "required", "off", ()),
    ]


@pytest.mark.parametrize("name", ["no-session-timer", "symmetric-port", "dtmf-without-marker"])
def test_what_a_carrier_does_not_bear(name: str) -> None:
    """A profile of each name sets it, a key of the trunk's own goes before."""
    own = {"session_timer": True, "symmetric_port": False, "dtmf_marker": True}
    for sets, quirks in (({}, (name,)), (own, ())):
        (policy,) = Trunks([declared(trunk("t", allow=["192.0.2.7"], profile=name, **sets))]).policies()
        assert policy == ("192.0.2.7/32", (), "off", "supported", quirks)


def test_sources_for_the_engine() -> None:
    assert TRUNKS.sources() == ["0.0.0.0/0", "192.0.2.0/24", "192.0.2.7/32", "::/0"]


def test_names_among_the_sources() -> None:
    """They have no address until one is told; prefixes are still compared by their length."""
    named = trunk("named", allow=["SIP.example.", "192.0.2.0/25"], codecs=["PCMA"])
    trunks = Trunks([declared(named), declared(trunk("wide", allow=["192.0.2.0/24"]))])
    assert trunks.names == ["sip.example."] and trunks.by_source("198.51.100.7") is None
    assert trunks.resolved("sip.example.", ["198.51.100.7", "::ffff:198.51.100.8"])
    assert not trunks.resolved("sip.example.", ["::ffff:198.51.100.8", "198.51.100.7"]), "the same, in another order"
    for host in ("198.51.100.7", "198.51.100.8", "192.0.2.1"):
        found = trunks.by_source(host)
        assert found is not None and found.name == "named"
    assert trunks.sources() == ["192.0.2.0/24", "192.0.2.0/25", "198.51.100.7/32", "198.51.100.8/32"]
    assert ("198.51.100.7/32", ("PCMA",), "off", "supported", ()) in trunks.policies()
    assert trunks.resolved("sip.example.", []) and trunks.by_source("198.51.100.7") is None


def test_trunks_that_share_a_source() -> None:
    sections = [trunk(name, allow=allow) for name, allow in (("a", ["192.0.2.0/24"]), ("b", ["192.0.2.0/24"]))]
    narrow = trunk("c", allow=["192.0.2.9"])
    trunks = Trunks(declared(section) for section in (*sections, narrow))
    assert [one.name for one in trunks.sharing("192.0.2.1")] == ["a", "b"]
    assert [one.name for one in trunks.sharing("192.0.2.9")] == ["c"]
    assert trunks.sharing("198.51.100.1") == ()


def test_users_of_trunks() -> None:
    """Their digests are of the realm; passwords are nowhere to be seen."""
    section = trunk("roaming", users=[{"username": "pbx", "password": "hush"}])
    trunks = Trunks([declared(section)], realm="pbx.example")
    (credential,) = trunks.credentials()
    assert (credential.username, credential.realm) == ("pbx", "pbx.example")
    assert [one.name for one in trunks.of_user("pbx", "pbx.example")] == ["roaming"]
    assert trunks.of_user("pbx", "PBX.example") == trunks.of_user("other", "pbx.example") == ()
    assert "hush" not in repr(declared(section)) + repr(section) + repr(credential)


class TestLines:
    """What trunks have registered."""

    def trunks(self) -> Trunks:
        sections = [trunk("wide", allow=["127.0.0.0/8"]), trunk("line", codecs=["PCMA"], srtp="required")]
        return Trunks(declared(section) for section in sections)

    def test_from_the_registrar_only(self) -> None:
        trunks = self.trunks()
        trunks.registered("line", "line1", ["192.0.2.1", "2001:db8::1"])
        found = [trunks.by_line(host, "line1") for host in ("192.0.2.1", "::ffff:192.0.2.1", "2001:DB8:0::1")]
        assert [one.name if one else "" for one in found] == ["line"] * 3
        assert trunks.by_line("192.0.2.2", "line1") is None and trunks.by_line("192.0.2.1", "line2") is None

    def test_what_it_was_before_is_forgotten(self) -> None:
        trunks = self.trunks()
        trunks.registered("line", "line1", ["192.0.2.1"])
        trunks.registered("line", "line1", ["192.0.2.2"])
        assert trunks.sources() == ["127.0.0.0/8", "192.0.2.2/32"]
        assert trunks.by_line("192.0.2.1", "line1") is None

    def test_for_the_engine(self) -> None:
        trunks = self.trunks()
        assert trunks.policies() == [("127.0.0.0/8", (), "off", "supported", ())]
        trunks.registered("line", "line1", ["192.0.2.1", "127.0.0.9"])
        assert trunks.policies() == [
            ("127.0.0.0/8", (), "off", "supported", ()),
            ("192.0.2.1/32", ("PCMA",), "required", "supported", ()),
        ], "a source of a trunk keeps that trunk's policy"

    def test_as_the_file_declares_it(self) -> None:
        own = {"server": "sip:carrier.example", "realm": "carrier", "expires": 300}
        line = declared(trunk("t", username="u", password="p", transport="tcp", register=own)).line
        assert line == Line("sip:carrier.example;transport=tcp", "u", "p", "carrier", 300)
        assert line is not None and line.aor == "sip:u@carrier.example"
        bare = {"server": "sip:carrier.example"}
        line = declared(trunk("t", username="u", realm="r", register=bare)).line
        assert line is not None and line.realm == "r"
        line = declared(trunk("t", username="u", password="p", register={**own, "username": "v"})).line
        assert line is not None and (line.username, line.password) == ("v", "")
        assert declared(trunk("t")).line is None


def test_whose_host_a_uri_names() -> None:
    one = declared(trunk("t", targets=["sip:gw.example:5070", "sip:[2001:db8::1]"]))
    assert one.is_at("sip:+1@GW.example") and one.is_at("sip:+1@[2001:db8::1]:5080;transport=tcp")
    assert not one.is_at("sip:+1@gw.example.evil.example") and not one.is_at("tel:+1")
