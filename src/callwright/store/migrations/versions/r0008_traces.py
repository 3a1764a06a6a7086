"""Transcriptions."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Applies this revision."""
    moment = sa.Text().with_variant(sa.DateTime(timezone=True), "postgresql")
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
