"""What it costs to look for 10 to 10,000 keywords in reports of 2 KB: CPU per report, ours beside `re` and beside a set of words.

Protocol:
- Texts: 2,048 bytes of UTF-8 each, English, Russian and Kazakh in turn, made by joining texts of one language, no two alike.
- Keywords: words of at least five letters of other texts in these languages, drawn by chance (fixed seed) with every word counting
  once, so most are rare, as names are; one in four is a phrase of two. Twenty to a watch. Where corpora are absent, words are
  made by chance.
- Two loads. `N keywords`: the same ten that stand in some of the texts in every set, the others stand in none, so that every size
  finds the same and only the number of keywords differs. `N keywords, many found`: as drawn; 10,000 find dozens of watches
  in every report, each with its reasons, which is no news any more; no aim is set for it.
- ours: `compile_watches` and `match`, in all forms, with reasons; half of the texts warm it up, the others are measured.
- re: one alternation of the same forms, each beginning written once with its endings in a group; open chains of Kazakh suffixes
  stand as their common ones. All hits are listed.
- word set: the words as they are written, looked up in a set: what this program did before (exact matching, two thirds missed).
- CPU is that of the process, the best of three passes (`re`: one pass over as many texts as fit in the time), no text remembered from before; compile time in s.
"""

from __future__ import annotations

import json
import random
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TypeVar

from monitor.errors import QueryError
from monitor.language import inflection
from monitor.language.stems import ANY, Closed, Stem
from monitor.language.text import fold, forms, tokens
from monitor.model import Report, Severity, Watch
from monitor.watches import compile_watches
from monitor.watches.expanding import COMMON
from monitor.watches.reading import read_keyword

DATA = Path(__file__).parents[3] / "../shared/data"
Row = tuple[str, str, str, float]
Made, Given = TypeVar("Made"), TypeVar("Given")

SIZES = (10, 100, 1_000, 10_000)
BYTES = 2_048
REPORTS = 240
LETTERS = 5
PER_WATCH = 20
DRAWN = 16_000
SHARED = 10
"""Keywords that stand in some texts, the same in every set."""
COST, TIMES_FEW, TIMES_OURS = "us a report", "times that of 100 keywords", "times ours"
PASSES = 3
SECONDS = 20.0
"""How long `re` may take for one size; a text is always finished."""
LETTERS_OF = (("bcdfghklmnprstvwz", "aeiou"), ("бвгдзклмнпрстфхчш", "аеиоуы"), ("бғдзжқлмнңпрстшй", "аәеиоөұүыі"))
"""Consonants and vowels of English, Russian, Kazakh."""
NAMES = 0.4
"""Share of made words with a capital: names are looked for in other spellings, too."""
IN_TEXTS, IN_ALL = 12_000, 60_000
"""Made words that texts use, the first ones much oftener, and all that keywords are drawn from."""


