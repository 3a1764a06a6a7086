"""SIP URIs and header fields (call-control reference §1.6, §7.3)."""

import pytest

from callwright.twiml.verbs.sip_uri import allowed_name, allowed_value, query_fields, split


@pytest.mark.parametrize(
    ("text", "uri", "query"),
    [
        ("sip:bob@pbx.example", "sip:bob@pbx.example", ""),
        ("SIP:bob@pbx.example", "SIP:bob@pbx.example", ""),
        ("sips:bob@pbx.example:5061", "sips:bob@pbx.example:5061", ""),
        ("sip:192.0.2.1", "sip:192.0.2.1", ""),
        ("sip:bob@[2001:db8::1]:5060;transport=tcp", "sip:bob@[2001:db8::1]:5060;transport=tcp", ""),
        ("sip:bob@pbx.example;transport=UDP;user=phone", "sip:bob@pbx.example;transport=UDP;user=phone", ""),
        ("sip:bob@pbx.example;region=ie1;edge=dublin;secure=true", "sip:bob@pbx.example;secure=true", ""),
        ("sip:bob@pbx.example?X-A=1&X-B=a@b", "sip:bob@pbx.example", "X-A=1&X-B=a@b"),
        ("sip:pbx.example?X-A=1", "sip:pbx.example", "X-A=1"),
        ("sip:b%20b;x=1@pbx.example", "sip:b%20b;x=1@pbx.example", ""),
        ("sip:+15550001111@pbx.example", "sip:+15550001111@pbx.example", ""),
    ],
)
def test_uris(text: str, uri: str, query: str) -> None:
    assert split(text) == (uri, query)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "bob@pbx.example",
        "tel:+15550001111",
        "http://pbx.example",
        "sip:",
        "sip:bob@",
        "sip:bob@pbx example",
        "sip:bob@pbx.example\r\nX-Injected: 1",
        "sip:bob@pbx.example;transport=sctp",
        "sip:bob@pbx.example;transport",
        "sip:bob@pbx.example:0",
        "sip:bob@pbx.example:65536",
        "sip:bob@pbx.example>",
        '"Bob" <sip:bob@pbx.example>',
        "sip:bob@-pbx.example",
        "sip:bob@pbx_1.example",
        f"sip:{'b' * 240}@pbx.example",
        "sip:bob@pbx.example;" + "a" * 300,
        "sip:bob\x00@pbx.example",
    ],
)
def test_what_is_no_uri(text: str) -> None:
    with pytest.raises(ValueError):
        split(text)


def test_the_bound_itself() -> None:
    longest = "sip:" + "b" * 100 + "@" + "h" * 149
    assert len(longest) == 254
    assert split(longest) == (longest, "")
    with pytest.raises(ValueError, match="255"):
        split(longest + "h")


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ("X-A=1&X-B=2", [("X-A", "1"), ("X-B", "2")]),
        ("X-A=a%20b+c%26", [("X-A", "a b+c&")]),
        ("X-A=%C3%A4", [("X-A", "ä")]),
        ("X-A=a=b", [("X-A", "a=b")]),
        ("X-A", [("X-A", "")]),
        ("&&", []),
        ("X-A=%0D%0AEvil:1", [("X-A", "\r\nEvil:1")]),
        ("X-A=%FF", [("X-A", "\ufffd")]),
    ],
)
def test_the_query_is_header_fields(query: str, fields: list[tuple[str, str]]) -> None:
    assert query_fields(query) == fields


@pytest.mark.parametrize(
    "name",
    ["X-A", "x-custom_header.1", "User-to-User", "Remote-Party-ID", "P-Preferred-Identity", "P-Called-Party-ID"],
)
def test_names_that_may_be_set(name: str) -> None:
    assert allowed_name(name)


@pytest.mark.parametrize(
    "name",
    ["", "X-", "From", "Via", "Contact", "Authorization", "P-Asserted-Identity", "X-A\r\nVia", "X-A:", "X A", "X-Ä"],
)
def test_names_that_may_not(name: str) -> None:
    assert not allowed_name(name)


@pytest.mark.parametrize(
    ("value", "good"),
    [
        ("", True),
        ("a b;c=d", True),
        ("ä", True),
        ("a\r\nVia: x", False),
        ("a\nb", False),
        ("a\x00", False),
        ("a\tb", False),
        ("a\x7f", False),
        ("a\x85b", False),
        ("a\u2028b", False),
        ("�", False),
    ],
)
def test_values_stay_inside_their_line(value: str, good: bool) -> None:
    assert allowed_value(value) is good
