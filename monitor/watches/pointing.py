"""Showing where in a query something is: line, column, the line itself, and carets under what is meant."""

from __future__ import annotations

import unicodedata
from itertools import accumulate

from monitor.watches.query import Span

WINDOW = 72
"""Characters shown of a long line."""
SHOWN = 40
"""Characters of a query shown within a sentence."""
_BEFORE = 48
"""Characters of a long line shown before the place."""


def pointed(text: str, span: Span) -> str:
    """Return three lines: where a span is (lines and columns count from 1), the line it begins in, and carets under it.

    Only a window of a long line is shown. What would hide or turn around is shown as a replacement character.
    """
    begin, end = (min(max(at, 0), len(text)) for at in span)
    line_start = text.rfind("\n", 0, begin) + 1
    line_end = next((at for at in (text.find("\n", begin),) if at >= 0), len(text))
    column = begin - line_start
    first = max(line_start, begin - _BEFORE) if line_end - line_start > WINDOW else line_start
    last = min(line_end, first + WINDOW)
    shown = "".join(map(_visible, text[first:last]))
    columns = list(accumulate(map(_columns, shown), initial=0))
    left, right = columns[begin - first], columns[max(min(end, last), begin) - first]
    dots = "..." if first > line_start else ""
    more = "..." if last < line_end else ""
    carets = " " * (len(dots) + left) + "^" * max(right - left, 1)
    return f"line {text.count(chr(10), 0, begin) + 1}, column {column + 1}\n{dots}{shown}{more}\n{carets}"


def shown(text: str) -> str:
    """Return a piece of a query for a sentence: short, and without characters that hide or turn what stands around them."""
    return "".join(map(_visible, text[:SHOWN])) + "..." * (len(text) > SHOWN)


def _visible(char: str) -> str:
    if char == "\t":
        return " "
    return "\ufffd" if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"} else char


def _columns(char: str) -> int:
    """Return how many columns of a terminal a character takes."""
    if unicodedata.combining(char) or unicodedata.category(char) == "Mn":
        return 0
    return 2 if unicodedata.east_asian_width(char) in {"W", "F"} else 1
