"""YAML read with lines: typed fields of a mapping, and every mistake kept with file and line instead of raised.

A reader never stops at the first mistake: it notes it, returns a harmless stand-in and goes on, so that the user sees
all mistakes together. Whoever loads checks `Notes.mistakes` before it uses what was read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from monitor.errors import Mistake

Value = TypeVar("Value")

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
"""Stand-in for a time that could not be read; never used, because a mistake is noted with it."""

_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_TRUTH = {"true": True, "yes": True, "false": False, "no": False}


@dataclass(slots=True)
class Notes:
    """The mistakes found so far, in the order of reading."""

    mistakes: list[Mistake] = field(default_factory=list)

    def add(self, file: Path, line: int | None, message: str, instead: str | None = None) -> None:
        """Note one mistake."""
        self.mistakes.append(Mistake(file=file, line=line, message=message, instead=instead))


def span_of(text: str) -> timedelta | None:
    """Return `90s`, `15m`, `6h`, `2d` or `250ms` as a span, None for anything else."""
    found = _SPAN.fullmatch(text.strip())
    return timedelta(seconds=float(found[1]) * _UNITS[found[2]]) if found else None


def moment_of(text: str) -> datetime | None:
    """Return an ISO time with an offset, keeping that offset (it is shown to readers); None for anything else."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


def read_mapping(file: Path, notes: Notes, what: str) -> Fields | None:
    """Return the top mapping of a YAML file; None, with a note, when there is none."""
    try:
        node = YAML(typ="safe", pure=True).compose(file.read_text(encoding="utf-8"))
    except OSError as error:
        notes.add(file, None, f"cannot be read: {error.strerror}")
    except UnicodeDecodeError:
        notes.add(file, None, "is not UTF-8", "save it as UTF-8")
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        notes.add(file, mark.line + 1 if mark else None, f"is not YAML: {error.problem or error.context}")
    except YAMLError as error:
        notes.add(file, None, f"is not YAML: {error}")
    else:
        if isinstance(node, MappingNode):
            return Fields(node, file, notes, what)
        notes.add(file, 1, f"must hold a {what} as a mapping (`key: value` lines)")
    return None


