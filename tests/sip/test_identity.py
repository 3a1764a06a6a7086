"""Identity headers, read and written."""

import random

import pytest

from callwright.sip.identity import (
    ANONYMOUS,
    UNKNOWN,
    Caller,
    Forwarder,
    Identity,
    Style,
    diversion,
    is_nobody,
    name_addr,
    number_of,
    of_user,
    parties,
    read,
    written,
)
from callwright.sip.leg import Invite


def invite(*headers: tuple[str, str], from_header: str = "<sip:+15550000001@carrier>;tag=x") -> Invite:
    uri = from_header.partition("<")[2].partition(">")[0]
    return Invite("sip:x@y", uri, from_header, "", "", "", "c", "192.0.2.1", 5060, "UDP", headers=headers)


@pytest.mark.parametrize(
    ("headers", "uri", "name"),
    [
        ([("P-Asserted-Identity", '"Ada \\"L\\"" <sip:+1555@c>')], "sip:+1555@c", 'Ada "L"'),
        ([("p-asserted-identity", "Ada L <sip:+1555@c;user=phone>;x=y")], "sip:+1555@c;user=phone", "Ada L"),
        ([("P-Asserted-Identity", "<tel:+1555>"), ("P-Asserted-Identity", "sip:a@b")], "tel:+1555", ""),
        ([("P-Asserted-Identity", "<sip:host.only>, <tel:+1555>")], "tel:+1555", ""),
        ([("P-Preferred-Identity", "<sip:+1556@c>")], "sip:+1556@c", ""),
        ([("Remote-Party-ID", '"Bob" <sip:+1557@c>;party=calling;screen=yes')], "sip:+1557@c", "Bob"),
        ([("Remote-Party-ID", "<sip:+1557@c>;party=called")], "", ""),
        ([("Remote-Party-ID", "<sip:+1557@c>"), ("P-Asserted-Identity", "<sip:+1@c>")], "sip:+1@c", ""),
        ([("P-Asserted-Identity", '"open <sip:+1555@c>')], "", ""),
        ([("P-Asserted-Identity", "<sip:+1555@c")], "", ""),
        ([("P-Asserted-Identity", "")], "", ""),
        ([("P-Asserted-Identity", '"anonymous" <sip:+1555@c>')], "sip:+1555@c", ""),
        ([("P-Asserted-Identity", '"a\x07b\x1b" <sip:+1555@c>')], "sip:+1555@c", "ab"),
    ],
)
def test_who_is_asserted(headers: list[tuple[str, str]], uri: str, name: str) -> None:
    found = read(invite(*headers), trusted=True)
    assert (found.uri, found.name) == (uri, name)
    assert read(invite(*headers), trusted=False) == UNKNOWN


def test_the_name_of_from_when_nothing_is_asserted() -> None:
    assert read(invite(from_header='"Eve" <sip:e@h>'), trusted=True).name == "Eve"
    assert read(invite(from_header='"Eve" <sip:e@h>'), trusted=False).name == ""


@pytest.mark.parametrize(
    ("headers", "private"),
    [
        ([("Privacy", "id")], True),
        ([("Privacy", "header; ID ;critical")], True),
        ([("Privacy", "user")], True),
        ([("Privacy", "none")], False),
        ([("Privacy", "session")], False),
        ([("Remote-Party-ID", "<sip:+1@c>;privacy=full")], True),
        ([("Remote-Party-ID", "<sip:+1@c>;privacy=off")], False),
        ([("Remote-Party-ID", "<sip:+1@c>;party=called;privacy=full")], False),
        ([], False),
    ],
)
@pytest.mark.parametrize("trusted", [True, False])
def test_privacy_counts_whoever_asks_for_it(headers: list[tuple[str, str]], private: bool, trusted: bool) -> None:
    found = read(invite(*headers, from_header='"Ada" <sip:+1@c>'), trusted=trusted)
    assert found.private is private
    assert not (private and found.name)


@pytest.mark.parametrize(
    ("headers", "forwarder"),
    [
        ([("Diversion", "<sip:+1@c>;reason=user-busy;counter=1"), ("Diversion", "<sip:+2@c>")], "sip:+1@c"),
        ([("Diversion", "<tel:+1>, <sip:+2@c>")], "tel:+1"),
        ([("Diversion", "<sip:+1@c>;privacy=full")], ""),
        ([("Diversion", "<sip:+1@c>;privacy=off")], "sip:+1@c"),
        (
            [("History-Info", "<sip:+1@c>;index=1, <sip:+2@c;cause=302>;index=1.1"), ("Diversion", "<sip:+9@c>")],
            "sip:+9@c",
        ),
        ([("History-Info", "<sip:+1@c>;index=1, <sip:+2@c;cause=302>;index=1.1")], "sip:+1@c"),
        ([("History-Info", "<sip:+1@c>;index=1"), ("History-Info", "<sip:+2@c>;index=1.1;mp=1")], "sip:+1@c"),
        (
            [("History-Info", "<sip:+1@c>;index=1,<sip:+2@c>;index=1.1;mp=1,<sip:+2@p>;index=1.1.1;rc=1.1")],
            "sip:+1@c",
        ),
        ([("History-Info", "<sip:+1@c?Reason=SIP%3Bcause%3D302>;index=1,<sip:+2@c>;index=1.1;mp=1")], "sip:+1@c"),
        ([("History-Info", "<sip:+1@c?Privacy=history>;index=1,<sip:+2@c>;index=1.1;mp=1")], ""),
        ([("Privacy", "history"), ("History-Info", "<sip:+1@c>;index=1,<sip:+2@c>;index=1.1;mp=1")], ""),
        ([("History-Info", "<sip:+1@c>;index=1, <sip:+2@c>;index=1.1")], ""),
        ([("History-Info", "nonsense;;;,,<")], ""),
        ([], ""),
    ],
)
def test_who_has_forwarded(headers: list[tuple[str, str]], forwarder: str) -> None:
    assert read(invite(*headers), trusted=True).forwarded_from == forwarder
    assert read(invite(*headers), trusted=False).forwarded_from == ""


