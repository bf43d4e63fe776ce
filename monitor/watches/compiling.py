"""From watches to one index: what each leaf of each query looks for is gathered, numbered, and looked for in one pass."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import assert_never

from monitor.errors import QueryError
from monitor.language import inflection
from monitor.language.entities import Entity, Kind
from monitor.language.gazetteer import Gazetteer
from monitor.language.phrases import Phrase
from monitor.model import LANGUAGES, Language, Watch
from monitor.watches.nodes import About, All, Close, Comes, Like, No, Node, Some, Weighted, Words
from monitor.watches.origin import Origins, plain
from monitor.watches.patterns import Regex
from monitor.watches.query import (
    And,
    Around,
    AtLeast,
    Boosted,
    From,
    Limited,
    Mentions,
    Near,
    Not,
    Or,
    Origin,
    Pattern,
    Query,
    Saved,
    Term,
)
from monitor.watches.reading import read_keyword, read_query

LANGUAGES_OF_REPORTS: tuple[Language, ...] = (*LANGUAGES, "other")

NAMES = frozenset({Kind.PLACE, Kind.PERSON, Kind.ORG})
"""What a keyword may be the name of. Concepts are asked for by `concept:` or `@`: `protest` alone is that word."""
SMALL_NAMES = frozenset({Kind.PLACE, Kind.PERSON})
"""What a keyword written small may be the name of: `government` is that word, and no institution of one country."""

DEEPEST = 100
"""Parts within parts of a query with the saved ones in it: whoever walks one may do so by recursion."""
MOST_PARTS = 100_000
"""Parts and words of a query with the saved ones in it: a few that refer to each other often would make billions."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a term looks for: phrases, and entries of the gazetteer by key."""

    phrases: tuple[Phrase, ...]
    entries: tuple[str, ...]


