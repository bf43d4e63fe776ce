"""What the shipped gazetteer recognises: spellings of towns and regions, forms of people's names, reports, traps.

Protocol:
- Spellings: every name that the shared gazetteer gives for its 53 towns and 17 regions in any language (without `word*`, which is
  no spelling; a form that is inflected counts as a mention only). It is reached if looking it up gives the id (`called`), or if
  the sentence `<name>, Kazakhstan` names it. `covered` names count: the id is what a keyword looks for.
- People: every form that the shared gazetteer lists, without `*`, in a sentence with the person's first office or role there,
  as the rule for ambiguous surnames asks for one.
- Reports: an entry listed for a timeline report (facts in English) or for the seed report is expected if the report's text has
  one of the shared gazetteer's English or Latin spellings of it; many lists name what only the context tells (the country).
  For concepts, all that are listed count, stated or not: a lower bound. Places named beside the list are counted as they are,
  an upper bound of what is false: of those seen when this was written (`Russian`, `Ukrainian`, `Bishkek`, ...) none was.
- Traps: sentences of tests/corpus/traps.yaml; a hit on the entry they only look like is false.
"exact" is the whole word as listed, case folded; "prefix" a word that begins with it.
Without the corpora only the traps are measured.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from monitor.language.gazetteer import Gazetteer
from monitor.language.phrases import Look, PhraseIndex, Reading
from monitor.language.text import fold, forms
from monitor.settings.gazetteer_files import entities
from monitor.settings.validate import Findings

ROOT = Path(__file__).parents[3]
SHARED = ROOT / "../shared/data"
DAY = date(2022, 1, 6)

Row = tuple[str, str, str, float]
Named = Callable[[str], dict[str, bool]]
"""The keys that a text names; True: only as a part of other names."""

SPELLINGS = ("en", "ru", "kk", "latin", "historic")
PEOPLE = ("en", "ru", "kk", "latin")


def rows() -> list[Row]:
    """Measure what is there."""
    gazetteer = Gazetteer(entities(ROOT / "config/gazetteer", {}, Findings()))
    named = recogniser(gazetteer)
    found = [*_traps(gazetteer, named)]
    if (SHARED / "kazakhstan/gazetteer.yaml").exists():
        listed = _yaml(SHARED / "kazakhstan/gazetteer.yaml")
        found += _spellings(listed, gazetteer, named)
        found += _people(listed, named)
        found += _reports(listed, _yaml(SHARED / "kazakhstan/timeline.yaml")["reports"], named)
        found += _seed(_yaml(SHARED / "kazakhstan/seed_facts.yaml")["entities"], gazetteer, named)
    return found


def recogniser(gazetteer: Gazetteer) -> Named:
    """Return what tells the keys that a text names, each with whether only within a longer name."""
    index = PhraseIndex(gazetteer.phrases)
    bound = gazetteer.bind(index)

    def named(text: str) -> dict[str, bool]:
        reading = Reading(text)
        found: dict[str, bool] = {}
        for mention in bound.recognise([Look("text", reading, index.find(reading))], DAY):
            found[mention.key] = mention.covered and found.get(mention.key, True)
        return found

    return named


def _traps(gazetteer: Gazetteer, named: Named) -> Iterator[Row]:
    traps = _yaml(ROOT / "tests/corpus/traps.yaml")["traps"]
    names = {trap["key"]: [name.text.strip("=*") for name in gazetteer.entity(trap["key"]).names] for trap in traps}
    methods: Mapping[str, Callable[[str, str], bool]] = {
        "exact": lambda key, text: any(_stands(name, text, whole=True) for name in names[key]),
        "prefix": lambda key, text: any(_stands(name, text, whole=False) for name in names[key]),
        "ours": lambda key, text: not named(text).get(key, True),
    }
    for method, holds in methods.items():
        false = [holds(trap["key"], text) for trap in traps for text in trap["not"]]
        true = [holds(trap["key"], text) for trap in traps for text in trap["yes"]]
        yield "traps", method, f"false hits of {len(false)}", float(sum(false))
        yield "traps", method, f"recall of {len(true)}", sum(true) / len(true)


def _stands(name: str, text: str, *, whole: bool) -> bool:
    """Tell whether a name's words stand in a text one after the other, whole or as beginnings."""
    wanted, words = forms(name), forms(text)
    return any(
        all(word == part if whole else word.startswith(part) for part, word in zip(wanted, words[at:], strict=False))
        for at in range(len(words) - len(wanted) + 1)
    )


