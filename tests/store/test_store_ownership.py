"""A command run by root leaves no file behind that the service's user cannot open."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from monitor.store.ownership import become_owner

SERVICE = 65534
USE = """
import json, os, sys
from pathlib import Path
from monitor.store import open_store
from monitor.store.ownership import become_owner
warm = open_store("sqlite://")  # loads all modules while we may read them: the interpreter may lie in root's home
warm.migrate()
warm.close()
data = Path(sys.argv[1])
changed = become_owner(data) if sys.argv[2] == "become" else None
store = open_store("sqlite:///monitor.db", data_dir=data)
store.lock_service()
store.migrate()
store.set_flag("x", "1")
print(json.dumps([changed, os.geteuid(), {file.name: file.stat().st_uid for file in data.iterdir()}]))
store.close()
"""

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as somebody else")


@pytest.fixture
def data(tmp_path) -> Path:
    """A data directory of the service's user that this user can reach."""
    directory = tmp_path / "data"
    directory.mkdir(mode=0o700)
    if os.geteuid() == 0:
        os.chown(directory, SERVICE, SERVICE)
        for parent in directory.parents:
            if parent == Path("/tmp"):
                break
            parent.chmod(0o755)
    return directory


def use(data: Path, how: str):
    done = subprocess.run(
        [sys.executable, "-c", USE, str(data), how], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


FILES = {"monitor.db", "monitor.db-wal", "monitor.db-shm", "monitor.db.lock"}


@as_root
def test_root_acts_as_the_owner_of_the_data_directory(data):
    changed, user, owners = use(data, "become")
    assert (changed, user) == (True, SERVICE)
    assert owners == dict.fromkeys(FILES, SERVICE)


@as_root
@pytest.mark.parametrize("how", ["become", "stay"])
def test_where_root_stays_root_the_files_go_to_the_owner_all_the_same(data, tmp_path, how):
    tmp_path.chmod(0o700)  # the owner cannot reach the directory through this one
    changed, user, owners = use(data, how)
    assert (bool(changed), user) == (False, 0)
    assert owners == dict.fromkeys(FILES, SERVICE)


def test_nothing_changes_where_the_directory_is_our_own_or_not_there(tmp_path):
    assert become_owner(tmp_path) is False
    assert become_owner(tmp_path / "none" / "data") is False
    assert become_owner(tmp_path / "monitor.db") is False
