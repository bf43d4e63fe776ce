"""Files belong to the service's user, whoever runs a command.

The service runs under a user of its own; a command run by root on the same data directory must not leave files that the
service cannot open. Two guards: `become_owner` makes the process act as the directory's owner from then on, and files that root
creates all the same are handed to the directory's owner (SQLite itself does so for -wal and -shm, following the database file).
"""

from __future__ import annotations

import os
from pathlib import Path


def become_owner(path: Path) -> bool:
    """Act as the owner of a data directory (or of the directory of a file); return whether the process changed.

    Only root changes, and only where the directory exists and belongs to someone else. Where that user could not reach the
    directory (a parent closed to all but root, as with systemd's DynamicUser), root stays root: `give_away` covers that.
    Modules imported after this must be readable for that user.
    """
    directory = path if path.is_dir() else path.parent
    if os.geteuid() != 0 or not directory.is_dir():
        return False
    stat = directory.stat()
    if stat.st_uid == 0:
        return False
    group = os.getegid()
    os.setegid(stat.st_gid)
    os.seteuid(stat.st_uid)
    if os.access(directory, os.W_OK | os.X_OK, effective_ids=True):
        return True
    os.seteuid(0)
    os.setegid(group)
    return False


def give_away(descriptor: int, directory: Path) -> None:
    """Hand a file that root just created to the owner of its directory."""
    if os.geteuid() == 0:
        stat = directory.stat()
        os.fchown(descriptor, stat.st_uid, stat.st_gid)
