r"""Patterns of queries: regular expressions in time linear in the text, whatever the pattern and the text are.

The engine is RE2: no lookahead and no backreference, so nothing to backtrack into. Its traps, all dealt with here:

- `\b` and `\w` know ASCII letters only, so `\bвзрыв` would never be found. `\w`, `\W`, `\s` and `\S` are rewritten to classes;
  `\b` counts at the beginning and at the end of a pattern, where it means that no word goes on there, and is refused elsewhere.
- `\C` cuts characters into bytes: refused.
- It logs to stderr unless told not to, and its errors are bytes.
- Its spans count bytes when it is given bytes, and it cannot encode half of a surrogate pair: texts are encoded here.
- Its time is the text times the size of the program in the worst case, so the size is limited (see `LARGEST`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import re2

from monitor.errors import QueryError

LONGEST = 1000
"""Characters of a pattern."""
LARGEST = 2000
"""Instructions of a compiled pattern. The worst pattern of half that size takes 0.9 s for 100 KB of the worst text, 20 ms for
2 KB; usual ones take 1 ms for 100 KB."""
MEMORY = 4 << 20
"""Bytes a pattern may use for its automaton, which is made as texts need it."""

WORD = (
    r"0-9A-Za-z_\x{aa}\x{b5}\x{ba}\x{c0}-\x{d6}\x{d8}-\x{f6}\x{f8}-\x{60b}\x{60d}-\x{61a}\x{620}-\x{6d3}\x{6d5}-\x{1fff}"
    r"\x{2c00}-\x{2dff}\x{3040}-\x{d7ff}\x{f900}-\x{fdff}"
)
"""What words are made of, as a class: letters, digits and their marks. The exact class takes 1,450 instructions, this one 50;
it takes some rare punctuation (Armenian, Hebrew, Indic) for letters."""
SPACE = r"\t-\r\x{85}\p{Z}"

_OUTSIDE = re.compile(r"\\Q.*?(?:\\E|\Z)|\\.|\[\^?\]?|.", re.DOTALL)
_INSIDE = re.compile(r"\[:\^?\w+:\]|\\.|.", re.DOTALL)
"""The pieces of a pattern, outside of a class and inside."""
_MEANINGS = {r"\w": f"[{WORD}]", r"\W": f"[^{WORD}]", r"\s": f"[{SPACE}]", r"\S": f"[^{SPACE}]"}
_MEANINGS_INSIDE = {r"\w": WORD, r"\s": SPACE}
_BEFORE, _AFTER = f"(?:^|[^{WORD}])", f"(?:$|[^{WORD}])"

_SINGLE = "abcdefghijklmnopqrstuvwxyzабвгдежзийклмнопрстуфхцчшщъыьэюяәғқңөұүһі0123456789 "
_ANYTHING = "\ue000" * 64
"""A pattern that finds one of these letters alone, or something in characters that mean nothing, stands in nearly every text."""

_BACKTRACKING = "write it without, for example as an alternative `(this|that)`"
_HINTS = {
    "invalid perl operator": ("looking ahead or behind is not possible in a pattern", _BACKTRACKING),
    "invalid named capture group": ("the group's name is not possible", "write plain parentheses"),
    "invalid repetition size": ("a part is repeated too often", "repeat at most 1000 times in all"),
    "bad repetition operator": ("two repetitions follow each other", "keep one of them"),
    "no argument for repetition operator": ("a repetition has nothing to repeat", "write `\\*`, `\\+` or `\\?` for the sign"),
    "missing )": ("a parenthesis is not closed", "close it, or write `\\(` for the sign"),
    "unexpected )": ("a parenthesis is closed that was not opened", "open it, or write `\\)` for the sign"),
    "missing ]": ("a class is not closed", "close it with `]`, or write `\\[` for the sign"),
    "invalid character class range": ("a range of letters or a class is not possible", "write it as in `[а-я]` or `\\p{Cyrillic}`"),
    "trailing \\": ("a backslash has nothing after it", "write `\\\\` for the sign"),
    "pattern too large": ("the pattern is too large", "repeat less, or make several patterns of it"),
    "expression nests too deeply": ("the pattern is nested too deeply", "use fewer parentheses"),
}  # fmt: skip
"""What the engine says, and what that means to people."""


@dataclass(frozen=True, slots=True)
class Regex:
    """A pattern that was understood. Capitals do not count, unless the pattern says `(?-i)`; `^` and `$` are a field's ends."""

    pattern: str
    _program: Any = field(repr=False, compare=False)

    @classmethod
    def of(cls, pattern: str) -> Regex:
        """Understand a pattern. Raises QueryError, whose span counts within the pattern."""
        if len(pattern) > LONGEST:
            raise _refused("the pattern is too long", pattern, f"use at most {LONGEST} characters")
        inner, begins, ends = _translated(pattern)
        _compiled(inner, pattern)
        made = cls(pattern, _compiled(f"{_BEFORE * begins}({inner}){_AFTER * ends}", pattern))
        _must_mean_something(made, _compiled(inner, pattern))
        return made

    def stands_in(self, text: str) -> bool:
        """Tell whether the pattern stands in a text."""
        return any(True for _ in self.spans(text, 1))

    def spans(self, text: str, most: int) -> Iterator[tuple[int, int]]:
        """Yield where the pattern stands, at most so many places: characters [start, end) that do not overlap, in order."""
        data = text.encode("utf-8", "surrogatepass")
        bytes_done = chars_done = 0
        for _ in range(most):
            found = self._program.search(data, bytes_done)
            if found is None:
                return
            start, end = found.span(1)
            first = chars_done + _characters(data[bytes_done:start])
            chars_done = first + _characters(data[start:end])
            bytes_done = end
            yield first, chars_done


