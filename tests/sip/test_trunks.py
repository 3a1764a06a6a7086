"""Trunks by source and by number."""

from callwright.config import DEMO_ACCOUNT, TrunkSection
from callwright.sip.trunks import Trunks, declared


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
    assert TRUNKS.carrying("+44", DEMO_ACCOUNT)[0].targets == ("sip:a", "sip:b")


def test_transport_of_targets_that_name_none() -> None:
    targets = ["sip:a", "sip:b:5070;transport=tcp", "sips:c"]
    assert set(declared(trunk("t", targets=targets, transport="tls")).targets) == {
        "sip:a;transport=tls",
        "sip:b:5070;transport=tcp",
        "sips:c",
    }


def test_policies_for_the_engine() -> None:
    section = trunk("t", allow=["192.0.2.0/24", "::1"], codecs=["opus", "pcmu"], srtp="required", reliable="off")
    assert Trunks([declared(section)]).policies() == [
        ("192.0.2.0/24", ("opus", "PCMU"), "required", "off"),
        ("::1/128", ("opus", "PCMU"), "required", "off"),
    ]


def test_sources_for_the_engine() -> None:
    assert TRUNKS.sources() == ["0.0.0.0/0", "192.0.2.0/24", "192.0.2.7/32", "::/0"]
