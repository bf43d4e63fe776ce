"""How well the language of a text is told: sentences of news, their first six and first three words, in English, Russian, Kazakh.

Corpora: NTREX (news, the same documents in three languages), headlines (English), posts of Russian channels and KazNERD's
sentences (of these two every second one; the others were learnt from), FactRuEval (Russian). A text counts where it has a
letter of a script of its language; its figure is the share of texts told right. The baseline goes by the share of Kazakh letters, and
calls the Latin rest English. `others` are sentences of our own in languages that are not read; without corpora there is a sample.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from monitor.language.detect import language_of

Row = tuple[str, str, str, float]
"""Corpus, method, measure, figure."""

DATA = Path(__file__).parents[3] / "../shared/data"
LEAST_WORDS = 3
_SPACED = re.compile(r"\s+(?=[.,!?:;»)])|(?<=[«(])\s+")
_CYRILLIC, _LATIN = re.compile("[а-яёәғқңөұүһі]", re.IGNORECASE), re.compile("[a-z]", re.IGNORECASE)

SAMPLE: Mapping[str, Sequence[str]] = {
    "en": (
        "Blasts in Almaty",
        "Police detain hundreds after fuel price rally",
        "Government resigns as protests spread",
    ),
    "ru": ("Токаев уволил Назарбаева", "Взрывы в Алматы", "Кабмин ушёл в отставку", "Задержаны сотни человек"),
    "kk": ("Тоқаев үкіметті таратты", "Алматыда жарылыс болды", "Газ бағасы арзандайды", "Жүздеген адам ұсталды"),
}
OTHERS = (
    "Президент Казахстану заявив про відставку уряду",
    "У Алматы пачаліся сутыкненні, улады ўвялі надзвычайнае становішча",
    "Правителството на Казахстан подаде оставка след протестите",
    "Влада Казахстана поднела је оставку након протеста",
    "Өкмөт отставкага кетти, жарандар аянтка чогулду",
    "Ҳукумати Қазоқистон ба истеъфо рафт",
    "Қозоғистон ҳукумати истеъфога чиқди, деди президент",
    "Qozog‘iston hukumati iste’foga chiqdi va favqulodda holat e’lon qilindi",
    "Kazakistan'da hükümet istifa etti, protestolar sürüyor",
    "Die Regierung in Kasachstan ist nach den Protesten zurückgetreten",
    "Kasachstans Präsident Tokajew entlässt die Regierung",
    "Le gouvernement kazakh démissionne après les manifestations",
    "El gobierno de Kazajistán dimite tras las protestas",
    "Il governo del Kazakistan si dimette dopo le proteste",
    "Rząd Kazachstanu podał się do dymisji po protestach",
    "Парламент ухвалив закон про державний бюджет",
    "На заході країни тривають бої",
    "Київ отримав нову допомогу від партнерів",
    "Лукашэнка сустрэўся з кіраўніком урада",
    "Сотни хиляди излязоха на улиците на София",
    "Земетресение разтърси Турция",
    "Председник Србије састао се са министром",
    "Кыргызстанда парламенттик шайлоо өттү",
    "Президент Жапаров Москвага барды",
    "Ош шаарында өрт чыкты",
    "Раиси ҷумҳур бо сафири Русия мулоқот кард",
    "Тошкентда янги метро бекати очилди",
    "Президент Мирзиёев Хитойга жўнаб кетди",
    "Казанда яңа мәктәп ачылды",
    "Монгол улсын ерөнхийлөгч айлчлал хийлээ",
    "Toshkentda yangi metro bekati ochildi",
    "Prezident Xitoyga jo'nab ketdi",
    "İstanbul'da deprem korkuttu",
    "Merkez Bankası faizi düşürdü",
    "Erdoğan Putin ile görüştü",
    "Bundestag beschließt neues Gesetz",
    "Polizei nimmt Verdächtigen fest",
    "Bahn streicht Züge wegen Streik",
    "Macron nomme un nouveau Premier ministre",
    "Incendie mortel à Marseille",
    "Grève des trains ce lundi",
    "El Papa viaja a África",
    "Detenidos tres sospechosos en Madrid",
    "Terremoto de magnitud 6 sacude Chile",
    "Governo aprova novo orçamento",
    "Incendio in un palazzo di Milano",
    "Rząd przyjął projekt ustawy",
    "Regeringen lägger fram nytt förslag",
    "Vláda schválila nový zákon",
    "Kormány új törvényt fogadott el",
    "Prezident yeni fərman imzaladı",
    "استقالة الحكومة في كازاخستان بعد الاحتجاجات",
    "哈萨克斯坦政府辞职",
)
KAZAKH = (
    "Almatyda jarylys boldy, dep habarlady baspasöz qyzmeti",
    "Qazaqstan ükimeti otstavkağa ketti",
    "Toqaev úkimetti taratty, dep jazdy basylym",
    "Astanada jaña mektep aşyldy",
    "Almatyda órt shyqty",
    "Parlament jańa zań qabyldady",
    "Teñge qulady",
    "قازاقستان ۇكىمەتى وتستاۆكاعا كەتتى",
)
"""Kazakh in Latin and in Arabic letters."""


def kaznerd() -> list[str]:
    """Return the sentences of Kazakh news."""
    found: list[str] = []
    for block in (DATA / "kaznerd/IOB2_valid.txt").read_text(encoding="utf-8").split("\n\n"):
        words = [line.split()[0] for line in block.splitlines() if line.strip()]
        found.append(_SPACED.sub("", " ".join(words)))
    return _long(found)


def telegram() -> list[str]:
    """Return the first sentence or line of each Russian post."""
    lines = (DATA / "telegram_ru/posts.jsonl").read_text(encoding="utf-8").splitlines()
    return _long([re.split(r"(?<=[.!?])\s+|\n", json.loads(line)["text"])[0] for line in lines])


def _factrueval() -> list[str]:
    files = sorted((DATA / "factrueval/devset").glob("*.txt"))
    return _long([line for each in files for line in each.read_text(encoding="utf-8").splitlines()])


def _headlines() -> list[str]:
    with (DATA / "uci_headlines/headlines.csv").open(encoding="utf-8", newline="") as file:
        return _long([row["TITLE"] for row in csv.DictReader(file)])


def _ntrex(name: str) -> list[str]:
    lines = (DATA / "ntrex/documents.jsonl").read_text(encoding="utf-8").splitlines()
    return _long([sentence for line in lines for sentence in json.loads(line)[name]])


def _long(texts: Sequence[str]) -> list[str]:
    return [text for text in texts if len(text.split()) >= LEAST_WORDS]


def corpora() -> Iterator[tuple[str, str, Sequence[str]]]:
    """Yield corpus, language and texts: those that are there, or the sample."""
    if not (DATA / "ntrex/documents.jsonl").exists():
        yield from (("sample", language, texts) for language, texts in SAMPLE.items())
    else:
        yield "ntrex", "en", _ntrex("eng")
        yield "uci_headlines", "en", _headlines()
        yield "ntrex", "ru", _ntrex("rus")
        yield "telegram_ru", "ru", telegram()[1::2]
        yield "factrueval", "ru", _factrueval()
        yield "ntrex", "kk", _ntrex("kaz")
        yield "kaznerd", "kk", kaznerd()[1::2]
    yield "others", "other", OTHERS
    yield "other scripts", "kk", KAZAKH


def baseline(text: str) -> str:
    """Tell by letters alone."""
    cyrillic, latin = len(_CYRILLIC.findall(text)), len(_LATIN.findall(text))
    if not cyrillic and not latin:
        return "other"
    if latin > cyrillic:
        return "en"
    return "kk" if sum(map(text.casefold().count, "әғқңөұүһі")) / cyrillic > 0.05 else "ru"


METHODS: Mapping[str, Callable[[str], str]] = {"letters": baseline, "ours": language_of}
CUTS: Mapping[str, int | None] = {"sentence": None, "six words": 6, "three words": 3}


def rows() -> list[Row]:
    """Measure what is there."""
    found: list[Row] = []
    for corpus, language, texts in corpora():
        for measure, words in CUTS.items():
            cut = [" ".join(text.split()[:words]) for text in texts]
            cut = [text for text in cut if language == "other" or corpus == "other scripts" or _own(text, language)]
            for method, tell in METHODS.items():
                share = sum(tell(text) == language for text in cut) / len(cut)
                found.append((f"{corpus} {language}", method, measure, share))
    return found


def _own(text: str, language: str) -> bool:
    return bool((_LATIN if language == "en" else _CYRILLIC).search(text))


if __name__ == "__main__":
    for row in rows():
        print("{:22} {:8} {:12} {:.4f}".format(*row))