@dataclass(slots=True)
class Compiler:
    """Turns queries into nodes, and gathers the phrases they look for by number."""

    gazetteer: Gazetteer
    saved: Mapping[str, Query]
    numbers: dict[Phrase, int] = field(default_factory=dict)
    _within: list[str] = field(default_factory=list)
    """The saved queries around the part at hand."""
    _depth: int = 0
    _parts: int = 0

    def node(self, query: Query, fields: tuple[str, ...]) -> Node:
        """Return a query as a node that looks in these fields.

        Raises QueryError for names nobody knows, and for saved queries that come to too much or to themselves.
        """
        self._parts = 0
        return self._node(query, fields)

    def _node(self, query: Query, fields: tuple[str, ...]) -> Node:
        self._depth += 1
        try:
            self._count(1)
            return self._made(query, fields)
        finally:
            self._depth -= 1

    def _count(self, parts: int) -> None:
        self._parts += parts
        if self._depth > DEEPEST or self._parts > MOST_PARTS:
            raise QueryError(
                "the query comes to too much", (0, 0), "make several watches of it, or save less as `@name`"
            )

    def _made(self, query: Query, fields: tuple[str, ...]) -> Node:
        match query:
            case Limited():
                return self._node(query.part, (query.to.value,))
            case Boosted():
                return Weighted(part=self._node(query.part, fields), weight=query.weight)
            case And() | Or() | Not() | AtLeast() | Near():
                return self._joined(query, fields)
            case Mentions() | Around() | Saved():
                return self._known(query, fields)
            case _:
                return self._leaf(query, fields)

    def meaning(self, term: Term) -> Meaning:
        """Return what a term looks for.

        A term always stands for itself: whoever writes `МЧС` wants every `МЧС`, whatever country it is of. One that the
        gazetteer knows stands for its entries as well, with all their names in all languages. A name written with a capital
        that is a common word when written small (`Oral`, `Семей`) is looked for with a capital.
        """
        if term.exact:
            return Meaning(_some(tuple(inflection.exact(word.text) for word in term.words)), ())
        text = " ".join(word.text + "*" * word.open_end for word in term.words)
        if "*" in text:
            return Meaning(_some(inflection.phrase(text)), ())
        small = text == text.lower()
        entries = [entry for entry in self.gazetteer.called(text) if entry.kind in (SMALL_NAMES if small else NAMES)]
        name = any(entry.kind in SMALL_NAMES for entry in entries) and not self.gazetteer.called(text.lower())
        return Meaning(_some(inflection.phrase(text, name=name)), tuple(entry.key for entry in entries))

    def number(self, phrase: Phrase) -> int:
        """Return the number of a phrase."""
        return self.numbers.setdefault(phrase, len(self.numbers))

    def _joined(self, query: And | Or | Not | AtLeast | Near, fields: tuple[str, ...]) -> Node:
        match query:
            case And():
                return All(parts=self._nodes(query.parts, fields))
            case Or():
                return self._either(query.parts, fields)
            case Not():
                return No(part=self._node(query.part, fields))
            case AtLeast():
                return Some(count=query.count, parts=self._nodes(query.parts, fields))
            case Near():
                left, right = self._nodes(query.parts, fields)
                return Close(left=left, right=right, words=query.words, fields=fields)
            case _:
                assert_never(query)

    def _leaf(self, query: Term | Pattern | Origin, fields: tuple[str, ...]) -> Node:
        match query:
            case Term():
                return self._words([query], fields)
            case Pattern():
                return Like(keyword=f"/{query.pattern}/", regex=Regex.of(query.pattern), fields=fields)
            case Origin():
                return Comes(origins=_origins(query))
            case _:
                assert_never(query)

    def _known(self, query: Mentions | Around | Saved, fields: tuple[str, ...]) -> Node:
        """Return a question for what the gazetteer or watches.yaml knows by name."""
        match query:
            case Mentions():
                return self._about(query, fields)
            case Around():
                keys = self.gazetteer.within(query.km, self._entry(Kind.PLACE, query.place, query).key)
                return About(keyword=f"within {query.km:g} km of {query.place}", keys=keys, fields=fields)
            case Saved():
                return self._saved(query, fields)
            case _:
                assert_never(query)

    def _nodes(self, parts: Iterable[Query], fields: tuple[str, ...]) -> tuple[Node, ...]:
        return tuple(self._node(part, fields) for part in parts)

    def _words(self, terms: Sequence[Term], fields: tuple[str, ...]) -> Words:
        phrases: dict[int, str] = {}
        names: dict[str, str] = {}
        self._count(len(terms))
        for term in terms:
            meaning = self.meaning(term)
            for phrase in meaning.phrases:
                phrases.setdefault(self.number(phrase), term.text)
            for key in meaning.entries:
                names.setdefault(key, term.text)
        return Words(phrases=phrases, names=names, fields=fields)

    def _either(self, parts: Sequence[Query], fields: tuple[str, ...]) -> Node:
        """Return alternatives, their words as one leaf."""
        terms = [part for part in parts if isinstance(part, Term)]
        others = self._nodes((part for part in parts if not isinstance(part, Term)), fields)
        if not others:
            return self._words(terms, fields)
        return Some(count=1, parts=(self._words(terms, fields), *others) if terms else others)

    def _about(self, query: Mentions, fields: tuple[str, ...]) -> Node:
        """Return a question for an entry and what lies in it. A person or organisation nobody listed is looked for as a name."""
        kind = Kind(query.about.value)
        keyword = f"{query.about.value}:{query.name}"
        found = self.gazetteer.called(query.name, kind)
        if not found and kind in {Kind.PERSON, Kind.ORG}:
            phrases = _some(inflection.phrase(query.name, name=True))
            return Words(phrases={self.number(each): keyword for each in phrases}, names={}, fields=fields)
        keys = found or (self._entry(kind, query.name, query),)
        return About(
            keyword=keyword, keys=frozenset(key for entry in keys for key in self._whole(entry.key)), fields=fields
        )

    def _whole(self, key: str) -> Iterable[str]:
        return (key, *self.gazetteer.children(key))

    def _saved(self, query: Saved, fields: tuple[str, ...]) -> Node:
        name = query.name
        if name in self.saved:
            return self._inserted(name, query, fields)
        entries = [entry.key for kind in Kind for entry in self.gazetteer.called(name, kind)]
        if not entries:
            raise self._unknown(f"`@{name}` is neither a saved query nor in the gazetteer", name, query, self.saved)
        keys = frozenset(key for entry in entries for key in self._whole(entry))
        return About(keyword=f"@{name}", keys=keys, fields=fields)

    def _inserted(self, name: str, query: Saved, fields: tuple[str, ...]) -> Node:
        """Return a saved query at its place in another; what is wrong with it is wrong at that place."""
        if name in self._within:
            raise QueryError(f"`@{name}` refers to itself", query.span, "take one of the references out")
        self._within.append(name)
        try:
            return self._node(self.saved[name], fields)
        except QueryError as error:
            raise QueryError(f"in `@{name}`: {error.message}", query.span, error.hint) from error
        finally:
            self._within.pop()

    def _entry(self, kind: Kind, name: str, query: Mentions | Around) -> Entity:
        found = self.gazetteer.called(name, kind)
        if not found:
            raise self._unknown(f"the gazetteer has no {kind.value} `{name}`", name, query, ())
        return found[0]

    def _unknown(self, message: str, name: str, query: Mentions | Around | Saved, also: Iterable[str]) -> QueryError:
        near = self.gazetteer.alike(name, also)
        hint = f"did you mean `{near}`?" if near else "`monitor gazetteer find TEXT` shows what there is"
        return QueryError(message, query.span, hint)


def query_of(watch: Watch) -> Query:
    """Return all that a watch asks for as one query; its limits on where a report comes from are not in it.

    Raises QueryError.
    """
    parts: list[Query] = []
    if watch.query:
        parts.append(read_query(watch.query))
    if watch.any:
        parts.append(_one_of(watch.any))
    parts += (_one_of(group) for group in watch.all)
    if watch.none:
        parts.append(Not(part=_one_of(watch.none)))
    return parts[0] if len(parts) == 1 else And(parts=tuple(parts))


def limits_of(watch: Watch) -> Origins:
    """Return the limits of a watch on where a report comes from."""
    return Origins(
        languages=frozenset(watch.languages),
        sources=frozenset(map(plain, watch.sources)),
        feeds=frozenset(watch.feeds),
        groups=frozenset(watch.groups),
    )


def _one_of(keywords: Sequence[str]) -> Query:
    terms = tuple(_keyword(keyword) for keyword in keywords)
    return terms[0] if len(terms) == 1 else Or(parts=terms)


def _keyword(text: str) -> Term | Saved:
    term = read_keyword(text)
    return replace(term, written=text) if isinstance(term, Term) else term


def _origins(query: Origin) -> Origins:
    match query.of:
        case From.SOURCE:
            return Origins(sources=frozenset({plain(query.value)}))
        case From.FEED:
            return Origins(feeds=frozenset({query.value}))
        case From.LANG:
            return Origins(
                languages=frozenset(language for language in LANGUAGES_OF_REPORTS if language == query.value)
            )
        case _:
            assert_never(query.of)


def _some(phrase: Phrase) -> tuple[Phrase, ...]:
    return (phrase,) if phrase else ()
