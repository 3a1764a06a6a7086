"""Digest answers: the examples of RFC 7616 and RFC 2069, and what challenges look like in the wild."""

import re

import pytest

from callwright.digest import Challenge, answer, strongest

NONCE = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
CNONCE = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
OPAQUE = "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"


def directives(header: str) -> dict[str, str]:
    assert header.startswith("Digest ")
    return {name: value.strip('"') for name, value in re.findall(r'(\w+)=("[^"]*"|[^,]+)', header)}


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_rfc_7616_example(algorithm: str, response: str) -> None:
    challenge = Challenge("http-auth@example.org", NONCE, algorithm, "auth", OPAQUE)
    made = answer(challenge, ("Mufasa", "Circle of Life"), "GET", "/dir/index.html", cnonce=CNONCE)
    assert directives(made) == {
        "username": "Mufasa",
        "realm": "http-auth@example.org",
        "nonce": NONCE,
        "uri": "/dir/index.html",
        "response": response,
        "opaque": OPAQUE,
        "cnonce": CNONCE,
        "algorithm": algorithm,
        "qop": "auth",
        "nc": "00000001",
    }


def test_without_qop() -> None:
    """The example of RFC 2069 §2.4, with the response as corrected by its erratum 749."""
    challenge = Challenge("testrealm@host.com", "dcd98b7102dd2f0e8b11d0f600bfb0c093", "MD5", "", None)
    made = directives(answer(challenge, ("Mufasa", "CircleOfLife"), "GET", "/dir/index.html"))
    assert made["response"] == "1949323746fe6a43ef61f9606e7febea"
    assert "cnonce" not in made and "qop" not in made


def test_session_algorithm_differs() -> None:
    plain = Challenge("r", "n", "MD5", "auth", None)
    session = Challenge("r", "n", "MD5-sess", "auth", None)
    made = [directives(answer(c, ("u", "p"), "GET", "/", cnonce="c"))["response"] for c in (plain, session)]
    # H(H(H(u:r:p):n:c):n:00000001:c:auth:H(GET:/)), computed with md5sum.
    assert made == ["490ab2d682267b3630d3509d981b982d", "6e4aac8b22e97762f88ccd0d5ccf5b1d"]


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (['Digest realm="r", nonce="n"'], Challenge("r", "n", "MD5", "", None)),
        (['Digest realm="r", nonce="n", qop="auth,auth-int", algorithm=MD5, opaque="o"'],
         Challenge("r", "n", "MD5", "auth", "o")),
        (['Digest realm="a, b", nonce="n=\\"1\\"", qop=auth'], Challenge("a, b", 'n="1"', "MD5", "auth", None)),
        (['Basic realm="x", Digest realm="r", nonce="n"'], Challenge("r", "n", "MD5", "", None)),
        (['Digest realm="r", nonce="m", algorithm=MD5', 'Digest realm="r", nonce="s", algorithm=SHA-256'],
         Challenge("r", "s", "SHA-256", "", None)),
        (['Digest realm="r", nonce="m", algorithm=MD5, Digest realm="r", nonce="s", algorithm=sha-256'],
         Challenge("r", "s", "sha-256", "", None)),
        (['Digest realm="r", nonce="x", algorithm=SHA-512', 'Digest realm="r", nonce="m"'],
         Challenge("r", "m", "MD5", "", None)),
        (['Digest realm="", nonce=""'], Challenge("", "", "MD5", "", None)),
        (['Digest realm="r", nonce="n", qop="auth-int"'], None),
        (['Digest realm="r"'], None),
        (['Basic realm="r"'], None),
        (["Digest"], None),
        ([""], None),
        ([], None),
        (['Digest realm="' + "x" * 5000 + '", nonce="n"'], None),
    ],
)  # fmt: skip
def test_challenges(headers: list[str], expected: Challenge | None) -> None:
    assert strongest(headers) == expected


def test_quotes_are_escaped() -> None:
    made = answer(Challenge('a"b', "n", "MD5", "", None), ('u"\\', "p"), "GET", "/")
    assert r'username="u\"\\"' in made and r'realm="a\"b"' in made
