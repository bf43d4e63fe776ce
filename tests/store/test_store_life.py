"""Opening, creating, migrating and locking a database."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool
from support.postgres import NoServer
from support.postgres import text as full_url
from support.stores import databases_fixture  # noqa: F401 - fixture

from monitor.errors import StoreBroken, StoreBusy, StoreError, StoreTooNew
from monitor.store import PROGRAM_SCHEMA, open_store
from monitor.store.migrating import MIGRATIONS
from monitor.store.schema import REVISIONS, metadata


@pytest.fixture(params=["file", "postgresql"])
def empty_url(request, tmp_path, databases) -> Iterator[str]:
    if request.param == "file":
        yield f"sqlite:///{tmp_path}/data/monitor.db"
        return
    try:
        yield from map(full_url, databases.fresh())
    except NoServer as reason:
        pytest.skip(str(reason))


def migrate(url: str) -> None:
    store = open_store(url)
    store.migrate()
    store.close()


def execute(url: str, *statements: str) -> None:
    """Do something to a database behind the store's back."""
    engine = create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


def refusal(url: str, kind: type[StoreError]) -> str:
    store = open_store(url)
    try:
        with pytest.raises(kind) as caught:
            store.flag("x")
        return str(caught.value)
    finally:
        store.close()


# --- migrations -------------------------------------------------------------------------------------------------------


def test_the_migrations_create_exactly_the_tables_that_statements_use(empty_url):
    migrate(empty_url)
    engine = create_engine(empty_url, poolclass=NullPool)
    with engine.connect() as connection:
        difference = compare_metadata(
            MigrationContext.configure(connection, opts={"compare_type": same_type}), metadata
        )
    engine.dispose()
    assert difference == []


def same_type(_context, _inspected, _column, stored, wanted) -> bool | None:
    """Compare types by what they hold: our own types are text and integers with a meaning."""
    wanted_type = getattr(wanted, "impl", wanted)
    return (
        None if isinstance(stored, type(wanted_type)) or wanted_type is wanted else not same_family(stored, wanted_type)
    )


def same_family(stored, wanted) -> bool:
    return stored.python_type is wanted.python_type


def test_the_program_knows_all_its_migrations_in_order():
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    found = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]
    assert tuple(reversed(found)) == REVISIONS


def test_migrating_again_changes_nothing(empty_url):
    migrate(empty_url)
    store = open_store(empty_url)
    store.migrate()
    store.set_flag("x", "1")
    store.migrate()
    assert store.flag("x") == "1"
    store.close()


def test_services_that_start_at_the_same_time_migrate_once(empty_url):
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(migrate, [empty_url] * 3))
    assert migrated_rows(empty_url) == 1


def migrated_rows(url: str) -> int:
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        count = connection.execute(text("SELECT count(*) FROM meta")).scalar_one()
    engine.dispose()
    return int(count)


def test_a_migration_that_breaks_leaves_the_database_empty(empty_url, monkeypatch):
    def broken(connection) -> None:
        upgrade(connection)
        raise ZeroDivisionError

    upgrade = sys.modules["monitor.store.migrating"]._upgrade
    monkeypatch.setattr("monitor.store.migrating._upgrade", broken)
    store = open_store(empty_url)
    with pytest.raises(ZeroDivisionError):
        store.migrate()
    store.close()
    monkeypatch.undo()
    assert "is empty" in refusal(empty_url, StoreError)
    migrate(empty_url)


# --- which program may open it ----------------------------------------------------------------------------------------


def test_a_database_of_a_newer_program_is_refused_by_services_and_commands(empty_url):
    migrate(empty_url)
    execute(empty_url, f"UPDATE meta SET value = '{PROGRAM_SCHEMA + 1}' WHERE name = 'min_program_schema'")
    assert "upgrade monitor" in refusal(empty_url, StoreTooNew)
    store = open_store(empty_url)
    with pytest.raises(StoreTooNew, match=f"needs schema {PROGRAM_SCHEMA + 1}"):
        store.migrate()
    store.close()


def test_a_newer_schema_that_allows_this_program_is_worked_on_and_left_as_it_is(empty_url):
    migrate(empty_url)
    execute(empty_url, "UPDATE alembic_version SET version_num = '9999'", "ALTER TABLE flags ADD COLUMN later TEXT")
    store = open_store(empty_url)
    store.set_flag("x", "1")
    store.migrate()
    assert store.flag("x") == "1"
    store.close()


