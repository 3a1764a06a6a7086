"""Transcriptions, messages, participations in conferences, changes of resources; when a conference began and ended."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Applies this revision."""
    moment = sa.Text().with_variant(sa.DateTime(timezone=True), "postgresql")
    _transcriptions(moment)
    _participations(moment)
    _messages(moment)
    op.create_table(
        "changes",
        sa.Column("sid", sa.String(34), primary_key=True),
        sa.Column("account_sid", sa.String(34)),
        sa.Column("date_created", moment),
        sa.Column("event_type", sa.String(64)),
        sa.Column("resource_type", sa.String(48)),
        sa.Column("resource_sid", sa.String(34)),
        sa.Column("actor_sid", sa.String(34)),
        sa.Column("actor_type", sa.String(16)),
        sa.Column("source_ip_address", sa.String(64)),
        sa.Column("data", sa.JSON()),
    )
    op.create_index("changes_newest", "changes", ["account_sid", "date_created", "sid"])
    for name, kind in (("start_time", moment), ("end_time", moment), ("settings", sa.JSON())):
        op.add_column("conferences", sa.Column(name, kind))


def _transcriptions(moment: sa.Text) -> None:
    op.create_table(
        "transcriptions",
        sa.Column("sid", sa.String(34), primary_key=True),
        sa.Column("account_sid", sa.String(34)),
        sa.Column("recording_sid", sa.String(34)),
        sa.Column("call_sid", sa.String(34)),
        sa.Column("date_created", moment),
        sa.Column("date_updated", moment),
        sa.Column("status", sa.String(16)),
        sa.Column("duration", sa.Integer()),
        sa.Column("text", sa.Text()),
        sa.Column("callback", sa.JSON()),
    )
    op.create_index("transcriptions_newest", "transcriptions", ["account_sid", "date_created", "sid"])
    op.create_index("transcriptions_recording", "transcriptions", ["recording_sid"])
    still = sa.text("status = 'in-progress'")
    op.create_index("transcriptions_open", "transcriptions", ["status"], sqlite_where=still, postgresql_where=still)


def _participations(moment: sa.Text) -> None:
    op.create_table(
        "participations",
        sa.Column("sid", sa.String(34), primary_key=True),
        sa.Column("account_sid", sa.String(34)),
        sa.Column("conference_sid", sa.String(34)),
        sa.Column("call_sid", sa.String(34)),
        sa.Column("label", sa.Text()),
        sa.Column("date_created", moment),
        sa.Column("leave_time", moment),
        sa.Column("duration", sa.Integer()),
        sa.Column("moderator", sa.Boolean()),
        sa.Column("coached", sa.JSON()),
        sa.Column("properties", sa.JSON()),
        sa.Column("events", sa.JSON()),
    )
    op.create_index("participations_newest", "participations", ["conference_sid", "date_created", "sid"])
    op.create_index("participations_account", "participations", ["account_sid", "date_created"])


def _messages(moment: sa.Text) -> None:
    op.create_table(
        "messages",
        sa.Column("sid", sa.String(34), primary_key=True),
        sa.Column("account_sid", sa.String(34)),
        sa.Column("call_sid", sa.String(34)),
        sa.Column("date_created", moment),
        sa.Column("date_updated", moment),
        sa.Column("date_sent", moment),
        sa.Column("from", sa.Text()),
        sa.Column("to", sa.Text()),
        sa.Column("body", sa.Text()),
        sa.Column("media", sa.JSON()),
        sa.Column("direction", sa.String(24)),
        sa.Column("status", sa.String(16)),
        sa.Column("error_code", sa.Integer()),
        sa.Column("error_message", sa.Text()),
        sa.Column("callback", sa.JSON()),
    )
    op.create_index("messages_newest", "messages", ["account_sid", "date_created", "sid"])
    op.add_column("callbacks", sa.Column("subject", sa.String(34)))
