from datetime import UTC, datetime, timedelta

import pytest

from callwright import ids
from callwright.api.forms import Form
from callwright.api.paging import Place, between, span
from callwright.errors import RestError

MOMENT = datetime(2026, 1, 31, 10, 0, 0, 123456, tzinfo=UTC)


def test_tokens_name_a_place_to_the_microsecond() -> None:
    for after in (True, False):
        place = Place(ids.new(ids.CALL), MOMENT, after)
        assert Place.read(place.token()) == place
        assert place.token().isalnum()


@pytest.mark.parametrize("token", ["", "PA", "PX" + "CA" + "0" * 33, "PACA" + "0" * 32, "PACA" + "g" * 33])
def test_refuses_other_tokens(token: str) -> None:
    with pytest.raises(RestError) as refused:
        Place.read(token)
    assert refused.value.code == 21481


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("2026-01-31", timedelta(days=1)),
        ("2026-01-31T00:00:00Z", timedelta(seconds=1)),
        ("2026-01-31T00:00:00.7Z", timedelta(seconds=1)),
        ("2026-01-31 00:00:00", timedelta(seconds=1)),
        ("2026-01-31T02:00:00+02:00", timedelta(seconds=1)),
    ],
)
def test_spans(text: str, length: timedelta) -> None:
    begun = datetime(2026, 1, 31, tzinfo=UTC)
    assert span(text, "StartTime") == (begun, begun + length)


@pytest.mark.parametrize("text", ["x", "2026-02-30", "9999-12-31", "0001-01-01T00:00:00+10:00"])
def test_refuses_dates(text: str) -> None:
    with pytest.raises(RestError) as refused:
        span(text, "StartTime")
    assert refused.value.code == 20422


def test_bounds() -> None:
    day = datetime(2026, 1, 31, tzinfo=UTC)
    beyond = day + timedelta(days=1)
    assert between(Form(), "T") == (None, None)
    assert between(Form([("T", "2026-01-31")]), "T") == (day, beyond)
    assert between(Form([("T>", "2026-01-31")]), "T") == (day, None)
    assert between(Form([("T<", "2026-01-31")]), "T") == (None, beyond)
    assert between(Form([("T>", "2026-01-30"), ("T", "2026-01-31"), ("T<", "2026-02-02")]), "T") == (day, beyond)
