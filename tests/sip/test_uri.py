"""SIP URIs (RFC 3261 §19.1, §25.1)."""

import pytest

from callwright.sip.uri import (
    at_place,
    escaped,
    is_reliable,
    is_sip,
    user_and_host,
    with_headers,
    with_user,
    without_port,
)


@pytest.mark.parametrize(
    ("uri", "user", "host"),
    [
        ("sip:alice@host", "alice", "host"),
        ("sips:alice:secret@host:5061;transport=tcp?X=1", "alice", "host:5061"),
        ("<sip:alice@host>", "alice", "host"),
        ("SIP:host", "", "host"),
        ("sip:host;lr", "", "host"),
        ("sip:+1555;npdi;rn=+1666@host", "+1555", "host"),
        ("sip:%2B1555@host", "%2B1555", "host"),
        ("sip:a@[2001:db8::1]:5060", "a", "[2001:db8::1]:5060"),
        ("sip:@host", "", "host"),
        ("tel:+1555", "+1555", ""),
        ("<TEL:+1-555-000.1000;phone-context=x>", "+15550001000", ""),
        ("tel:", "", ""),
        ("mailto:a@b", "", ""),
        ("", "", ""),
        ("sip:", "", ""),
    ],
)
def test_user_and_host(uri: str, user: str, host: str) -> None:
    assert user_and_host(uri) == (user, host)


@pytest.mark.parametrize(
    ("host", "bare"), [("h:1", "h"), ("h", "h"), ("[::1]:5060", "[::1]"), ("[::1]", "[::1]"), ("", "")]
)
def test_without_port(host: str, bare: str) -> None:
    assert without_port(host) == bare


@pytest.mark.parametrize(
    ("user", "written"),
    [
        ("+1555*", "+1555*"),
        ("1#", "1%23"),
        ("a%20b", "a%20b"),
        ("100%", "100%25"),
        ("é", "%C3%A9"),
        ("\ud800", "%3F"),
        ('a"<>@\r\n', "a%22%3C%3E%40%0D%0A"),
    ],
)
def test_escaped(user: str, written: str) -> None:
    assert escaped(user) == written


@pytest.mark.parametrize(
    ("uri", "result"),
    [
        ("sip:gw:5060;transport=tcp", "sip:+1@gw:5060;transport=tcp"),
        ("sip:old@gw", "sip:+1@gw"),
        ("sips:gw", "sips:+1@gw"),
    ],
)
def test_with_user(uri: str, result: str) -> None:
    assert with_user(uri, "+1") == result


def test_is_sip() -> None:
    assert is_sip("SIPS:x") and is_sip("sip:x") and not is_sip("+1") and not is_sip("client:sip:")


@pytest.mark.parametrize(
    ("uri", "moved"),
    [
        ("sip:a@h:5060;transport=tcp", "sip:a@[::1]:7;transport=tcp"),
        ("sips:a:b@[2001:db8::1]", "sips:a:b@[::1]:7"),
        ("sip:h;lr", "sip:[::1]:7;lr"),
        ("sip:a;x=1@h;lr", "sip:a;x=1@[::1]:7;lr"),
    ],
)
def test_another_place(uri: str, moved: str) -> None:
    assert at_place(uri, "::1", 7) == moved


def test_connections() -> None:
    assert [is_reliable(uri) for uri in ("sip:a@h", "sip:a@h;transport=UDP", "sip:a@h;Transport=TLS", "sips:a@h")] == [
        False,
        False,
        True,
        True,
    ]


def test_header_fields_of_a_request_to_be_made() -> None:
    """What stands for itself in one stays as it is, everything else is escaped (RFC 3261 §19.1.1, §25.1)."""
    fields = [("X-Order", "a b&c=1?"), ("User-to-User", "7;encoding=hex"), ("X-Ü", "ü\r\nVia: x")]
    told = "X-Order=a%20b%26c%3D1?&User-to-User=7%3Bencoding%3Dhex&X-%C3%9C=%C3%BC%0D%0AVia:%20x"
    assert with_headers("sip:bob@pbx.example", fields) == f"sip:bob@pbx.example?{told}"
    assert with_headers("sip:bob@pbx.example", []) == "sip:bob@pbx.example"
