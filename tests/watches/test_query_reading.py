"""What people write, and what it means."""

from __future__ import annotations

import time

import pytest

from monitor.errors import QueryError
from monitor.watches.query import (
    About,
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
    Within,
    Word,
    leaves,
)
from monitor.watches.reading import GRAMMAR, LONGEST, doubts, read_keyword, read_query


def word(text: str, *, exact: bool = False) -> Term:
    return Term(words=(Word(text=text.removesuffix("*"), open_end=text.endswith("*")),), exact=exact)


def phrase(text: str, *, exact: bool = False, quoted: bool = True) -> Term:
    words = tuple(Word(text=each.removesuffix("*"), open_end=each.endswith("*")) for each in text.split())
    return Term(words=words, exact=exact, quoted=quoted)


FIRE, OIL, RIOT = word("fire"), word("oil"), word("riot")

MEANINGS: tuple[tuple[str, Query], ...] = (
    ("fire", FIRE),
    ("fire oil", And(parts=(FIRE, OIL))),
    ("fire AND oil", And(parts=(FIRE, OIL))),
    ("fire AND oil riot", And(parts=(FIRE, OIL, RIOT))),
    ("fire OR oil", Or(parts=(FIRE, OIL))),
    ("fire|oil | riot", Or(parts=(FIRE, OIL, RIOT))),
    ("fire oil OR riot", Or(parts=(And(parts=(FIRE, OIL)), RIOT))),
    ("fire (oil OR riot)", And(parts=(FIRE, Or(parts=(OIL, RIOT))))),
    ("fire (oil, riot)", And(parts=(FIRE, Or(parts=(OIL, RIOT))))),
    ("(fire OR (oil OR riot))", Or(parts=(FIRE, OIL, RIOT))),
    ("(fire AND (oil AND riot))", And(parts=(FIRE, OIL, RIOT))),
    ("fire NOT oil", And(parts=(FIRE, Not(part=OIL)))),
    ("fire AND NOT oil", And(parts=(FIRE, Not(part=OIL)))),
    ("fire -oil", And(parts=(FIRE, Not(part=OIL)))),
    ("-oil fire", And(parts=(Not(part=OIL), FIRE))),
    ("fire −oil", And(parts=(FIRE, Not(part=OIL)))),
    ("fire -(oil riot)", And(parts=(FIRE, Not(part=And(parts=(OIL, RIOT)))))),
    ('fire -"oil riot"', And(parts=(FIRE, Not(part=phrase("oil riot"))))),
    ("fire\n\t  oil\u00a0riot", And(parts=(FIRE, OIL, RIOT))),
    ("fire-oil", phrase("fire oil", quoted=False)),
    ("Алма-Ата", phrase("Алма Ата", quoted=False)),
    ("24/7", phrase("24 7")),
    ("12:30", phrase("12 30")),
    ('"oil workers"', phrase("oil workers")),
    ("„oil workers“", phrase("oil workers")),
    ("“oil workers”", phrase("oil workers")),
    ("«oil workers»", phrase("oil workers")),
    ('"газета «Время»"', phrase("газета Время")),
    ('"oil, - workers!"', phrase("oil workers")),
    ("fire*", word("fire*")),
    ('"oil* work*"', phrase("oil* work*")),
    ("=fire", word("fire", exact=True)),
    ('="oil workers"', phrase("oil workers", exact=True)),
    ("=Алма-Ата", phrase("Алма Ата", exact=True, quoted=False)),
    ("Tokayev's", word("Tokayev's")),
    ("O’Brien", word("O’Brien")),
    ("Қазақ\u0306стан", word("Қазақ\u0306стан")),
    ("про\u200bтест\u00adы", word("протесты")),
    ("пожар🔥", word("пожар")),
    ("شغب", word("شغب")),
    ("№5А", word("5А")),
    ("2022", word("2022")),
    ("fire or oil", And(parts=(FIRE, word("or"), OIL))),
    ("fire near oil", And(parts=(FIRE, word("near"), OIL))),
    ("ORANGE NOTES ANDES NEARBY", And(parts=tuple(map(word, ("ORANGE", "NOTES", "ANDES", "NEARBY"))))),
    ("fire NEAR oil", Near(parts=(FIRE, OIL), words=10)),
    ("fire NEAR/3 oil", Near(parts=(FIRE, OIL), words=3)),
    ("fire NEAR/0 oil", Near(parts=(FIRE, OIL), words=0)),
    ('(fire OR "oil riot") NEAR/3 @x1', Near(parts=(Or(parts=(FIRE, phrase("oil riot"))), Saved(name="x1")), words=3)),
    ("fire NEAR oil riot", And(parts=(Near(parts=(FIRE, OIL), words=10), RIOT))),
    ("riot NOT fire NEAR oil", And(parts=(RIOT, Not(part=Near(parts=(FIRE, OIL), words=10))))),
    ("title:fire", Limited(to=Within.TITLE, part=FIRE)),
    ("Title: fire", Limited(to=Within.TITLE, part=FIRE)),
    ("text:(fire OR oil)", Limited(to=Within.TEXT, part=Or(parts=(FIRE, OIL)))),
    ("title:(fire -oil)", Limited(to=Within.TITLE, part=And(parts=(FIRE, Not(part=OIL))))),
    ('title:="oil workers"', Limited(to=Within.TITLE, part=phrase("oil workers", exact=True))),
    ("fire -title:oil", And(parts=(FIRE, Not(part=Limited(to=Within.TITLE, part=OIL))))),
    ("source:Reuters", Origin(of=From.SOURCE, value="Reuters")),
    ("source:Reuters,AFP", Or(parts=(Origin(of=From.SOURCE, value="Reuters"), Origin(of=From.SOURCE, value="AFP")))),
    ('source:("New York  Times" OR AFP)',
     Or(parts=(Origin(of=From.SOURCE, value="New York Times"), Origin(of=From.SOURCE, value="AFP")))),
    ("source:(AFP, TASS|BBC)", Or(parts=tuple(Origin(of=From.SOURCE, value=each) for each in ("AFP", "TASS", "BBC")))),
    ("feed:bbc-world_en", Origin(of=From.FEED, value="bbc-world_en")),
    ("lang:KK", Origin(of=From.LANG, value="kk")),
    ("lang:other", Origin(of=From.LANG, value="other")),
    ("place:Алматы", Mentions(about=About.PLACE, name="Алматы")),
    ("place:@almaty", Mentions(about=About.PLACE, name="almaty")),
    ("person:«Касым-Жомарт Токаев»", Mentions(about=About.PERSON, name="Касым-Жомарт Токаев")),
    ("org:CSTO^2", Boosted(part=Mentions(about=About.ORG, name="CSTO"), weight=2.0)),
    ("concept:protest", Mentions(about=About.CONCEPT, name="protest")),
    ("@unrest-2022", Saved(name="unrest-2022")),
    ('@"oil towns"', Saved(name="oil towns")),
    ("@Нұр-Сұлтан", Saved(name="Нұр-Сұлтан")),
    (r"/взрыв\w+/", Pattern(pattern=r"взрыв\w+")),
    (r"/fire\/oil\\/ riot", And(parts=(Pattern(pattern=r"fire/oil\\"), RIOT))),
    ("2 of (fire, oil, riot)", AtLeast(count=2, parts=(FIRE, OIL, RIOT))),
    ("1 OF (fire oil, title:riot)", AtLeast(count=1, parts=(And(parts=(FIRE, OIL)), Limited(to=Within.TITLE, part=RIOT)))),
    ("22 of", And(parts=(word("22"), word("of")))),
    ("fire^2.5", Boosted(part=FIRE, weight=2.5)),
    ("(fire oil)^0.1", Boosted(part=And(parts=(FIRE, OIL)), weight=0.1)),
    ("within 50 km of Almaty", Around(km=50.0, place="Almaty")),
    ('within 50km of "Nur-Sultan"', Around(km=50.0, place="Nur-Sultan")),
    ("within 2.5 km of @almaty riot", And(parts=(Around(km=2.5, place="almaty"), RIOT))),
    ("fire within reach", And(parts=(FIRE, word("within"), word("reach")))),
    ("\u202efire\u202c \u2066AND\u2069 oil\u200f", And(parts=(FIRE, OIL))),
    ("fire\u200b OR\u200b oil", Or(parts=(FIRE, OIL))),
    ("the fire", And(parts=(word("the"), FIRE))),
    ("2 of (the, fire)", AtLeast(count=2, parts=(word("the"), FIRE))),
    ("the NEAR fire", Near(parts=(word("the"), FIRE), words=10)),
    ("КТО OR WHO", Or(parts=(word("КТО"), word("WHO")))),
    ("fire (NOT oil)", And(parts=(FIRE, Not(part=OIL)))),
)  # fmt: skip


