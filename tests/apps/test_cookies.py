"""Cookies of a call (RFC 6265 §5)."""

from datetime import UTC, datetime, timedelta

import pytest

from callwright import clock
from callwright.apps.cookies import MAX_COOKIES, CookieJar

URL = "https://app.example/voice/start?x=1"


@pytest.mark.parametrize(
    ("header", "url", "sent"),
    [
        ("a=1", "https://app.example/voice/next", "a=1"),
        ("a=1", "https://app.example/voice", "a=1"),
        ("a=1", "https://app.example/", ""),
        ("a=1", "https://app.example/voices", ""),
        ("a=1; Path=/", "https://app.example/", "a=1"),
        ("a=1; Path=/other", "https://app.example/voice/next", ""),
        ("a=1; Path=/other", "https://app.example/other/x", "a=1"),
        ("a=1; Path=relative", "https://app.example/voice/x", "a=1"),
        ("a=1; Path=/", "https://www.app.example/", ""),
        ("a=1; Path=/", "https://app.example:8443/", "a=1"),
        ("a=1; Path=/; Domain=app.example", "https://www.app.example/", "a=1"),
        ("a=1; Path=/; Domain=.App.Example", "https://www.app.example/", "a=1"),
        ("a=1; Path=/; Domain=app.example", "https://badapp.example/", ""),
        ("a=1; Path=/; Domain=example", "https://app.example/", ""),
        ("a=1; Path=/; Domain=evil.example", "https://evil.example/", ""),
        ("a=1; Path=/; Domain=sub.app.example", "https://app.example/", ""),
        ("a=1; Path=/; Secure", "http://app.example/", ""),
        ("a=1; Path=/; Secure", "https://app.example/", "a=1"),
        ("a=1; Path=/; HttpOnly; SameSite=Lax", "https://app.example/", "a=1"),
        ('a="q v"; Path=/', "https://app.example/", 'a="q v"'),
        ("a=b=c; Path=/", "https://app.example/", "a=b=c"),
        ("a=; Path=/", "https://app.example/", "a="),
        ("=1; Path=/", "https://app.example/", ""),
        ("nonsense", "https://app.example/voice/x", ""),
        ("", "https://app.example/voice/x", ""),
        ("a=1\x00; Path=/", "https://app.example/", ""),
        ("a=\udc80; Path=/", "https://app.example/", ""),
        ("a=" + "x" * 5000 + "; Path=/", "https://app.example/", ""),
        ("a=1; Path=/; Max-Age=60", "https://app.example/", "a=1"),
        ("a=1; Path=/; Max-Age=0", "https://app.example/", ""),
        ("a=1; Path=/; Max-Age=-1", "https://app.example/", ""),
        ("a=1; Path=/; Max-Age=999999999999", "https://app.example/", "a=1"),
        ("a=1; Path=/; Max-Age=x", "https://app.example/", "a=1"),
        ("a=1; Path=/; Expires=Wed, 21 Oct 2015 07:28:00 GMT", "https://app.example/", ""),
        ("a=1; Path=/; Expires=Wed, 21-Oct-2015 07:28:00 GMT", "https://app.example/", ""),
        ("a=1; Path=/; Expires=Wed, 21 Oct 2065 07:28:00 GMT", "https://app.example/", "a=1"),
        ("a=1; Path=/; Expires=soon", "https://app.example/", "a=1"),
        ("a=1; Path=/; Expires=Wed, 21 Oct 2015 07:28:00 GMT; Max-Age=60", "https://app.example/", "a=1"),
    ],
)
def test_rules(header: str, url: str, sent: str) -> None:
    jar = CookieJar()
    jar.store(URL, (header,))
    assert jar.header(url) == sent


def test_addresses_have_no_subdomains() -> None:
    jar = CookieJar()
    jar.store("http://127.0.0.1/", ("a=1; Domain=0.0.1", "b=2; Domain=127.0.0.1"))
    assert jar.header("http://127.0.0.1/") == "b=2"
    assert jar.header("http://1.127.0.0.1/") == ""


def test_longer_paths_come_first_then_older() -> None:
    jar = CookieJar()
    jar.store(URL, ("old=1; Path=/", "new=2; Path=/", "deep=3; Path=/voice"))
    assert jar.header(URL) == "deep=3; old=1; new=2"


def test_a_cookie_is_replaced_and_removed() -> None:
    jar = CookieJar()
    jar.store(URL, ("a=1; Path=/",))
    jar.store(URL, ("a=2; Path=/", "b=1; Path=/"))
    assert jar.header(URL) == "a=2; b=1"
    jar.store(URL, ("a=; Path=/; Max-Age=0",))
    assert jar.header(URL) == "b=1"


def test_a_cookie_expires_during_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    monkeypatch.setattr(clock, "now", lambda: now)
    jar = CookieJar()
    jar.store(URL, ("a=1; Path=/; Max-Age=60",))
    assert jar.header(URL) == "a=1"
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(seconds=61))
    assert jar.header(URL) == ""


def test_the_jar_is_bounded() -> None:
    jar = CookieJar()
    jar.store(URL, tuple(f"c{number}=1; Path=/" for number in range(MAX_COOKIES + 50)))
    assert len(jar) == MAX_COOKIES
    assert "c0=1" not in jar.header(URL) and f"c{MAX_COOKIES + 49}=1" in jar.header(URL)