def _characters(data: bytes) -> int:
    return len(data.decode("utf-8", "surrogatepass"))


def _translated(pattern: str) -> tuple[str, bool, bool]:
    r"""Return a pattern in the engine's words, without `\b` at its beginning and end, and whether one stood there."""
    pieces = list(_pieces(pattern))
    begins = bool(pieces) and pieces[0][0] == r"\b"
    ends = len(pieces) > begins and pieces[-1][0] == r"\b"
    depth, position, parts = 0, 0, list[str]()
    for number, (piece, inside) in enumerate(pieces):
        span = (position, position + len(piece))
        position += len(piece)
        if (begins and number == 0) or (ends and number == len(pieces) - 1):
            continue
        _check(piece, span, inside=inside)
        depth += 0 if inside else (piece == "(") - (piece == ")")
        if piece == "|" and not inside and not depth and (begins or ends):
            raise QueryError(r"it is not clear what `\b` belongs to", span, r"write `\b(this|that)\b`")
        parts.append((_MEANINGS_INSIDE if inside else _MEANINGS).get(piece, piece))
    return "".join(parts), begins, ends


def _pieces(pattern: str) -> Iterator[tuple[str, bool]]:
    """Yield the pieces of a pattern, and whether each stands inside of a class."""
    position, inside = 0, False
    while found := (_INSIDE if inside else _OUTSIDE).match(pattern, position):
        piece = found.group()
        yield piece, inside
        position = found.end()
        inside = piece != "]" if inside else piece.startswith("[")


def _check(piece: str, span: tuple[int, int], *, inside: bool) -> None:
    if piece in {r"\b", r"\B"} and not inside:
        raise QueryError(
            f"`{piece}` cannot stand here", span, r"write `\b` at the beginning or the end of the pattern only"
        )
    if piece == r"\C":
        raise QueryError("`\\C` would cut characters", span, "write `.` for any character")
    if piece == r"\W" and inside:
        raise QueryError("`\\W` cannot stand in a class", span, r"write `[^\w]`, or `.` for any character")


def _must_mean_something(made: Regex, inner: Any) -> None:
    if inner.search(b"") is not None:
        raise _refused("the pattern matches the empty text, so every text", made.pattern, "use `+` instead of `*`")
    if any(made.stands_in(letter) for letter in (*_SINGLE, _ANYTHING)):
        raise _refused("the pattern matches nearly every text", made.pattern, "ask for letters, and for more than one")


def _compiled(translated: str, pattern: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    options.case_sensitive = False
    options.max_mem = MEMORY
    try:
        program = re2.compile(translated.encode(), options)
    except UnicodeEncodeError as error:
        raise _refused("the pattern has half of a character in it", pattern, "type it anew") from error
    except re2.error as error:
        raise _explained(error, pattern) from error
    if program.programsize > LARGEST:
        raise _refused("the pattern is too large", pattern, "repeat less, or make several patterns of it")
    return program


def _explained(error: Exception, pattern: str) -> QueryError:
    said = error.args[0].decode("utf-8", "replace") if isinstance(error.args[0], bytes) else str(error)
    what, _, where = said.partition(": ")
    start = pattern.find(where)
    span = (start, start + len(where)) if where and start >= 0 else (0, len(pattern))
    if where.startswith("(?P") or re.match(r"\\[\dk]", where):
        return QueryError("repeating what a group found is not possible in a pattern", span, _BACKTRACKING)
    if what == "invalid escape sequence":
        return QueryError(f"`{where}` means nothing in a pattern", span, "leave the backslash out, or double it")
    message, hint = _HINTS.get(what, (f"the pattern is not understood ({what})", "see the syntax of RE2"))
    return QueryError(message, span, hint)


def _refused(message: str, pattern: str, hint: str) -> QueryError:
    return QueryError(message, (0, len(pattern)), hint)
