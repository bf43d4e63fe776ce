"""From queries to what is looked for: names and words, capitals, acronyms, saved queries, and what cannot be compiled."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.asking import COAST, asked, match, surfaces
from support.values import feed, report

from monitor.errors import QueryError
from monitor.language.phrases import PhraseIndex
from monitor.model import Watch
from monitor.settings import load
from monitor.settings.values import Settings
from monitor.watches import compile_watches, compiling
from monitor.watches.compiling import DEEPEST, Compiler, limits_of, query_of
from monitor.watches.origin import Origins, plain
from monitor.watches.query import And, Not, Or, Saved, Term
from monitor.watches.reading import read_query

CONFIG = Path(__file__).parents[2] / "config"

KEYWORDS = [
    # a name of the gazetteer stands for all its names, in all languages and forms
    ("Aktau", "в Актау", True),
    ("Aktau", "Ақтаудағы", True),
    ("Aktau", "Aktau's", True),
    ("Актау", "Aktau", True),
    # ... and is looked for as a name when it is written with a capital
    ("Oral", "Oral", True),
    ("Oral", "oral", False),
    ("Oral", "ORAL", True),
    # small it is the common word, where the name is one
    ("oral", "oral exams", True),
    ("oral", "Oral exams", True),
    # small it stands for the entry and for itself, where the name is no common word
    ("aktau", "Актау", True),
    ("aktau", "aktau", True),
    # a concept is found by all its words only for those who ask for the concept
    ("protest", "protests", True),
    ("Protest", "protests", True),
    ("protest", "наразылықтың", False),
    ("Protest", "наразылықтың", False),
    ("concept:protest", "наразылықтың", True),
    ("@protest", "unrest", True),
    ("strike", "Strikes", True),
    ("Strike", "strikes", True),
    ("Strike", "strikingly", False),
    # as written
    ("=Aktau", "Aktau", True),
    ("=Aktau", "Актау", False),
    ("=Aktau", "Aktau-based", True),
    ("=strike", "strikes", False),
    ('="oil strike"', "Oil strike", True),
    ('="oil strike"', "oil strikes", False),
    # open at the end
    ("strik*", "strikingly", True),
    ('"oil strik*"', "oil striking", True),
    ('"oil strik*"', "oils strikers", True),
    ("Aktau*", "Актау", False),
    # acronyms
    ("КТО", "Режим КТО введён", True),
    ("КТО", "Кто это", False),
    ("КТО", "кто это", False),
    ("КТО", "КТО ЭТО", True),
    ("=КТО", "кто это", False),
    ("=КТО", "режим КТО", True),
    ("CSTO", "CSTO's", True),
    ("CSTO", "ОДКБ", True),
    ("NGO", "NGOs", True),
    ("NGO", "ngo", True),
    ("NGO", "NGOan", False),
    ("ОМОН", "бойцы ОМОНа", True),
    ("ОМОН", "с ОМОНом", True),
    ("ОМОН", "омонимы", False),
]


@pytest.mark.parametrize(("query", "text", "wanted"), KEYWORDS)
def test_a_keyword_finds_what_it_means(query: str, text: str, wanted: bool) -> None:
    assert (match(query, text) is not None) is wanted


@pytest.mark.parametrize(("query", "text", "wanted"), [each for each in KEYWORDS if ":" not in each[0]])
def test_the_list_form_means_the_same(query: str, text: str, wanted: bool) -> None:
    index = compile_watches([Watch(name="w", title="W", any=(query.replace('"', ""),))], COAST)
    found = index.match(report(title="", text=text), feed())
    assert bool(found) is wanted
    for reason in (reason for each in found for reason in each.reasons):
        assert reason.keyword == query.replace('"', ""), "a keyword is shown as its watch writes it"


def test_a_reason_names_the_rule_that_joined_the_word_to_its_keyword() -> None:
    rules = {}
    for query, text in (("Aktau", "Ақтаудағы"), ("=aa", "aa"), ("aa*", "aab"), ("NGO", "NGOs"), ("strike", "strikes")):
        found = match(query, text)
        assert found is not None
        rules[query] = found.reasons[0].rule
    assert rules["=aa"] == "as written"
    assert rules["aa*"] == "any ending"
    assert rules["NGO"] == "acronym"
    assert len(set(rules.values())) == len(rules)


SAVED = {
    "oil": "=petrol OR @gas",
    "gas": "=gas OR =lpg",
    "strike": "=strike NEAR/3 (=workers OR =oil)",
    "both": "@oil @strike",
    "aktau": "=harbour",
}


@pytest.mark.parametrize(
    ("query", "text", "found"),
    [
        ("@oil", "petrol", ["petrol"]),
        ("@oil", "lpg", ["lpg"]),
        ("@both", "oil strike", None),
        ("@both", "oil strike, lpg", ["oil", "strike", "lpg"]),
        ("=aa NOT @oil", "aa lpg", None),
        ("=aa NOT @oil", "aa", ["aa"]),
        ("2 of (@gas, @gas, =zz)", "gas", ["gas"]),
        ("@aktau", "harbour", ["harbour"]),
        ("@aktau", "Aktau", None),
        ("@coast", "Aktau", ["Aktau"]),
    ],
)
def test_saved_queries_stand_for_what_they_say(query: str, text: str, found: list[str] | None) -> None:
    assert surfaces(query, text, saved=SAVED) == found


MISTAKES = [
    ("aa @nobody", (3, 10), "`@nobody` is neither a saved query nor in the gazetteer", "`monitor gazetteer find TEXT`"),
    ("aa @strik", (3, 9), "`@strik` is neither a saved query nor in the gazetteer", "did you mean `strike`?"),
    ("@aktaw", (0, 6), "`@aktaw` is neither a saved query nor in the gazetteer", "did you mean `aktau`?"),
    ("place:Zhanaosen2", (0, 16), "the gazetteer has no place `Zhanaosen2`", "did you mean `Zhanaozen`?"),
    ("place:Tokayev", (0, 13), "the gazetteer has no place `Tokayev`", "did you mean `Tokayev`?"),
    ("concept:qqqq", (0, 12), "the gazetteer has no concept `qqqq`", "`monitor gazetteer find TEXT`"),
    ("within 5 km of Qqqq", (0, 19), "the gazetteer has no place `Qqqq`", "`monitor gazetteer find TEXT`"),
    ("aa @self", (3, 8), "in `@self`: `@self` refers to itself", "take one of the references out"),
    ("@one", (0, 4), "in `@one`: in `@two`: in `@three`: `@one` refers to itself", "take one of the references out"),
    ("aa OR @wrong", (6, 12), "in `@wrong`: the gazetteer has no place `Qqqq`", "`monitor gazetteer find TEXT`"),
]
BROKEN = {
    **SAVED,
    "self": "=aa OR @self",
    "one": "=aa @two",
    "two": "=bb OR @three",
    "three": "@one",
    "wrong": "place:Qqqq",
}


@pytest.mark.parametrize(("query", "span", "message", "hint"), MISTAKES)
def test_what_nobody_knows_is_told_with_its_place_and_a_suggestion(
    query: str, span: tuple[int, int], message: str, hint: str
) -> None:
    with pytest.raises(QueryError) as caught:
        asked(query, saved=BROKEN)
    assert (caught.value.message, caught.value.span) == (message, span)
    assert caught.value.hint.startswith(hint)


def test_a_saved_query_may_be_used_twice_side_by_side() -> None:
    assert surfaces("@gas OR (=aa @gas)", "aa gas", saved=SAVED) == ["aa", "gas"]


def test_saved_queries_that_multiply_are_refused_before_they_fill_the_memory() -> None:
    saved = {"s0": "=aa =bb", **{f"s{n}": " ".join([f"@s{n - 1}"] * 10) for n in range(1, 12)}}
    with pytest.raises(QueryError, match="comes to too much"):
        asked("@s11", saved=saved)
    assert surfaces("@s2", "aa bb", saved=saved) == ["aa", "bb"]


def test_long_lists_that_multiply_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiling, "MOST_PARTS", 1000)
    saved = {"many": " OR ".join(f"=w{n}" for n in range(50))}
    assert match(" ".join(["@many"] * 19), "w7", saved=saved) is not None
    with pytest.raises(QueryError, match="comes to too much"):
        asked(" ".join(["@many"] * 20), saved=saved)
    assert len(asked(*["@many"] * 40, saved=saved).watches) == 40, "each query is measured by itself"


def test_saved_queries_within_each_other_are_refused_beyond_a_depth() -> None:
    saved = {"s0": "=aa", **{f"s{n}": f"@s{n - 1}" for n in range(1, DEEPEST + 5)}}
    assert surfaces(f"@s{DEEPEST - 2}", "aa", saved=saved) == ["aa"]
    with pytest.raises(QueryError, match="comes to too much"):
        asked(f"@s{DEEPEST - 1}", saved=saved)


def test_a_compiler_that_refused_a_query_takes_the_next() -> None:
    compiler = Compiler(COAST, {name: read_query(text) for name, text in BROKEN.items()})
    for _ in range(2 * DEEPEST):
        with pytest.raises(QueryError, match="refers to itself"):
            compiler.node(read_query("@one"), ("title", "text"))
    assert compiler.node(read_query("@gas"), ("title", "text")).label == "=gas, =lpg"


def test_the_index_knows_each_phrase_by_the_compilers_number() -> None:
    compiler = Compiler(COAST, {})
    for phrase in COAST.phrases:
        compiler.number(phrase)
    for query in ("Aktau strike", '"oil strike*" OR =aa', "person:Nobody NEAR/3 КТО", "aa aa"):
        compiler.node(read_query(query), ("title", "text"))
    assert PhraseIndex(compiler.numbers).numbers == compiler.numbers


WHOLE = [
    ({"query": "aa"}, read_query("aa")),
    ({"any": ("aa",)}, read_query("aa")),
    ({"any": ("aa", "bb cc")}, read_query('aa OR "bb cc"')),
    ({"all": (("aa",), ("bb", "cc"))}, And(parts=(read_query("aa"), read_query("bb OR cc")))),
    ({"any": ("aa",), "none": ("bb",)}, And(parts=(read_query("aa"), Not(part=read_query("bb"))))),
    ({"query": "aa OR bb", "any": ("cc",)}, And(parts=(read_query("aa OR bb"), read_query("cc")))),
    ({"any": ("@gas", "aa")}, Or(parts=(Saved(name="gas"), read_query("aa")))),
    ({"any": ("=aa",)}, read_query("=aa")),
]


@pytest.mark.parametrize(("given", "query"), WHOLE)
def test_lists_and_query_of_a_watch_are_one_query(given: dict[str, object], query: object) -> None:
    assert query_of(Watch(name="w", title="W", **given)) == query  # type: ignore[arg-type]


def test_a_keyword_of_a_list_is_shown_with_its_hyphens() -> None:
    term = query_of(Watch(name="w", title="W", any=("Алма-Ата",)))
    assert isinstance(term, Term)
    assert (term.text, len(term.words)) == ("Алма-Ата", 2)


def test_keywords_of_a_list_may_be_saved_queries_or_entries() -> None:
    index = compile_watches([Watch(name="w", title="W", any=("@gas", "@coast"))], COAST, SAVED)
    found = index.match(report(title="lpg", text="Aktau"), feed())
    assert [reason.surface for reason in found[0].reasons] == ["lpg", "Aktau"]


def test_the_limits_of_a_watch_are_compared_in_plain_form() -> None:
    watch = Watch(name="w", title="W", languages=("kk",), sources=(" The  TIMES",), feeds=("f",), groups=("g",))
    limits = limits_of(watch)
    assert limits == Origins(
        languages=frozenset({"kk"}), sources=frozenset({"the times"}), feeds=frozenset({"f"}), groups=frozenset({"g"})
    )
    assert str(limits) == "language kk; source the times; feed f; group g"
    assert not str(Origins())
    assert str(Origins(languages=frozenset({"ru", "kk"}))) == "language kk or ru"
    assert plain(" Радио  СВОБОДА ") == "радио свобода"


@pytest.fixture(scope="module")
def shipped() -> Settings:
    return load(CONFIG, environ={})


@pytest.mark.parametrize(
    ("keyword", "text"),
    [
        ("МЧС", "МЧС сообщило о трёх погибших"),
        ("Правительство", "правительство подало в отставку"),
        ("Government", "Government resigns"),
        ("Назарбаева", "речь Назарбаева"),
        ("Абай", "Абай облысында"),
        ("Орал", "Оралдың орталығында митинг"),
        ("Токаев", "Токаевтың сөзі"),
        ("Алматы", "Almatyda"),
        ("Астана", "Astanağa"),
        ("Almaty", "алматыда"),
    ],
)
def test_a_keyword_stands_for_itself_whatever_the_gazetteer_makes_of_it(
    shipped: Settings, keyword: str, text: str
) -> None:
    one = Watch(name="w", title="W", any=(keyword,))
    assert shipped.index([one]).match(report(title=text, text=""), None)


@pytest.mark.parametrize(
    ("keyword", "text"),
    [("Орал", "оралған азамат"), ("Oral", "oral exams"), ("Семей", "пять семей"), ("Turkey", "turkey dinner")],
)
def test_a_name_that_is_a_common_word_when_written_small_needs_its_capital(
    shipped: Settings, keyword: str, text: str
) -> None:
    one = Watch(name="w", title="W", any=(keyword,))
    assert not shipped.index([one]).match(report(title=text, text=""), None)