def _spellings(listed: Mapping[str, Any], gazetteer: Gazetteer, named: Named) -> Iterator[Row]:
    for kind in ("regions", "towns"):
        pairs = [
            (f"place/{each['id']}", name)
            for each in listed[kind]
            for language in SPELLINGS
            for name in each.get(language) or ()
            if "*" not in name
        ]
        first = {fold(name): key for key, name in reversed([(key, name) for key, name in pairs if name.isascii()])}
        called = [key in {entity.key for entity in gazetteer.called(name)} for key, name in pairs]
        mentioned = [key in named(f"{name}, Kazakhstan") for key, name in pairs]
        yield f"spellings of {kind}", "exact, English", "reached", _share(first.get(fold(n)) == k for k, n in pairs)
        yield f"spellings of {kind}", "ours", "named in a sentence", _share(mentioned)
        yield f"spellings of {kind}", "ours", "reached", _share(map(max, called, mentioned))


def _people(listed: Mapping[str, Any], named: Named) -> Iterator[Row]:
    pairs = [
        (f"person/{each['id']}", name.replace("*", ""), f"{each.get('role_2022', '')} {each.get('now', '')}")
        for each in listed["people"]
        for language in PEOPLE
        for name in each.get(language) or ()
    ]
    bare = _share(key in named(name) for key, name, _ in pairs)
    told = _share(
        key in named(f"{name} ({role}), премьер-министр, госсекретарь, оппозиция") for key, name, role in pairs
    )
    yield "forms of people", "ours", "named alone", bare
    yield "forms of people", "ours", "named with an office", told


def _reports(listed: Mapping[str, Any], reports: Iterable[Mapping[str, Any]], named: Named) -> Iterator[Row]:
    latin = {
        each["id"]: [name for language in ("en", "latin") for name in each.get(language) or ()]
        for kind in ("regions", "towns", "sites")
        for each in listed[kind]
    }
    expected: list[bool] = []
    concepts: list[bool] = []
    beside = 0
    for report in reports:
        keys = {key for key, covered in named(report["fact"]).items() if not covered}
        beside += len(
            {key for key in keys if key.startswith("place/")} - {f"place/{each}" for each in report["places"]}
        )
        expected += [
            f"place/{place}" in keys
            for place in report["places"]
            if any(_stands(name, report["fact"], whole=True) for name in latin.get(place, ("Kazakhstan",)))
        ]
        concepts += [f"concept/{concept}" in keys for concept in report["concepts"]]
    yield "timeline, places in the text", "ours", f"recall of {len(expected)}", _share(expected)
    yield "timeline, places in the text", "ours", "named beside the list", float(beside)
    yield "timeline, concepts listed", "ours", f"recall of {len(concepts)}", _share(concepts)


def _seed(listed: Mapping[str, list[str]], gazetteer: Gazetteer, named: Named) -> Iterator[Row]:
    keys = named((SHARED / "seed/seed_report.txt").read_text(encoding="utf-8"))
    for what in ("places", "people"):
        expected = [any(each.key in keys for each in gazetteer.called(name)) for name in listed[what]]
        yield "seed report", "ours", f"recall of {len(expected)} {what}", _share(expected)


def _share(held: Iterable[bool]) -> float:
    each = list(held)
    return sum(each) / len(each)


def _yaml(file: Path) -> Any:
    return YAML(typ="safe").load(file)


if __name__ == "__main__":
    for row in rows():
        print("{:30} {:16} {:22} {:.4f}".format(*row))
