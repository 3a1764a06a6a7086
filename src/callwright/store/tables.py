"""The tables of records: calls, recordings, steps of calls, conferences, queues, alerts, callbacks, registrations.

Every column but the key may be NULL, so that a staged upsert may carry only what changed. Moments are aware UTC
datetimes on the Python side, durations whole seconds, waits milliseconds.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Boolean, Column, DateTime, Index, Integer, MetaData, String, Table, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine


class Moment(TypeDecorator[datetime]):
    """An aware datetime, kept as UTC: `2026-01-31 10:00:00.123456Z` where the database has no time zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None or dialect.name != "sqlite":
            return value
        return value.astimezone(UTC).isoformat(" ", "microseconds")[:26] + "Z"

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        return datetime.fromisoformat(value) if isinstance(value, str) else value


metadata = MetaData()


def _column(name: str, kind: Any, *, key: bool = False, constant: bool = False) -> Column[Any]:
    info = {"constant": constant}
    return Column(name, kind, primary_key=key, nullable=not key, autoincrement=False, info=info)


def is_constant(column: Column[Any]) -> bool:
    """Whether a column keeps the value that its row was first written with.

    A later upsert may carry it, in case the row is not there yet, but changes neither it nor the indexes that it is in.
    """
    return bool(column.info.get("constant"))


calls = Table(
    "calls",
    metadata,
    _column("sid", String(34), key=True),
    _column("account_sid", String(34), constant=True),
    _column("parent_call_sid", String(34), constant=True),
    _column("date_created", Moment(), constant=True),
    _column("date_updated", Moment()),
    _column("to", Text(), constant=True),
    _column("from", Text(), constant=True),
    _column("phone_number_sid", String(34), constant=True),
    _column("application_sid", String(34)),
    _column("status", String(16)),
    _column("start_time", Moment()),
    _column("end_time", Moment()),
    _column("duration", Integer()),
    _column("direction", String(24), constant=True),
    _column("answered_by", String(24)),
    _column("forwarded_from", Text()),
    _column("caller_name", Text()),
    _column("queue_time", Integer()),
    _column("trunk", Text()),
    _column("trunk_sid", String(34), constant=True),
    _column("verstat", String(32)),
    _column("sip_call_id", Text()),
    _column("sip_code", Integer()),
    _column("error_code", Integer()),
    _column("statistics", JSON(none_as_null=True)),
    _column("outcome", String(16)),
    _column("status_callback", JSON(none_as_null=True)),
)
"""One row a call or leg (call-control reference §3.2). A call is live while `end_time` is NULL.

`trunk` is the name of the [[trunk]] that it came by or is carried by, `trunk_sid` the elastic trunk (TK...) that it is
of. `verstat` is what was found of its caller's signature, or what its carrier says of that. `status_callback` is where
its progress is posted: {"url", "method", "events", "sequence" (of the next one)}; a call that a crash cut off has its
last callback from it.
"""

Index("calls_newest", calls.c.account_sid, calls.c.date_created, calls.c.sid)
Index("calls_to", calls.c.to, calls.c.date_created)
Index("calls_from", calls.c["from"], calls.c.date_created)
_CHILD = calls.c.parent_call_sid.is_not(None)
Index("calls_parent", calls.c.parent_call_sid, sqlite_where=_CHILD, postgresql_where=_CHILD)
_LIVE = calls.c.end_time.is_(None)
Index("calls_live", calls.c.account_sid, calls.c.date_created, calls.c.sid, sqlite_where=_LIVE, postgresql_where=_LIVE)

recordings = Table(
    "recordings",
    metadata,
    _column("sid", String(34), key=True),
    _column("account_sid", String(34)),
    _column("call_sid", String(34)),
    _column("conference_sid", String(34)),
    _column("date_created", Moment()),
    _column("date_updated", Moment()),
    _column("start_time", Moment()),
    _column("duration", Integer()),
    _column("channels", Integer()),
    _column("source", String(32)),
    _column("track", String(8)),
    _column("status", String(16)),
    _column("error_code", Integer()),
    _column("path", Text()),
    _column("deleted", Boolean()),
)
"""One row a recording (call-control reference §3.3). `path` is relative to the recordings' directory."""

Index("recordings_newest", recordings.c.account_sid, recordings.c.date_created, recordings.c.sid)
Index("recordings_call", recordings.c.call_sid)
_OF_CONFERENCE = recordings.c.conference_sid.is_not(None)
Index(
    "recordings_conference",
    recordings.c.conference_sid,
    sqlite_where=_OF_CONFERENCE,
    postgresql_where=_OF_CONFERENCE,
)
_OPEN = recordings.c.duration.is_(None)
Index("recordings_open", recordings.c.status, sqlite_where=_OPEN, postgresql_where=_OPEN)

call_events = Table(
    "call_events",
    metadata,
    _column("call_sid", String(34), key=True),
    _column("number", Integer(), key=True),
    _column("steps", JSON(none_as_null=True)),
)
"""The steps of a call, many a row: `store/steps.py` writes and reads them. `number` is that of a row's first step."""