@pytest.mark.parametrize(("written", "meant"), MEANINGS)
def test_a_query_means_what_people_expect(written: str, meant: Query) -> None:
    assert read_query(written) == meant


def test_spans_point_into_the_query_as_written() -> None:
    text = 'fire ="oil riot" @x1 place:Oral,"Old Town" within 5 km of Oral =rain /a\\/b/ lang:kk'
    assert [text[slice(*leaf.span)] for leaf in leaves(read_query(text))] == [
        "fire", '="oil riot"', "@x1", "place:Oral", 'place:Oral,"Old Town"', "within 5 km of Oral", "=rain", "/a\\/b/", "lang:kk",
    ]  # fmt: skip


def test_ten_thousand_terms_are_read_in_two_seconds() -> None:
    started = time.process_time()
    alternatives = read_query(" OR ".join(f"слово{number}" for number in range(10_000)))
    needed = read_query(" ".join(f"слово{number}" for number in range(10_000)))
    assert len(list(leaves(alternatives))) == len(list(leaves(needed))) == 10_000
    assert time.process_time() - started < 4


def test_any_number_of_parentheses_may_stand_side_by_side() -> None:
    assert len(list(leaves(read_query("(fire OR oil) " * 200)))) == 400


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("protest", word("protest")),
        (" oil workers ", phrase("oil workers")),
        ("=Жаңаөзен", word("Жаңаөзен", exact=True)),
        ("oil work*", phrase("oil work*")),
        ("oil AND (workers)", phrase("oil AND workers")),
        ("Алма-Ата", phrase("Алма Ата")),
        ("@unrest", Saved(name="unrest")),
        ("is down", phrase("is down")),
        ("КТО", word("КТО")),
    ],
)
def test_a_keyword_of_a_list_is_taken_as_it_stands(written: str, meant: Query) -> None:
    assert read_keyword(written) == meant