@pytest.mark.parametrize(
    ("headers", "forwarders"),
    [
        (
            [
                ("Diversion", "<sip:+1@c>;reason=User-Busy, <sip:+2@c>;privacy=full"),
                ("Diversion", "<sip:+3@c>;reason=x"),
            ],
            [("sip:+1@c", "user-busy"), ("", "unknown"), ("sip:+3@c", "unknown")],
        ),
        ([("Diversion", "<sip:+1@c>;reason=do-not-disturb")], [("sip:+1@c", "do-not-disturb")]),
        (
            [
                ("History-Info", "<sip:+1@c>;index=1,<sip:+2@c;cause=486>;index=1.1;mp=1"),
                ("History-Info", "<sip:+2@p>;index=1.1.1;rc=1.1,<sip:+3@c;cause=408>;index=1.1.1.1;mp=1.1"),
            ],
            [("sip:+2@c", "no-answer"), ("sip:+1@c", "user-busy")],
        ),
        (
            [("History-Info", "<sip:+1@c?Reason=SIP%3Bcause%3D302>;index=1,<sip:+2@c>;index=1.1;mp=1")],
            [("sip:+1@c", "unconditional")],
        ),
        (
            [("History-Info", "<sip:+1@c>;index=1,<sip:+2@c>;index=1.1;mp=1,<sip:+3@c>;index=1.2;mp=1")],
            [("sip:+1@c", "unknown")],
        ),
        (
            [("Diversion", ",".join(f"<sip:+{number}@c>" for number in range(1, 30)))],
            [(f"sip:+{number}@c", "unknown") for number in range(1, 11)],
        ),
    ],
)
def test_all_who_have_forwarded(headers: list[tuple[str, str]], forwarders: list[tuple[str, str]]) -> None:
    """The last one first, each once, and no more than ten."""
    found = read(invite(*headers), trusted=True).forwarders
    assert [(one.uri, one.reason) for one in found] == forwarders


@pytest.mark.parametrize(
    ("headers", "from_header", "verstat"),
    [
        (
            [("P-Asserted-Identity", "<sip:+1;verstat=TN-Validation-Passed-A@c>")],
            "<sip:+1@c>",
            "TN-Validation-Passed-A",
        ),
        ([("P-Asserted-Identity", "<tel:+1;verstat=No-TN-Validation>")], "<sip:+1@c>", "No-TN-Validation"),
        ([], "<sip:+1@c;verstat=TN-Validation-Failed;user=phone>", "TN-Validation-Failed"),
        ([], "<sip:+1@c>;verstat=TN-Validation-Passed-B", "TN-Validation-Passed-B"),
        ([], "<sip:+1@c>;verstat=TN-Validation-Perfect", ""),
        ([], "<sip:+1@c>", ""),
    ],
)
def test_what_the_carrier_has_verified(headers: list[tuple[str, str]], from_header: str, verstat: str) -> None:
    assert read(invite(*headers, from_header=from_header), trusted=True).verstat == verstat
    assert read(invite(*headers, from_header=from_header), trusted=False).verstat == ""


@pytest.mark.parametrize(
    ("headers", "from_header", "private"),
    [
        ([], '"Alice" <sip:alice@pbx.example>', False),
        ([], "<sip:Anonymous@anonymous.invalid>", True),
        ([("Privacy", "id")], "<sip:alice@pbx.example>", True),
        ([("P-Asserted-Identity", "<sip:+1@c>")], "<sip:alice@pbx.example>", False),
    ],
)
def test_of_a_user_only_his_wish_counts(headers: list[tuple[str, str]], from_header: str, private: bool) -> None:
    assert of_user(invite(*headers, from_header=from_header)) == Identity(private=private)


def test_bounds() -> None:
    many = ",".join(f"<sip:+{number}@c>" for number in range(1, 200))
    assert len(parties([many] * 20)) == 20
    assert len(read(invite(("P-Asserted-Identity", f'"{"n" * 900}" <sip:+1@c>')), trusted=True).name) == 128


