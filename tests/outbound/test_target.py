"""URLs: what may be requested, and how it stands on the wire."""

import pytest

from callwright.errors import ApplicationError
from callwright.outbound import parse, shown, without_credentials


@pytest.mark.parametrize(
    ("url", "text", "origin"),
    [
        ("http://app.example", "http://app.example/", "http://app.example:80"),
        ("HTTPS://app.example/x", "https://app.example/x", "https://app.example:443"),
        ("https://App.Example:8443/x?a=1", "https://App.Example:8443/x?a=1", "https://app.example:8443"),
        ("https://app.example:443/x", "https://app.example:443/x", "https://app.example:443"),
        ("http://app.example?x=1", "http://app.example/?x=1", "http://app.example:80"),
        ("http://app.example/x?", "http://app.example/x", "http://app.example:80"),
        ("http://app.example/x#rc=2", "http://app.example/x", "http://app.example:80"),
        ("http://u:p@app.example/x", "http://app.example/x", "http://app.example:80"),
        ("http://[::1]:9000/x", "http://[::1]:9000/x", "http://::1:9000"),
        ("http://app.example/a b?c=d e", "http://app.example/a%20b?c=d%20e", "http://app.example:80"),
        ("http://app.example/é?q=日", "http://app.example/%C3%A9?q=%E6%97%A5", "http://app.example:80"),
        ("http://app.example/%2f%zz/../a//b;c=1?x=a+b&y=%2F", "http://app.example/%2f%zz/../a//b;c=1?x=a+b&y=%2F",
         "http://app.example:80"),
        ("http://bücher.example/", "http://xn--bcher-kva.example/", "http://xn--bcher-kva.example:80"),
        ("  http://app.example/x ", "http://app.example/x", "http://app.example:80"),
    ],
)  # fmt: skip
def test_forms(url: str, text: str, origin: str) -> None:
    target = parse(url)
    assert (target.text, target.origin) == (text, origin)
    assert target.text.endswith(target.wire.raw_path_qs)


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("", 11100),
        ("/relative", 11100),
        ("ftp://app.example/", 11100),
        ("javascript:alert(1)", 11100),
        ("http://", 11100),
        ("http:///path", 11100),
        ("http://app.example:0/", 11100),
        ("http://app.example:65536/", 11100),
        ("http://app.example:http/", 11100),
        ("http://app.example/\r\nX-Evil: 1", 11100),
        ("http://app.example/\0", 11100),
        ("http://a%0d%0ab:p@app.example/", 11100),
        ("http://app.example/" + "x" * 40000, 11100),
        ("http://my_app.example/", 21205),
        ("http://app..example/", 11210),
        ("http://-app.example/", 11210),
        ("http://app.example\\@evil.example/", 11100),
        ("http://app%2eexample/", 11210),
        ("http://" + "a" * 64 + ".example/", 11210),
        ("http://[fe80::1%25eth0]/", 11100),
        ("http://[::g]/", 11100),
        ("http://[1:2]/", 11210),
        ("http://2130706433/", 11210),
        ("http://0x7f000001/", 11210),
        ("http://0x7f.1/", 11210),
        ("http://0177.0.0.1/", 11210),
        ("http://127.1/", 11210),
        ("http://256.0.0.1/", 11210),
        ("http://127.0.0.1./", 11210),
    ],
)
def test_refused(url: str, code: int) -> None:
    with pytest.raises(ApplicationError) as caught:
        parse(url)
    assert caught.value.code == code
    assert not caught.value.retryable


def test_credentials_are_kept_apart() -> None:
    target = parse("https://al%40ice:p%3Aw@app.example/x?secret=1")
    assert target.credentials == ("al@ice", "p:w")
    assert target.authorization() == "Basic YWxAaWNlOnA6dw=="
    assert target.base() == "https://al%40ice:p%3Aw@app.example/x?secret=1"
    assert "p%3Aw" not in repr(target) and "p:w" not in repr(target)
    assert parse("https://app.example/").authorization() is None


def test_known_as_moves_credentials() -> None:
    moved = parse("https://app.example/y").known_as(parse("https://u:p@app.example/x"))
    assert (moved.text, moved.credentials) == ("https://app.example/y", ("u", "p"))
    assert moved.base() == "https://u:p@app.example/y"


def test_extended() -> None:
    assert parse("http://a.example/x").extended("b=1&c=2").text == "http://a.example/x?b=1&c=2"
    assert parse("http://a.example/x?a=%20").extended("b=1").wire.raw_path_qs == "/x?a=%20&b=1"
    assert parse("http://a.example/x").extended("").text == "http://a.example/x"


@pytest.mark.parametrize(
    ("url", "seen"),
    [
        ("https://user:secret@app.example:8443/x/y?token=1#ct=100", "https://app.example:8443/x/y"),
        ("http://app.example", "http://app.example"),
        ("nonsense secret", "(not an HTTP URL)"),
    ],
)
def test_shown(url: str, seen: str) -> None:
    assert shown(url) == seen


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://u:p@app.example/x?a=u@b#ct=100", "https://app.example/x?a=u@b#ct=100"),
        ("https://app.example/a@b", "https://app.example/a@b"),
        ("https://u@app.example", "https://app.example"),
        ("https://u:p@app.example?x=@", "https://app.example?x=@"),
        ("nonsense", "nonsense"),
    ],
)
def test_without_credentials(url: str, told: str) -> None:
    assert without_credentials(url) == told
