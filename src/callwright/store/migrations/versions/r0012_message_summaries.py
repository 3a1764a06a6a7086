"""What is published is of an event package: message summaries beside presence."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0010"


def upgrade() -> None:
    """Applies this revision."""
    op.add_column("publications", sa.Column("package", sa.String(64)))
