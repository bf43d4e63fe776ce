"""Connections and transactions for both engines, and the error translation around them.

Kinds of access, each a context manager that gives a connection:

* `reading`: single statements, each its own snapshot; takes no lock and no extra round trip.
* `once`: one writing statement (or several that are one statement's worth); a single round trip on PostgreSQL.
* `writing`: a transaction. On SQLite it starts with BEGIN IMMEDIATE behind one lock per process, so threads queue here and
  SQLITE_BUSY is left for other programs that hold the file.

Traps of the libraries, all handled here: Python's sqlite3 starts transactions by its own rules (switched off, BEGIN is sent by
us); a database in memory lives in one connection (shared by all threads, one at a time); parameters in error texts would carry
feed text and secrets (hidden).
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, exc
from sqlalchemy.pool import QueuePool, StaticPool

from monitor.errors import StoreBusy
from monitor.store.faults import translated

_WAL_LIMIT = 64 * 1024 * 1024
"""Bytes a -wal file is cut back to after a checkpoint; without it one burst leaves it large for ever."""
_LOCK_DEADLINE = timedelta(seconds=10)
"""How long PostgreSQL waits for a row: a decider's batch ends at 200 ms, so more means someone hangs."""
_IDLE_DEADLINE = timedelta(seconds=60)
"""PostgreSQL ends a transaction that does nothing for so long: a frozen replica must not keep the situation's lock."""


class Database:
    """One database behind its connections."""

    def __init__(self, url: URL, *, busy: timedelta) -> None:
        self.url = url.render_as_string(hide_password=True)
        self.dialect = url.get_backend_name()
        self.where = url.database or "memory" if self.dialect == "sqlite" else self.url
        self.file = Path(url.database) if self.dialect == "sqlite" and url.database else None
        self.patience = busy
        """How long a thread waits for another one or another program before `StoreBusy`."""
        self.deciders: dict[str, threading.Lock] = {}
        """One decider per situation in this process (SQLite)."""
        self._lock = threading.Lock()
        self._in_memory = self.dialect == "sqlite" and self.file is None
        self._engine = self._sqlite(url) if self.dialect == "sqlite" else self._postgres(url)
        single = {"isolation_level": "AUTOCOMMIT"} if self.dialect == "postgresql" else {}
        self._single = self._engine.execution_options(**single)
        self._immediate = self._engine.execution_options(monitor_immediate=True)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection for reads; each statement sees what is committed when it starts."""
        if self._in_memory:
            with self._locked(), self._translating(), self._engine.connect() as connection:
                yield connection
            return
        with self._translating(), self._single.connect() as connection:
            yield connection

    @contextmanager
    def once(self) -> Iterator[Connection]:
        """Give a connection for one writing statement."""
        if self.dialect == "sqlite":
            with self.writing() as connection:
                yield connection
            return
        with self._translating(), self._single.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give a connection in a transaction: committed at the end, rolled back on any exception."""
        if self.dialect == "sqlite":
            with self._locked(), self._translating(), self._immediate.begin() as connection:
                yield connection
            return
        with self._translating(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def holding(self) -> Iterator[Connection]:
        """Give a connection whose transaction ends when its user commits, and is rolled back otherwise."""
        with self._translating(), self._engine.connect() as connection:
            yield connection

    def close(self) -> None:
        """Let go of all connections."""
        self._engine.dispose()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        if not self._lock.acquire(timeout=self.patience.total_seconds()):
            raise StoreBusy(f"{self.where}: other threads of this process held the database past the deadline")
        try:
            yield
        finally:
            self._lock.release()

    @contextmanager
    def _translating(self) -> Iterator[None]:
        try:
            yield
        except exc.SQLAlchemyError as error:
            other = translated(error, self.where)
            if other is error:
                raise
            raise other from error

    def _sqlite(self, url: URL) -> Engine:
        arguments = {"check_same_thread": False, "timeout": self.patience.total_seconds()}
        pool: dict[str, Any] = {"poolclass": StaticPool}
        if not self._in_memory:
            pool = {"poolclass": QueuePool, "max_overflow": 20, "pool_timeout": 10}
        engine = create_engine(url, connect_args=arguments, hide_parameters=True, **pool)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine

    def _postgres(self, url: URL) -> Engine:
        engine = create_engine(
            url,
            connect_args={"connect_timeout": 10},
            hide_parameters=True,
            max_overflow=20,
            pool_timeout=10,
        )
        event.listen(engine, "connect", _prepare_postgres)
        return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    """Set what belongs to a connection. The WAL mode belongs to the file and is set when it is migrated."""
    connection.isolation_level = None
    for pragma in ("foreign_keys=ON", "synchronous=FULL", f"journal_size_limit={_WAL_LIMIT}"):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: Connection) -> None:
    if connection.get_execution_options().get("monitor_immediate"):
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _prepare_postgres(connection: Any, _record: object) -> None:
    with connection.cursor() as cursor:
        for name, span in (("lock_timeout", _LOCK_DEADLINE), ("idle_in_transaction_session_timeout", _IDLE_DEADLINE)):
            cursor.execute(f"SET {name} = {span // timedelta(milliseconds=1)}")
    connection.commit()
