"""All watches in one index: the cost of a report grows with its text, not with the number of keywords.

Keywords are whole words and phrases in folded form (see language.text). The index maps the first word of each phrase to
the phrases that begin with it; one pass over the words of a field finds all of them. No pattern can backtrack: there is none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from monitor.language.text import Token, fold, forms, tokens
from monitor.model import Feed, Match, Reason, Report, Watch

MAX_REASONS = 20
"""Reasons kept per match; the first of each keyword and field come first."""


@dataclass(frozen=True, slots=True)
class _Phrase:
    words: tuple[str, ...]
    keyword: str


@dataclass(frozen=True, slots=True)
class _Compiled:
    watch: Watch
    any: frozenset[tuple[str, ...]]
    all: tuple[frozenset[tuple[str, ...]], ...]
    none: frozenset[tuple[str, ...]]
    sources: frozenset[str]


@dataclass(frozen=True, slots=True)
class WatchIndex:
    """The compiled watches; immutable, shared by threads."""

    watches: tuple[_Compiled, ...]
    phrases: Mapping[str, tuple[_Phrase, ...]]

    def match(self, report: Report, feed: Feed | None) -> tuple[Match, ...]:
        """Return a match for each watch that wants the report, in the order of the watches."""
        found = {name: self._find(name, text) for name, text in (("title", report.title), ("text", report.text))}
        matches = (self._judge(compiled, report, feed, found) for compiled in self.watches)
        return tuple(match for match in matches if match is not None)

    def _find(self, name: str, text: str) -> dict[tuple[str, ...], list[Reason]]:
        words = list(tokens(text))
        found: dict[tuple[str, ...], list[Reason]] = {}
        for position, token in enumerate(words):
            for phrase in self.phrases.get(token.form, ()):
                if _stands(phrase.words, words, position):
                    end = words[position + len(phrase.words) - 1].end
                    reason = Reason(
                        keyword=phrase.keyword, surface=text[token.start : end], field=name, start=token.start, end=end
                    )
                    found.setdefault(phrase.words, []).append(reason)
        return found

    def _judge(
        self,
        compiled: _Compiled,
        report: Report,
        feed: Feed | None,
        found: Mapping[str, Mapping[tuple[str, ...], list[Reason]]],
    ) -> Match | None:
        watch = compiled.watch
        if not _within(compiled, report, feed):
            return None
        fields = [found[name] for name in watch.fields]
        if _reasons(compiled.none, fields):
            return None
        groups = [_reasons(group, fields) for group in compiled.all]
        if not all(groups):
            return None
        wanted = _reasons(compiled.any, fields)
        if compiled.any and not wanted:
            return None
        reasons = [*wanted, *(reason for group in groups for reason in group)]
        return Match(report_id=report.id, watch=watch.name, version=report.version, reasons=_first_of_each(reasons))


def compile_watches(watches: Iterable[Watch]) -> WatchIndex:
    """Compile the enabled watches."""
    compiled, phrases = [], dict[str, dict[tuple[str, ...], _Phrase]]()
    for watch in watches:
        if not watch.enabled:
            continue
        compiled.append(
            _Compiled(
                watch=watch,
                any=_phrases(watch.any, phrases),
                all=tuple(_phrases(group, phrases) for group in watch.all),
                none=_phrases(watch.none, phrases),
                sources=frozenset(fold(source) for source in watch.sources),
            )
        )
    return WatchIndex(tuple(compiled), {first: tuple(known.values()) for first, known in phrases.items()})


def _phrases(keywords: Iterable[str], phrases: dict[str, dict[tuple[str, ...], _Phrase]]) -> frozenset[tuple[str, ...]]:
    keys = set()
    for keyword in keywords:
        words = forms(keyword)
        if words:
            keys.add(words)
            phrases.setdefault(words[0], {}).setdefault(words, _Phrase(words, keyword))
    return frozenset(keys)


def _stands(words: tuple[str, ...], text: Sequence[Token], position: int) -> bool:
    if position + len(words) > len(text):
        return False
    return all(text[position + offset].form == word for offset, word in enumerate(words))


def _within(compiled: _Compiled, report: Report, feed: Feed | None) -> bool:
    watch = compiled.watch
    if watch.languages and report.language not in watch.languages:
        return False
    if compiled.sources and not compiled.sources.intersection((fold(report.outlet), fold(report.source))):
        return False
    if watch.feeds and report.feed_id not in watch.feeds:
        return False
    return not (watch.groups and (feed is None or feed.group not in watch.groups))


def _reasons(
    wanted: frozenset[tuple[str, ...]], fields: Sequence[Mapping[tuple[str, ...], list[Reason]]]
) -> list[Reason]:
    return [reason for field in fields for words in field.keys() & wanted for reason in field[words]]


def _first_of_each(reasons: Sequence[Reason]) -> tuple[Reason, ...]:
    """Return the reasons by field and place, the first of each keyword and field before repetitions, at most MAX_REASONS."""
    ordered = sorted(set(reasons), key=lambda reason: (reason.field != "title", reason.start, reason.keyword))
    seen = set[tuple[str, str]]()
    first, later = list[Reason](), list[Reason]()
    for reason in ordered:
        (later if (reason.keyword, reason.field) in seen else first).append(reason)
        seen.add((reason.keyword, reason.field))
    return tuple([*first, *later][:MAX_REASONS])