class Fields:
    """One mapping: each field is asked for by name and type; `close` notes what nobody asked for."""

    def __init__(self, node: MappingNode, file: Path, notes: Notes, what: str) -> None:
        self.file = file
        self.line = node.start_mark.line + 1
        self.what = what
        self._notes = notes
        self._asked = set[str]()
        self._nodes = dict[str, tuple[Node, int]]()
        for key, value in node.value:
            name, line = str(key.value), key.start_mark.line + 1
            if name in self._nodes:
                self.note(f"`{name}` stands twice in this {what}", line=line)
            self._nodes[name] = (value, line)

    def note(
        self, message: str, instead: str | None = None, *, key: str | None = None, line: int | None = None
    ) -> None:
        """Note a mistake at a field, a line, or the mapping as a whole."""
        at = line or (self._nodes[key][1] if key in self._nodes else self.line)
        self._notes.add(self.file, at, message, instead)

    def has(self, key: str) -> bool:
        """Tell whether the field is given."""
        return key in self._nodes

    def close(self) -> None:
        """Note the fields that mean nothing here."""
        for key, (_, line) in self._nodes.items():
            if key not in self._asked:
                known = ", ".join(sorted(self._asked))
                self.note(f"`{key}` means nothing in this {self.what}", f"known here: {known}", line=line)

    def text(self, key: str, default: str | None = None, *, among: Iterable[str] = ()) -> str:
        """Return a non-empty string; `default=None` makes the field required."""
        given = self._scalar(key, required=default is None)
        if given is None:
            return default or ""
        choices = tuple(among)
        if choices and given not in choices:
            self.note(f"`{key}: {given}` is not known", f"write one of {', '.join(choices)}", key=key)
        elif not given.strip():
            self.note(f"`{key}` is empty", key=key)
        return given

    def optional(self, key: str) -> str | None:
        """Return a string, None when the field is not given."""
        return self.text(key, "") or None

    def moment(self, key: str) -> datetime:
        """Return a required time with offset."""
        return self._parsed(key, EPOCH, moment_of, "a time with its offset, e.g. 2022-01-05T10:30+06:00", required=True)

    def span(self, key: str, default: timedelta | None = None) -> timedelta:
        """Return a span; `default=None` makes the field required."""
        return self._parsed(
            key, default or timedelta(), span_of, "a span, e.g. 90s, 15m, 6h or 2d", required=default is None
        )

    def number(self, key: str, default: int | None, low: int, high: int) -> int:
        """Return a whole number within [low, high]; `default=None` makes the field required."""

        def parse(text: str) -> int | None:
            return int(text) if text.isdecimal() and low <= int(text) <= high else None

        wanted = f"a whole number from {low} to {high}"
        return self._parsed(key, low if default is None else default, parse, wanted, required=default is None)

    def truth(self, key: str, *, default: bool) -> bool:
        """Return true or false."""
        return self._parsed(key, default, lambda text: _TRUTH.get(text.lower()), "true or false", required=False)

    def texts(self, key: str, *, among: Sequence[str] = ()) -> tuple[str, ...]:
        """Return a list of strings (one string counts as a list of one), empty when not given."""
        values = []
        for node in self._items(key):
            if not isinstance(node, ScalarNode):
                self.note(f"`{key}` takes plain words", key=key)
            elif among and node.value not in among:
                self.note(f"`{node.value}` is not known in `{key}`", f"write one of {', '.join(among)}", key=key)
            else:
                values.append(str(node.value))
        return tuple(values)

    def moments(self, key: str) -> tuple[datetime, ...]:
        """Return a required list of times with offsets (one time counts as a list of one)."""
        moments = tuple(moment_of(text) for text in self.texts(key))
        if not moments or None in moments:
            self.note(f"`{key}` must list times with their offsets", key=key)
        return tuple(moment for moment in moments if moment is not None)

    def children(self, key: str, what: str) -> tuple[Fields, ...]:
        """Return a list of mappings, empty when not given."""
        found = []
        for node in self._items(key):
            if isinstance(node, MappingNode):
                found.append(Fields(node, self.file, self._notes, what))
            else:
                self.note(f"every {what} under `{key}` is a mapping", line=node.start_mark.line + 1)
        return tuple(found)

    def child(self, key: str, what: str) -> Fields | None:
        """Return a mapping, None when not given."""
        self._asked.add(key)
        node, line = self._nodes.get(key, (None, 0))
        if node is not None and not isinstance(node, MappingNode):
            self.note(f"`{key}` must be a mapping", line=line)
        return Fields(node, self.file, self._notes, what) if isinstance(node, MappingNode) else None

    def _items(self, key: str) -> Sequence[Any]:
        self._asked.add(key)
        node, _ = self._nodes.get(key, (None, 0))
        if node is None or (isinstance(node, ScalarNode) and str(node.tag).endswith(":null")):
            return ()
        return node.value if isinstance(node, SequenceNode) else (node,)

    def _scalar(self, key: str, *, required: bool) -> str | None:
        self._asked.add(key)
        node, _ = self._nodes.get(key, (None, 0))
        if isinstance(node, ScalarNode) and not str(node.tag).endswith(":null"):
            return str(node.value)
        if node is not None and not isinstance(node, ScalarNode):
            self.note(f"`{key}` takes one value, no list or mapping", key=key)
        elif required:
            self.note(f"`{key}` is missing in this {self.what}", key=key)
        return None

    def _parsed(
        self, key: str, default: Value, parse: Callable[[str], Value | None], wanted: str, *, required: bool
    ) -> Value:
        given = self._scalar(key, required=required)
        if given is None:
            return default
        value = parse(given)
        if value is None:
            self.note(f"`{key}: {given}` is not {wanted}", key=key)
            return default
        return value
