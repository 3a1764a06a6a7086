"""Connection overrides, row by row (call-control reference §2.6)."""

import pytest

from callwright.apps.fragment import FAILURES, NONE, Overrides, parse
from callwright.errors import ApplicationError
from callwright.outbound import Limits

CONFIGURED = Limits(5.0, 15.0, 15.0)


@pytest.mark.parametrize(
    ("fragment", "overrides"),
    [
        ("", NONE),
        ("ct=100", Overrides(connect=0.1)),
        ("ct=10000", Overrides(connect=10.0)),
        ("rt=100", Overrides(read=0.1)),
        ("rt=15000", Overrides(read=15.0)),
        ("tt=100", Overrides(total=0.1)),
        ("tt=15000", Overrides(total=15.0)),
        ("rc=0", Overrides(retries=0)),
        ("rc=5", Overrides(retries=5)),
        ("rp=4xx", Overrides(policy=frozenset({"4xx"}))),
        ("rp=5xx,ct", Overrides(policy=frozenset({"5xx", "ct"}))),
        ("rp=5xx%2Crt", Overrides(policy=frozenset({"5xx", "rt"}))),
        ("rp=all", Overrides(policy=FAILURES)),
        ("rp=rt,ALL", Overrides(policy=FAILURES)),
        ("sni=y", NONE),
        ("sni=n", NONE),
        ("e=ashburn", NONE),
        ("e=dublin,sao-paulo", NONE),
        ("ct=2000&rt=3000&tt=4000&rc=3&rp=5xx&sni=n&e=tokyo", Overrides(2.0, 3.0, 4.0, 3, frozenset({"5xx"}))),
        ("section-2", NONE),
        ("colour=blue", NONE),
    ],
)
def test_accepted(fragment: str, overrides: Overrides) -> None:
    assert parse(f"https://u:p@app.example/x?a=b#{fragment}") == ("https://u:p@app.example/x?a=b", overrides)


@pytest.mark.parametrize(
    ("fragment", "code"),
    [
        ("ct=99", 11243),
        ("ct=10001", 11243),
        ("ct=", 11243),
        ("ct=-100", 11243),
        ("ct=1e3", 11243),
        ("ct=٣٠٠", 11243),
        ("ct=000000000300", 11243),
        ("rt=99", 11243),
        ("rt=15001", 11243),
        ("tt=99", 11243),
        ("tt=15001", 11243),
        ("rc=-1", 11243),
        ("rc=6", 11243),
        ("rc=x", 11243),
        ("rp=", 11243),
        ("rp=3xx", 11243),
        ("rp=5xx,often", 11243),
        ("sni=maybe", 11243),
        ("e=", 11240),
        ("e=Ash%20burn", 11240),
        ("e=ashburn,", 11240),
        ("e=atlantis", 11241),
        ("e=ashburn-ix", 11242),
        ("rc=2&e=ashburn,london-ix", 11242),
    ],
)
def test_refused(fragment: str, code: int) -> None:
    with pytest.raises(ApplicationError) as caught:
        parse(f"https://app.example/x#{fragment}")
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("overrides", "limits"),
    [
        (NONE, CONFIGURED),
        (Overrides(connect=1.0), Limits(1.0, 15.0, 15.0)),
        (Overrides(read=1.0), Limits(5.0, 1.0, 15.0)),
        (Overrides(total=1.0), Limits(5.0, 15.0, 1.0)),
    ],
)
def test_limits(overrides: Overrides, limits: Limits) -> None:
    assert overrides.limits(CONFIGURED) == limits


@pytest.mark.parametrize("policy", [NONE.policy, frozenset({"rt"}), frozenset({"4xx", "5xx"}), FAILURES])
def test_policy(policy: frozenset[str]) -> None:
    overrides = Overrides(retries=2, policy=policy)
    for word in FAILURES:
        assert [overrides.allows(word, attempts) for attempts in (1, 2, 3)] == [word in policy, word in policy, False]
    assert not overrides.allows("", 1)


def test_no_retry() -> None:
    assert not Overrides(retries=0).allows("ct", 1)
