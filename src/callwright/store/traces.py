"""What is left of calls beside their records: transcriptions of recordings."""

from sqlalchemy import JSON, Column, Index, Integer, String, Table, Text

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
