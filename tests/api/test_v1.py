from datetime import UTC, datetime, timedelta, timezone

from callwright.api.v1 import date


def test_dates_have_no_fraction_and_are_utc() -> None:
    moment = datetime(2026, 1, 31, 11, 0, 0, 999999, tzinfo=timezone(timedelta(hours=1)))
    assert date(moment) == "2026-01-31T10:00:00Z" == date(datetime(2026, 1, 31, 10, tzinfo=UTC))
    assert date(None) is None