conferences = Table(
    "conferences",
    metadata,
    _column("sid", String(34), key=True),
    _column("account_sid", String(34)),
    _column("friendly_name", Text()),
    _column("date_created", Moment()),
    _column("date_updated", Moment()),
    _column("region", String(8)),
    _column("status", String(16)),
    _column("reason_conference_ended", String(64)),
    _column("call_sid_ending_conference", String(34)),
    _column("start_time", Moment()),
    _column("end_time", Moment()),
    _column("settings", JSON(none_as_null=True)),
    _column("status_callback", JSON(none_as_null=True)),
)
"""One row a conference (call-control reference §3.4). Who is in it is nowhere but in the daemon.

`status_callback`: as that of a call. `settings`: {"max_participants", "record"}.
"""

Index("conferences_newest", conferences.c.account_sid, conferences.c.date_created, conferences.c.sid)
_UNFINISHED = conferences.c.status != "completed"
Index("conferences_live", conferences.c.status, sqlite_where=_UNFINISHED, postgresql_where=_UNFINISHED)

queues = Table(
    "queues",
    metadata,
    _column("sid", String(34), key=True),
    _column("account_sid", String(34)),
    _column("friendly_name", Text()),
    _column("date_created", Moment()),
    _column("date_updated", Moment()),
    _column("max_size", Integer()),
)
"""One row a queue (call-control reference §3.5). Who waits in it is nowhere but in the daemon."""

Index("queues_newest", queues.c.account_sid, queues.c.date_created, queues.c.sid)

callbacks = Table(
    "callbacks",
    metadata,
    _column("id", String(64), key=True),
    _column("account_sid", String(34)),
    _column("call_sid", String(34)),
    _column("kind", String(32)),
    _column("url", Text()),
    _column("method", String(4)),
    _column("params", JSON(none_as_null=True)),
    _column("token", String(64)),
    _column("attempt", Integer()),
    _column("next_at", Moment()),
    _column("created_at", Moment()),
    _column("state", String(16)),
    _column("error", Text()),
    _column("subject", String(34)),
)
"""Callbacks that are not delivered yet (`pending`) or never will be (`given_up`); a delivered one's row is deleted.

`subject`: SID of what waits to hear whether it was delivered; NULL for nothing.
"""

Index("callbacks_due", callbacks.c.state, callbacks.c.next_at)

notifications = Table(
    "notifications",
    metadata,
    _column("sid", String(34), key=True),
    _column("account_sid", String(34)),
    _column("call_sid", String(34)),
    _column("date_created", Moment()),
    _column("level", String(8)),
    _column("error_code", Integer()),
    _column("text", Text()),
    _column("request_method", String(4)),
    _column("request_url", Text()),
    _column("request_variables", Text()),
    _column("request_headers", Text()),
    _column("response_headers", Text()),
    _column("response_body", Text()),
)
"""What went wrong (call-control reference §3.10, §3.16). `level` is error or warning."""

Index("notifications_newest", notifications.c.account_sid, notifications.c.date_created, notifications.c.sid)
Index("notifications_call", notifications.c.call_sid)
Index("notifications_oldest", notifications.c.date_created)
bindings = Table(
    "bindings",
    metadata,
    _column("aor", String(320), key=True),
    _column("id", String(32), key=True),
    _column("uri", Text()),
    _column("call_id", Text()),
    _column("cseq", BigInteger()),
    _column("expires_at", Moment()),
    _column("host", Text()),
    _column("port", Integer()),
    _column("transport", String(8)),
    _column("q", String(8)),
    _column("instance", Text()),
    _column("reg_id", Integer()),
    _column("user_agent", Text()),
    _column("path", JSON(none_as_null=True)),
)
"""Where users' phones are: `sip/binding.py` writes and reads the rows. An expired one's row is deleted."""

subscriptions = Table(
    "subscriptions",
    metadata,
    _column("id", String(32), key=True),
    _column("watcher", String(320)),
    _column("resource", String(320)),
    _column("package", String(64)),
    _column("event_id", String(64)),
    _column("call_id", Text()),
    _column("local", Text()),
    _column("remote", Text()),
    _column("uri", Text()),
    _column("routes", JSON(none_as_null=True)),
    _column("host", Text()),
    _column("port", Integer()),
    _column("transport", String(8)),
    _column("contact", Text()),
    _column("cseq", BigInteger()),
    _column("remote_cseq", BigInteger()),
    _column("expires_at", Moment()),
    _column("user_agent", Text()),
)
"""Who watches whom: `sip/events/subscription.py` writes and reads the rows. An ended one's row is deleted."""

publications = Table(
    "publications",
    metadata,
    _column("aor", String(320), key=True),
    _column("id", String(32), key=True),
    _column("etag", String(32)),
    _column("expires_at", Moment()),
    _column("document", Text()),
    _column("package", String(64)),
)
"""What is published of users and mailboxes: `sip/events/publication.py` writes and reads the rows. `package` is that of
the event, NULL for presence; what nobody has to refresh expires at the end of time."""

meta = Table(
    "meta",
    metadata,
    _column("name", String(32), key=True),
    _column("at", Moment()),
)
"""Moments of the daemon itself: `alive` is when it last was known to run."""
