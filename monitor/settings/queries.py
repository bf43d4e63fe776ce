"""The queries and keywords of watches.yaml, read with the gazetteer: each mistake at its line, with its place in the query."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from monitor.errors import QueryError
from monitor.language.gazetteer import Gazetteer
from monitor.model import Watch
from monitor.settings.document import Document, Where
from monitor.settings.fields import ID, ID_ADVICE
from monitor.settings.files import WatchRow
from monitor.settings.validate import Findings
from monitor.watches.compiling import Compiler, query_of
from monitor.watches.query import Query, Term, Word
from monitor.watches.reading import read_keyword, read_query

LISTS = ("any", "none")

_UNREADABLE = Term(words=(Word(text="unreadable"),))
"""Stands for a saved query with a mistake, so that those who use it are not blamed for it."""


def saved_queries(document: Document, findings: Findings) -> Mapping[str, str]:
    """Return `saved:`, the queries that others use as `@name`, by name. What they say is checked by `Queries`."""
    rows = document.data.get("saved") or {}
    if not isinstance(rows, dict):
        findings.add(document, ("saved",), "`saved` must hold names with queries", "like `energy: oil OR gas`")
        return {}
    return {name: text for name, text in rows.items() if _is_query(document, name, text, findings)}


def _names(document: Document) -> Iterable[str]:
    """Return the names under `saved:`, those with mistakes too."""
    rows = document.data.get("saved")
    return rows if isinstance(rows, dict) else ()


def _is_query(document: Document, name: str, text: Any, findings: Findings) -> bool:
    if not ID.fullmatch(name):
        findings.add(document, ("saved", name), f"`{name}` cannot be a name", ID_ADVICE)
        return False
    if not isinstance(text, str):
        findings.add(document, ("saved", name), "must be a query", "write it in one line of text, or after `|`")
        return False
    return True


class Queries:
    """Checks whether what watches ask for can be meant so. Names are looked up in the saved queries and the gazetteer."""

    def __init__(self, document: Document, saved: Mapping[str, str], gazetteer: Gazetteer, findings: Findings) -> None:
        """Read the saved queries, noting what is wrong with them."""
        self._document, self._findings = document, findings
        self._saved: dict[str, Query] = dict.fromkeys(_names(document), _UNREADABLE) | self._read_saved(saved)
        self._compiler = Compiler(gazetteer, self._saved)
        for name, query in tuple(self._saved.items()):
            if not self._try(query, ("saved", name)):
                self._saved[name] = _UNREADABLE

    def check(self, where: Where, row: WatchRow, watch: Watch) -> None:
        """Note what is wrong with a watch, given as its row and as what it comes to: at its parts, else with the whole."""
        try:
            self._compiler.node(query_of(watch), watch.fields)
        except QueryError as error:
            before = len(self._findings.mistakes)
            self._check_parts(where, row)
            if len(self._findings.mistakes) == before:
                self._note(error, where)

    def _check_parts(self, where: Where, row: WatchRow) -> None:
        if row.query.strip():
            self._read(row.query, (*where, "query"))
        for key in LISTS:
            self._keywords(getattr(row, key), (*where, key))
        for number, group in enumerate(row.all):
            self._keywords(group, (*where, "all", number))

    def _read_saved(self, saved: Mapping[str, str]) -> dict[str, Query]:
        found: dict[str, Query] = {}
        for name, text in saved.items():
            try:
                found[name] = read_query(text)
            except QueryError as error:
                self._note(error, ("saved", name))
        return found

    def _read(self, text: str, where: Where) -> None:
        try:
            query = read_query(text)
        except QueryError as error:
            self._note(error, where)
        else:
            self._try(query, where)

    def _keywords(self, keywords: Sequence[str], where: Where) -> None:
        for number, keyword in enumerate(keywords):
            try:
                query = read_keyword(keyword)
            except QueryError as error:
                self._note(error, (*where, number))
            else:
                self._try(query, (*where, number))

    def _try(self, query: Query, where: Where) -> bool:
        """Tell whether a query compiles, noting why it does not."""
        try:
            self._compiler.node(query, ("title", "text"))
        except QueryError as error:
            self._note(error, where)
            return False
        return True

    def _note(self, error: QueryError, where: Where) -> None:
        start, _ = error.span
        place = f" (character {start + 1})" if start else ""
        self._findings.add(self._document, where, f"{error.message}{place}", error.hint)
