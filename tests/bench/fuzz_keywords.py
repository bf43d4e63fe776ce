"""Hostile texts and queries through reading, compiling, matching and explaining keywords.

    make fuzz-keywords                     three minutes
    python tests/bench/fuzz_keywords.py --minutes 0.5 --seed 7

First what must grow with its size only: CPU for n, 2n and 4n characters of each kind of hostile text and query (four times the size may cost
six times as much, small times aside), and 10 MB of one word. Then, until the time is over, queries, patterns and texts
made by chance: a query is read or refused with a QueryError that points into it; what is read is written and read again as the same; what
compiles matches without an error, and every reason's span holds its surface; `explain` says something of it.
Exits 1 with what broke, and the seed to see it again.
"""

from __future__ import annotations

import argparse
import gc
import random
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from monitor.errors import QueryError
from monitor.language.gazetteer import Gazetteer
from monitor.language.text import forms
from monitor.model import Match, Report, Severity, Watch
from monitor.settings import Settings, load
from monitor.watches import WatchIndex, compile_watches
from monitor.watches.explaining import lines, misses
from monitor.watches.pointing import pointed
from monitor.watches.reading import read_keyword, read_query
from monitor.watches.writing import write

CONFIG = Path(__file__).parents[2] / "config"
SIZE = 30_000
"""Characters of the smallest text of three."""
TERMS = 1_500
"""Terms of the smallest query of three: four times as many are below the longest query."""
GROWTH = 6.0
"""Times that CPU may grow for four times the size."""
IGNORED = 0.02
"""Seconds within which growth is not judged: it is the machine's."""
HUGE = 10_000_000
HUGE_SECONDS = 20.0
SLOWEST = 5.0
"""Seconds that one made query with its text may take."""

Problem = str

TEXTS: Mapping[str, str] = {
    "one word": "қ", "one-letter words": "а ", "a keyword": "протест ", "a place": "Алматы ", "a long name": "Алматы облысы Талғар ауданы ",
    "neighbours": "internet blocked ", "half a phrase": "Collective Security Treaty ", "Kazakh suffixes": "лардағыларымыздың",
    "mixed scripts": "Тokayev Kазахстан Aлмaты ", "emoji": "👩\u200d👩\u200d👧🇰🇿", "direction marks": "\u202eпротест\u202c\u2066x\u2069",
    "combining marks": "и\u0301\u0306\u0308", "a pile of marks": "\u0301", "apostrophes": "o'", "soft hyphens": "про\u00adтест\u00ad",
    "hyphens": "Алма-Ата-", "capitals": "ПРОТЕСТЫ В АЛМАТЫ ", "digits": "5000 detained more than ", "ligatures": "\ufb03\ufdfa", "surrogates": "\ud83d",
    "Arabic": "قازاقستان ", "white space": " \u00a0\u200b", "quotes": '"«', "halves of context": "Орал Семей Абай Мамин ",
}  # fmt: skip
"""What is repeated until the text is long."""

