"""Dates as the API writes them."""

from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime

from hypothesis import given
from hypothesis import strategies as st

from callwright import clock


@given(st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2199, 1, 1)))
def test_rfc2822_is_the_standard_form(moment: datetime) -> None:
    aware = moment.replace(tzinfo=UTC)
    assert clock.rfc2822(aware) == format_datetime(aware)


def test_other_zones_become_utc() -> None:
    moment = datetime(2026, 1, 1, 1, 0, tzinfo=timezone(timedelta(hours=2)))
    assert clock.rfc2822(moment) == "Wed, 31 Dec 2025 23:00:00 +0000"