def test_a_command_does_not_migrate_an_older_database(empty_url, monkeypatch):
    migrate(empty_url)
    monkeypatch.setattr("monitor.store.migrating.REVISIONS", (*REVISIONS, "next"))
    assert "restart the service" in refusal(empty_url, StoreError)


def test_a_command_says_when_there_is_no_schema_yet(databases, tmp_path):
    assert "no database yet" in refusal(f"sqlite:///{tmp_path}/monitor.db", StoreError)
    assert not (tmp_path / "monitor.db").exists()
    (tmp_path / "empty.db").touch()
    assert "is empty" in refusal(f"sqlite:///{tmp_path}/empty.db", StoreError)


# --- URLs -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("url", ["mysql://x/y", "monitor.db", "", "sqlite+aiosqlite:///x", "postgresql+psycopg2://x/y"])
def test_a_url_of_another_kind_is_refused_with_an_example(url):
    with pytest.raises(StoreError, match=r"sqlite:///monitor\.db"):
        open_store(url)


def test_a_relative_path_counts_from_the_data_directory(tmp_path):
    store = open_store("sqlite:///sub/monitor.db", data_dir=tmp_path)
    store.migrate()
    store.close()
    assert (tmp_path / "sub" / "monitor.db").is_file()


def test_a_password_is_not_shown(monkeypatch):
    store = open_store("postgresql://someone:geheim@127.0.0.1:1/none")
    assert "geheim" not in store.url
    with pytest.raises(StoreError, match="cannot be reached") as caught:
        store.migrate()
    assert "geheim" not in str(caught.value)
    store.close()


def test_threads_share_a_database_in_memory():
    store = open_store("sqlite://")
    store.migrate()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: store.set_flag(f"f{number}", "1"), range(40)))
        assert list(pool.map(lambda number: store.flag(f"f{number}"), range(40))) == ["1"] * 40
    store.close()


# --- files ------------------------------------------------------------------------------------------------------------


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_files_are_for_their_owner_only(tmp_path):
    before = os.umask(0)
    try:
        store = open_store("sqlite:///monitor.db", data_dir=tmp_path / "data")
        store.lock_service()
        store.migrate()
        store.set_flag("x", "1")
        files = {path.name: mode(path) for path in (tmp_path / "data").iterdir()}
        store.close()
    finally:
        os.umask(before)
    assert mode(tmp_path / "data") == 0o700
    names = ("monitor.db", "monitor.db-wal", "monitor.db-shm", "monitor.db.lock")
    assert files == dict.fromkeys(names, 0o600)


def test_a_data_directory_that_cannot_be_created_is_named(tmp_path):
    (tmp_path / "file").touch()
    store = open_store("sqlite:///monitor.db", data_dir=tmp_path / "file" / "data")
    with pytest.raises(StoreBroken, match="file/data"):
        store.migrate()
    with pytest.raises(StoreBroken, match="file/data"):
        store.lock_service()
    store.close()


def test_every_commit_survives_a_power_cut_and_readers_do_not_wait(tmp_path):
    store = open_store(f"sqlite:///{tmp_path}/monitor.db")
    store.migrate()
    with store._database.reading() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    store.close()
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


# --- one service per file ---------------------------------------------------------------------------------------------

HOLD = """
import sys
from monitor.store import open_store
store = open_store(sys.argv[1])
store.lock_service()
print("held", flush=True)
sys.stdin.read()
"""


def test_a_second_service_on_the_same_file_is_refused_and_told_who_has_it(tmp_path):
    url = f"sqlite:///{tmp_path}/monitor.db"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "held\n"
        second = open_store(url)
        with pytest.raises(StoreBusy, match=rf"process {first.pid}\b"):
            second.lock_service()
        first.kill()
        first.wait(timeout=20)
        second.lock_service()
        second.lock_service()
        assert re.fullmatch(rf"{os.getpid()}\n", (tmp_path / "monitor.db.lock").read_text())
        second.close()
    third = open_store(url)
    third.lock_service()
    third.close()


def test_other_stores_need_no_service_lock():
    for url in ("sqlite://", "postgresql+psycopg://nobody@127.0.0.1:1/x"):
        store = open_store(url)
        store.lock_service()
        store.close()
