"""Opening the store for the one service that works on it."""

from __future__ import annotations

from monitor.errors import StoreError
from monitor.ports import Store
from monitor.settings.values import Settings
from monitor.store import open_store


def open_for_service(settings: Settings) -> Store:
    """Return the store, locked, brought up to date and free of what a service that was killed had leased (blocking).

    `StoreError` where it cannot be had.
    """
    try:
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"the data directory {settings.data_dir} cannot be made ({error.strerror}): choose another one with"
            " `store: data_dir` in monitor.yaml, or make it writable"
        ) from error
    store = open_store(settings.store_url, data_dir=settings.data_dir)
    try:
        alone = store.lock_service()
        store.migrate()
        if alone:
            store.release_leases()
        store.take_up_aside(settings.situation_id)  # this start may be that of a program that can decide them
    except BaseException:
        store.close()
        raise
    return store
