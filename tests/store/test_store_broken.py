"""A database that is locked, corrupt, read-only, full, or slow: a clear error, nothing half done, and it works again after."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import exc, text
from support.postgres import NoServer
from support.postgres import text as full_url
from support.stores import databases_fixture  # noqa: F401 - fixtures
from support.values import KZ, MINUTE, NOW, document, entry, feed, polled, save

from monitor.errors import StoreBroken, StoreBusy, StoreError
from monitor.model import AuditEvent, Decision
from monitor.store import SqlStore, open_store
from monitor.store.faults import translated

SHORT = timedelta(milliseconds=50)


@pytest.fixture
def file(tmp_path) -> Path:
    return tmp_path / "monitor.db"


@pytest.fixture
def store(file) -> Iterator[SqlStore]:
    opened = open_store(f"sqlite:///{file}", patience=SHORT)
    opened.migrate()
    yield opened
    opened.close()


def test_a_file_that_another_program_holds_locked_is_busy_until_it_lets_go(store, file):
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreBusy, match="locked past the deadline") as caught:
        store.set_flag("x", "1")
    assert str(file) in str(caught.value)
    assert store.flag("x") is None
    other.close()
    store.set_flag("x", "1")


def test_a_thread_that_waits_too_long_for_another_is_told(store):
    with store._database.writing(), ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(store.set_flag, "x", "1")
        assert isinstance(waiting.exception(timeout=20), StoreBusy)


def test_a_second_decider_in_the_same_process_waits_and_is_told(store):
    with store.deciding(KZ), ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(store.prune, KZ, NOW, 1)
        assert isinstance(waiting.exception(timeout=20), StoreBusy)


def test_a_decision_that_another_process_overtook_is_refused_whole(store, file):
    store.sync_feeds(KZ, [feed()], NOW, {"tengri": NOW})
    (state,) = store.claim_due_feeds(KZ, NOW, 1, MINUTE)
    save(store, polled(state, entry(1)))
    overtaking = {
        "decides": decide_nothing,
        "sets aside": lambda other: other.set_aside(KZ, NOW),
        "renames": lambda other: other.sync_feeds(KZ, [feed("tengrinews", url=feed().url)], NOW, {}),
    }
    for what, overtake in overtaking.items():
        other = open_store(f"sqlite:///{file}")
        with store.deciding(KZ) as deciding:
            overtake(other)
            other.close()
            with pytest.raises(StoreBusy, match="decided again"):
                deciding.commit(Decision(consumed=(), audit=(AuditEvent(at=NOW, kind="decided", subject=what),)))
    assert store.audit(limit=9, kind="decided") == ()
    decide_nothing(store)


def decide_nothing(store: SqlStore) -> None:
    with store.deciding(KZ) as deciding:
        deciding.commit(Decision(consumed=()))


def test_a_damaged_file_is_named(store, file):
    store.set_flag("x", "1")
    store.close()
    with file.open("r+b") as opened:
        opened.seek(4096)
        opened.write(b"\xff" * (file.stat().st_size - 4096))
    for call in (store.migrate, lambda: store.flag("x"), lambda: store.set_flag("x", "2")):
        with pytest.raises(StoreBroken, match="damaged") as caught:
            call()
        assert str(file) in str(caught.value)


def test_a_file_that_is_no_database_is_named(tmp_path):
    (tmp_path / "monitor.db").write_text("this is a letter " * 100)
    store = open_store("sqlite:///monitor.db", data_dir=tmp_path)
    with pytest.raises(StoreBroken, match="not a database"):
        store.migrate()
    store.close()


def test_a_path_that_is_a_directory_is_named(tmp_path):
    store = open_store(f"sqlite:///{tmp_path}")
    with pytest.raises(StoreBroken, match="cannot be opened"):
        store.migrate()
    store.close()


def test_a_database_that_may_only_be_read_is_read_and_says_why_it_is_not_written(store):
    store.set_flag("x", "1")
    with store._database.reading() as connection:
        connection.exec_driver_sql("PRAGMA query_only = ON")
    with pytest.raises(StoreBroken, match="cannot be written"):
        store.set_flag("x", "2")
    assert store.flag("x") == "1"


def test_a_full_disk_refuses_a_commit_whole_and_takes_it_when_there_is_room(store):
    store.sync_feeds(KZ, [feed()], NOW, {"tengri": NOW})
    (state,) = store.claim_due_feeds(KZ, NOW, 1, MINUTE)
    result = polled(state, entry(1), document=document(os.urandom(200_000)))
    pages = limit_pages(store, 0)
    with pytest.raises(StoreBroken, match="no space left"):
        save(store, result)
    assert store.intake_waiting(KZ) == 0
    assert store.feed_states(KZ) == (state,)
    limit_pages(store, pages + 1000)
    assert save(store, result)
    assert store.intake_waiting(KZ) == 1


def limit_pages(store: SqlStore, pages: int) -> int:
    """Let the file grow no more than so (0: not at all), on the one pooled connection; return its size."""
    with store._database.reading() as connection:
        return int(connection.exec_driver_sql(f"PRAGMA max_page_count = {pages or 1}").scalar_one())


def test_what_a_user_cannot_mend_is_no_store_error(store):
    with pytest.raises(exc.OperationalError, match="no such table"), store._database.reading() as connection:
        connection.execute(text("SELECT * FROM nowhere"))


def test_errors_show_no_values(store):
    with pytest.raises(exc.DBAPIError) as caught, store._database.writing() as connection:
        connection.execute(text("INSERT INTO flags VALUES (:name, NULL)"), {"name": "geheim"})
    assert "geheim" not in str(caught.value)


def test_a_feed_whose_row_is_damaged_is_polled_as_if_nothing_was_known(store):
    store.sync_feeds(KZ, [feed()], NOW, {"tengri": NOW})
    (state,) = store.claim_due_feeds(KZ, NOW, 1, MINUTE)
    save(store, polled(state, entry(1)))
    with store._database.writing() as connection:
        connection.execute(
            text("UPDATE feeds SET known = x'0102', etag = 'e', validators_url = 'u', body_hash = x'01'")
        )
    (damaged,) = store.feed_states(KZ)
    assert (damaged.known, damaged.validators, damaged.body_hash) == (b"", None, None)
    assert damaged.filled
    assert damaged.last_success_at == NOW


# --- PostgreSQL -------------------------------------------------------------------------------------------------------


@pytest.fixture
def server(databases) -> Iterator[str]:
    try:
        for url in databases.fresh():
            store = open_store(full_url(url))
            store.migrate()
            store.close()
            yield full_url(url)
    except NoServer as reason:
        pytest.skip(str(reason))


def test_a_replica_that_hangs_in_a_decision_makes_others_busy_not_stuck(server, monkeypatch):
    monkeypatch.setattr("monitor.store.engine._LOCK_DEADLINE", SHORT)
    hanging, waiting = open_store(server), open_store(server)
    with hanging.deciding(KZ) as deciding:
        deciding.intake(1)
        with pytest.raises(StoreBusy, match="locked past the deadline"), waiting.deciding(KZ):
            pass
    with waiting.deciding(KZ):
        pass
    hanging.close()
    waiting.close()


def test_a_connection_that_the_server_dropped_is_an_error_once_and_replaced(server):
    store = open_store(server)
    store.set_flag("x", "1")
    with psycopg.connect(server.replace("+psycopg", ""), autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
    with pytest.raises(StoreError, match="cannot be reached"):
        store.flag("x")
    assert store.flag("x") == "1"
    store.close()


def test_a_server_that_only_allows_reading_says_so(server):
    store = open_store(server + ("&" if "?" in server else "?") + "options=-c%20default_transaction_read_only%3Don")
    assert store.flag("x") is None
    with pytest.raises(StoreBroken, match="only allows reading"):
        store.set_flag("x", "1")
    store.close()


# --- the translation --------------------------------------------------------------------------------------------------


def of_sqlite(name: str) -> exc.DBAPIError:
    origin = sqlite3.OperationalError("it said")
    origin.sqlite_errorcode = getattr(sqlite3, name)  # type: ignore[attr-defined]
    return exc.OperationalError("SELECT 1", None, origin)


def of_postgres(state: str) -> exc.DBAPIError:
    return exc.OperationalError("SELECT 1", None, psycopg.errors.lookup(state)("it said"))


TRANSLATIONS = [
    (of_sqlite("SQLITE_BUSY_SNAPSHOT"), StoreBusy, "which other program"),
    (of_sqlite("SQLITE_LOCKED_SHAREDCACHE"), StoreBusy, "which other program"),
    (of_sqlite("SQLITE_CORRUPT_INDEX"), StoreBroken, "backup"),
    (of_sqlite("SQLITE_IOERR_FSYNC"), StoreBroken, "system log"),
    (of_sqlite("SQLITE_READONLY_DIRECTORY"), StoreBroken, "writable"),
    (of_sqlite("SQLITE_CANTOPEN_ISDIR"), StoreBroken, "directory"),
    (of_sqlite("SQLITE_PERM"), StoreBroken, "owner"),
    (of_postgres("40P01"), StoreBusy, "waited for each other"),
    (of_postgres("53300"), StoreBusy, "max_connections"),
    (of_postgres("53100"), StoreBroken, "disk is full"),
    (of_postgres("XX001"), StoreBroken, "backup"),
    (of_postgres("28P01"), StoreError, "refuses us"),
    (exc.TimeoutError(), StoreBusy, "connection"),
]


@pytest.mark.parametrize(("error", "kind", "advice"), TRANSLATIONS)
def test_an_error_of_the_driver_says_where_and_what_to_do(error, kind, advice):
    result = translated(error, "/data/monitor.db")
    assert type(result) is kind
    assert str(result).startswith("/data/monitor.db: ")
    assert advice in str(result)


@pytest.mark.parametrize("error", [of_sqlite("SQLITE_ERROR"), of_postgres("42601"), exc.ArgumentError("x")])
def test_a_bug_stays_a_bug(error):
    assert translated(error, "here") is error
