"""Calls, recordings, call events, callbacks."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def _text(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text()) for name in names]


def _moments(*names: str) -> list[sa.Column[str]]:
    moment = sa.Text().with_variant(sa.DateTime(timezone=True), "postgresql")
    return [sa.Column(name, moment) for name in names]


def _integers(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.Integer()) for name in names]


def _strings(length: int, *names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.String(length)) for name in names]


def _partial(name: str, table: str, columns: list[str], condition: str) -> None:
    where = sa.text(condition)
    op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)


def _calls() -> None:
    op.create_table(
        "calls",
        sa.Column("sid", sa.String(34), primary_key=True),
        *_strings(34, "account_sid", "parent_call_sid"),
        *_moments("date_created", "date_updated"),
        *_text("to", "from"),
        *_strings(34, "phone_number_sid", "application_sid"),
        *_strings(16, "status"),
        *_moments("start_time", "end_time"),
        *_integers("duration"),
        *_strings(24, "direction", "answered_by"),
        *_text("forwarded_from", "caller_name"),
        *_integers("queue_time"),
        *_text("trunk", "sip_call_id"),
        *_integers("sip_code", "error_code"),
        sa.Column("statistics", sa.JSON()),
        *_strings(16, "outcome"),
        sa.Column("status_callback", sa.JSON()),
    )
    op.create_index("calls_newest", "calls", ["account_sid", "date_created", "sid"])
    op.create_index("calls_to", "calls", ["to", "date_created"])
    op.create_index("calls_from", "calls", ["from", "date_created"])
    _partial("calls_parent", "calls", ["parent_call_sid"], "parent_call_sid IS NOT NULL")
    _partial("calls_live", "calls", ["account_sid", "date_created", "sid"], "end_time IS NULL")


def _recordings() -> None:
    op.create_table(
        "recordings",
        sa.Column("sid", sa.String(34), primary_key=True),
        *_strings(34, "account_sid", "call_sid", "conference_sid"),
        *_moments("date_created", "date_updated", "start_time"),
        *_integers("duration", "channels"),
        *_strings(32, "source"),
        *_strings(8, "track"),
        *_strings(16, "status"),
        *_integers("error_code"),
        *_text("path"),
        sa.Column("deleted", sa.Boolean()),
    )
    op.create_index("recordings_newest", "recordings", ["account_sid", "date_created", "sid"])
    op.create_index("recordings_call", "recordings", ["call_sid"])
    _partial("recordings_open", "recordings", ["status"], "duration IS NULL")


def upgrade() -> None:
    """Applies this revision."""
    _calls()
    _recordings()
    op.create_table(
        "call_events",
        sa.Column("call_sid", sa.String(34), primary_key=True),
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("steps", sa.JSON()),
    )
    op.create_table(
        "callbacks",
        sa.Column("id", sa.String(64), primary_key=True),
        *_strings(34, "account_sid", "call_sid"),
        *_strings(32, "kind"),
        *_text("url"),
        *_strings(4, "method"),
        sa.Column("params", sa.JSON()),
        *_strings(64, "token"),
        *_integers("attempt"),
        *_moments("next_at", "created_at"),
        *_strings(16, "state"),
        *_text("error"),
    )
    op.create_index("callbacks_due", "callbacks", ["state", "next_at"])
    op.create_table("meta", sa.Column("name", sa.String(32), primary_key=True), *_moments("at"))
