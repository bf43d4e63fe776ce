"""How well Kazakh keywords find their forms: names in news (KazNERD), nouns (unimorph), beside exact and prefix matching.

Protocol for names. Places are the words of one-word GPE mentions, leaders the surnames (in -ев, -ов, -ин) of PERSON mentions.
A name is such a form that is seen twice or more, begins with no shorter one, and begins eight words or more of its kind.
Mention: a word of an entity of its kind (of a place: the first word, `сегіз арал` is not the Aral) that begins with the name,
unless it goes on with or ends in what makes another name of it (Арыстанбек, Назарбаева). Hit: the method takes the word for a form. False hit: a hit outside every entity. Hits in
entities of other kinds (Астана киносы) count neither way. Precision is hits / (hits + false hits).
Protocol for nouns. Recall: forms of a noun that the noun as keyword finds. Others: forms of other nouns that it finds
too, among them what is made from it (мұнай, мұнайшы), in percent of its own.
Latin. The same mentions spelled in the alphabets of 2021 and 2018, looked for by the name in the same alphabet.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from monitor.language import kazakh
from monitor.language.stems import Case, Stem
from monitor.language.text import fold, tokens

Row = tuple[str, str, str, float]
"""Corpus, method, measure, figure."""
Word = tuple[str, str, str]
"""A word as written, the kind of its entity ("" outside), and its part: `all` of the entity, its `first` word, or `further`."""
Corpus = Mapping[Word, int]
"""Words with how often they stand there."""
Matcher = Callable[[str, str], bool]
"""Whether a word as written is a form of a name."""

DATA = Path(__file__).parents[3] / "../shared/data"
KAZNERD, UNIMORPH = DATA / "kaznerd/IOB2_valid.txt", DATA / "unimorph_kaz/kaz.noun.tsv"

SEEN, FAMILY = 2, 8
SURNAME = ("ев", "ов", "ин")
OTHER_NAME = ("бай", "бек", "хан", "ұлы", "қызы", "ов", "ев", "ин", "кент")
"""What makes another name of a name; after a surname also -а, for a woman."""
KINDS = {"place": frozenset({"GPE", "LOCATION"}), "leader": frozenset({"PERSON"})}

CYRILLIC = "а ә б в г ғ д е ё ж з и й к қ л м н ң о ө п р с т у ұ ү ф х һ ц ч ш щ ы і э ю я"
ALPHABETS = {
    "Latin of 2021": "a ä b v g ğ d e io j z i i k q l m n ñ o ö p r s t u ū ü f h h ts ch ş şş y ı e iu ia",
    "Latin of 2018": "a á b v g ǵ d e io j z ı ı k q l m n ń o ó p r s t ý u ú f h h ts ch sh shsh y i e ıý ıa",
}

SAMPLE = {
    "Алматы": "Алматыда Алматыдағылар Алматының Алматыға Алматымен алматылықтарға",
    "Өскемен": "Өскеменнен Өскеменде Өскемендегі Өскеменге өскемендіктер",
    "Ақтөбе": "Ақтөбені Ақтөбеден Ақтөбедегілердің",
    "Тоқаев": "Тоқаевтың Тоқаевқа Тоқаевты Тоқаевпен Тоқаевтан Тоқаевтар",
    "Орал": "Оралдан Оралда Оралдағы Оралмен",
    "Беларусь": "Беларусьтің Беларусьте Беларусьпен",
}
TRAPS = {"Орал": "оралды оралған оралып Оралған", "Астана": "астанасы астаналар", "Тараз": "таразы", "Ақтау": "ақтауға"}
"""A few lines of our own, for a machine without the corpora."""


def rows() -> list[Row]:
    """Measure what is there: the corpora, or the sample."""
    found = [*(_names() if KAZNERD.exists() else ()), *(_nouns() if UNIMORPH.exists() else ())]
    return found or list(_sample())


def methods(names: Iterable[str]) -> Mapping[str, Matcher]:
    names = tuple(names)
    stems = {name: kazakh.stems(name, name=True) for name in names}
    without = {name: kazakh.stems(name, name=True, demonyms=False) for name in names}
    folded = {name: fold(name) for name in names}
    return {
        "exact": lambda name, word: fold(word) == folded[name],
        "prefix": lambda name, word: fold(word).startswith(folded[name]),
        "prefix, capital": lambda name, word: word[0].isupper() and fold(word).startswith(folded[name]),
        "suffixes": lambda name, word: accepted(stems[name], word, any_case=True),
        "suffixes, capital (ours)": lambda name, word: accepted(stems[name], word),
        "ours without demonyms": lambda name, word: accepted(without[name], word),
    }


def accepted(stems: Iterable[Stem], word: str, *, any_case: bool = False) -> bool:
    form = fold(word)
    return any(
        form.startswith(stem.text)
        and stem.endings.accepts(form[len(stem.text) :])
        and (any_case or stem.case is Case.ANY or word[0].isupper())
        for stem in stems
    )


def words() -> Corpus:
    found: Counter[Word] = Counter()
    lines = [line.rpartition(" ") for line in KAZNERD.read_text(encoding="utf-8").splitlines()]
    for at, (written, _, tag) in enumerate(lines):
        ends = at + 1 == len(lines) or not lines[at + 1][2].startswith("I-")
        for token in tokens(written):
            word = written[token.start : token.end]
            whole = ends and word == written
            part = "further" if tag.startswith("I-") or token.start else "all" if whole else "first"
            found[word, tag[2:], part] += 1
    return found


def names(corpus: Corpus) -> dict[str, str]:
    """The names to look for, by the rule above, each with its kind."""
    seen: dict[str, Counter[str]] = {"place": Counter(), "leader": Counter()}
    for (word, kind, part), times in corpus.items():
        if kind == "GPE" and part == "all" and word[0].isupper():
            seen["place"][word] += times
        if kind == "PERSON" and word.endswith(SURNAME):
            seen["leader"][word] += times
    return {name: group for group, forms in seen.items() for name in _bases(forms, corpus, group)}


def _bases(forms: Counter[str], corpus: Corpus, group: str) -> Iterator[str]:
    known = {form for form, times in forms.items() if times >= SEEN}
    near = _by_beginning(corpus)
    for form in sorted(known):
        shorter = any(form[:length] in known for length in range(2, len(form)))
        if (
            not shorter
            and sum(corpus[word] for word in near[fold(form)[:2]] if is_mention(form, group, word)) >= FAMILY
        ):
            yield form


def _by_beginning(corpus: Corpus) -> Mapping[str, Sequence[Word]]:
    """Words by their first two letters, as no method takes a word for a form that begins otherwise."""
    found: dict[str, list[Word]] = defaultdict(list)
    for word in corpus:
        found[fold(word[0])[:2]].append(word)
    return found


def is_mention(name: str, group: str, word: Word) -> bool:
    written, kind, part = word
    if kind not in KINDS[group] or not fold(written).startswith(fold(name)):
        return False
    rest = fold(written).removeprefix(fold(name))
    if group == "place":
        return part != "further" and not rest.startswith(OTHER_NAME) and not rest.endswith(OTHER_NAME)
    return not rest.startswith((*OTHER_NAME, "а"))


def _names() -> Iterator[Row]:
    corpus = words()
    wanted = names(corpus)
    begun = _by_beginning(corpus)
    near = [(name, word, corpus[word]) for name in wanted for word in begun[fold(name)[:2]]]
    mentions = [(name, word[0], times) for name, word, times in near if is_mention(name, wanted[name], word)]
    outside = [(name, word, times) for name, (word, kind, _), times in near if not kind]
    total = sum(times for *_, times in mentions)
    yield "KazNERD", "(all)", "names", len(wanted)
    yield "KazNERD", "(all)", "mentions", total
    for method, matches in methods(wanted).items():
        hits = sum(times for name, word, times in mentions if matches(name, word))
        false = sum(times for name, word, times in outside if matches(name, word))
        yield "KazNERD", method, "recall", hits / total
        yield "KazNERD", method, "false hits", false
        yield "KazNERD", method, "precision", hits / (hits + false)
    for alphabet, latin in ALPHABETS.items():
        letters = dict(zip(CYRILLIC.split(), latin.split(), strict=True))
        spelled = {name: _spelled(name, letters) for name in wanted}
        for method in ("exact", "suffixes, capital (ours)"):
            matches = methods(spelled.values())[method]
            hits = sum(times for name, word, times in mentions if matches(spelled[name], _spelled(word, letters)))
            yield f"KazNERD, {alphabet}", method, "recall", hits / total


def _spelled(word: str, letters: Mapping[str, str]) -> str:
    spelled = "".join(letters.get(letter, "") for letter in word.lower())
    return spelled[:1].upper() + spelled[1:]


def _nouns() -> Iterator[Row]:
    pairs = [line.split("\t")[:2] for line in UNIMORPH.read_text(encoding="utf-8").splitlines()]
    forms: dict[str, set[str]] = defaultdict(set)
    for lemma, form in pairs:
        if " " not in lemma + form:
            forms[lemma].add(form)
    total = sum(map(len, forms.values()))
    every = sorted({form for own in forms.values() for form in own})
    stems = {lemma: kazakh.stems(lemma) for lemma in forms}
    finds: dict[str, Matcher] = {
        "exact": lambda lemma, form: lemma == form,
        "prefix": lambda lemma, form: form.startswith(lemma),
        "suffixes (ours)": lambda lemma, form: accepted(stems[lemma], form),
    }
    for method, matches in finds.items():
        hits = sum(matches(lemma, form) for lemma, own in forms.items() for form in own)
        others = sum(matches(lemma, form) for lemma, near in _near(forms, every) for form in near - forms[lemma])
        yield "unimorph", method, "recall", hits / total
        yield "unimorph", method, "others, %", 100 * others / hits


def _near(forms: Mapping[str, set[str]], every: Iterable[str]) -> Iterator[tuple[str, set[str]]]:
    """Each noun with the forms of all nouns that begin as it does, but for its last two letters."""
    begun: dict[str, set[str]] = defaultdict(set)
    for form in every:
        for length in range(1, len(form) + 1):
            begun[form[:length]].add(form)
    for lemma in forms:
        yield lemma, begun[lemma[: max(1, len(lemma) - 2)]]


def _sample() -> Iterator[Row]:
    pairs = [(name, form) for name, written in SAMPLE.items() for form in written.split()]
    traps = [(name, word) for name, written in TRAPS.items() for word in written.split()]
    for method, matches in methods({*SAMPLE, *TRAPS}).items():
        yield "own sample", method, "recall", sum(matches(*pair) for pair in pairs) / len(pairs)
        yield "own sample", method, "false hits", sum(matches(*trap) for trap in traps)


if __name__ == "__main__":
    for corpus, method, measure, figure in rows():
        print(f"{corpus:24} {method:26} {measure:12} {figure:10.4f}")
