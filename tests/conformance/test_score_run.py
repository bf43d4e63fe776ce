"""The service itself under the eyes of all kinds of publishers: a small run of score.py (`make score` watches for two days)."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from conformance.score import is_good, score


@pytest.mark.slow
def test_no_publisher_has_anything_to_complain_about(tmp_path: Path) -> None:
    found = asyncio.run(score(tmp_path, 6, kills=2))
    assert found.found == []
    assert is_good(found), found.table()
    assert found.not_modified > found.requests / 3
