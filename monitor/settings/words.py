"""Durations, lists of choices, and what to say to somebody who mistyped."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import timedelta
from difflib import get_close_matches

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"([0-9]{1,6})\s*([smhd])")
_LISTED = 12
"""Choices named in full before `...`: a line that can still be read."""


def parse_duration(text: str) -> timedelta | None:
    """Return `90s`, `5m`, `24h` or `7d` as a span; None for anything else."""
    found = _DURATION.fullmatch(text.strip())
    return timedelta(seconds=int(found.group(1)) * _UNITS[found.group(2)]) if found else None


def say_duration(span: timedelta) -> str:
    """Return a span in the largest unit that holds it exactly: the inverse of `parse_duration` for whole seconds."""
    seconds = int(span.total_seconds())
    unit = next((unit for unit in "dhm" if seconds and seconds % _UNITS[unit] == 0), "s")
    return f"{seconds // _UNITS[unit]}{unit}"


def choose(word: str, choices: Iterable[str], *, what: str = "choose from") -> str:
    """Return what to write instead of an unknown word: the nearest choice, else all of them."""
    known = sorted(set(choices))
    near = get_close_matches(word.casefold(), [choice.casefold() for choice in known], n=1, cutoff=0.6)
    if near:
        return f"did you mean `{next(choice for choice in known if choice.casefold() == near[0])}`?"
    if not known:
        return "there is none yet"
    return f"{what} {', '.join(known[:_LISTED])}{', ...' if len(known) > _LISTED else ''}"
