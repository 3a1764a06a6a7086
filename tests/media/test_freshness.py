"""What a response's headers allow, by the tables of RFC 9111 and RFC 5861."""

from email.utils import formatdate

import pytest

from callwright.media.freshness import HEURISTIC_CAP, Freshness, directives, moment, seconds

T = 1_800_000_000.0


def date(offset: float = 0.0) -> str:
    return formatdate(T + offset, usegmt=True)


def of(
    cache_control: str = "", *, delay: float = 0.0, redirected_until: float | None = None, **headers: str
) -> Freshness:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if cache_control:
        named["Cache-Control"] = cache_control
    return Freshness.of(named, T, delay, redirected_until)


def lifetime(freshness: Freshness) -> int:
    """For how many whole seconds from its receipt it is fresh."""
    return next(second for second in range(0, 400_000_000) if not freshness.fresh(T + second))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("max-age=60", {"max-age": "60"}),
        (" Max-Age = 60 , NO-STORE,", {"max-age": "60", "no-store": ""}),
        ('private="a, max-age=9", max-age="5"', {"private": "a, max-age=9", "max-age": "5"}),
        ("max-age=1, max-age=9", {"max-age": "1"}),
        ("", {}),
        (",,=", {}),
    ],
)
def test_directives(value: str, expected: dict[str, str]) -> None:
    assert directives(value) == expected


@pytest.mark.parametrize(("text", "expected"), [("5", 5), ("", 0), ("-1", 0), ("1.5", 0), ("x", 0), ("٣", 0)])
def test_seconds(text: str, expected: float) -> None:
    assert seconds(text) == expected


def test_moments() -> None:
    assert moment(date()) == T
    assert moment("Friday, 15-Jan-27 08:00:00 GMT") == T
    for wrong in ("0", "", "yesterday", "Fri, 99 Jan 2027 08:00:00 GMT", "Fri, 15 Jan 99999999999 08:00:00 GMT"):
        assert moment(wrong) is None


@pytest.mark.parametrize(
    ("freshness", "expected"),
    [
        (of(), 0),
        (of("max-age=60"), 60),
        (of("max-age=60", Expires=date(9)), 60),
        (of("max-age=x"), 0),
        (of("s-maxage=60"), 0),
        (of("max-age=60, no-cache"), 0),
        (of("max-age=60, no-store"), 0),
        (of("max-age=60", Vary="*"), 0),
        (of("max-age=60", Vary="Accept-Encoding"), 60),
        (of("max-age=60", Age="20"), 40),
        (of("max-age=60", Age="20", delay=5), 35),
        (of("max-age=60", Date=date(-15)), 45),
        (of("max-age=60", Date=date(-15), Age="20"), 40),
        (of("max-age=60", Date=date(1000)), 60),
        (of("max-age=60", Age="100"), 0),
        (of(Expires=date(30)), 30),
        (of(Expires=date(30), Date=date(-10)), 30),
        (of(Expires="0"), 0),
        (of(Expires=date(-30)), 0),
        (of(Last_Modified=date(-100)), 10),
        (of(Last_Modified=date(-100_000_000)), int(HEURISTIC_CAP)),
        (of(Last_Modified=date(100)), 0),
        (of(ETag='"x"'), 0),
        (of("max-age=60", redirected_until=T + 10), 10),
        (of("max-age=60", redirected_until=T), 0),
    ],
)
def test_lifetimes(freshness: Freshness, expected: int) -> None:
    assert lifetime(freshness) == expected


def test_a_clock_that_was_set_back_makes_everything_stale() -> None:
    freshness = of("max-age=60, stale-if-error=60")
    assert freshness.fresh(T - 0.5)
    assert not freshness.fresh(T - 3600)
    assert not freshness.usable_on_error(T - 3600)


def test_validators() -> None:
    both = of(ETag='W/"x"', Last_Modified=date())
    assert both.validators == {"If-None-Match": 'W/"x"', "If-Modified-Since": date()}
    assert of().validators == {}


@pytest.mark.parametrize(
    ("cache_control", "usable"),
    [
        ("max-age=10, stale-if-error=20", True),
        ("max-age=10", False),
        ("max-age=10, stale-if-error=5", False),
        ("max-age=10, stale-if-error=x", False),
        ("max-age=10, stale-if-error=20, must-revalidate", False),
        ("max-age=10, stale-if-error=20, no-cache", False),
        ("max-age=10, stale-if-error=20, no-store", False),
    ],
)
def test_stale_if_error(cache_control: str, usable: bool) -> None:
    assert of(cache_control).usable_on_error(T + 25) is usable
    assert of(cache_control).usable_on_error(T + 31) is False


def test_a_304_replaces_what_it_names_and_keeps_the_rest() -> None:
    first = of("max-age=10, stale-if-error=5", ETag='"x"', Age="9", Content_Type="audio/wav", Date=date())
    later = first.revalidated({"ETag": '"y"', "Content-Type": "text/plain"}, T + 100, 2.0)
    assert later.headers == {
        "cache-control": "max-age=10, stale-if-error=5",
        "etag": '"y"',
        "content-type": "audio/wav",
    }
    assert later.fresh(T + 107) and not later.fresh(T + 109)
    longer = later.revalidated({"Cache-Control": "max-age=1000"}, T + 200, 0.0)
    assert longer.fresh(T + 1100)


def test_repeated_headers() -> None:
    class Repeated(dict[str, str]):
        def items(self) -> list[tuple[str, str]]:  # type: ignore[override] # a multi-valued mapping gives every pair
            return [("Cache-Control", "no-cache"), ("cache-control", "max-age=5"), ("ETag", '"1"'), ("Etag", '"2"')]

    freshness = Freshness.of(Repeated(), T)
    assert freshness.headers == {"cache-control": "no-cache, max-age=5", "etag": '"1"'}


@pytest.mark.parametrize(
    ("permanent", "cache_control", "until"),
    [
        (False, "", T),
        (True, "", T + HEURISTIC_CAP),
        (False, "max-age=600", T + 600),
        (True, "max-age=5", T + 5),
        (True, "no-store", T),
        (True, "no-cache", T),
    ],
)
def test_redirects(permanent: bool, cache_control: str, until: float) -> None:
    assert of(cache_control).redirect_until(permanent) == until