def test_numbers_of_uris() -> None:
    assert [number_of(uri) for uri in ("sip:+1555@h", "sip:%2B1555@h", "tel:+1-555-00", "sip:al@h", "sip:h")] == [
        *("+1555", "+1555", "+155500", "", "")
    ]
    assert [is_nobody(uri) for uri in ("sip:h", "sip:Anonymous@x", "sip:+1@x")] == [True, True, False]


ALL = Style(domain="pbx.example", identity="pai+rpid", diversion=True)


@pytest.mark.parametrize(
    ("caller", "style", "local", "headers"),
    [
        (Caller("+1555"), Style("d"), "<sip:+1555@d>", []),
        (Caller("+1555", "Ada"), Style("d"), '"Ada" <sip:+1555@d>', []),
        (
            Caller("+1555", "Ada"),
            Style("d", "pai"),
            '"Ada" <sip:+1555@d>',
            [("P-Asserted-Identity", '"Ada" <sip:+1555@d>')],
        ),
        (
            Caller("+1555"),
            Style("d", "rpid", from_user="acct"),
            "<sip:acct@d>",
            [("Remote-Party-ID", "<sip:+1555@d>;party=calling;screen=yes;privacy=off")],
        ),
        (
            Caller(ANONYMOUS, "Ada", own="+1999"),
            ALL,
            '"Anonymous" <sip:anonymous@anonymous.invalid>',
            [
                ("P-Asserted-Identity", "<sip:+1999@pbx.example>"),
                ("Remote-Party-ID", "<sip:+1999@pbx.example>;party=calling;screen=yes;privacy=full"),
                ("Privacy", "id"),
            ],
        ),
        (
            Caller(ANONYMOUS),
            Style("d", "pai", from_user="acct"),
            "<sip:acct@d>",
            [("Privacy", "id")],
        ),
        (
            Caller("+1555", diverted=[("+1666", "unconditional"), ("+1777", "unknown")]),
            Style("d", diversion=True),
            "<sip:+1555@d>",
            [("Diversion", "<sip:+1666@d>;reason=unconditional"), ("Diversion", "<sip:+1777@d>;reason=unknown")],
        ),
        (Caller("+1555", diverted=[("+1666", "unconditional")]), Style("d"), "<sip:+1555@d>", []),
    ],
)
def test_what_is_written(caller: Caller, style: Style, local: str, headers: list[tuple[str, str]]) -> None:
    assert written(caller, style) == (local, headers)


@pytest.mark.parametrize("evil", ['x"\r\nVia: y', "x>\r\nVia: y", 'a" <sip:b@c>, "', "\0", "é<\n>"])
def test_S9_nothing_breaks_out(evil: str) -> None:
    """Neither a name nor a user part ends its place, and a message has no line more."""
    local, headers = written(Caller(evil, evil, diverted=[(evil, "unknown")]), ALL)
    for text in (local, *(value for _, value in headers)):
        assert not set(text) & set("\r\n\0")
        (party,) = parties([text])
        assert party.uri.startswith("sip:") and party.uri.endswith("@pbx.example") and "<" not in party.uri
    assert diversion([("", "unknown")], "d") == []


def test_what_is_written_is_read() -> None:
    _, headers = written(Caller("+1555", 'A "B" \\ C', diverted=[("+1666", "no-answer")]), ALL)
    found = read(invite(*headers), trusted=True)
    assert found == Identity(
        "sip:+1555@pbx.example", 'A "B" \\ C', forwarders=(Forwarder("sip:+1666@pbx.example", "no-answer"),)
    )


def test_a_name_addr_without_a_user() -> None:
    assert name_addr("", "pbx.example") == "<sip:pbx.example>"


def test_nothing_that_a_carrier_writes_breaks_the_reader() -> None:
    """Whatever stands in the headers: an identity comes of it, and none that is longer than it may be."""
    pieces = [
        '"',
        "<",
        ">",
        "\\",
        ";",
        ",",
        "=",
        "@",
        ":",
        "sip:",
        "tel:",
        "+1555",
        "%",
        "%0D%0A",
        "index",
        "mp",
        "1.1",
    ]
    pieces += [
        "cause=302",
        "?",
        "privacy",
        "full",
        "verstat",
        "TN-Validation-Passed",
        "é",
        "\udcff",
        " ",
        "\t",
        "[::1]",
    ]
    names = ["P-Asserted-Identity", "P-Preferred-Identity", "Remote-Party-ID", "Privacy", "Diversion", "History-Info"]
    chance = random.Random(7)
    for _ in range(3000):
        lines = [(name, "".join(chance.choices(pieces, k=chance.randrange(24)))) for name in names]
        found = read(invite(*lines, from_header="".join(chance.choices(pieces, k=8))), trusted=True)
        assert len(found.name) <= 128 and found.name.isprintable()
        local, headers = written(Caller(found.forwarded_from, found.name, diverted=[(found.uri, "unknown")]), ALL)
        assert not set(local + str(headers)) & set("\r\n\0")
