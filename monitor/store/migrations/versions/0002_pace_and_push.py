"""What feeds say and show about their pace, gaps and hubs; subscriptions and pushes (WebSub).

What feeds are known to show has a new form that an older program does not read, so from here on it may not open the database.
The old form cannot be turned into the new one: it is dropped together with what would keep the next poll from reading the whole
document (validators, hash of the body). Nothing is told twice for it: reports are recognised by their keys.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

MIN_PROGRAM_SCHEMA = "2"

SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the columns and tables."""
    _feeds()
    _push()
    op.execute(
        sa.text("UPDATE meta SET value = :it WHERE name = 'min_program_schema'").bindparams(it=MIN_PROGRAM_SCHEMA)
    )


def _feeds() -> None:
    op.execute(
        sa.text(
            "UPDATE feeds SET validators_url = NULL, etag = NULL, last_modified = NULL, body_hash = NULL, known = NULL"
        )
    )
    op.drop_column("feeds", "known")
    for column in (
        sa.Column("ttl", sa.BigInteger()),
        sa.Column("period", sa.BigInteger()),
        sa.Column("skips", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("interval", sa.BigInteger()),
        sa.Column("rhythm", sa.BigInteger()),
        sa.Column("gaps", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("gap_at", sa.BigInteger()),
        sa.Column("gap", sa.Text()),
        sa.Column("archive", sa.Text()),
        sa.Column("hub", sa.Text()),
        sa.Column("topic", sa.Text()),
        sa.Column("pushed", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("known", sa.LargeBinary()),
    ):
        op.add_column("feeds", column)


def _push() -> None:
    op.create_table(
        "subscriptions",
        sa.Column("token", sa.Text(), primary_key=True),
        sa.Column("feed_id", sa.Text(), nullable=False),
        sa.Column("hub", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("secret", sa.Text()),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.BigInteger()),
        sa.Column("verified_at", sa.BigInteger()),
        sa.Column("lease_until", sa.BigInteger()),
        sa.Column("last_push_at", sa.BigInteger()),
        sa.Column("pushes", sa.Integer(), nullable=False),
        sa.Column("rejected", sa.Integer(), nullable=False),
        sa.Column("note", sa.Text()),
    )
    op.create_index("subscriptions_feed", "subscriptions", ["feed_id", "asked_at"])
    op.create_table(
        "pushes",
        sa.Column("seq", SERIAL, primary_key=True),
        sa.Column("feed_id", sa.Text(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("content_type", sa.Text()),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sqlite_autoincrement=True,
    )
