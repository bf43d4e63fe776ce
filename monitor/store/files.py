"""The files of a SQLite store: data directory 0700, database 0600, and the lock that keeps a second service out."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from monitor.errors import StoreBroken, StoreBusy
from monitor.store.ownership import give_away


def create(file: Path) -> None:
    """Make sure that the database file exists; it and its directory are for its owner only."""
    create_directory(file.parent)
    try:
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    except OSError as error:
        raise StoreBroken(f"{file}: the database cannot be created: {error.strerror}") from error
    with os.fdopen(descriptor, "rb"):
        give_away(descriptor, file.parent)


def create_directory(directory: Path) -> None:
    """Make sure that the data directory exists; one that is there already keeps its mode."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreBroken(f"{directory}: the data directory cannot be created: {error.strerror}") from error


def inode(file: Path | None) -> int | None:
    """Return which file stands at a path, None where there is none."""
    try:
        return file.stat().st_ino if file else None
    except FileNotFoundError:
        return None


class ServiceLock:
    """A lock on `<db>.lock`, held until `release` or the end of the process, however it ends."""

    def __init__(self, file: Path) -> None:
        self.path = file.with_name(f"{file.name}.lock")
        self._descriptor: int | None = None

    def take(self) -> None:
        """Take it, or raise `StoreBusy` naming the process that has it. Taking it twice is fine."""
        if self._descriptor is not None:
            return
        descriptor = self._open()
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(descriptor)
            raise StoreBusy(
                f"{self.path}: another service is using this database (process {holder}); "
                "stop it first, or give this one a data directory of its own"
            ) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._descriptor = descriptor

    def release(self) -> None:
        """Let it go; the file stays, so that nobody can lock a file that is being removed."""
        if self._descriptor is not None:
            os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = None

    def _open(self) -> int:
        try:
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise StoreBroken(f"{self.path}: the lock file cannot be opened: {error.strerror}") from error
        give_away(descriptor, self.path.parent)
        return descriptor
