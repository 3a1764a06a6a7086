"""Addresses in documents."""

import pytest

from callwright.twiml.address import relative, requestable, resolve, with_userinfo

BASE = "https://user:secret@app.example:8443/ivr/start?lang=en#rc=2"


@pytest.mark.parametrize(
    ("reference", "absolute"),
    [
        ("", BASE),
        ("menu", "https://user:secret@app.example:8443/ivr/menu"),
        ("./menu?x=1&y=2", "https://user:secret@app.example:8443/ivr/menu?x=1&y=2"),
        ("../menu", "https://user:secret@app.example:8443/menu"),
        ("/menu#rc=3", "https://user:secret@app.example:8443/menu#rc=3"),
        ("?step=2", "https://user:secret@app.example:8443/ivr/start?step=2"),
        ("//other.example/x", "https://other.example/x"),
        ("http://other.example/x", "http://other.example/x"),
        ("ftp://other.example/x", "ftp://other.example/x"),
    ],
)
def test_references_resolve_against_the_document(reference: str, absolute: str) -> None:
    assert resolve(BASE, reference) == absolute


@pytest.mark.parametrize("reference", ["", "menu", "/menu", "//other.example/menu"])
def test_a_relative_reference_needs_a_base(reference: str) -> None:
    with pytest.raises(ValueError, match="relative"):
        resolve("", reference)
    assert relative(reference)


@pytest.mark.parametrize("reference", ["http://a.example/", "http://[1::", "mailto:x@a.example"])
def test_what_needs_no_base(reference: str) -> None:
    assert not relative(reference)


@pytest.mark.parametrize(
    ("url", "good"),
    [
        ("http://app.example/", True),
        ("https://u:p@127.0.0.1:8080/a%20b?c=d&e#rc=1", True),
        ("http://[::1]:8080/x", True),
        ("ftp://app.example/", False),
        ("http:///x", False),
        ("http://app.example:0/", False),
        ("http://app.example:99999/", False),
        ("http://app.example/a b", False),
        ("http://app.example/\r\nX-Injected: 1", False),
        ("http://[::1/x", False),
        ("/menu", False),
        ("", False),
    ],
)
def test_what_can_be_requested(url: str, good: bool) -> None:
    assert requestable(url) is good


@pytest.mark.parametrize(
    ("final", "asked", "expected"),
    [
        ("https://app.example/b", "https://u:p@app.example/a", "https://u:p@app.example/b"),
        ("https://other.example/b", "https://u:p@app.example/a", "https://other.example/b"),
        ("http://app.example/b", "https://u:p@app.example/a", "http://app.example/b"),
        ("https://app.example:444/b", "https://u:p@app.example/a", "https://app.example:444/b"),
        ("https://x:y@app.example/b", "https://u:p@app.example/a", "https://x:y@app.example/b"),
        ("https://app.example/b", "https://app.example/a", "https://app.example/b"),
        ("https://app.example/b", "https://[u:p@app.example/a", "https://app.example/b"),
        ("", "https://u:p@app.example/a", ""),
    ],
)
def test_credentials_stay_with_their_origin(final: str, asked: str, expected: str) -> None:
    assert with_userinfo(final, asked) == expected
