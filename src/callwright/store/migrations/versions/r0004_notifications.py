"""Notifications."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

TEXTS = ("request_url", "request_variables", "request_headers", "response_headers", "response_body")


def upgrade() -> None:
    """Applies this revision."""
    op.create_table(
        "notifications",
        sa.Column("sid", sa.String(34), primary_key=True),
        sa.Column("account_sid", sa.String(34)),
        sa.Column("call_sid", sa.String(34)),
        sa.Column("date_created", sa.Text().with_variant(sa.DateTime(timezone=True), "postgresql")),
        sa.Column("level", sa.String(8)),
        sa.Column("error_code", sa.Integer()),
        sa.Column("text", sa.Text()),
        sa.Column("request_method", sa.String(4)),
        *(sa.Column(name, sa.Text()) for name in TEXTS),
    )
    op.create_index("notifications_newest", "notifications", ["account_sid", "date_created", "sid"])
    op.create_index("notifications_call", "notifications", ["call_sid"])
    op.create_index("notifications_oldest", "notifications", ["date_created"])
