"""Every kind of store, ready to use, for contract tests.

A test file imports the fixtures and asks for `store`: it runs once on each kind. `twin` is a second
process's view of the same database (in memory there is none: the same store).
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from monitor.store import SqlStore, open_store
from support.postgres import Databases, NoServer, text

KINDS = ("memory", "file", "postgresql")
PATIENCE = timedelta(seconds=10)

_databases = Databases()


def _prepare(url: str) -> None:
    store = open_store(url)
    store.migrate()
    store.close()


@pytest.fixture(scope="session", name="migrated_file")
def migrated_file_fixture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("store") / "migrated.db"
    _prepare(f"sqlite:///{file}")
    return file


@pytest.fixture(scope="session", name="databases")
def databases_fixture() -> Iterator[Databases]:
    yield _databases
    _databases.close()


@pytest.fixture(params=KINDS, name="store_url")
def store_url_fixture(
    request: pytest.FixtureRequest, tmp_path: Path, migrated_file: Path, databases: Databases
) -> Iterator[str]:
    """A database that is migrated already, but for the one in memory."""
    if request.param == "memory":
        yield "sqlite://"
    elif request.param == "file":
        shutil.copyfile(migrated_file, tmp_path / "monitor.db")
        yield f"sqlite:///{tmp_path}/monitor.db"
    else:
        try:
            for url in databases.prepared(_prepare):
                yield text(url)
        except NoServer as reason:
            pytest.skip(str(reason))


@pytest.fixture(name="store")
def store_fixture(store_url: str) -> Iterator[SqlStore]:
    opened = open_store(store_url, patience=PATIENCE)
    opened.migrate()
    yield opened
    opened.close()


@pytest.fixture(name="twin")
def twin_fixture(store: SqlStore, store_url: str) -> Iterator[SqlStore]:
    if store_url == "sqlite://":
        yield store
        return
    opened = open_store(store_url, patience=PATIENCE)
    yield opened
    opened.close()
