"""How laws are run: enough examples to find what tables miss, no limit of time for one (two cores are shared by all tests)."""

from __future__ import annotations

from hypothesis import settings

law = settings(deadline=None, max_examples=100)
