"""What a report is about, and how strongly a watch wants it.

An older program does not know the columns; what it writes is about nothing and has no score. It may still open the database.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the columns."""
    op.add_column("reports", sa.Column("named", sa.Text(), nullable=False, server_default="[]"))
    op.add_column("listings", sa.Column("score", sa.Double(), nullable=False, server_default="0"))
