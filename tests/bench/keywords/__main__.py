"""Keywords: how many mentions are found, how many hits are false, how languages are told, and what it costs.

    make bench-keywords                               everything, about three minutes
    make bench-keywords BENCH="--part kazakh,russian"
    make bench-keywords BENCH="--quick --json"        fewer texts for the throughput; JSON instead of tables

Each part says in its own file what counts as a mention, a hit and a false hit: kazakh.py (names, common nouns), russian.py
(names of people and places), gazetteer.py (spellings, reports, traps), detection.py (languages), throughput.py (CPU).
Exact and prefix matching stand beside ours in the same run. With `../shared/data` its corpora are measured, without it small samples
of our own, for which no aims are set but for the throughput and the traps. No aim is set either for the concepts that the timeline
lists, as it lists also what the sentence does not say.

Prints tables to stdout, at the end the aims with what was reached. Exits 1 when one is missed.
"""

from __future__ import annotations

import argparse
import json
import operator
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any

import detection
import gazetteer
import kazakh
import russian
import throughput

Row = tuple[str, str, str, float]
"""Corpus, method, measure, figure."""

HOLDS: Mapping[str, Callable[[float, float], bool]] = {">=": operator.ge, "<=": operator.le}


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """What a figure must reach. A corpus that ends in `*` stands for all that begin so; a row that was not measured is no aim."""

    part: str
    corpus: str
    method: str
    measure: str
    sign: str
    value: float

    def takes(self, row: Row) -> bool:
        """Tell whether the aim is about a row. A measure may go on (`false hits of 327`)."""
        corpus, method, measure, _ = row
        named = corpus.startswith(self.corpus[:-1]) if self.corpus.endswith("*") else corpus == self.corpus
        return named and method == self.method and measure.startswith(self.measure)


def _aim(part: str, corpus: str, method: str, measure: str, sign: str, value: float) -> Aim:
    return Aim(part=part, corpus=corpus, method=method, measure=measure, sign=sign, value=value)


