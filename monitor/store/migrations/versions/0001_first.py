"""The first schema. Later migrations change it; this file stays as it is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

MIN_PROGRAM_SCHEMA = "1"

SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create all tables, and the triggers that keep the audit log append-only."""
    _tables()
    op.execute(
        sa.text("INSERT INTO meta (name, value) VALUES ('min_program_schema', :it)").bindparams(it=MIN_PROGRAM_SCHEMA)
    )
    for statement in _TRIGGERS[op.get_bind().dialect.name]:
        op.execute(statement)


_REFUSAL = "the audit log is append-only"

_POSTGRES_FUNCTION = f"""
CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql
AS $$ BEGIN RAISE EXCEPTION '{_REFUSAL}'; END $$
"""
_POSTGRES_TRIGGER = """
CREATE TRIGGER audit_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()
"""
_TRIGGERS = {
    "sqlite": [
        f"CREATE TRIGGER audit_no_{change.lower()} BEFORE {change} ON audit BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
        for change in ("UPDATE", "DELETE")
    ],
    "postgresql": [_POSTGRES_FUNCTION, _POSTGRES_TRIGGER],
}


def _tables() -> None:
    op.create_table(
        "alerts",
        sa.Column("seq", SERIAL, primary_key=True),
        sa.Column("id", sa.Text(), nullable=False, unique=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("situation", sa.Text(), nullable=False),
        sa.Column("route", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("report_id", sa.Text()),
        sa.Column("story_id", sa.Text()),
        sa.Column("test", sa.Boolean(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("alerts_at", "alerts", ["at"])
    op.create_index("alerts_report", "alerts", ["report_id"])
    op.create_index("alerts_story", "alerts", ["story_id", "route"])
    op.create_table(
        "audit",
        sa.Column("seq", SERIAL, primary_key=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("audit_kind", "audit", ["kind", "seq"])
    op.create_table(
        "cron",
        sa.Column("name", sa.Text(), primary_key=True),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "documents",
        sa.Column("id", SERIAL, primary_key=True),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("fetched_at", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("content_type", sa.Text()),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "endpoints",
        sa.Column("channel", sa.Text(), primary_key=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failing_since", sa.BigInteger()),
        sa.Column("paused_until", sa.BigInteger()),
        sa.Column("open", sa.Boolean(), nullable=False),
        sa.Column("gone", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("last_success_at", sa.BigInteger()),
    )
    op.create_table(
        "feeds",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("situation", sa.Text(), nullable=False),
        sa.Column("configured", sa.Boolean(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("pace", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("wake_at", sa.BigInteger(), nullable=False),
        sa.Column("lease", sa.Text()),
        sa.Column("validators_url", sa.Text()),
        sa.Column("etag", sa.Text()),
        sa.Column("last_modified", sa.Text()),
        sa.Column("filled", sa.Boolean(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failure", sa.Text()),
        sa.Column("failing_since", sa.BigInteger()),
        sa.Column("last_attempt_at", sa.BigInteger()),
        sa.Column("last_success_at", sa.BigInteger()),
        sa.Column("last_entry_at", sa.BigInteger()),
        sa.Column("audited_at", sa.BigInteger()),
        sa.Column("moved_to", sa.Text()),
        sa.Column("moved_since", sa.BigInteger()),
        sa.Column("moved_count", sa.Integer(), nullable=False),
        sa.Column("warning", sa.Text()),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("body_hash", sa.LargeBinary()),
        sa.Column("known", sa.LargeBinary()),
    )
    op.create_index("feeds_due", "feeds", ["situation", "enabled", "wake_at", "id"])
    op.create_table(
        "figures",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("story_id", sa.Text(), nullable=False),
        sa.Column("report_id", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("who", sa.Text()),
        sa.Column("scope", sa.Text()),
        sa.Column("op", sa.Text(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("by", sa.Text()),
        sa.Column("as_of", sa.BigInteger()),
        sa.Column("said_at", sa.BigInteger(), nullable=False),
    )
    op.create_index("figures_story", "figures", ["story_id"])
    op.create_table(
        "flags",
        sa.Column("name", sa.Text(), primary_key=True),
        sa.Column("value", sa.Text(), nullable=False),
    )
    op.create_table(
        "meta",
        sa.Column("name", sa.Text(), primary_key=True),
        sa.Column("value", sa.Text(), nullable=False),
    )
    op.create_table(
        "reports",
        sa.Column("seq", SERIAL, primary_key=True),
        sa.Column("id", sa.Text(), nullable=False, unique=True),
        sa.Column("situation", sa.Text(), nullable=False),
        sa.Column("feed_id", sa.Text(), nullable=False),
        sa.Column("outlet", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("grade", sa.Text()),
        sa.Column("link", sa.Text()),
        sa.Column("author", sa.Text()),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("published", sa.BigInteger()),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("story_id", sa.Text()),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("reports_order", "reports", ["situation", "seq"])
    op.create_index("reports_seen", "reports", ["situation", "seen_at"])
    op.create_index("reports_story", "reports", ["story_id", "seq"])
    op.create_table(
        "situations",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("decisions", sa.BigInteger(), nullable=False),
        sa.Column("watches_synced", sa.Boolean(), nullable=False),
    )
    op.create_table(
        "stories",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("situation", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("reports", sa.Integer(), nullable=False),
        sa.Column("sources", sa.Integer(), nullable=False),
    )
    op.create_index("stories_updated", "stories", ["situation", "updated_at"])
    op.create_table(
        "tombstones",
        sa.Column("situation", sa.Text(), primary_key=True),
        sa.Column("key", sa.Text(), primary_key=True),
    )
    op.create_table(
        "watches",
        sa.Column("situation", sa.Text(), primary_key=True),
        sa.Column("name", sa.Text(), primary_key=True),
        sa.Column("recipe", sa.Text(), nullable=False),
    )
    op.create_table(
        "deliveries",
        sa.Column("seq", SERIAL, primary_key=True),
        sa.Column("id", sa.Text(), nullable=False, unique=True),
        sa.Column("alert_id", sa.Text(), sa.ForeignKey("alerts.id"), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("wake_at", sa.BigInteger()),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("lease", sa.Text()),
        sa.Column("claims", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("finished_at", sa.BigInteger()),
        sa.Column("remote_ref", sa.Text()),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.UniqueConstraint("alert_id", "channel", "recipient", name="deliveries_once"),
        sqlite_autoincrement=True,
    )
    op.create_index("deliveries_due", "deliveries", ["channel", "wake_at", "seq", "lease"])
    op.create_index("deliveries_state", "deliveries", ["state"])
    op.create_table(
        "intake",
        sa.Column("seq", SERIAL, primary_key=True),
        sa.Column("situation", sa.Text(), nullable=False),
        sa.Column("feed_id", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("baseline", sa.Boolean(), nullable=False),
        sa.Column("covered_from", sa.BigInteger()),
        sa.Column("document_id", SERIAL, sa.ForeignKey("documents.id")),
        sa.Column("aside_at", sa.BigInteger()),
        sa.Column("entry", sa.Text(), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("intake_document", "intake", ["document_id"])
    op.create_index("intake_order", "intake", ["situation", "seq"])
    op.create_table(
        "listings",
        sa.Column("seq", SERIAL, primary_key=True),
        sa.Column("report_id", sa.Text(), sa.ForeignKey("reports.id", ondelete="CASCADE"), nullable=False),
        sa.Column("watch", sa.Text(), nullable=False),
        sa.Column("route", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("disposition", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("alert_id", sa.Text()),
        sa.Column("reasons", sa.Text(), nullable=False),
        sa.UniqueConstraint("report_id", "watch", "route", name="listings_once"),
        sqlite_autoincrement=True,
    )
    op.create_index("listings_alert", "listings", ["alert_id"])
    op.create_index("listings_watch", "listings", ["watch", "seq"])
    op.create_table(
        "report_keys",
        sa.Column("seq", SERIAL, primary_key=True),
        sa.Column("situation", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("report_id", sa.Text(), sa.ForeignKey("reports.id", ondelete="CASCADE"), nullable=False),
        sa.UniqueConstraint("situation", "key", name="report_keys_key"),
    )
    op.create_index("report_keys_report", "report_keys", ["report_id"])
    op.create_table(
        "report_links",
        sa.Column("seq", SERIAL, primary_key=True),
        sa.Column("report_id", sa.Text(), sa.ForeignKey("reports.id", ondelete="CASCADE"), nullable=False),
        sa.Column("feed_id", sa.Text(), nullable=False),
        sa.Column("link", sa.Text(), nullable=False),
        sa.UniqueConstraint("report_id", "feed_id", "link", name="report_links_link"),
    )
    op.create_table(
        "sketches",
        sa.Column("seq", SERIAL, primary_key=True),
        sa.Column("report_id", sa.Text(), sa.ForeignKey("reports.id", ondelete="CASCADE"), nullable=False),
        sa.Column("situation", sa.Text(), nullable=False),
        sa.Column("story_id", sa.Text(), nullable=False),
        sa.Column("outlet", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.UniqueConstraint("report_id", name="sketches_report"),
        sqlite_autoincrement=True,
    )
    op.create_index("sketches_order", "sketches", ["situation", "seq"])
    op.create_table(
        "versions",
        sa.Column("seq", SERIAL, primary_key=True),
        sa.Column("report_id", sa.Text(), sa.ForeignKey("reports.id", ondelete="CASCADE"), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("document_id", SERIAL, sa.ForeignKey("documents.id", ondelete="SET NULL")),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.UniqueConstraint("report_id", "number", name="versions_number"),
    )
    op.create_index("versions_document", "versions", ["document_id"])
    op.create_table(
        "attempts",
        sa.Column("seq", SERIAL, primary_key=True),
        sa.Column("delivery_id", sa.Text(), sa.ForeignKey("deliveries.id"), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("took", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer()),
    )
    op.create_index("attempts_delivery", "attempts", ["delivery_id"])
