"""What a query expands to: for each keyword the gazetteer's entries it stands for, its spellings, and its forms by language.

Made of the same stems that texts are searched with, so what is shown is what is found. Endings that are a list are listed;
chains of suffixes have no end, so the common ones that a stem takes stand for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import assert_never

from monitor.language.entities import Kind
from monitor.language.stems import ANY, Case, Closed, Stem
from monitor.model import Language
from monitor.watches.compiling import Compiler
from monitor.watches.query import (
    And,
    Around,
    AtLeast,
    Boosted,
    Leaf,
    Limited,
    Mentions,
    Near,
    Not,
    Or,
    Query,
    Saved,
    Term,
    parts_of,
)
from monitor.watches.writing import write


def _listed(words: str) -> tuple[str, ...]:
    return tuple(words.split())


COMMON = _listed(
    """ның нің дың дің тың тің ға ге қа ке на не да де та те дан ден тан тен нан нен ды ді ны ні ты ті мен бен пен
    лар лер дар дер тар тер дағы дегі тағы тегі лық лік дық дік тық тік ы і сы сі
    nyñ niñ dyñ diñ tyñ tiñ ğa ge qa ke da de ta te dan den tan ten nan nen dy di ny ni ty ti men ben pen
    lar ler dar der tar ter dağy degi lyq lik y i sy si"""
)
"""Kazakh suffixes as most words take them: case endings, plural, possession, in Cyrillic and in Latin."""
SHOWN = 8
"""Of these, so many are shown for a stem."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forms:
    """A beginning of a word with the endings it takes."""

    stem: str
    language: Language | None
    rule: str
    endings: tuple[str, ...]
    more: bool
    """The endings are examples: there are others."""
    case: Case


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """An entry of the gazetteer with its names by language, as its file has them."""

    key: str
    title: str
    names: Mapping[Language | None, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyword:
    """What one leaf of a query looks for: entries of the gazetteer, and words with their forms, one tuple for each word."""

    text: str
    entries: tuple[Known, ...] = ()
    words: tuple[tuple[Forms, ...], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """A part of a query: how its parts are joined, the keywords and the further parts in it."""

    label: str
    keywords: tuple[Keyword, ...] = ()
    parts: tuple[Branch, ...] = ()


def expansion(query: Query, compiler: Compiler) -> Branch:
    """Return what a query that compiles expands to; keywords side by side in one list stand together."""
    if isinstance(query, Saved) and query.name in compiler.saved:
        return Branch(label=f"saved as @{query.name}", parts=(expansion(compiler.saved[query.name], compiler),))
    if isinstance(query, Leaf):
        return Branch(label="this", keywords=(_keyword(query, compiler),))
    inner = parts_of(query)
    plain = [part for part in inner if isinstance(part, Leaf) and not _is_saved(part, compiler)]
    others = [part for part in inner if not (isinstance(part, Leaf) and not _is_saved(part, compiler))]
    return Branch(
        label=_label(query),
        keywords=tuple(_keyword(part, compiler) for part in plain),
        parts=tuple(expansion(part, compiler) for part in others),
    )


def _is_saved(query: Query, compiler: Compiler) -> bool:
    return isinstance(query, Saved) and query.name in compiler.saved


def _label(query: And | Or | Not | AtLeast | Near | Limited | Boosted) -> str:  # noqa: PLR0911 - one for each kind
    match query:
        case And():
            return "all of these"
        case Or():
            return "one of these"
        case Not():
            return "not this"
        case AtLeast():
            return f"at least {query.count} of these"
        case Near():
            return f"these with at most {query.words} words between them"
        case Limited():
            return f"in the {query.to.value}"
        case Boosted():
            return f"counting {query.weight:g} times"
        case _:
            assert_never(query)


def _keyword(leaf: Leaf, compiler: Compiler) -> Keyword:
    match leaf:
        case Term():
            meaning = compiler.meaning(leaf)
            words = tuple(_forms(slot) for phrase in meaning.phrases for slot in phrase)
            return Keyword(text=leaf.text, entries=_known(meaning.entries, compiler), words=words)
        case Mentions():
            found = compiler.gazetteer.called(leaf.name, Kind(leaf.about.value))
            return Keyword(text=write(leaf), entries=_known((each.key for each in found), compiler))
        case Around():
            middle = compiler.gazetteer.called(leaf.place, Kind.PLACE)
            keys = compiler.gazetteer.within(leaf.km, middle[0].key) if middle else frozenset()
            return Keyword(text=write(leaf), entries=_known(sorted(keys), compiler))
        case Saved():
            found = compiler.gazetteer.called(leaf.name)
            return Keyword(text=write(leaf), entries=_known((each.key for each in found), compiler))
        case _:
            return Keyword(text=write(leaf))


def _known(keys: Iterable[str], compiler: Compiler) -> tuple[Known, ...]:
    gazetteer = compiler.gazetteer
    return tuple(
        Known(key=key, title=gazetteer.entity(key).titles["en"], names=gazetteer.phrases_of(key)) for key in keys
    )


def _forms(slot: Iterable[Stem]) -> tuple[Forms, ...]:
    return tuple(
        Forms(
            stem=stem.text,
            language=stem.language,
            rule=stem.rule,
            endings=_endings(stem),
            more=not isinstance(stem.endings, Closed),
            case=stem.case,
        )
        for stem in slot
    )


def _endings(stem: Stem) -> tuple[str, ...]:
    if isinstance(stem.endings, Closed):
        return tuple(sorted(stem.endings.endings))
    if stem.endings is ANY:
        return ()
    return tuple(ending for ending in COMMON if stem.endings.accepts(ending))[:SHOWN]
