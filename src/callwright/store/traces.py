"""What is left beside calls: transcriptions, messages, participations in conferences, changes of resources."""

from sqlalchemy import JSON, Boolean, Column, Index, Integer, String, Table, Text

from callwright.store.tables import Moment, metadata

transcriptions = Table(
    "transcriptions",
    metadata,
    Column("sid", String(34), primary_key=True, nullable=False),
    Column("account_sid", String(34), nullable=True),
    Column("recording_sid", String(34), nullable=True),
    Column("call_sid", String(34), nullable=True),
    Column("date_created", Moment(), nullable=True),
    Column("date_updated", Moment(), nullable=True),
    Column("status", String(16), nullable=True),
    Column("duration", Integer(), nullable=True),
    Column("text", Text(), nullable=True),
    Column("callback", JSON(none_as_null=True), nullable=True),
)
"""One row a transcription (call-control reference §3.3). `duration`: of its recording, seconds.

`callback` is where its end is posted: {"url", "method", "params"}; one that a crash cut off has it from there.
"""

Index("transcriptions_newest", transcriptions.c.account_sid, transcriptions.c.date_created, transcriptions.c.sid)
Index("transcriptions_recording", transcriptions.c.recording_sid)
_OPEN = transcriptions.c.status == "in-progress"
Index("transcriptions_open", transcriptions.c.status, sqlite_where=_OPEN, postgresql_where=_OPEN)

messages = Table(
    "messages",
    metadata,
    Column("sid", String(34), primary_key=True, nullable=False),
    Column("account_sid", String(34), nullable=True),
    Column("call_sid", String(34), nullable=True),
    Column("date_created", Moment(), nullable=True),
    Column("date_updated", Moment(), nullable=True),
    Column("date_sent", Moment(), nullable=True),
    Column("from", Text(), nullable=True),
    Column("to", Text(), nullable=True),
    Column("body", Text(), nullable=True),
    Column("media", JSON(none_as_null=True), nullable=True),
    Column("direction", String(24), nullable=True),
    Column("status", String(16), nullable=True),
    Column("error_code", Integer(), nullable=True),
    Column("error_message", Text(), nullable=True),
    Column("callback", JSON(none_as_null=True), nullable=True),
)
"""One row a text message (call-control reference §3.13). `call_sid`: whose document sent it. `media`: URLs.

`callback`: {"url", "method"}: who is told how one to a SIP URI ended; of others the gateway knows.
"""

Index("messages_newest", messages.c.account_sid, messages.c.date_created, messages.c.sid)

participations = Table(
    "participations",
    metadata,
    Column("sid", String(34), primary_key=True, nullable=False),
    Column("account_sid", String(34), nullable=True),
    Column("conference_sid", String(34), nullable=True),
    Column("call_sid", String(34), nullable=True),
    Column("label", Text(), nullable=True),
    Column("date_created", Moment(), nullable=True),
    Column("leave_time", Moment(), nullable=True),
    Column("duration", Integer(), nullable=True),
    Column("moderator", Boolean(), nullable=True),
    Column("coached", JSON(none_as_null=True), nullable=True),
    Column("properties", JSON(none_as_null=True), nullable=True),
    Column("events", JSON(none_as_null=True), nullable=True),
)
"""One row a call that was in a conference, from when it joined (`date_created`) until it left (reference §3.18).

`duration`: seconds. `coached`: CallSids. `events`: [[name, seconds since 1970], ...].
"""

Index(
    "participations_newest",
    participations.c.conference_sid,
    participations.c.date_created,
    participations.c.sid,
)
Index("participations_account", participations.c.account_sid, participations.c.date_created)

changes = Table(
    "changes",
    metadata,
    Column("sid", String(34), primary_key=True, nullable=False),
    Column("account_sid", String(34), nullable=True),
    Column("date_created", Moment(), nullable=True),
    Column("event_type", String(64), nullable=True),
    Column("resource_type", String(48), nullable=True),
    Column("resource_sid", String(34), nullable=True),
    Column("actor_sid", String(34), nullable=True),
    Column("actor_type", String(16), nullable=True),
    Column("source_ip_address", String(64), nullable=True),
    Column("data", JSON(none_as_null=True), nullable=True),
)
"""One row a change of a stored resource by a request (monitor v1 events, call-control reference §3.16)."""

Index("changes_newest", changes.c.account_sid, changes.c.date_created, changes.c.sid)
