"""Digest against the examples of the RFCs, so that both ends of the harness cannot be wrong together."""

import pytest

from .digest import Credentials, Guard, parameters, response_of


def test_rfc_2617_example() -> None:
    response = response_of(
        "Mufasa", "Circle Of Life", "testrealm@host.com", "dcd98b7102dd2f0e8b11d0f600bfb0c093", "GET",
        "/dir/index.html", qop="auth", cnonce="0a4f113b", count=1,
    )  # fmt: skip
    assert response == "6629fae49393a05397450978507c4ef1"


@pytest.mark.parametrize(
    ("algorithm", "expected"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_rfc_7616_example(algorithm: str, expected: str) -> None:
    response = response_of(
        "Mufasa", "Circle of Life", "http-auth@example.org", "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", "GET",
        "/dir/index.html", algorithm=algorithm, qop="auth",
        cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", count=1,
    )  # fmt: skip
    assert response == expected


def test_the_preferred_algorithm_is_answered() -> None:
    challenges = [
        'Digest realm="a, b", nonce="n1"',
        'Digest realm="a, b", nonce="n2", algorithm=SHA-256, qop="auth,auth-int"',
    ]
    credentials = Credentials("alice", 'p"w')
    chosen = credentials.choose(challenges)
    assert chosen == challenges[1]
    given = parameters(credentials.answer(chosen, "INVITE", "sip:b", cnonce="c"))
    assert (given["realm"], given["nonce"], given["qop"], given["nc"]) == ("a, b", "n2", "auth", "00000001")
    assert Credentials("a", "b", ("MD5",)).choose(challenges) == challenges[0]
    assert Credentials("a", "b", ("SHA-512-256",)).choose(challenges) is None


def test_a_guard_admits_only_the_right_answer() -> None:
    guard = Guard("alice", "secret", algorithm="SHA-256")
    _, challenge = guard.challenge()
    right = Credentials("alice", "secret").answer(challenge, "INVITE", "sip:b")
    assert guard.admits([right], "INVITE") and not guard.admits([right], "REGISTER") and not guard.admits([], "INVITE")
    assert not guard.admits([right.replace("sip:b", "sip:c")], "INVITE")


def test_other_schemes_and_garbage_are_refused() -> None:
    for text in ("Basic YTpi", 'Digest realm="open', "Digest =x"):
        with pytest.raises(ValueError):
            parameters(text)
