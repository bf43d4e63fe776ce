"""A database of each earlier schema, with data in it, is brought up to date and works."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.pool import NullPool
from support.postgres import NoServer
from support.postgres import text as full_url
from support.stores import databases_fixture  # noqa: F401 - fixture
from support.values import HOUR, KZ, MINUTE, NOW, alert, decision, delivery, entry, feed, new, polled, report

from monitor.errors import StoreError
from monitor.model import PollFailure
from monitor.store import SqlStore, codec, open_store
from monitor.store.migrating import MIGRATIONS
from monitor.store.schema import microseconds

LEASE = timedelta(seconds=60)

FAILURE = '{"kind":"dns","reason":"no such host"}'
FIRST_ROWS = (
    "INSERT INTO situations (id, decisions, watches_synced) VALUES ('kazakhstan', 7, true)",
    """INSERT INTO feeds (id, situation, configured, enabled, url, address, pace, due_at, wake_at, lease, validators_url, etag,
         last_modified, filled, failures, failure, last_attempt_at, last_success_at, last_entry_at, moved_count, warning, entries,
         body_hash, known)
       VALUES ('tengri', 'kazakhstan', true, true, 'https://tengri.example/rss', '//tengri.example/rss', 300000000, :now, :later,
         'lease', 'https://tengri.example/rss', '"1"', 'Wed', true, 2, :failure, :now, :now, :now, 1, 'warned', 30, :hash, :known)""",
    "INSERT INTO documents (id, url, fetched_at, status, sha256, body) VALUES (4, 'u', :now, 200, 'x', :hash)",
    """INSERT INTO reports (id, situation, feed_id, outlet, source, language, seen_at, version, title, text)
       VALUES ('r1', 'kazakhstan', 'tengri', 'tengri', 'Tengri', 'ru', :now, 1, 'Протест', 'В Алматы')""",
    "INSERT INTO report_keys (situation, key, report_id) VALUES ('kazakhstan', 'key-1', 'r1')",
    """INSERT INTO intake (situation, feed_id, seen_at, baseline, document_id, entry)
       VALUES ('kazakhstan', 'tengri', :now, false, 4, :entry)""",
    """INSERT INTO alerts (id, kind, situation, route, at, report_id, test, content)
       VALUES ('a0', 'story', 'kazakhstan', 'desk', :now, 'r1', false, :alert)""",
    """INSERT INTO listings (report_id, watch, route, version, disposition, at, reasons)
       VALUES ('r1', 'unrest', 'desk', 1, 'alerted', :now, '[]')""",
    """INSERT INTO deliveries (id, alert_id, channel, recipient, due_at, wake_at, created_at, state, claims, failures, payload)
       VALUES ('d0', 'a0', 'mail', 'x', :now, :now, :now, 'pending', 0, 0, :hash)""",
)


def given() -> dict[str, object]:
    return {
        "now": microseconds(NOW),
        "later": microseconds(NOW + LEASE),
        "failure": FAILURE,
        "hash": b"hash",
        "known": bytes(4) + b"12345678" * 3,
        "entry": codec.to_json(entry(1)),
        "alert": codec.to_json(alert("a0")),
    }


def create(connection: Connection, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


@pytest.fixture(params=["file", "postgresql"])
def first(request, tmp_path, databases) -> Iterator[str]:
    """A database of the first schema that was used: a feed being polled, a report, and work that waits."""
    try:
        urls = [f"sqlite:///{tmp_path}/monitor.db"] if request.param == "file" else map(full_url, databases.fresh())
        for url in urls:
            engine = create_engine(url, poolclass=NullPool)
            with engine.begin() as connection:
                create(connection, "0001")
                for statement in FIRST_ROWS:
                    names = {name: value for name, value in given().items() if f":{name}" in statement}
                    connection.execute(text(statement), names)
            engine.dispose()
            yield url
    except NoServer as reason:
        pytest.skip(str(reason))


@pytest.fixture
def store(first) -> Iterator[SqlStore]:
    opened = open_store(first)
    opened.migrate()
    yield opened
    opened.close()


def test_a_command_asks_for_a_restart_of_the_service_first(first):
    opened = open_store(first)
    with pytest.raises(StoreError, match="of an older version"):
        opened.flag("x")
    opened.close()


def test_a_feed_keeps_its_history_and_is_read_anew(store):
    (state,) = store.feed_states(KZ)
    assert (state.validators, state.body_hash, state.known) == (None, None, b"")
    assert (state.filled, state.failures, state.entries, state.warning) == (True, 2, 30, "warned")
    assert state.failure == codec.from_json(PollFailure, FAILURE)
    assert (state.last_success_at, state.due_at, state.lease) == (NOW, NOW, "lease")
    assert (state.said.ttl, state.said.skips, state.max_age, state.interval, state.gaps, state.hub, state.pushed) == (
        None, 0, None, None, 0, None, False,
    )  # fmt: skip


def test_what_is_known_by_its_keys_is_found_and_what_waited_is_decided_and_sent(store):
    with store.deciding(KZ) as deciding:
        assert deciding.known(["key-1"]).reports["key-1"].id == "r1"
        (waiting,) = deciding.intake(9)
        assert waiting.entry == entry(1)
        deciding.commit(decision(new(waiting, report("r2"))))
    assert [found.id for found in store.reports(KZ, limit=9)] == ["r2", "r1"]
    assert store.alert("a0") == alert("a0")
    assert [found.id for found in store.claim_due_deliveries("mail", NOW, 9, LEASE)] == ["d0"]


def test_a_report_of_before_is_about_nothing_and_its_match_has_no_score(store):
    found = store.report("r1")
    assert (found.title, found.named) == ("Протест", ())
    (listed,) = store.listings(report_id="r1")
    assert (listed.match.watch, listed.match.score) == ("unrest", 0.0)


def test_an_older_program_goes_on_writing_to_the_newer_database(store, first):
    engine = create_engine(first, poolclass=NullPool)
    statements = [
        statement.replace("'r1'", "'r8'")
        for statement in FIRST_ROWS
        if "INTO reports" in statement or "INTO listings" in statement
    ]
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement), {"now": microseconds(NOW)})
    engine.dispose()
    assert store.report("r8").named == ()
    assert store.listings(report_id="r8")[0].match.score == 0.0


def test_a_feed_goes_on_being_polled_and_new_ones_are_added(store):
    store.sync_feeds(KZ, [feed(), feed("vlast")], NOW, {"vlast": NOW})
    states = store.claim_due_feeds(KZ, NOW + LEASE, 9, LEASE)
    assert {state.feed_id for state in states} == {"tengri", "vlast"}
    assert store.save_polls([polled(state, entry(2), at=NOW + HOUR) for state in states]) == frozenset()
    assert len(store.claim_due_feeds(KZ, NOW + HOUR + 5 * MINUTE, 9, LEASE)) == 2


def test_a_delivery_of_before_ends_as_any_other(store):
    assert store.retire_channels([], NOW) == 1
    assert store.delivery("d0")[0].payload == b"hash"
    store.add_alerts([alert("a9")], [delivery("d9", alert_id="a9")], [])
    assert store.delivery("d9")
