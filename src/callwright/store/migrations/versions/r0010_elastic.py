"""The elastic trunk that a call is of, and what was found of its caller's signature."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Applies this revision."""
    op.add_column("calls", sa.Column("trunk_sid", sa.String(34)))
    op.add_column("calls", sa.Column("verstat", sa.String(32)))
