"""The one place that reads the wall clock, so that tests can patch it. Durations use the event loop's time instead."""

from datetime import UTC, datetime
from email.utils import format_datetime


def now() -> datetime:
    """The present moment, aware, UTC."""
    return datetime.now(UTC)


def rfc2822(moment: datetime) -> str:
    """`Fri, 18 Oct 2019 17:00:00 +0000`: the date form of the 2010-04-01 API (call-control reference §3.1)."""
    return format_datetime(moment.astimezone(UTC))
