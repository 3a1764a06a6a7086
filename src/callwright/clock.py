"""The one place that reads the wall clock, so that tests can patch it. Durations use the event loop's time instead."""

from datetime import UTC, datetime

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def now() -> datetime:
    """The present moment, aware, UTC."""
    return datetime.now(UTC)


def rfc2822(moment: datetime) -> str:
    """`Fri, 18 Oct 2019 17:00:00 +0000`: the date form of the 2010-04-01 API (call-control reference §3.1).

    Written out because a page of calls formats two hundred of them and the standard library takes ten times as long.
    """
    m = moment.astimezone(UTC)
    day, month = DAYS[m.weekday()], MONTHS[m.month - 1]
    return f"{day}, {m.day:02} {month} {m.year} {m.hour:02}:{m.minute:02}:{m.second:02} +0000"
