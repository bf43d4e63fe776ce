"""Rows added to and taken out of feeds.yaml and watches.yaml, with everything else left as it is, byte for byte.

Problem: people keep comments, an order and a layout in these files. A round trip through a YAML library keeps most of it
and reflows the rest (long lists, quotes, comments in brackets).
Choice: the node graph says where a row begins and ends; the change is made in the text there, and before anything is
written the new text is read again: it must hold the old rows and the change, and bring no mistake that was not there.
The file is replaced in one step and keeps its mode and owner.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from monitor.errors import Mistake, SettingsError, UsageError
from monitor.language.text import squeeze
from monitor.settings.document import compose, read_text
from monitor.settings.load import FEEDS, WATCHES, examine
from monitor.settings.words import choose

Row = Mapping[str, Any]
"""Values as they stand in the file: texts (durations as `5m`), numbers, true/false, lists, lists of lists of texts."""

REFERENCES = frozenset({"authorization", "proxy"})
"""Keys whose value may name an environment variable; `${` anywhere else is meant literally (titles come from strangers)."""

_PLAIN = re.compile(r"[^\W\d_][\w.-]*(?: [\w.-]+)*|[0-9]+[smhd]")
_RESERVED = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})


def add_feeds(config_dir: Path, rows: Sequence[Row], *, environ: Mapping[str, str]) -> None:
    """Append feeds to feeds.yaml. Raises SettingsError when the file has mistakes or would have them, UsageError otherwise."""
    _append(config_dir, FEEDS, "feeds", rows, environ)


def remove_feed(config_dir: Path, feed_id: str, *, environ: Mapping[str, str]) -> None:
    """Take a feed out of feeds.yaml, with the comment lines directly above it. Errors as in `add_feeds`."""
    _remove(config_dir, FEEDS, "feeds", "id", feed_id, environ)


def add_watch(config_dir: Path, row: Row, *, environ: Mapping[str, str]) -> None:
    """Append a watch to watches.yaml. Errors as in `add_feeds`."""
    _append(config_dir, WATCHES, "watches", [row], environ)


def remove_watch(config_dir: Path, name: str, *, environ: Mapping[str, str]) -> None:
    """Take a watch out of watches.yaml, with the comment lines directly above it. Errors as in `add_feeds`."""
    _remove(config_dir, WATCHES, "watches", "name", name, environ)


def set_queries(config_dir: Path, queries: Mapping[str, str], *, environ: Mapping[str, str]) -> tuple[str, ...]:
    """Replace the queries of watches, by name, and return the names of those that read otherwise now. Errors as in `add_feeds`."""
    file = config_dir.absolute() / WATCHES
    known = _mistakes(config_dir, file, environ)
    text, sequence, _ = _open(file, "watches")
    assert isinstance(sequence, SequenceNode)
    kept, changed = _rows("watches", text), list[str]()
    for number in reversed(range(len(kept))):  # from the end, so that the places before stay where they are
        row = kept[number]
        if row["name"] not in queries:
            continue
        changing = _with_query(text, sequence.value[number], queries[row["name"]])
        if changing is None:
            raise UsageError(
                f"the query of `{row['name']}` in {file} stands elsewhere, or holds a variable; change it by hand"
            )
        text, kept[number]["query"] = changing
        changed.append(row["name"])
    _apply(_Change(file=file, key="watches", text=text, kept=kept), config_dir, known, environ)
    return tuple(reversed(changed))


# --- the changes --------------------------------------------------------------------------------------------------


def _append(config_dir: Path, name: str, key: str, rows: Sequence[Row], environ: Mapping[str, str]) -> None:
    if not rows:
        return
    file = config_dir.absolute() / name
    known = _mistakes(config_dir, file, environ)
    text, sequence, key_node = _open(file, key)
    newline = "\r\n" if "\r\n" in text else "\n"
    if isinstance(sequence, SequenceNode) and sequence.value and not sequence.flow_style:
        column, at = sequence.start_mark.column, _line_end(text, _inner_end(text, sequence) - 1)
    else:
        column, text = 0, _opened(text, sequence, key_node)
        at = _line_end(text, key_node.end_mark.index)
    blocks = (newline + newline.join(" " * column + line for line in _written(row)) for row in rows)
    separator = newline if at and _blank_between(text, sequence) else ""
    added = "".join(f"{newline}{separator}{block.removeprefix(newline)}" for block in blocks)
    rest = text[at:] or newline
    change = _Change(file=file, key=key, text=text[:at] + added + rest, kept=_rows(key, text), rows=len(rows))
    _apply(change, config_dir, known, environ)


def _remove(config_dir: Path, name: str, key: str, column: str, wanted: str, environ: Mapping[str, str]) -> None:
    file = config_dir.absolute() / name
    known = _mistakes(config_dir, file, environ)
    text, sequence, key_node = _open(file, key)
    before = _rows(key, text)
    names = [row.get(column) if isinstance(row, dict) else None for row in before]
    if wanted not in names:
        advice = choose(wanted, [str(name) for name in names if name])
        raise UsageError(f"there is no `{wanted}` in {file.name}; {advice}")
    assert isinstance(sequence, SequenceNode)
    number = names.index(wanted)
    start, end = _extent(text, key_node, sequence, number)
    kept = before[:number] + before[number + 1 :]
    _apply(_Change(file=file, key=key, text=text[:start] + text[end:], kept=kept), config_dir, known, environ)


def _open(file: Path, key: str) -> tuple[str, Node, Node]:
    """Return the file's text and the nodes of its list and of the list's key."""
    text = read_text(file)[0]
    root = compose(file, text)[0]
    assert isinstance(root, MappingNode), "a file without mistakes holds keys"
    key_node, value = next(pair for pair in root.value if pair[0].value == key)
    if isinstance(value, SequenceNode) and value.flow_style and value.value:
        sentence = f"`{key}` in {file} is written in brackets; write each row after `- ` so that it can be edited"
        raise UsageError(sentence)
    return text, value, key_node


def _opened(text: str, sequence: Node, key_node: Node) -> str:
    """Return the text with an empty list (`[]`, `~`) after the key taken out."""
    if sequence.start_mark.index <= key_node.end_mark.index:
        return text
    return text[: sequence.start_mark.index].rstrip(" ") + text[sequence.end_mark.index :]


def _with_query(text: str, row: MappingNode, query: str) -> tuple[str, str] | None:
    """Return the text with a row's query replaced, and the query as it stands there: on one line in a row in braces.

    None where what stands there is an alias or is completed by the environment.
    """
    key, value = next(pair for pair in row.value if pair[0].value == "query")
    if value.start_mark.index < key.start_mark.index or "${" in value.value:
        return None
    query = query.replace("${", "$${")
    start, end = int(value.start_mark.index), _end(text, value)
    is_block = value.style in {"|", ">"}
    if row.flow_style or ("\n" not in query and not is_block):
        query = squeeze(query)
        return text[:start] + _quoted(query) + text[end:], query
    end = len(text[:end].rstrip()) if is_block else end
    after = _line_end(text, end)
    comment = text[start : _line_end(text, start)].lstrip("|>+-0123456789") if is_block else text[end:after]
    indent = "\n" + " " * (key.start_mark.column + 2)
    block = indent.join([f"|-{comment}", *query.split("\n")])
    return text[:start] + block + text[after:], query


# --- where things stand in the text -----------------------------------------------------------------------------------


def _end(text: str, node: Node) -> int:
    """Return where a node's text ends; the marks of block collections reach into the comments behind them."""
    if isinstance(node, SequenceNode) and node.value and not node.flow_style:
        last = node.value[-1]
        return _last_content(text, node) if last.start_mark.index < node.start_mark.index else _end(text, last)
    if isinstance(node, MappingNode) and node.value and not node.flow_style:
        key, value = node.value[-1]
        alias = value.start_mark.index < key.start_mark.index
        return int(key.end_mark.index) if alias else _end(text, value)
    if isinstance(node, ScalarNode) and node.style in {"|", ">"}:
        return int(node.end_mark.index) - 1
    return int(node.end_mark.index)


