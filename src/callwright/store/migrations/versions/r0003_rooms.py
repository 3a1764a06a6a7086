"""Conferences and queues."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def _moments(*names: str) -> list[sa.Column[str]]:
    moment = sa.Text().with_variant(sa.DateTime(timezone=True), "postgresql")
    return [sa.Column(name, moment) for name in names]


def _partial(name: str, table: str, columns: list[str], condition: str) -> None:
    where = sa.text(condition)
    op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)


def upgrade() -> None:
    """Applies this revision."""
    op.create_table(
        "conferences",
        sa.Column("sid", sa.String(34), primary_key=True),
        sa.Column("account_sid", sa.String(34)),
        sa.Column("friendly_name", sa.Text()),
        *_moments("date_created", "date_updated"),
        sa.Column("region", sa.String(8)),
        sa.Column("status", sa.String(16)),
        sa.Column("reason_conference_ended", sa.String(64)),
        sa.Column("call_sid_ending_conference", sa.String(34)),
        sa.Column("status_callback", sa.JSON()),
    )
    op.create_index("conferences_newest", "conferences", ["account_sid", "date_created", "sid"])
    _partial("conferences_live", "conferences", ["status"], "status != 'completed'")
    op.create_table(
        "queues",
        sa.Column("sid", sa.String(34), primary_key=True),
        sa.Column("account_sid", sa.String(34)),
        sa.Column("friendly_name", sa.Text()),
        *_moments("date_created", "date_updated"),
        sa.Column("max_size", sa.Integer()),
    )
    op.create_index("queues_newest", "queues", ["account_sid", "date_created", "sid"])
    _partial("recordings_conference", "recordings", ["conference_sid"], "conference_sid IS NOT NULL")