def rows(*, quick: bool = False) -> list[Row]:
    """Measure all sizes; `quick` leaves out most texts."""
    learnt, texts = _material(REPORTS // 4 if quick else REPORTS)
    drawn = _keywords(learnt, DRAWN)
    standing, absent = _apart(drawn, texts)
    found = list[Row]()
    for size in SIZES:
        keywords = [*standing[:SHARED], *absent[: size - SHARED]]
        found += _size(_name(size), keywords, texts, seconds=SECONDS / 5 if quick else SECONDS)
    for size in SIZES:
        found += _ours(f"{_name(size)}, many found", drawn[:size], texts)
    cost = {(corpus, method): figure for corpus, method, measure, figure in found if measure == COST}
    most, few = _name(SIZES[-1]), _name(100)
    found.append((most, "ours", TIMES_FEW, cost[most, "ours"] / cost[few, "ours"]))
    found += [(_name(size), "re", TIMES_OURS, cost[_name(size), "re"] / cost[_name(size), "ours"]) for size in SIZES]
    return found


def report(text: str) -> Report:
    """Return a text as a report: its first words are the title."""
    title, rest = text[:80], text[80:]
    return Report(
        id="r", situation="s", feed_id="f", outlet="o", source="o", grade=None, title=title, text=rest, link=None, author=None,
        language="other", published=None, seen_at=datetime(2022, 1, 6, tzinfo=UTC),
    )  # fmt: skip


def watches(keywords: Sequence[str]) -> tuple[Watch, ...]:
    """Return keywords as watches."""
    return tuple(
        Watch(name=f"w{at}", title=f"w{at}", severity=Severity.NOTICE, any=tuple(keywords[at : at + PER_WATCH]))
        for at in range(0, len(keywords), PER_WATCH)
    )


def alternation(keywords: Iterable[str]) -> re.Pattern[str]:
    """Return the forms of all keywords as one pattern over folded words that spaces separate."""
    ways = dict.fromkeys(way for keyword in keywords for way in _ways(keyword))
    return re.compile(r"(?<!\S)(?:" + "|".join(ways) + r")(?!\S)")


def _size(name: str, keywords: Sequence[str], texts: Sequence[str], *, seconds: float) -> Iterator[Row]:
    yield from _ours(name, keywords, texts)
    measured = texts[len(texts) // 2 :]
    pattern, compiling = _timed(lambda: alternation(keywords))
    words = {form for keyword in keywords for form in forms(keyword)[:1]}
    yield name, "re", "compile, s", compiling
    yield name, "re", COST, _bounded(lambda text: pattern.findall(_folded(text)), measured, seconds)
    yield name, "word set", COST, _best(lambda text: words.intersection(forms(text)), measured)


def _ours(name: str, keywords: Sequence[str], texts: Sequence[str]) -> Iterator[Row]:
    index, compiling = _timed(lambda: compile_watches(watches(keywords)))
    reports = [report(text) for text in texts]
    measured = reports[len(texts) // 2 :]
    found = sum(len(index.match(each, None)) for each in reports)
    yield name, "ours", "compile, s", compiling
    yield name, "ours", "watches a report", found / len(reports)
    yield name, "ours", COST, _best(lambda each: index.match(each, None), measured)


def _apart(keywords: Sequence[str], texts: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return keywords that stand in some of the texts, and those that stand in none."""
    index = compile_watches(watches(keywords))
    found = {reason.keyword for text in texts for match in index.match(report(text), None) for reason in match.reasons}
    return [each for each in keywords if each in found], [each for each in keywords if each not in found]


def _ways(keyword: str) -> Iterator[str]:
    slots = inflection.phrase(keyword)
    yield " ".join("(?:" + "|".join(map(_written, slot)) + ")" for slot in slots)


def _written(stem: Stem) -> str:
    if stem.endings is ANY:
        return re.escape(stem.text) + r"\S*"
    listed = stem.endings.endings if isinstance(stem.endings, Closed) else filter(stem.endings.accepts, ("", *COMMON))
    return re.escape(stem.text) + "(?:" + "|".join(sorted(map(re.escape, listed), key=len, reverse=True)) + ")"


def _folded(text: str) -> str:
    return " ".join(token.form for token in tokens(text))


def _timed(make: Callable[[], Made]) -> tuple[Made, float]:
    begun = time.process_time()
    return make(), time.process_time() - begun


def _best(do: Callable[[Given], object], each: Sequence[Given]) -> float:
    """Return microseconds for one, the best of all passes."""
    return min(_pass(do, each) for _ in range(PASSES))


def _pass(do: Callable[[Given], object], each: Sequence[Given]) -> float:
    forms.cache_clear()
    begun = time.process_time()
    for one in each:
        do(one)
    return (time.process_time() - begun) / len(each) * 1e6


def _bounded(do: Callable[[str], object], texts: Sequence[str], seconds: float) -> float:
    forms.cache_clear()
    begun, done = time.process_time(), 0
    while done < len(texts) and time.process_time() - begun < seconds:
        do(texts[done])
        done += 1
    return (time.process_time() - begun) / done * 1e6


def _name(size: int) -> str:
    return f"{size:,} keywords"


# --- what is looked for, and in what ----------------------------------------------------------------------------------


def _material(count: int) -> tuple[list[str], list[str]]:
    """Return texts that keywords are drawn from, and the texts to look in."""
    corpora = _corpora() if (DATA / "telegram_ru/posts.jsonl").exists() else _made()
    learnt = [text for corpus in corpora for text in corpus[::2]]
    reports = [list(islice(_cut(corpus[1::2]), count)) for corpus in corpora]
    return learnt, [text for trio in zip(*reports, strict=False) for text in trio][:count]


def _corpora() -> list[list[str]]:
    documents = [json.loads(line) for line in (DATA / "ntrex/documents.jsonl").read_text(encoding="utf-8").splitlines()]
    posts = [
        json.loads(line)["text"] for line in (DATA / "telegram_ru/posts.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    heads = (DATA / "uci_headlines/headlines.csv").read_text(encoding="utf-8").splitlines()[1:]
    blocks = (DATA / "kaznerd/IOB2_valid.txt").read_text(encoding="utf-8").split("\n\n")
    sentences = [" ".join(line.split()[0] for line in block.splitlines() if line.strip()) for block in blocks]
    english = [" ".join(document["eng"]) for document in documents] + [line.partition(",")[2] for line in heads]
    return [english, posts, sentences]


def _made() -> list[list[str]]:
    """Return texts of made words: every second one, which keywords are drawn from, uses all words alike."""
    chance = random.Random(4)
    often = [1 / (rank + 10) for rank in range(IN_TEXTS)]
    made = []
    for consonants, vowels in LETTERS_OF:
        words = [_word(chance, consonants, vowels) for _ in range(IN_ALL)]
        texts = [
            chance.choices(words, k=40) if at % 2 == 0 else chance.choices(words[:IN_TEXTS], often, k=40)
            for at in range(4_000)
        ]
        made.append([" ".join(text) + "." for text in texts])
    return made


def _word(chance: random.Random, consonants: str, vowels: str) -> str:
    syllables = (chance.choice(consonants) + chance.choice(vowels) for _ in range(chance.randint(2, 4)))
    word = "".join(syllables) + chance.choice(consonants)
    return word.capitalize() if chance.random() < NAMES else word


def _cut(texts: Iterable[str]) -> Iterator[str]:
    """Yield texts of the length of a report."""
    waiting = ""
    for text in texts:
        waiting += text + "\n"
        while len(data := waiting.encode()) > BYTES:
            head = data[:BYTES].decode(errors="ignore")
            yield head
            waiting = waiting[len(head) :]


def _keywords(texts: Iterable[str], count: int) -> list[str]:
    """Return words and phrases drawn by chance, each once."""
    chance = random.Random(11)
    words = dict[str, str]()
    following = dict[str, str]()
    for text in texts:
        before = ""
        for token in tokens(text):
            word = text[token.start : token.end]
            if len(word) >= LETTERS and word.isalpha():
                words.setdefault(fold(word), word)
                following.setdefault(word, before)
            before = word if len(word) >= LETTERS and word.isalpha() else ""
    drawn = list(words.values())
    chance.shuffle(drawn)
    phrases = (
        f"{following[word]} {word}" if at % 4 == 0 and following[word] else word for at, word in enumerate(drawn)
    )
    return list(islice(filter(_is_keyword, phrases), count))


def _is_keyword(text: str) -> bool:
    try:
        read_keyword(text)
    except QueryError:
        return False
    return True