def _last_content(text: str, node: Node) -> int:
    """Return where a block that ends in an alias (whose own marks are elsewhere) ends: before blank and comment lines."""
    end = int(node.end_mark.index)
    start = _line_start(text, end)
    while start > node.start_mark.index and (text[start:end].lstrip() or "#").startswith("#"):
        end = start - 1
        start = _line_start(text, end)
    return end


def _inner_end(text: str, sequence: SequenceNode, number: int = -1) -> int:
    """Return where the line after a row begins; comments that are indented more than the rows belong to the row."""
    end = _after(text, _end(text, sequence.value[number]))
    while _is_inner_comment(text[end : _after(text, end)], sequence.start_mark.column):
        end = _after(text, end)
    return end


def _line_end(text: str, index: int) -> int:
    """Return the end of the line that holds a position, before its line break (and a comment stays on it)."""
    found = text.find("\n", index)
    end = len(text) if found < 0 else found
    return end - 1 if text[:end].endswith("\r") else end


def _line_start(text: str, index: int) -> int:
    return text.rfind("\n", 0, index) + 1


def _blank_between(text: str, sequence: Node) -> bool:
    """Tell whether the rows of a list stand apart by an empty line."""
    if not isinstance(sequence, SequenceNode) or len(sequence.value) < 2:  # noqa: PLR2004 - two rows have one gap
        return False
    gap = text[_end(text, sequence.value[0]) : sequence.value[1].start_mark.index]
    return bool(re.search(r"\n[ \t\r]*\n", gap))


