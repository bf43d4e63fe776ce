"""How long the last answer may be used: what a 304 without a word about it leaves in force (RFC 9111 section 4.3.4).

An older program does not know the column and works on as before: it may still open the database.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the column."""
    op.add_column("feeds", sa.Column("max_age", sa.BigInteger()))
