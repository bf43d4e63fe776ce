"""Errors of the drivers, translated once: what happened, where, and what to do.

An error that no user can act on (a statement that is wrong, a broken constraint) stays what it is: a bug is loud.
"""

from __future__ import annotations

import sqlite3

import psycopg
from sqlalchemy import exc

from monitor.errors import StoreBroken, StoreBusy, StoreError

_LOCKED = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_BROKEN = {
    sqlite3.SQLITE_CORRUPT: "the file is damaged: stop the service, keep a copy, and restore the last backup"
    " (or try `sqlite3 FILE .recover`)",
    sqlite3.SQLITE_NOTADB: "the file is not a database: the path in `store.url` is wrong, or the file was overwritten",
    sqlite3.SQLITE_FULL: "there is no space left: free some on that disk; nothing that was saved is lost",
    sqlite3.SQLITE_READONLY: "it cannot be written: check that file, directory and disk are writable for this user",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened: check that the directory exists and is writable for this user",
    sqlite3.SQLITE_PERM: "access is denied: check the owner of the file",
    sqlite3.SQLITE_IOERR: "the disk does not read or write: check the system log for disk errors",
}

_POSTGRES_BUSY = {
    "55P03": "a row stayed locked past the deadline",
    "57014": "the statement was cancelled",
    "40P01": "two transactions waited for each other",
    "40001": "another transaction changed the same rows",
    "53300": "it has no connection left: raise max_connections or run fewer replicas",
    "57P03": "it is starting up or shutting down",
}
_POSTGRES_BROKEN = {
    "53100": "its disk is full",
    "25006": "it only allows reading: it is a standby, or default_transaction_read_only is on",
    "XX001": "its data is damaged: restore from a backup",
    "XX002": "an index is damaged: REINDEX the database or restore from a backup",
}


def translated(error: exc.SQLAlchemyError, where: str) -> Exception:
    """Return the `StoreError` for a driver's error at `where` (file or URL without password), or the error itself."""
    if isinstance(error, exc.TimeoutError):
        return StoreBusy(f"{where}: no free connection within the deadline; the machine is overloaded or calls hang")
    if not isinstance(error, exc.DBAPIError):
        return error
    if isinstance(error.orig, sqlite3.Error):
        return _from_sqlite(error, error.orig, where)
    if isinstance(error.orig, psycopg.Error):
        return _from_postgres(error, error.orig, where)
    return error


def _from_sqlite(error: exc.DBAPIError, origin: sqlite3.Error, where: str) -> Exception:
    code = getattr(origin, "sqlite_errorcode", 0) & 0xFF  # the low byte is the primary code, the rest its detail
    if code in _LOCKED:
        return StoreBusy(f"{where}: the database stayed locked past the deadline; which other program has it open?")
    if code in _BROKEN:
        return StoreBroken(f"{where}: {_BROKEN[code]} ({origin})")
    return error


def _from_postgres(error: exc.DBAPIError, origin: psycopg.Error, where: str) -> Exception:
    state = origin.sqlstate or ""
    if state in _POSTGRES_BUSY:
        return StoreBusy(f"{where}: {_POSTGRES_BUSY[state]}")
    if state in _POSTGRES_BROKEN:
        return StoreBroken(f"{where}: {_POSTGRES_BROKEN[state]}")
    lost = error.connection_invalidated or state.startswith(("08", "57P", "28", "3D")) or not state
    if lost and isinstance(origin, psycopg.OperationalError):
        return StoreError(f"{where}: the database server cannot be reached or refuses us: {_first_line(origin)}")
    return error


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