def _extent(text: str, key_node: Node, sequence: SequenceNode, number: int) -> tuple[int, int]:
    """Return where a row begins (with the comment directly above) and where the next thing begins."""
    start = _line_start(text, sequence.value[number].start_mark.index)
    first = _after(text, key_node.end_mark.index)
    while start > first and text[_line_start(text, start - 1) : start].lstrip().startswith("#"):
        start = _line_start(text, start - 1)
    end = _inner_end(text, sequence, number)
    spaced = start == 0 or not text[_line_start(text, start - 1) : start].strip()
    while spaced and end < len(text) and not text[end : _after(text, end)].strip():
        end = _after(text, end)
    while spaced and end == len(text) and start > first and not text[_line_start(text, start - 1) : start].strip():
        start = _line_start(text, start - 1)
    return start, end


def _after(text: str, index: int) -> int:
    """Return the beginning of the next line."""
    found = text.find("\n", index)
    return len(text) if found < 0 else found + 1


def _is_inner_comment(line: str, column: int) -> bool:
    """Tell whether a line is a comment that is indented more than the rows: part of the row above it."""
    content = line.lstrip(" ")
    return content.startswith("#") and len(line) - len(content) > column


# --- rows as text -----------------------------------------------------------------------------------------------------


def _written(row: Row) -> list[str]:
    """Return a row as lines, the first with its dash."""
    lines = [f"{key}: {_value(value, literal=key not in REFERENCES)}" for key, value in row.items()]
    return [("- " if number == 0 else "  ") + line for number, line in enumerate(lines)]


def _value(value: Any, *, literal: bool) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(_value(item, literal=literal) for item in value) + "]"
    return _quoted(_shown(str(value), literal=literal))


def _shown(text: str, *, literal: bool) -> str:
    """Return a text as it stands in the file: one line, nothing invisible, `${` escaped where it is meant literally."""
    clean = squeeze("".join(char if char.isprintable() else " " for char in text))
    return clean.replace("${", "$${") if literal else clean


def _quoted(text: str) -> str:
    if _PLAIN.fullmatch(text) and text.lower() not in _RESERVED:
        return text
    if ('"' in text or "\\" in text) and "'" not in text:
        return f"'{text}'"
    return json.dumps(text, ensure_ascii=False)


# --- checking and writing ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Change:
    """A file as it shall be: its text, the rows that must be as before, and how many come after them."""

    file: Path
    key: str
    text: str
    kept: list[Any]
    rows: int = 0


def _mistakes(config_dir: Path, file: Path, environ: Mapping[str, str]) -> tuple[Mistake, ...]:
    """Return the mistakes of the other files; those of the file itself, or of the folder as a whole, must be mended first."""
    _, mistakes = examine(config_dir, environ=environ)
    here = tuple(mistake for mistake in mistakes if mistake.file in {file, config_dir, config_dir.absolute()})
    if here:
        raise SettingsError(here)
    return mistakes


def _rows(key: str, text: str) -> list[Any]:
    """Return the rows as plain values, environment variables not filled in."""
    rows = YAML(typ="safe", pure=True).load(text)[key]
    return rows if isinstance(rows, list) else []


def _apply(change: _Change, config_dir: Path, known: Sequence[Mistake], environ: Mapping[str, str]) -> None:
    """Write the new text if it is right: no new mistake anywhere, the other rows untouched."""
    _, mistakes = examine(config_dir, environ=environ, texts={change.file.name: change.text})
    new = tuple(mistake for mistake in mistakes if mistake not in known)
    if new:
        raise SettingsError(new)
    rows = _rows(change.key, change.text)
    if len(rows) != len(change.kept) + change.rows or rows[: len(change.kept)] != change.kept:
        raise UsageError(f"{change.file} is written in a way that cannot be edited safely; change it by hand")
    write_atomically(change.file, change.text)


def write_atomically(file: Path, text: str) -> None:
    """Replace a file in one step, keeping its mode and owner; a link stays a link to the changed file."""
    target = file.resolve()
    try:
        status = target.stat()
        with tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.", delete=False) as temporary:
            path = Path(temporary.name)
            try:
                temporary.write(text.encode())
                temporary.flush()
                os.fchmod(temporary.fileno(), status.st_mode & 0o7777)
                if (status.st_uid, status.st_gid) != (os.geteuid(), os.getegid()):
                    os.fchown(temporary.fileno(), status.st_uid, status.st_gid)
                os.fsync(temporary.fileno())
                path.replace(target)
            except BaseException:
                path.unlink(missing_ok=True)
                raise
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}") from error
