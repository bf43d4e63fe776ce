"""Ids as people give them: abbreviated, sometimes too much."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from monitor.errors import UsageError

T = TypeVar("T")

SHORT = 12
"""Characters of an id in a list: the recipe and 40 bits."""

SEARCHED = 2000
"""Newest rows among which the ones that an ambiguous beginning may mean are looked for."""

_NAMED = 10


def short(identifier: str | None) -> str | None:
    """Return an id as lists show it; every command takes it in this form."""
    return identifier[:SHORT] if identifier else None


def found(what: str, given: str, value: T | None, candidates: Callable[[], Iterable[tuple[str, str]]]) -> T:
    """Return the value that an id led to, or say what is wrong with the id.

    `candidates` gives (id, description) of the newest rows; asked only where nothing was found.
    """
    if value is not None:
        return value
    meant = [(known, description) for known, description in candidates() if given and known.startswith(given)]
    if len(meant) > 1:
        listed = [f"  {known}  {description}" for known, description in meant[:_NAMED]]
        more = [f"  ... and {len(meant) - _NAMED} more"] if len(meant) > _NAMED else []
        raise UsageError(
            "\n".join([f"`{given}` may mean several {_plural(what)}; give more of the id:", *listed, *more])
        )
    raise UsageError(f"no {what} has an id that begins with `{given}`; `monitor {_plural(what)} list` shows them")


def _plural(what: str) -> str:
    return what[:-1] + "ies" if what.endswith("y") else what + "s"
