"""All that survives a crash: schema, statements, migrations, on SQLite (also in memory) and PostgreSQL with one code.

`open_store(url)` is the way in. The only package that knows SQLAlchemy and Alembic.
"""

from __future__ import annotations

from monitor.store.ownership import become_owner
from monitor.store.schema import PROGRAM_SCHEMA
from monitor.store.store import SqlStore, open_store

__all__ = ["PROGRAM_SCHEMA", "SqlStore", "become_owner", "open_store"]
