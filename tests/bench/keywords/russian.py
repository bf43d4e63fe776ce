"""Russian names in news, each looked for by its nominative: FactRuEval-2016, dev set (MIT).

Protocol (section 4.1 of the reference, made exact):
- A keyword is a one-word nominative that the corpus gives for an entity: a person's `lastname`, the `name` of a place. One word
  is one token of `monitor.language.text`, so `Нью-Йорк` is none.
- A mention is a one-word `surname` span of such a person, or a one-word `loc_name` span of such a place. It is left out when
  the text calls the entity by quite another word (`США` for `Америка`, `Wolf` for `Вольф`): when its first two letters are
  those of none of the entity's names.
- It is a hit when one of the entity's names finds it. Recall is hits by mentions, over the whole corpus.
- For loose precision every keyword looks at every token of the corpus: what it finds is right if the token lies in a span of a
  name (person, place, organisation), wrong otherwise, though many of those are names that nobody marked (`Кремля`): a lower bound.
  A derived adjective (`geo_adj`: `российский`) counts as wrong.
Without the corpus a few sentences of our own are measured in its stead.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from monitor.language import russian
from monitor.language.stems import ANY, EXACT, Case, Stem
from monitor.language.text import Token, fold, tokens

CORPUS = Path(__file__).parents[3] / "../shared/data/factrueval/devset"
NAMING = frozenset({"surname", "name", "nickname", "patronymic", "loc_name", "org_name"})
PREFIX = 2
"""Letters that a mention shares with the name it is a form of."""

KINDS = {("lastname", "surname"): "persons", ("name", "loc_name"): "places"}

SAMPLE = (
    "Президент {Токаев=Токаев} прибыл в {Алматы=Алматы}, где встретился с {Ириной Абдуллаевой=Абдуллаева}.",
    "После переговоров с {Путиным=Путин} и {Лукашенко=Лукашенко} самолет вылетел из {Москвы=Москва} в {Астану=Астана}.",
    "Сторонники {Навального=Навальный} собрались в {Казани=Казань}, {Орле=Орел} и {Химках=Химки}.",
    "Переговоры {Пашиняна=Пашинян} с {Меркель=Меркель} прошли под {Ереваном=Ереван}, газеты писали о них до утра.",
    "Жители {Актобе=Актобе} и {Шымкента=Шымкент} видели колонну по дороге к {Уральску=Уральск}.",
)
"""Sentences of our own: `{form=nominative}`; the last word of a form is the mention."""


PERSONS = frozenset({"Токаев", "Абдуллаева", "Путин", "Лукашенко", "Навальный", "Пашинян", "Меркель"})

Span = tuple[str, int, int]
"""Kind, first character, characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """A word of a text that names an entity, and the nominatives that the corpus gives for it."""

    word: Token
    kind: str
    names: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A text, its mentions, and the characters that lie in any name."""

    text: str
    mentions: tuple[Mention, ...]
    named: frozenset[int]


METHODS: Mapping[str, Callable[[str], tuple[Stem, ...]]] = {
    "exact": lambda word: (Stem(text=fold(word), endings=EXACT, rule=""),),
    "prefix": lambda word: (Stem(text=fold(word), endings=ANY, rule=""),),
    "ours": russian.stems,
    "ours, capital rule": lambda word: russian.stems(word, name=word[:1].isupper()),
}


def rows() -> list[tuple[str, str, str, float]]:
    """Return (corpus, method, measure, figure) for every method."""
    there = CORPUS.is_dir()
    documents = tuple(corpus() if there else map(sample, SAMPLE))
    title = "factrueval dev" if there else "own sentences, Russian"
    return [(title, method, *figure) for method, forms in METHODS.items() for figure in figures(documents, forms)]


def figures(documents: Iterable[Document], forms: Callable[[str], tuple[Stem, ...]]) -> Iterator[tuple[str, float]]:
    """Yield recall by kind and loose precision of one method."""
    documents = tuple(documents)
    for kind in ("persons", "places"):
        mentions = [(each, document.text) for document in documents for each in document.mentions if each.kind == kind]
        found = sum(any(finds(forms(name), each.word, text) for name in each.names) for each, text in mentions)
        yield f"recall, {kind}", found / len(mentions)
    yield "loose precision", loose_precision(documents, forms)


def loose_precision(documents: Iterable[Document], forms: Callable[[str], tuple[Stem, ...]]) -> float:
    """Return the share of hits, of all keywords in all documents, that lie in a name."""
    documents = tuple(documents)
    keywords = {name for document in documents for mention in document.mentions for name in mention.names}
    begins: defaultdict[str, list[Stem]] = defaultdict(list)
    for keyword in keywords:
        for stem in forms(keyword):
            begins[stem.text].append(stem)
    right = wrong = 0
    for document in documents:
        for word in tokens(document.text):
            stems = (stem for end in range(len(word.form) + 1) for stem in begins.get(word.form[:end], ()))
            if finds(tuple(stems), word, document.text):
                right, wrong = (right + 1, wrong) if word.start in document.named else (right, wrong + 1)
    return right / (right + wrong)


def finds(stems: Iterable[Stem], word: Token, text: str) -> bool:
    """Tell whether one of the stems takes the word for a form."""
    return any(
        word.form.startswith(stem.text)
        and stem.endings.accepts(word.form[len(stem.text) :])
        and (stem.case == Case.ANY or text[word.start].isupper())
        for stem in stems
    )


def sample(marked: str) -> Document:
    """Return a sentence of our own as a document."""
    text, mentions, named = "", [], set()
    for before, form, name in re.findall(r"([^{]*)(?:{([^=]*)=([^}]*)})?", marked):
        text += before
        start = len(text)
        text += form
        if form:
            *_, last = tokens(form)
            word = Token(last.form, start + last.start, start + last.end)
            mentions.append(Mention(word=word, kind=_own_kind(name), names=frozenset({name})))
            named |= set(range(start, len(text)))
    return Document(text=text, mentions=tuple(mentions), named=frozenset(named))


def corpus() -> Iterator[Document]:
    """Yield the documents of the corpus."""
    for path in sorted(CORPUS.glob("*.txt")):
        text = path.read_text(encoding="utf-8")
        spans = {
            fields[0]: (fields[1], int(fields[2]), int(fields[3])) for fields in _lines(path.with_suffix(".spans"))
        }
        named = (range(start, start + length) for kind, start, length in spans.values() if kind in NAMING)
        objects = {
            fields[0]: [spans[part] for part in fields[2:] if part in spans]
            for fields in _lines(path.with_suffix(".objects"))
        }
        yield Document(
            text=text,
            mentions=tuple(_mentions(path.with_suffix(".coref"), text, objects)),
            named=frozenset(chain.from_iterable(named)),
        )


def _lines(path: Path) -> Iterator[list[str]]:
    for line in path.read_text(encoding="utf-8").splitlines():
        fields = line.partition("#")[0].split()
        if fields:
            yield fields


def _mentions(path: Path, text: str, objects: Mapping[str, list[Span]]) -> Iterator[Mention]:
    for record in path.read_text(encoding="utf-8").split("\n\n"):
        head, *fields = record.strip().split("\n")
        for (field, span), kind in KINDS.items():
            values = (line.removeprefix(field + " ") for line in fields if line.startswith(field + " "))
            names = frozenset(value for value in values if len(list(tokens(value))) == 1)
            parts = chain.from_iterable(objects.get(each, ()) for each in head.split()[1:])
            starts = {(start, start + length) for type_, start, length in parts if type_ == span}
            for start, end in sorted(starts):
                words = list(tokens(text[start:end]))
                if len(words) == 1 and words[0].form[:PREFIX] in {fold(name)[:PREFIX] for name in names}:
                    yield Mention(word=Token(words[0].form, start, end), kind=kind, names=names)


def _own_kind(name: str) -> str:
    return "persons" if name in PERSONS else "places"
