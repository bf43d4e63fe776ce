"""Learn the weights of `monitor/language/trigrams.py` again: how much likelier three letters are in Kazakh.

Every second sentence of KazNERD's news and every second post of the Russian channels is learnt from; the others measure
(`detection.py`). Words written small alone, each counted by the root of its number, so that no frequent word rules.
Run: python tests/bench/keywords/learning.py, which writes the module anew.
"""

from __future__ import annotations

import math
import textwrap
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

from detection import kaznerd, telegram

from monitor.language.detect import trigrams
from monitor.language.text import tokens

MODULE = Path(__file__).parents[3] / "monitor/language/trigrams.py"
SEEN, STEPS, MOST = 10, 2, 9
"""Weighted count from which a trigram is learnt; steps of a weight to the natural logarithm; the greatest weight."""
HEAD = '''\
"""Three letters of a word, `_` its ends: how much likelier in Kazakh than in Russian, in halves of the natural logarithm.

Written by tests/bench/keywords/learning.py: counts of every second sentence of KazNERD (Kazakh TV news, ISSAI, CC BY 4.0) and
of every second post of 24 Russian news channels of November 2024 (CC BY 4.0). No text is kept.
"""

from __future__ import annotations

_LEARNT = {
'''
TAIL = """}
WEIGHTS = {trigram: weight for weight, row in _LEARNT.items() for trigram in row.split()}
"""


def learn(kazakh: Iterable[str], russian: Iterable[str]) -> Mapping[str, int]:
    """Return the weights of trigrams, positive for Kazakh."""
    counts = tuple(map(_counts, (kazakh, russian)))
    totals = tuple(each.total() for each in counts)
    weights = {}
    for trigram in sorted(counts[0].keys() | counts[1].keys()):
        if sum(each[trigram] for each in counts) >= SEEN:
            shares = [(each[trigram] + 0.5) / total for each, total in zip(counts, totals, strict=True)]
            weight = round(math.log(shares[0] / shares[1]) * STEPS)
            weights[trigram] = max(-MOST, min(MOST, weight))
    return weights


def _counts(texts: Iterable[str]) -> Counter[str]:
    words = Counter(token.form for text in texts for token in tokens(text) if text[token.start].islower())
    found: Counter[str] = Counter()
    for word, number in words.items():
        if all("\u0400" <= letter <= "\u04ff" for letter in word):
            for trigram in trigrams(word):
                found[trigram] += math.sqrt(number)  # type: ignore[assignment]  # counts may be fractions
    return found


def module(weights: Mapping[str, int]) -> str:
    """Return the module's text."""
    rows: defaultdict[int, list[str]] = defaultdict(list)
    for trigram, weight in weights.items():
        if weight:
            rows[weight].append(trigram)
    lines = []
    for weight in sorted(rows):
        body = textwrap.fill(" ".join(rows[weight]), 110, initial_indent="        ", subsequent_indent="        ")
        lines.append(f'    {weight}: """\n{body}\n    """,\n')
    return HEAD + "".join(lines) + TAIL


if __name__ == "__main__":
    MODULE.write_text(module(learn(kaznerd()[::2], telegram()[::2])), encoding="utf-8")
