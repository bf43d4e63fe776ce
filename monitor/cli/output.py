"""Everything that is printed. stdout is data: tables for people or JSON; stderr is talk: progress, advice, errors.

What strangers wrote is cleaned before it reaches a terminal (a headline must not move the cursor), and is never rich markup.
Consoles are made per call, so that they follow the stream, the width and NO_COLOR of the moment.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Any, TextIO

from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from monitor.alerts.feedtext import one_line
from monitor.model import Secret, Severity

WIDE = 10_000
"""Columns where no terminal sets a width: every row stays one line, for grep and less."""

STYLES: Mapping[str, str] = {
    "ok": "green",
    "delivered": "green",
    "failing": "red",
    "dead": "red",
    "gone": "red",
    "silent": "yellow",
    "pending": "yellow",
    "warning": "yellow",
    "critical": "bold red",
    "disabled": "dim",
}
"""Colours of words that say how something is; without colour the word says it all."""


def stdout() -> Console:
    """Return the console for data."""
    return _console(stderr=False)


def stderr() -> Console:
    """Return the console for talk."""
    return _console(stderr=True)


def _console(*, stderr: bool) -> Console:
    width = None if _is_terminal(sys.stderr if stderr else sys.stdout) else WIDE
    return Console(stderr=stderr, highlight=False, emoji=False, markup=False, width=width)


def _is_terminal(stream: TextIO) -> bool:
    """Tell whether people read this stream on a terminal, whatever FORCE_COLOR says about its colours."""
    return stream.isatty()


def say(sentence: str) -> None:
    """Tell people something on stderr; line breaks and indentation stay, anything else that acts on a terminal does not."""
    for line in sentence.splitlines():
        indent = len(line) - len(line.lstrip(" "))
        stderr().print(" " * indent + one_line(line), soft_wrap=True)


def show(*parts: RenderableType) -> None:
    """Print data for people. Where no terminal is, lines end with their last letter."""
    console = stdout()
    with console.capture() as captured:
        for part in parts:
            console.print(part, soft_wrap=isinstance(part, str | Text))
    text = captured.get()
    if not _is_terminal(sys.stdout):
        text = "".join(f"{line.rstrip()}\n" for line in text.removesuffix("\n").split("\n"))
    sys.stdout.write(text)


def show_json(value: Any) -> None:
    """Print data for programs: one JSON document; non-ASCII as it is where stdout can carry it."""
    _write_json(value, indent=2)


def show_json_line(value: Any) -> None:
    """Print data for programs that read line by line: one JSON document on one line."""
    _write_json(value, indent=None)


def _write_json(value: Any, *, indent: int | None) -> None:
    utf8 = (getattr(sys.stdout, "encoding", None) or "utf-8").lower().replace("-", "") == "utf8"
    text = json.dumps(plain(value), ensure_ascii=not utf8, indent=indent)
    sys.stdout.write(_encodable(text) + "\n")


def _encodable(text: str) -> str:
    """Return the document with halves of surrogate pairs as JSON escapes: UTF-8 has no bytes for them."""
    return "".join(f"\\u{ord(char):04x}" if "\ud800" <= char <= "\udfff" else char for char in text)


def plain(value: Any) -> Any:
    """Return a value as JSON knows it.

    Times in UTC as `2022-01-05T10:03:00Z`, days as `2022-01-05`, spans in seconds, severities and other choices as their words, secrets as `***`.
    """
    for kind, convert in _CONVERSIONS:
        if isinstance(value, kind):
            return convert(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if value is None or isinstance(value, str | int | float):
        return value
    return [plain(item) for item in value]


def iso(moment: datetime) -> str:
    """Return a moment in UTC as RFC 3339; fractions of a second only where there are some."""
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds" if moment.microsecond else "seconds")
    return text.replace("+00:00", "Z")


_CONVERSIONS: Sequence[tuple[type, Callable[[Any], Any]]] = (
    (Severity, lambda value: value.word),
    (Enum, lambda value: value.value),
    (Secret, lambda _value: "***"),
    (datetime, iso),
    (date, date.isoformat),
    (timedelta, lambda value: value.total_seconds()),
    (Path, str),
)
"""The first that fits: a StrEnum is a text too, and shall be its word."""


def cell(value: object) -> Text:
    """Return a value as table text: cleaned, words of state in their colour, nothing as `-`."""
    text = one_line(str(value)) if value is not None else ""
    return Text(text or "-", style=STYLES.get(text, ""), overflow="fold")


def table(headings: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str) -> RenderableType:
    """Return rows under headings, the first column unbroken where it leaves room for the others; `empty` where there are none.

    Where no terminal sets the width every row is one line with two spaces between columns.
    """
    listed = [[cell(value) for value in row] for row in rows]
    if not listed:
        return Text(empty)
    first = max(row[0].cell_len for row in listed)
    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold", show_edge=False)
    for number, heading in enumerate(headings):
        grid.add_column(heading, no_wrap=number == 0 and first <= stdout().width // 2, overflow="fold")
    for row in listed:
        grid.add_row(*row)
    return grid


def facts(rows: Iterable[tuple[str, object]]) -> RenderableType:
    """Return `name  value` lines; rows without a value are left out."""
    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False, show_edge=False)
    grid.add_column(no_wrap=True, style="bold")
    grid.add_column(overflow="fold")
    for name, value in rows:
        if value is not None and value != "":
            grid.add_row(name, value if isinstance(value, Text) else cell(value))
    return grid


def heading(text: str) -> Text:
    """Return a heading inside a longer answer."""
    return Text(f"\n{one_line(text)}", style="bold")


def count(number: int, one: str, many: str | None = None) -> str:
    """Return `1 feed`, `3 feeds`; `many` where the plural is irregular."""
    return f"{number} {one if number == 1 else many or one + 's'}"


@contextmanager
def working(sentence: str) -> Iterator[None]:
    """Show that something takes a while: on a terminal only, gone when it is done."""
    console = stderr()
    if not console.is_terminal:
        yield
        return
    with console.status(Text(one_line(sentence))):
        yield


@contextmanager
def progress(sentence: str, total: int | None) -> Iterator[Progress]:
    """Give a progress display with one task; invisible where stderr is no terminal."""
    console = stderr()
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as display:
        display.add_task(sentence, total=total)
        yield display
