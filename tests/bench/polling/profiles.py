"""Shows what profiled.py wrote: the functions that took most of one phase."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

TOP = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One phase of one service, between two files."""

    title: str
    polls: int
    before: Path
    after: Path


def lines(profile: Profile) -> Iterable[str]:
    """Yield the functions with most CPU time of their own, then those with most including what they call."""
    before, after = (json.loads(path.read_text()) for path in (profile.before, profile.after))
    spent = {
        name: [now - then for now, then in zip(sums, before.get(name, (0, 0, 0)), strict=True)]
        for name, sums in after.items()
    }
    total = sum(own for _, own, _ in spent.values())
    yield f"\n{profile.title}: {total / profile.polls * 1000:.2f} ms per poll under the profiler, parse workers not included"
    for title, column in (("own time", 1), ("with callees", 2)):
        yield f"  {title:>12}   share  calls per poll"
        for name, row in sorted(spent.items(), key=lambda item: -item[1][column])[:TOP]:
            per_poll = row[column] / profile.polls * 1e6
            yield f"  {per_poll:9.1f} us  {row[column] / total:6.1%}  {row[0] / profile.polls:8.1f}  {name}"
