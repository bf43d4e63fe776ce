"""Which program may open which database, and bringing a database up to date.

`alembic_version` names the last migration that ran; `meta.min_program_schema` names the lowest schema number of a program that
may still open the database. So replicas can be upgraded one by one: a program finds a newer database and works on it as long
as that number allows it, and refuses it otherwise. Alembic is imported only when there is something to migrate.
"""

from __future__ import annotations

import threading
from pathlib import Path

from sqlalchemy import Connection, inspect, select, text

from monitor.errors import StoreError, StoreTooNew
from monitor.store.engine import Database
from monitor.store.schema import PROGRAM_SCHEMA, REVISIONS, meta

MIGRATIONS = Path(__file__).with_name("migrations")

_ADVISORY_KEY = 0x6D6F6E69746F72
"""The word `monitor`: the PostgreSQL advisory lock under which one replica migrates."""
_MIGRATION_DEADLINE = "60s"
"""How long a replica waits for another one's migration (lock_timeout)."""

_alembic = threading.Lock()
"""Alembic keeps its environment in module globals: one migration at a time per process."""


def migrate(database: Database) -> None:
    """Bring the schema up to date in one transaction under a lock; `StoreTooNew` when it is not ours to open."""
    if database.file is not None:
        with database.reading() as connection:
            connection.exec_driver_sql("PRAGMA journal_mode=WAL").close()
    with database.writing() as connection:
        if database.dialect == "postgresql":
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_MIGRATION_DEADLINE}'")
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ADVISORY_KEY})")
        revision = _revision(connection)
        if revision is not None:
            _refuse_newer(connection, database.where)
        if revision is None or revision in REVISIONS[:-1]:
            _upgrade(connection)


def check(database: Database) -> None:
    """Raise `StoreError` unless this program can work on the database as it is (for commands that only read)."""
    if database.file is not None and not database.file.exists():
        raise StoreError(f"{database.where}: there is no database yet; start the service once (`monitor run`)")
    with database.reading() as connection:
        revision = _revision(connection)
        if revision is None:
            raise StoreError(f"{database.where}: the database is empty; start the service once (`monitor run`)")
        _refuse_newer(connection, database.where)
    if revision in REVISIONS[:-1]:
        raise StoreError(
            f"{database.where}: the database is of an older version ({revision}, this program works on {REVISIONS[-1]}); "
            "restart the service with this program, it brings the database up to date"
        )


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return None if revision is None else str(revision)


def _refuse_newer(connection: Connection, where: str) -> None:
    needed = connection.execute(select(meta.c.value).where(meta.c.name == "min_program_schema")).scalar()
    if needed is not None and int(needed) > PROGRAM_SCHEMA:
        raise StoreTooNew(
            f"{where}: the database was written by a newer version of monitor and needs schema {needed}, "
            f"this program knows schema {PROGRAM_SCHEMA}; upgrade monitor on this machine"
        )


def _upgrade(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    with _alembic:
        command.upgrade(config, "head")
