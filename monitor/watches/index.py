"""All watches in one index: the cost of a report grows with its text, not with the number of keywords.

Keywords are whole words and phrases in folded form (see language.text). The index is a tree of words: phrases that begin with
the same words share a path, so from each word of a text at most as many steps are taken as the longest keyword has words,
however many keywords there are. No pattern can backtrack: there is none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from monitor.language.text import Token, fold, forms, squeeze, tokens
from monitor.model import Feed, Match, Reason, Report, Watch

MAX_REASONS = 20
"""Reasons kept per match; the first of each keyword and field come first."""

Words = tuple[str, ...]
"""A keyword as the folded words it consists of."""


@dataclass(slots=True)
class _Node:
    """A word of phrases: the words that may follow, and the phrase that ends here. Nobody changes it once it is compiled."""

    following: dict[str, _Node] = field(default_factory=dict)
    phrase: Words | None = None


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A watch; its keywords by their words, as the watch writes them."""

    watch: Watch
    any: Mapping[Words, str]
    all: tuple[Mapping[Words, str], ...]
    none: Mapping[Words, str]
    sources: frozenset[str]


@dataclass(frozen=True, slots=True)
class WatchIndex:
    """The compiled watches; immutable, shared by threads."""

    watches: tuple[_Compiled, ...]
    root: _Node
    asking: Mapping[Words, tuple[int, ...]]
    """Which watches (by position) a phrase may count for."""
    unasking: tuple[int, ...]
    """Watches without keywords: their limits alone decide."""

    def match(self, report: Report, feed: Feed | None) -> tuple[Match, ...]:
        """Return a match for each watch that wants the report, in the order of the watches.

        A reason's span points into the report's field as it is: `text[start:end]` is its surface.
        """
        texts = {"title": _Read.of(report.title, self.root), "text": _Read.of(report.text, self.root)}
        concerned = {at for read in texts.values() for phrase in read.found for at in self.asking.get(phrase, ())}
        matches = (_judge(self.watches[at], report, feed, texts) for at in sorted(concerned.union(self.unasking)))
        return tuple(match for match in matches if match is not None)


def compile_watches(watches: Iterable[Watch]) -> WatchIndex:
    """Compile the enabled watches."""
    root = _Node()
    compiled = tuple(
        _Compiled(
            watch=watch,
            any=_plant(watch.any, root),
            all=tuple(_plant(group, root) for group in watch.all),
            none=_plant(watch.none, root),
            sources=frozenset(fold(squeeze(source)) for source in watch.sources),
        )
        for watch in watches
        if watch.enabled
    )
    asking: dict[Words, list[int]] = {}
    for at, each in enumerate(compiled):
        for phrase in dict.fromkeys(phrase for keywords in (each.any, *each.all) for phrase in keywords):
            asking.setdefault(phrase, []).append(at)
    unasking = tuple(at for at, each in enumerate(compiled) if not each.watch.any and not each.watch.all)
    return WatchIndex(compiled, root, {phrase: tuple(at) for phrase, at in asking.items()}, unasking)


def _plant(keywords: Iterable[str], root: _Node) -> Mapping[Words, str]:
    """Put keywords into the tree; those without a letter or digit can stand nowhere and are left out."""
    planted: dict[Words, str] = {}
    for keyword in keywords:
        words = forms(keyword)
        if not words:
            continue
        planted.setdefault(words, keyword)
        node = root
        for word in words:
            node = node.following.setdefault(word, _Node())
        node.phrase = words
    return planted


@dataclass(slots=True)
class _Read:
    """A text with the phrases that stand in it: the first places of each, by the numbers of its first and last word."""

    text: str
    found: Mapping[Words, Sequence[tuple[int, int]]]
    _places: Sequence[Token] = ()

    @classmethod
    def of(cls, text: str, root: _Node) -> _Read:
        """Read a text once for all watches."""
        words, first = forms(text), root.following
        found: dict[Words, list[tuple[int, int]]] = {}
        for position, word in enumerate(words):
            if word not in first:
                continue
            for phrase, last in _phrases_at(root, words, position):
                places = found.setdefault(phrase, [])
                if len(places) < MAX_REASONS:
                    places.append((position, last))
        return cls(text, found)

    def holds(self, keywords: Mapping[Words, str]) -> bool:
        """Tell whether one of these stands in the text."""
        return not self.found.keys().isdisjoint(keywords)

    def spans(self, words: Words) -> Iterator[tuple[int, int]]:
        """Yield the character spans of a phrase that was found. Where words stand is asked only of texts that are wanted."""
        self._places = self._places or tuple(tokens(self.text))
        for first, last in self.found[words]:
            yield self._places[first].start, self._places[last].end


def _phrases_at(root: _Node, words: Sequence[str], position: int) -> Iterable[tuple[Words, int]]:
    """Yield the phrases that begin at a word, each with the position of the word it ends in."""
    node = root
    for at in range(position, len(words)):
        following = node.following.get(words[at])
        if following is None:
            return
        if following.phrase:
            yield following.phrase, at
        node = following


def _judge(compiled: _Compiled, report: Report, feed: Feed | None, texts: Mapping[str, _Read]) -> Match | None:
    watch = compiled.watch
    if not _within(compiled, report, feed):
        return None
    read = [(name, texts[name]) for name in watch.fields]
    asked = [compiled.any, *compiled.all] if watch.any else compiled.all
    if not all(any(text.holds(keywords) for _, text in read) for keywords in asked):
        return None
    if any(text.holds(compiled.none) for _, text in read):
        return None
    kept = _first_of_each(
        [reason for keywords in asked for name, text in read for reason in _reasons(keywords, name, text)]
    )
    return Match(report_id=report.id, watch=watch.name, version=report.version, reasons=kept)


def _within(compiled: _Compiled, report: Report, feed: Feed | None) -> bool:
    watch = compiled.watch
    if watch.languages and report.language not in watch.languages:
        return False
    if watch.sources and compiled.sources.isdisjoint(fold(squeeze(name)) for name in (report.outlet, report.source)):
        return False
    if watch.feeds and report.feed_id not in watch.feeds:
        return False
    return not (watch.groups and (feed is None or feed.group not in watch.groups))


def _reasons(keywords: Mapping[Words, str], name: str, read: _Read) -> Iterator[Reason]:
    for words in read.found.keys() & keywords.keys():
        for start, end in read.spans(words):
            yield Reason(keyword=keywords[words], surface=read.text[start:end], field=name, start=start, end=end)


def _first_of_each(reasons: Iterable[Reason]) -> tuple[Reason, ...]:
    """Return the reasons by field and place, the first of each keyword and field before repetitions, at most MAX_REASONS."""
    ordered = sorted(set(reasons), key=lambda reason: (reason.field != "title", reason.start, reason.keyword))
    seen = set[tuple[str, str]]()
    first, later = list[Reason](), list[Reason]()
    for reason in ordered:
        (later if (reason.keyword, reason.field) in seen else first).append(reason)
        seen.add((reason.keyword, reason.field))
    return tuple([*first, *later][:MAX_REASONS])
