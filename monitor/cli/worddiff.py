"""What an edit changed, in words: readable in a terminal without colours, and as data."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum

_PIECES = re.compile(r"\s+|\w+|[^\w\s]")
CONTEXT = 8
"""Words shown around a change in a long text."""
MAX_PIECES = 4000
"""Pieces compared word by word; longer texts (about 2000 words) are shown as replaced, comparing takes quadratic time."""


class Kind(StrEnum):
    """What became of a stretch of text."""

    SAME = "same"
    REMOVED = "removed"
    ADDED = "added"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Text that stayed, went or came."""

    kind: Kind
    text: str


def compare(before: str, after: str) -> tuple[Stretch, ...]:
    """Return how `before` became `after`: without what was added it reads as before, without what was removed as after."""
    if before == after:
        return (Stretch(kind=Kind.SAME, text=after),) if after else ()
    old, new = _PIECES.findall(before), _PIECES.findall(after)
    if len(old) + len(new) > MAX_PIECES:
        return tuple(_stretches([(Kind.REMOVED, before), (Kind.ADDED, after)]))
    return tuple(_stretches(_edits(old, new)))


def _edits(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[Kind, str]]:
    matcher = SequenceMatcher(a=old, b=new, autojunk=False)
    for tag, start, end, new_start, new_end in matcher.get_opcodes():
        if tag == "equal":
            yield Kind.SAME, "".join(new[new_start:new_end])
            continue
        yield Kind.REMOVED, "".join(old[start:end])
        yield Kind.ADDED, "".join(new[new_start:new_end])


def _stretches(edits: Iterable[tuple[Kind, str]]) -> Iterator[Stretch]:
    """Yield the edits with neighbours joined: a lone space between two changed words belongs to the change."""
    removed, added = "", ""
    listed = list(edits)
    for number, (kind, text) in enumerate(listed):
        if kind is Kind.REMOVED:
            removed += text
        elif kind is Kind.ADDED:
            added += text
        elif (removed or added) and not text.strip() and number < len(listed) - 1:
            removed, added = removed + text, added + text
        else:
            yield from _change(removed, added)
            removed = added = ""
            yield Stretch(kind=Kind.SAME, text=text)
    yield from _change(removed, added)


def _change(removed: str, added: str) -> Iterator[Stretch]:
    if removed:
        yield Stretch(kind=Kind.REMOVED, text=removed)
    if added:
        yield Stretch(kind=Kind.ADDED, text=added)


def brief(stretches: Sequence[Stretch], context: int = CONTEXT) -> tuple[Stretch, ...]:
    """Return the changes with a few words around each; what is left out in between is `…`."""
    last = len(stretches) - 1
    return tuple(
        Stretch(kind=part.kind, text=_around(part.text, context, head=number > 0, tail=number < last))
        if part.kind is Kind.SAME
        else part
        for number, part in enumerate(stretches)
    )


def _around(text: str, context: int, *, head: bool, tail: bool) -> str:
    """Return the words next to the changes: those at the beginning where one stands before, at the end where one follows."""
    words = [found.span() for found in re.finditer(r"\S+", text)]
    if len(words) <= context * (head + tail) or not (head or tail):
        return text
    start = text[: words[context - 1][1]] + " " if head else ""
    end = " " + text[words[-context][0] :] if tail else ""
    return f"{start}…{end}"
