"""Stored resources, and answers to requests with an idempotency key."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Applies this revision."""
    moment = sa.Text().with_variant(sa.DateTime(timezone=True), "postgresql")
    op.create_table(
        "resources",
        sa.Column("sid", sa.String(34), primary_key=True),
        sa.Column("kind", sa.String(48)),
        sa.Column("account_sid", sa.String(34)),
        sa.Column("parent_sid", sa.String(34)),
        sa.Column("date_created", moment),
        sa.Column("date_updated", moment),
        sa.Column("fields", sa.JSON()),
    )
    op.create_index("resources_kind", "resources", ["kind", "account_sid"])
    op.create_table(
        "answers",
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("request", sa.String(64)),
        sa.Column("status", sa.Integer()),
        sa.Column("kind", sa.String(64)),
        sa.Column("body", sa.Text()),
        sa.Column("at", moment),
    )
    op.create_index("answers_old", "answers", ["at"])