QUERIES: Mapping[str, Callable[[int], str]] = {
    "alternatives": lambda n: " OR ".join(f"слово{at}" for at in range(n)),
    "words side by side": lambda n: " ".join(f"word{at}" for at in range(n)),
    "a list": lambda n: "(" + ", ".join(f"сөз{at}" for at in range(n)) + ")",
    "one phrase": lambda n: '"' + "сөз " * n + '"',
    "the same word": lambda n: " OR ".join(["протест"] * n),
    "counted": lambda n: "2 of (" + ", ".join(f"a{at}b" for at in range(n)) + ")",
    "neighbours": lambda n: " OR ".join(f"(a{at}b NEAR/3 c{at}d)" for at in range(n // 4)),
    "excluded": lambda n: "word " + " ".join(f"-w{at}x" for at in range(n)),
    "open words": lambda n: " OR ".join(f"ба{at}*" for at in range(n)),
    "open parentheses": lambda n: "(" * n,
    "quotation marks": lambda n: '"' * n,
    "stars": lambda n: "a" + "*" * n,
    "slashes": lambda n: "/a" * n,
    "carets": lambda n: "a^1 " * n,
}

PIECES = (
    *("protest", "митинг", "наразылық", "Алматы", "Oral", "WHO", "the", "a", "Тоқаев", "=аким", "протест*", '"oil worker"', "«қаза тапты»"),
    *("AND", "OR", "NOT", "NEAR", "NEAR/5", "NEAR/0", "NEAR/99999999999", "and", "-", "−", "(", ")", "(", ")", ",", "|", '"', "«", "*", "=", "@", "^", ":", "/"),
    *("title:", "text:", "source:", "feed:", "lang:kk", "lang:xx", "place:Almaty", "place:Nowhere", "person:Tokayev", "org:CSTO", "concept:protest", "x:y"),
    *("2 of (", "0 of (", "999999999999 of (", "within 50 km of Almaty", "within nan km of Oral", "within 1e9 km of", "@protest", "@security", "@loop", '@"', "^2.5", "^0"),
    *(r"/взрыв\w+/", r"/(a+)+b/", r"/(?=x)/", r"/\1/", r"/[/", r"/a{1000}{1000}/", "/.*/", r"/\bтест\b/", "/x/"),
    *("\u202e", "\u200b", "\x00", "\ud800", "👩\u200d👧", "é", "e\u0301", "ё", "ı", "İ", "ﬃ", "قازاقستان", "\n", "\t", "  "),
)  # fmt: skip
GLUE = ("", " ", " ", " ", "-", "'", "\u00ad")


def report(text: str, title: str = "") -> Report:
    """Return a text as a report."""
    return Report(
        id="r", situation="s", feed_id="f", outlet="o", source="o", grade=None, title=title, text=text, link=None, author=None,
        language="ru", published=None, seen_at=datetime(2022, 1, 6, tzinfo=UTC),
    )  # fmt: skip


def watch(query: str) -> Watch:
    """Return a query as a watch."""
    return Watch(name="w", title="w", severity=Severity.NOTICE, query=query)


# --- what must grow with its size only --------------------------------------------------------------------------------


def growth(index: WatchIndex) -> Iterator[Problem]:
    """Yield what grows faster than its size, texts first."""
    for name, piece in TEXTS.items():
        long = piece * (4 * SIZE // len(piece) + 1)
        yield from _grows(f"text of {name}", SIZE, lambda size, long=long: _match(index, long[:size]))
    for name, make in QUERIES.items():
        yield from _grows(f"query of {name}", TERMS, lambda size, make=make: _tried(make(size)))
    begun = time.process_time()
    _match(index, "Б" * HUGE)
    if time.process_time() - begun > HUGE_SECONDS:
        yield f"{HUGE:,} letters of one word take {time.process_time() - begun:.1f} s"


def _grows(name: str, size: int, do: Callable[[int], object]) -> Iterator[Problem]:
    once, twice, four = (min(_cpu(do, size * times) for _ in range(2)) for times in (1, 2, 4))
    print(f"{name:32} {once * 1e3:9.1f} {twice * 1e3:9.1f} {four * 1e3:9.1f} ms", flush=True)
    if four > IGNORED and four > GROWTH * max(once, IGNORED / 4):
        yield f"{name}: {size:,} to {4 * size:,} takes {four / once:.1f} times as long ({once:.3f} s, {four:.3f} s)"


def _cpu(do: Callable[[int], object], size: int) -> float:
    forms.cache_clear()
    gc.collect()
    begun = time.process_time()
    do(size)
    return time.process_time() - begun


def _match(index: WatchIndex, text: str) -> None:
    given = report(text, text[:200])
    _must_point(given, index.match(given, None))


def _tried(query: str) -> None:
    """Read, compile and match a query; one that is refused is fine."""
    try:
        index = compile_watches([watch(query)])
    except QueryError as error:
        pointed(query, error.span)
        return
    index.match(report("слово1 сөз2 word3 a4b"), None)


def _must_point(given: Report, matches: tuple[Match, ...]) -> None:
    for match in matches:
        for reason in match.reasons:
            text = given.title if reason.field == "title" else given.text
            found = text[reason.start : reason.end]
            if not reason.surface or found != reason.surface:
                raise AssertionError(f"span {reason.start}:{reason.end} holds {found!r}, said {reason.surface!r}")


# --- what chance makes ------------------------------------------------------------------------------------------------


def made(chance: random.Random, most: int) -> str:
    """Return pieces of queries and texts in a row."""
    pieces = chance.choices(PIECES, k=chance.randint(1, most))
    return "".join(piece + chance.choice(GLUE) for piece in pieces)


def query_by_chance(chance: random.Random, gazetteer: Gazetteer, index: WatchIndex) -> None:
    """Try one made query on one made text. Raises AssertionError, or whatever breaks."""
    query, text = made(chance, 12), made(chance, 60)
    begun = time.process_time()
    _keyword(query)
    given = report(text, made(chance, 5))
    _must_point(given, index.match(given, None))
    try:
        read = read_query(query)
    except QueryError as error:
        _must_be_pointed(query, error)
        return
    written = write(read)
    if read_query(written) != read:
        raise AssertionError(f"written as {written!r}, which reads otherwise")
    try:
        compiled = compile_watches(
            [watch(query)], gazetteer, {"security": "police OR полиция", "loop": "@loop OR fire"}
        )
    except QueryError as error:
        _must_be_pointed(query, error, within=False)
        return
    seen = compiled.read(given, None)
    _must_point(given, compiled.judge(seen))
    node = compiled.watches[0].node
    told = tuple(lines(node, seen))
    if not told or node.holds(seen) == bool(misses(node, seen)):
        raise AssertionError("explain says nothing, or the contrary")
    if time.process_time() - begun > SLOWEST:
        raise AssertionError(f"takes {time.process_time() - begun:.1f} s")


def _keyword(text: str) -> None:
    try:
        read_keyword(text)
    except QueryError as error:
        _must_be_pointed(text, error)


def _must_be_pointed(query: str, error: QueryError, *, within: bool = True) -> None:
    """A mistake points into its query and says what to do. One of a saved query points into that."""
    start, end = error.span
    if not error.message or not error.hint or start > end or (within and end > len(query)):
        raise AssertionError(f"bad mistake: {error.message!r} {error.span} {error.hint!r}")
    pointed(query, error.span)


def by_chance(seed: int, until: float, settings: Settings, index: WatchIndex) -> Iterator[Problem]:
    """Yield what breaks until the time (monotonic) is over."""
    at = 0
    while time.monotonic() < until:
        chance = random.Random(f"{seed}/{at}")
        try:
            query_by_chance(chance, settings.gazetteer, index)
        except Exception as error:  # noqa: BLE001 - whatever breaks is what is looked for
            again = random.Random(f"{seed}/{at}")
            yield f"seed {seed}, number {at}: {type(error).__name__}: {error}\n    query {made(again, 12)!r}"
        at += 1
    print(f"{at:,} queries and texts made by chance")


def main() -> int:
    """Run both parts and print what broke."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=3, help="time in all; what grows is always measured whole")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    until = time.monotonic() + chosen.minutes * 60
    settings = load(CONFIG, environ={})
    index = settings.index()
    gc.freeze()  # the collector's rounds over what is there already are no part of what a query costs
    problems = [*growth(index), *by_chance(chosen.seed, until, settings, index)]
    for problem in problems[:50]:
        print(f"BROKEN  {problem}")
    print(f"{len(problems)} broken" if problems else "nothing broken")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
