"""Subscriptions and publications of SIP phones."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Applies this revision."""
    moment = sa.Text().with_variant(sa.DateTime(timezone=True), "postgresql")
    op.create_table(
        "subscriptions",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("watcher", sa.String(320)),
        sa.Column("resource", sa.String(320)),
        sa.Column("package", sa.String(64)),
        sa.Column("event_id", sa.String(64)),
        sa.Column("call_id", sa.Text()),
        sa.Column("local", sa.Text()),
        sa.Column("remote", sa.Text()),
        sa.Column("uri", sa.Text()),
        sa.Column("routes", sa.JSON()),
        sa.Column("host", sa.Text()),
        sa.Column("port", sa.Integer()),
        sa.Column("transport", sa.String(8)),
        sa.Column("contact", sa.Text()),
        sa.Column("cseq", sa.BigInteger()),
        sa.Column("remote_cseq", sa.BigInteger()),
        sa.Column("expires_at", moment),
        sa.Column("user_agent", sa.Text()),
    )
    op.create_table(
        "publications",
        sa.Column("aor", sa.String(320), primary_key=True),
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("etag", sa.String(32)),
        sa.Column("expires_at", moment),
        sa.Column("document", sa.Text()),
    )