_MOST = "10,000 keywords"
AIMS = (
    _aim("kazakh", "KazNERD*", "suffixes, capital (ours)", "recall", ">=", 0.999),
    _aim("kazakh", "KazNERD", "suffixes, capital (ours)", "precision", ">=", 0.998),
    _aim("kazakh", "unimorph", "suffixes (ours)", "recall", ">=", 0.995),
    _aim("russian", "factrueval dev", "ours, capital rule", "recall, persons", ">=", 0.985),
    _aim("russian", "factrueval dev", "ours, capital rule", "recall, places", ">=", 0.995),
    _aim("russian", "factrueval dev", "ours, capital rule", "loose precision", ">=", 0.975),
    _aim("gazetteer", "spellings of *", "ours", "reached", ">=", 1.0),
    _aim("gazetteer", "forms of people", "ours", "named with an office", ">=", 0.99),
    _aim("gazetteer", "timeline, places in the text", "ours", "recall", ">=", 1.0),
    _aim("gazetteer", "seed report", "ours", "recall", ">=", 1.0),
    _aim("gazetteer", "traps", "ours", "false hits", "<=", 0.0),
    *(
        _aim("detection", corpus, "ours", measure, ">=", value)
        for corpus in ("ntrex*", "uci_headlines*", "telegram_ru*", "factrueval*", "kaznerd*")
        for measure, value in (("sentence", 0.995), ("six words", 0.985))
    ),
    _aim("throughput", _MOST, "ours", throughput.TIMES_FEW, "<=", 2.0),
    _aim("throughput", _MOST, "re", throughput.TIMES_OURS, ">=", 50.0),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """An aim with what was reached in one corpus."""

    aim: str
    reached: float
    met: bool


def verdicts(part: str, rows: Sequence[Row]) -> Iterator[Verdict]:
    """Yield how the rows of a part stand to its aims."""
    for aim in AIMS:
        for row in rows if aim.part == part else ():
            if aim.takes(row):
                corpus, method, measure, reached = row
                met = HOLDS[aim.sign](reached, aim.value)
                yield Verdict(aim=f"{corpus}: {measure} ({method}) {aim.sign} {aim.value:g}", reached=reached, met=met)


def measured(parts: Iterable[str], *, quick: bool) -> Iterator[tuple[str, list[Row]]]:
    """Yield the rows of each part as it is measured."""
    ways: Mapping[str, Callable[[], list[Row]]] = {
        "kazakh": kazakh.rows,
        "russian": russian.rows,
        "gazetteer": gazetteer.rows,
        "detection": detection.rows,
        "throughput": lambda: throughput.rows(quick=quick),
    }
    for part in parts:
        print(f"measuring {part} ...", file=sys.stderr, flush=True)
        yield part, ways[part]()


def print_table(part: str, rows: Sequence[Row]) -> None:
    """Print a part: a line for each measure of a corpus, a column for each method."""
    for corpus, group in groupby(rows, key=lambda row: row[0]):
        of_corpus = list(group)
        methods = list(dict.fromkeys(row[1] for row in of_corpus))
        figures = {(row[1], row[2]): row[3] for row in of_corpus}
        measures = list(dict.fromkeys(row[2] for row in of_corpus))
        wide = max(map(len, (*measures, corpus)))
        print(f"\n{corpus:{wide}}  " + "  ".join(f"{method:>{_width(method)}}" for method in methods) + f"   [{part}]")
        for measure in measures:
            counts = all(figure == int(figure) for (_, of), figure in figures.items() if of == measure)
            cells = (_cell(figures.get((method, measure)), method, counts=counts) for method in methods)
            print(f"{measure:{wide}}  " + "  ".join(cells))


def _width(method: str) -> int:
    return max(len(method), 8)


def _cell(figure: float | None, method: str, *, counts: bool) -> str:
    if figure is None:
        return " " * _width(method)
    text = f"{figure:,.0f}" if figure >= 10 or counts else f"{figure:.4f}"
    return f"{text:>{_width(method)}}"


def options() -> argparse.Namespace:
    """Read the command line."""
    names = "kazakh,russian,gazetteer,detection,throughput"
    parser = argparse.ArgumentParser(
        prog="bench-keywords", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--part", default=names, help=f"comma-separated: {names}")
    parser.add_argument("--quick", action="store_true", help="a quarter of the texts for the throughput")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of tables")
    chosen = parser.parse_args()
    chosen.part = chosen.part.split(",")
    unknown = sorted(set(chosen.part) - set(names.split(",")))
    if unknown:
        parser.error(f"there is no part {', '.join(unknown)}; the parts are {names}")
    return chosen


def main() -> int:
    """Measure, print, and tell by the exit code whether all aims are met."""
    chosen = options()
    found: dict[str, list[Row]] = {}
    judged: list[Verdict] = []
    for part, rows in measured(chosen.part, quick=chosen.quick):
        found[part] = sorted(rows, key=_first_of_corpus(rows))
        judged += verdicts(part, rows)
        if not chosen.json:
            print_table(part, found[part])
    if chosen.json:
        print(
            json.dumps(
                {"parts": _plain(found), "aims": [asdict(each) for each in judged]}, ensure_ascii=False, indent=1
            )
        )
    else:
        print("\nAims")
        for each in judged:
            print(f"{'met   ' if each.met else 'MISSED'}  {each.aim}: {each.reached:.4f}")
    return 0 if all(each.met for each in judged) else 1


def _first_of_corpus(rows: Sequence[Row]) -> Callable[[Row], int]:
    """Return a key that keeps the rows of a corpus together, in the order in which corpora begin."""
    first = {row[0]: at for at, row in reversed(list(enumerate(rows)))}
    return lambda row: first[row[0]]


def _plain(found: Mapping[str, Sequence[Row]]) -> Any:
    keys = ("corpus", "method", "measure", "figure")
    return {part: [dict(zip(keys, row, strict=True)) for row in rows] for part, rows in found.items()}


if __name__ == "__main__":
    sys.exit(main())
