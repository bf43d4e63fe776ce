"""Kazakh keywords: which words of a text are forms of them, and which only look so."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from monitor.language import kazakh
from monitor.language.kazakh_suffixes import BACK, FRONT, LONGEST, State, Suffixes
from monitor.language.stems import EXACT, Case, Stem
from monitor.language.text import fold


def found(stems: tuple[Stem, ...], word: str) -> bool:
    """As the index does it: a stem begins the word, its endings accept the rest, its capital stands there."""
    form = fold(word)
    return any(
        form.startswith(stem.text)
        and stem.endings.accepts(form[len(stem.text) :])
        and (stem.case is Case.ANY or word[0].isupper())
        for stem in stems
    )


NAMES = {
    "Алматы": "Алматы Алматының Алматыға Алматыны Алматыда Алматыдан Алматымен Алматыдағы Алматыдағылардың Алматымыз Алматыдамыз Алматынікілерден",
    "Астана": "Астанасы Астанасында Астанамыздағы Астанадай Астанасыз",
    "Қазақстан": "Қазақстанның Қазақстаннан Қазақстанға Қазақстанды Қазақстанымыздың Қазақстанша Қазақстандағылар",
    "Ақтөбе": "Ақтөбенің Ақтөбеде Ақтөбедегі Ақтөбеге",
    "Шымкент": "Шымкенттің Шымкентте Шымкентке Шымкенттен Шымкентпен Шымкентті",
    "Орал": "Оралда Оралдың Оралға Оралмен",
    "Тараз": "Тараздың Таразбен Тараздағы Таразға",
    "Бішкек": "Бішкектің Бішкекте Бішкекке Бішкегі",
    "Тоқаев": "Тоқаевтың Тоқаевқа Тоқаевпен Тоқаевтар Тоқаевтікі Тоқаевтай",
    "Медведев": "Медведевтің Медведевтың Медведевке",
    "Путин": "Путиннің Путинге Путиннен Путинмен Путинді",
    "Ғани": "Ғаниға Ғаниге Ғанидың Ғаниның",
    "Атырау": "Атырауда Атыраудың Атырауға Атыраулар",
    "Баку": "Бакуде Бакуда Бакудің Бакулік",
    "Париж": "Парижде Парижбен Парижге",
    "Кремль": "Кремльдің Кремльге Кремлі Кремлінің",
    "Беларусь": "Беларусьтің Беларусьте Беларусьпен Беларуське Беларусі",
    "Германия": "Германияның Германияда Германиядағы",
    "Йорк": "Йоркте Йорктің Йоркке",
    "Омск": "Омскіде Омскідегі Омскте",
    "Киев": "Киевтен Киевке Киевден",
}
NOUNS = {
    "халық": "халықтың халыққа халқы халқымыздың халқына халықтары",
    "орын": "орны орнында орындар орынға",
    "көңіл": "көңілі көңлі көңілге",
    "қауіп": "қаупі қаупінен қауіпке қауіпті",
    "кітап": "кітабы кітабындағы кітаптар кітапқа кітаппен",
    "мектеп": "мектебі мектептеріміздегі мектепте",
    "мемлекет": "мемлекеттік мемлекеттің мемлекетіміз мемлекеттерге",
    "мәлімет": "мәліметінше мәліметтері",
    "мұнай": "мұнайшы мұнайшылардың мұнайлы мұнайдан",
    "наразылық": "наразылығы наразылықтың наразылығын",
    "су": "суға судың суы сулар",
    "қалам": "қаламнан қаламдан қаламым",
    "журналист": "журналистер журналисттер журналистің журналиске журналисі",
    "процесс": "процестер процесіне процесте",
    "банк": "банкі банкте банктер банкісі банкы",
    "объект": "объектілер объектісінің объектте",
    "фестиваль": "фестивалі фестивальде фестивалінде",
    "педагог": "педагогтар педагогтің педагогы",
    "жыл": "жылғы жылы жылдардағы",
    "қазақ": "қазақша қазақтар қазағы қазақпын қазақпыз",
}
NOT_FORMS = {
    "қаза": "қазақ қазақстан қазан қазандық",
    "газ": "газет газета газеті газге газтар",
    "Орал": "Оралған Оралып Оралады Оралбай",
    "Қазақстан": "Қазақстанше Қазақстанге",
    "Атырау": "Атырауде Атыраудің",
    "Өскемен": "Өскеменда Өскеменлер Өскемендың",
    "орын": "орындау орындады орынбасар орындаушы",
    "қауіп": "қауіпсіздік қауіпсіздігі",
    "халық": "халықаралық халықы",
    "балық": "балқы",
    "әскер": "әскертер",
    "пар": "парты партия",
    "жар": "жарғы жарғыш",
    "қару": "қарды қарған қармақ",
    "кітап": "кітабтар кітаб кітабда",
    "процесс": "процес",
    "қала": "қалалалы қаланыңда қаладер",
}


@pytest.mark.parametrize(("keyword", "form"), [(key, form) for key, forms in NAMES.items() for form in forms.split()])
def test_a_name_is_found_in_its_forms(keyword: str, form: str) -> None:
    assert found(kazakh.stems(keyword, name=True), form)


@pytest.mark.parametrize(("keyword", "form"), [(key, form) for key, forms in NOUNS.items() for form in forms.split()])
def test_a_common_word_is_found_in_its_forms(keyword: str, form: str) -> None:
    assert found(kazakh.stems(keyword), form)


@pytest.mark.parametrize(
    ("keyword", "word"), [(key, word) for key, words in NOT_FORMS.items() for word in words.split()]
)
def test_a_word_that_only_begins_like_the_keyword_is_not_found(keyword: str, word: str) -> None:
    assert not found(kazakh.stems(keyword, name=keyword[0].isupper()), word)


@pytest.mark.parametrize(
    ("name", "word"),
    [("Тараз", "таразы"), ("Ақтау", "ақтауға"), ("Астана", "астанасы"), ("Арал", "аралдағы"), ("Алматы", "алматы")],
)
def test_a_name_needs_its_capital_where_a_common_word_looks_the_same(name: str, word: str) -> None:
    assert not found(kazakh.stems(name, name=True), word)
    assert found(kazakh.stems(name), word)


@pytest.mark.parametrize(
    ("name", "people"),
    [
        ("Қазақстан", "қазақстандықтардың"),
        ("Алматы", "алматылық"),
        ("Шымкент", "шымкенттіктер"),
        ("Орал", "оралдықтарға"),
        ("Ресей", "ресейлікпін"),
        ("Павлодар", "павлодарлығы"),
        ("Almaty", "almatylyqtar"),
    ],
)
def test_people_called_after_a_place_are_found_in_small_letters_unless_the_user_does_not_want_them(
    name: str, people: str
) -> None:
    assert found(kazakh.stems(name, name=True), people)
    assert not found(kazakh.stems(name, name=True, demonyms=False), people.capitalize())
    assert found(kazakh.stems(name, name=True, demonyms=False), name)


@pytest.mark.parametrize(
    ("keyword", "forms"),
    [
        ("Алматы", "Алматы"),
        ("Almaty", "Almatynyń Almatynyñ Almatynyng Almatyda Almatydaǵylar Almatydağy Almatyǵa Almatygha"),
        ("Almatı", "Almatınıñ Almatıdağı Almatıdan"),
        ("Qazaqstan", "Qazaqstannyń Qazaqstandaǵy Qazaqstanymyz Qazaqstannan"),
        ("Aqtöbe", "Aqtöbede Aqtöbeniñ Aqtöbedegi"),
        ("Aqtobe", "Aqtobede Aqtobeniń"),
        ("Óskemen", "Óskemende Óskemennen Óskemenniń"),
        ("Toqaev", "Toqaevtyń Toqaevqa Toqaevpen Toqaevtıñ"),
        ("Şymkent", "Şymkentte Şymkentke"),
        ("Shymkent", "Shymkentte Shymkentten"),
        ("Bishkek", "Bishkekte Bishkegi"),
        ("Beijing", "Beijingniń Beijingnen"),
        ("Parizh", "Parizhde Parizhben"),
    ],
)
def test_a_name_in_latin_script_takes_the_suffixes_of_the_alphabets_of_2018_and_2021(keyword: str, forms: str) -> None:
    assert [form for form in forms.split() if not found(kazakh.stems(keyword, name=True), form)] == []


@pytest.mark.parametrize(
    ("keyword", "form"), [("halyq", "halqy"), ("halıq", "halqımız"), ("oryn", "ornynda"), ("kitap", "kitaby")]
)
def test_a_stem_changes_in_latin_script_too(keyword: str, form: str) -> None:
    assert found(kazakh.stems(keyword), form)


@pytest.mark.parametrize(
    ("keyword", "word"), [("Oral", "Orally"), ("Iran", "Iranian"), ("Astana", "Astanka"), ("Óskemen", "Óskemenda")]
)
def test_a_latin_word_that_only_begins_like_the_name_is_not_found(keyword: str, word: str) -> None:
    assert not found(kazakh.stems(keyword, name=True), word)


@pytest.mark.parametrize(
    ("infinitive", "forms"),
    [
        (
            "тұтқындау",
            "тұтқындады тұтқындалды тұтқындалғандардың тұтқындап тұтқындауға тұтқындамаған тұтқындайды тұтқындаушы",
        ),
        (
            "тексеру",
            "тексеріп тексерілген тексереді тексерілуде тексерістен тексермекші тексеретін тексерсе тексерілсін",
        ),
        ("тоқтату", "тоқтатты тоқтатылды тоқтатпайды тоқтатқан тоқтатпауын тоқтатылыпты"),
        ("жарылу", "жарылды жарылып жарылған жарылыс жарылмайтын жарылар"),
        ("сайлау", "сайлаудың сайлауы сайланды сайлаушылар"),
        ("tutqyndau", "tutqyndady tutqyndalǵan tutqyndap"),
    ],
)
def test_an_infinitive_of_two_syllables_finds_the_verb(infinitive: str, forms: str) -> None:
    assert [form for form in forms.split() if not found(kazakh.stems(infinitive), form)] == []


@pytest.mark.parametrize(
    ("infinitive", "forms"),
    [
        ("өлу", "өлді өлген өледі өлтірілді өліп"),
        ("ату", "атты атылды атып атқан"),
        ("оқу", "оқыды оқып оқылған"),
        ("жою", "жойды жойылды жоюға жояды жоя"),
    ],
)
def test_a_short_verb_is_found_only_where_it_is_asked_for_as_a_verb(infinitive: str, forms: str) -> None:
    assert [form for form in forms.split() if not found(kazakh.verb_stems(infinitive), form)] == []
    assert not found(kazakh.stems(infinitive), forms.split(maxsplit=1)[0])


@pytest.mark.parametrize("word", ["ат", "қала", "жалпы", "у", "2022", ""])
def test_a_word_that_is_no_infinitive_is_no_verb(word: str) -> None:
    assert kazakh.verb_stems(word) == ()


def test_a_name_loses_no_vowel() -> None:
    assert found(kazakh.stems("ерік"), "еркі")
    assert not found(kazakh.stems("Ерік", name=True), "Еркі")


def test_the_bare_stem_of_a_verb_is_another_word() -> None:
    assert not found(kazakh.verb_stems("ату"), "ат")
    assert not found(kazakh.stems("бұзау"), "бұзады")
    assert not found(kazakh.stems("Атырау", name=True), "Атырады")


@pytest.mark.parametrize("word", ["ەلباسى", "2022", "Алма-Ата", "АҚШ2", "я", "ВKонтаktе2"])
def test_what_is_no_word_of_one_script_is_looked_for_as_it_is_written(word: str) -> None:
    assert [(stem.text, stem.endings) for stem in kazakh.stems(word)] == [(fold(word), EXACT)]


def test_stems_say_what_joins_a_form_to_its_keyword() -> None:
    place = kazakh.stems("Семей", name=True)
    assert [(stem.text, stem.rule, stem.language, stem.case) for stem in place] == [
        ("семей", "Kazakh suffix", "kk", Case.FIRST),
        ("семей", "Kazakh demonym", "kk", Case.ANY),
    ]
    assert {stem.rule for stem in kazakh.stems("тексеру")} == {"Kazakh suffix", "Kazakh verb ending"}


def test_words_that_end_alike_share_their_endings() -> None:
    assert kazakh.stems("Астана", name=True)[0].endings == kazakh.stems("Алматы", name=True)[0].endings
    assert kazakh.stems("Астана", name=True)[0].endings != kazakh.stems("Шымкент", name=True)[0].endings


def test_a_rest_longer_than_any_chain_is_refused_at_once() -> None:
    chain = kazakh.stems("қала")[0].endings
    assert chain.accepts("дағы" * (LONGEST // 4))
    assert not chain.accepts("дағы" * (LONGEST // 4) + "н")
    assert not chain.accepts("дағы" * 2_500_000)


@pytest.mark.parametrize("piece", ["дағы", "лар", "ыл", "ма", "т", "ы", "dağy", "n", "nyng"])
def test_no_rest_blows_up(piece: str) -> None:
    """Each state is entered once a place: the steps are bounded by places x states, not by ways through them."""
    counted: list[str] = []

    class Counted(str):
        __slots__ = ()

        def startswith(self, *args: object) -> bool:  # type: ignore[override]
            counted.append("")
            return str.startswith(self, *args)  # type: ignore[arg-type]

    rest = Counted((piece * LONGEST)[:LONGEST])
    for latin in (False, True):
        starts = tuple(
            State(slot, sound, harmony) for slot in ("stem", "verb") for sound in "vrlnzt" for harmony in (BACK, FRONT)
        )
        Suffixes(starts, latin=latin).accepts(rest)
    assert len(counted) < LONGEST * 1_000


BENCH = runpy.run_path(str(Path(__file__).parents[1] / "bench/keywords/kazakh.py"))


@pytest.mark.skipif(not (BENCH["KAZNERD"].exists() and BENCH["UNIMORPH"].exists()), reason="the corpora are not here")
def test_the_aims_are_met_on_the_corpora() -> None:
    figures = {
        (corpus, measure): figure
        for corpus, method, measure, figure in BENCH["rows"]()
        if "ours" in method and "without" not in method
    }
    assert figures["KazNERD", "recall"] >= 0.999
    assert figures["KazNERD", "precision"] >= 0.998
    assert figures["KazNERD, Latin of 2021", "recall"] >= 0.995
    assert figures["KazNERD, Latin of 2018", "recall"] >= 0.995
    assert figures["unimorph", "recall"] >= 0.995
    assert figures["unimorph", "others, %"] < 10


def test_the_bench_measures_its_own_sample_where_the_corpora_are_absent() -> None:
    figures = {(method, measure): figure for _, method, measure, figure in BENCH["_sample"]()}
    assert figures["suffixes, capital (ours)", "recall"] == 1
    assert figures["suffixes, capital (ours)", "false hits"] == 0
    assert figures["exact", "recall"] < figures["prefix, capital", "recall"] < 1