@pytest.mark.parametrize(
    "written", ["", " ", "*", "а", "=а", "the", "кто", "of the", "про*тест", "*тест", "@", "🔥", "x" * (LONGEST + 1)]
)
def test_a_keyword_that_finds_everything_or_nothing_is_refused(written: str) -> None:
    with pytest.raises(QueryError):
        read_keyword(written)


@pytest.mark.parametrize(
    ("written", "doubted"),
    [
        ("fire or oil", ["or"]),
        ("fire and oil not riot", ["and", "not"]),
        ("fire ИЛИ oil", ["ИЛИ"]),
        ("fire near/5 oil", ["near/5"]),
        ("fire 'oil workers'", ["'oil"]),
        ("fire oil OR riot", ["oil"]),
        ("fire (oil) OR riot", ["("]),
        ("fire -oil OR riot", ["-"]),
        ("lang:kk fire OR riot", ["fire"]),
        ("(fire oil OR riot) AND rain", ["oil"]),
        ("fire AND oil OR riot", []),
        ("fire (oil OR riot)", []),
        ("(fire oil) OR riot", []),
        ("2 of (fire oil, oil OR riot)", []),
        ('"fire or oil"', []),
        ("source:(A1 OR B1) fire", []),
    ],
)
def test_what_may_be_meant_otherwise_is_doubted(written: str, doubted: list[str]) -> None:
    found = doubts(written)
    assert [written[slice(*doubt.span)] for doubt in found] == doubted
    assert all(doubt.message and doubt.hint for doubt in found)


def test_each_terminal_of_the_grammar_has_an_example_here() -> None:
    named = {
        line.split(".")[0].split(":")[0]
        for line in GRAMMAR.read_text(encoding="utf-8").splitlines()
        if line[:1].isupper()
    }
    assert named == {
        "EDGE",
        "NOT",
        "NEAR",
        "LIMIT",
        "FIELD",
        "WITHIN",
        "COUNT",
        "BOOST",
        "EXACT",
        "SAVED",
        "PATTERN",
        "PHRASE",
        "VALUES",
        "WORD",
    }
