"""Connections that wait for their next request: found, kept and dropped in constant time, however many there are."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable

from monitor.net.connection import Connection

IDLE_PLAIN, IDLE_TLS = 256, 256
"""Connections kept at once, 5 kB each and 30 kB with TLS (measured); the one that waited longest makes room."""

IDLE_SECONDS = 75.0
"""How long one is kept: as long as common servers do (nginx: 75 s)."""


class Pool:
    """Idle connections by key. A key holds everything that makes a connection fit: permissions, proxy, origin."""

    def __init__(self) -> None:
        self._waiting: tuple[dict[Connection, Hashable], dict[Connection, Hashable]] = ({}, {})
        self._by_key: dict[Hashable, dict[Connection, None]] = {}
        self._sweep: asyncio.TimerHandle | None = None

    def take(self, key: Hashable) -> Connection | None:
        """Return the connection of a key that was used last, None when there is none."""
        while key in self._by_key:
            connection = next(reversed(self._by_key[key]))
            self.forget(connection)
            if connection.reusable and connection.silent():
                return connection
            connection.abort()
        return None

    def put(self, key: Hashable, connection: Connection) -> None:
        """Keep a connection for the next request."""
        loop = asyncio.get_running_loop()
        connection.idle_since = loop.time()
        waiting = self._waiting[connection.secure]
        waiting[connection] = key
        self._by_key.setdefault(key, {})[connection] = None
        if len(waiting) > (IDLE_TLS if connection.secure else IDLE_PLAIN):
            self._drop(next(iter(waiting)))
        if self._sweep is None:
            self._sweep = loop.call_later(IDLE_SECONDS, self._expire)

    def forget(self, connection: Connection) -> None:
        """Know nothing of a connection any more: it is in use or gone."""
        key = self._waiting[connection.secure].pop(connection, None)
        if key is None:
            return
        siblings = self._by_key[key]
        del siblings[connection]
        if not siblings:
            del self._by_key[key]

    def clear(self) -> None:
        """End all that wait."""
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None
        for waiting in self._waiting:
            for connection in list(waiting):
                self._drop(connection)

    def _drop(self, connection: Connection) -> None:
        self.forget(connection)
        connection.abort()

    def _expire(self) -> None:
        """End what waited too long, and come back when the next may have."""
        loop = asyncio.get_running_loop()
        due = loop.time() - IDLE_SECONDS
        for waiting in self._waiting:
            while waiting and next(iter(waiting)).idle_since <= due:
                self._drop(next(iter(waiting)))
        oldest = [next(iter(waiting)).idle_since for waiting in self._waiting if waiting]
        self._sweep = loop.call_at(min(oldest) + IDLE_SECONDS, self._expire) if oldest else None
