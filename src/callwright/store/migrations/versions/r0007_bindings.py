"""Registrations of SIP phones."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0004"


def upgrade() -> None:
    """Applies this revision."""
    moment = sa.Text().with_variant(sa.DateTime(timezone=True), "postgresql")
    op.create_table(
        "bindings",
        sa.Column("aor", sa.String(320), primary_key=True),
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("uri", sa.Text()),
        sa.Column("call_id", sa.Text()),
        sa.Column("cseq", sa.BigInteger()),
        sa.Column("expires_at", moment),
        sa.Column("host", sa.Text()),
        sa.Column("port", sa.Integer()),
        sa.Column("transport", sa.String(8)),
        sa.Column("q", sa.String(8)),
        sa.Column("instance", sa.Text()),
        sa.Column("reg_id", sa.Integer()),
        sa.Column("user_agent", sa.Text()),
        sa.Column("path", sa.JSON()),
    )
