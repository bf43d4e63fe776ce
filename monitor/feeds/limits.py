"""How much of a document is taken. A module of its own: the service names limits without loading any parser."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much of a document is taken: entries, and characters of its fields."""

    entries: int = 2000
    title: int = 1000
    text: int = 50_000
    name: int = 300
    guid: int = 1000
