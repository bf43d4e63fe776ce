"""The wheel holds all that an installed program needs: other files than Python's are easily forgotten."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_wheel_carries_starter_templates_schema_and_migrations(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT, check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    (wheel,) = tmp_path.glob("situation_monitor-*.whl")
    with zipfile.ZipFile(wheel) as opened:
        names = set(opened.namelist())
    starter = {
        f"monitor/starter/{file.relative_to(ROOT / 'config')}"
        for file in (ROOT / "config").rglob("*")
        if file.is_file() and not any(part.startswith((".", "__")) for part in file.relative_to(ROOT).parts)
    }
    templates = {f"monitor/alerts/templates/{file.name}" for file in (ROOT / "monitor/alerts/templates").glob("*.j2")}
    assert len(starter) > 5
    assert len(templates) == 5
    assert starter | templates <= names
    assert "monitor/alerts/event-1.schema.json" in names
    assert "monitor/watches/query.lark" in names
    assert any(name.startswith("monitor/store/migrations/versions/") for name in names)
    assert not [name for name in names if name.startswith("tests/") or "__pycache__" in name]
