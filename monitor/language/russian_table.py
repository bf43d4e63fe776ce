"""The grammar behind `russian`: kinds of words by how they end, most special first, and the endings of each kind."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from monitor.language.stems import Closed


def _set(*groups: str | Iterable[str]) -> frozenset[str]:
    """Return endings of several groups as one set; `-` in a written group is the empty ending."""
    each = (group.split() if isinstance(group, str) else group for group in groups)
    return frozenset("" if ending == "-" else ending for group in each for ending in group)


def _after(beginnings: str, *groups: str | Iterable[str]) -> frozenset[str]:
    """Return each ending after each beginning (`-` is the empty one)."""
    return frozenset(first + ending for first in _set(beginnings) for ending in _set(*groups))


# Adjectives and participles, by the last consonant of the stem.
HARD = _set("ый ой ая ое ые ого ую ым ом ых ому ыми ою")
VELAR = _set("ий ой ая ое ие ого ую им ом их ому ими ою")
SOFT = _set("ий яя ее ие его ей юю им ем их ему ими ею")
HUSHED = _set("ий ая ее ие его ей ую им ем их ему ими ею")
STRESSED = _set("ой ая ое ие ого ую им ом их ому ими ою")
SHORT = _set("- а о ы")

# Nouns by declension; `-` is a bare stem: masculine nominative, genitive plural of the others.
OBLIQUE = _set("а у ом е ам ами ах")
MAN = _set("-", OBLIQUE, "ы ов")
MAN_VELAR = _set("-", OBLIQUE, "и ов")
MAN_HUSHED = _set("-", OBLIQUE, "ем и ей")
MAN_TSE = _set("-", OBLIQUE, "ем ы ев ов")
MAN_YOT = _set("й я ю ем е и ев ям ями ях")
SURNAME = _set(MAN, "ой ою ым ых ыми")
SIGN = _set("ь я ю ем е и ью ей ям ями ях")
WOMAN = _set("а ы е у ой ою ам ами ах")
WOMAN_VELAR = _set("а и е у ой ою ам ами ах")
WOMAN_HUSHED = _set("а и ы е у ей ею ой ою ам ами ах")
WOMAN_SOFT = _set("я и е ю ей ею ям ями ях")
THING = _set("о", OBLIQUE)
THING_SOFT = _set("е я ю ем ей ям ями ях")
PEOPLE = _set("и ей ям ьми ях")
IOTATED = _set("ий ия ии ию ией иею ие ием иев иям иями иях")

# Verbs. PAST has the infinitive; LIKE_A_VERB the forms of a noun that only looks like one (`печать`).
PAST = _set("ть л ла ло ли в вши", _after("вш", HUSHED))
LIKE_A_VERB = _set("тью ти тей тям тями тях")
PAST_L = PAST - {"ть", "в"}
PAST_BARE = _set("- ла ло ли", _after("ш", HUSHED))
FIRST = _set("ю ешь ет ем ете ют й йте я", _after("ющ", HUSHED), _after("ем", HARD))
FIRST_HARD = _set("у ешь ет ем ете ут и ите я", _after("ущ", HUSHED))
SECOND = _set("ишь ит им ите ят и я ь ьте", _after("ящ", HUSHED), _after("им", HARD))
SECOND_HUSHED = _set("у ишь ит им ите ат и а ь ьте", _after("ащ", HUSHED))
PASSIVE = _set(_after("нн", HARD), _after("н", SHORT))
PASSIVE_T = _set(_after("т", HARD, SHORT))


@dataclass(frozen=True, slots=True)
class Row:
    """A kind of word: how the whole word looks (group 1 is the stem), and its endings. Names have only the rows with `name`."""

    shape: re.Pattern[str]
    endings: Closed
    name: bool


def _row(cut: str, *groups: str | Iterable[str], stem: str = ".+", name: bool = True) -> Row:
    """Return the line for words that are a stem and then `cut` (regular expressions both)."""
    return Row(re.compile(rf"({stem})(?:{cut})"), Closed(_set(*groups)), name)


def _verb(cut: str, *groups: str | Iterable[str], stem: str = "..+") -> Row:
    """Return the line for an infinitive. One consonant before its vowel is a noun in most cases (`мать`, `сеть`)."""
    return _row(cut, *groups, stem=stem, name=False)


def _dropping(word: str) -> Row:
    """Return the line for one masculine noun that drops its last vowel, or softens before it: `рот, рта`, `лев, льва`."""
    stem, vowel, last = word[:-2], word[-2], word[-1]
    soft = "ь" if vowel == "е" and stem.endswith("л") else ""
    return _row(vowel + last, vowel + last, _after(soft + last, MAN - {""}), stem=stem)


def _inserting(last: str) -> Row:
    """Return the line for nouns in consonant + `last` + а/о, which may insert a vowel in the genitive plural (`окон`)."""
    return _row(f"{last}[ао]", _after(last, WOMAN, THING, "-"), "е" + last, "о" + last, stem=f".+{CONSONANT}")


def _mutating(letters: tuple[str, str]) -> Row:
    """Return the line for verbs in -ать whose last consonant changes in the present (`приказать, прикажет`)."""
    last, other = letters
    return _verb(f"{last}ать", _after(f"{last}а", PAST, PASSIVE, FIRST), _after(other, FIRST_HARD, "а"))


def _softening(letters: tuple[str, str]) -> Row:
    """Return the line for verbs in -ить whose last consonant changes in `я` and in the passive (`освободить, освобожден`)."""
    last, others = letters
    changed = _after(others, "у", _after("е", PASSIVE))
    return _verb(f"{last}ить", _after(f"{last}и", PAST), _after(last, SECOND), changed)


CONSONANT = "[бвгджзйклмнпрстфхцчшщ]"
VOWEL = "[аеиоуыэюя]"
PLAIN = "[бвджзйлмнпрстф]"
"""Consonants after which endings are the hard ones as they stand."""
PREFIX = "(?:в|вз|воз|вы|до|за|из|на|недо|о|об|от|ото|пере|по|под|подо|при|про|раз|разо|с|со|у)?"

_MASCULINE = (
    *map(
        _dropping,
        sorted(
            _set("рот лоб сон ров шов лен лед лев пес угол посол узел ветер костер шатер ковер бобер египет хребет")
        ),
    ),
    _row("ем", "ем", _after("йм", MAN - {""}), stem="за|на"),  # заем, займа
    _row("ин", _after("ин", MAN), "- е ам ами ах", stem=".{2,}[ая]н", name=False),  # people: гражданин, граждане
    _row("ин", _after("ин", MAN), "- ы ам ами ах", stem="татар|болгар", name=False),
    _row("", SURNAME, stem=".+(?:ов|ев|ин|ын)"),  # possessive surnames, and towns and loans with -ом
    _row("ок", _after("ок", MAN_VELAR), _after("к", MAN_VELAR - {""})),  # fleeting о: рынок, рынка
    _row("ек", _after("ек", MAN_VELAR), _after("йк", MAN_VELAR - {""}), stem=f".*{VOWEL}"),  # паек, пайка
    _row("ек", _after("ек", MAN_VELAR), _after("ьк", MAN_VELAR - {""}), stem=".*[лнр]"),  # огонек, огонька
    _row("ек", _after("ек", MAN_VELAR), _after("к", MAN_VELAR - {""})),  # орешек, орешка
    _row("ец", _after("ец", MAN_TSE), _after("йц", MAN_TSE - {""}), stem=f".*{VOWEL}"),  # боец, бойца
    _row("ец", _after("ец", MAN_TSE), _after("ьц", MAN_TSE - {""}), stem=".*л"),  # палец, пальца
    _row("ец", _after("ец", MAN_TSE), _after("ц", MAN_TSE - {""})),  # конец, конца
    _row("ел", _after("ел", MAN), _after("л", MAN - {""})),  # орел, орла
    _row("", MAN_VELAR, stem=".+[гкх]"),
    _row("", MAN_HUSHED, stem=".+[жшчщ]"),
    _row("", MAN_TSE, stem=".+ц"),
    _row("", MAN, stem=f".*{PLAIN}(?<!й)"),
)
_ADJECTIVES = (
    _row("ный", _after("н", HARD), SHORT, stem=".{4,}(?:[ая]|(?<!м)е)н", name=False),  # participles: задержан
    _row("ый", HARD, SHORT, stem=".{3,}т|.{3,}ен", name=False),  # убит, ранен
    _row("ьный", _after("ьн", HARD, "а о ы"), "ен", name=False),  # short forms with a vowel: силен
    _row("ный", _after("н", HARD, "а о ы"), "ен", stem=f".+{CONSONANT}", name=False),  # опасен
    _row("ийся|аяся|ееся|иеся", {ending + "ся" for ending in HUSHED}, stem=".+[шщ]"),  # reflexive participles
    _row("ий", IOTATED, stem=".+рг"),  # Георгий, Сергий
    _row("ие", IOTATED, HUSHED, stem=".+[жч]"),  # оружие; рабочие
    _row("ий", "ий ья ье ьи ьего ьей ью ьим ьем ьих ьему ьими", stem="трет"),
    _row("ый", HARD, SHORT, stem=".{2,}(?:им|[иы]в)|готов|здоров", name=False),  # необходим, справедлив
    _row("[иы]й|[ао]я|ое|[иы]е", VELAR, stem=".{2,}[гкх]"),
    _row("ий|ая|ее|ие", HUSHED, stem=".{2,}[жшчщ]"),
    _row("ой|ая|ое|ие", STRESSED, stem=".{2,}[жшчщ]"),
    _row("ой", _after("о", MAN_YOT), VELAR, stem=".{3,}[гкх]"),
    _row("ой", _after("о", MAN_YOT), HARD, stem=f".{{3,}}{PLAIN}"),  # Толстой; герой stays a noun
    _row("ый|ая|ое|ые", HARD, stem=f".{{2,}}{PLAIN}"),
    _row("ий|яя|ее|ие", SOFT, stem=f".+{CONSONANT}н"),
    _row("яя|ее", SOFT, stem=".+н"),
)
_YOT = (
    _row("ей", _after("е", MAN_YOT), _after("ь", MAN_YOT - {"й"}), stem=".+[бвч]"),  # воробей, ручей
    _row("ий|ия|ие", IOTATED),  # санаторий, Россия, столкновение
    _row("й", MAN_YOT),
)
_SOFT_SIGN = (
    _row("ень", _after("ен", SIGN), _after("н", SIGN - {"ь"})),  # день, дня; камень, камня
    _row("онь", _after("он", SIGN), _after("н", SIGN - {"ь"})),  # огонь, огня
    _row("овь", _after("ов", SIGN), "ви вам вами вах вей"),  # любовь, любви; церквам
    _row("ожь", "ожь ожью жи"),  # ложь, лжи
    _row("оль", "оль", _after("л", SIGN - {"ь"}), stem="уг"),  # уголь, угля
    _row("ть", "ть тери терью терей терям терями терях", stem="ма"),
    _row("ь", "ь и ью ей ям ями ях", stem="(?!гост|тест).+ст"),  # область, новость
    _row("ь", "ь ери ерью ерей ерям ерьми ерями ерях", stem="доч"),
    _row("ь", "ь и ью ей ам ами ах", stem=".+[жшчщ]"),  # ночь
    _row("ь", SIGN),  # область, Кремль, Меркель
)
_INSERTING = (
    _row("ьм[ао]", _after("ьм", WOMAN, THING, "-"), "ем"),  # тюрьма, тюрем; письмо
    _row("ьба", _after("ьб", WOMAN, "-"), "еб"),  # судьба, судеб
    *map(_inserting, "бвлмнр"),
)
_FEMININE = (
    _row("а", WOMAN, "- ым ых ыми", stem="..+(?:ов|ев|ин|ын)"),  # Токаева; Украина
    _row("[йь]ка", _after("йк ьк", WOMAN_VELAR), "ек"),  # копейка, копеек
    _row("ка", _after("к", WOMAN_VELAR), "ек", stem=".+[жшчщ]"),  # девочка, девочек
    _row("ка", _after("к", WOMAN_VELAR, "-"), "ок", stem=".*с"),  # доска, досок; каска
    _row("ка", _after("к", WOMAN_VELAR), "ок", stem=f".+{CONSONANT}"),  # забастовка, забастовок
    *_INSERTING,
    _row("а", WOMAN_VELAR, "-", stem=".+[гкх]"),
    _row("а", WOMAN_HUSHED, "-", stem=".+[жшчщц]"),  # улица, Роща
    _row("а", WOMAN, "-"),
    _row("мя", "мя мени менем мена мен менам менами менах", stem="вре|и|пле|зна|се|пла|те"),  # время
    _row("ья", _after("ь", WOMAN_SOFT, "ев"), "ей"),  # статья, статей; братья, братьев
    _row("я", WOMAN_SOFT, "й", stem=f".+{VOWEL}"),  # Корея
    _row("ня", _after("н", WOMAN_SOFT, "ь"), "ен ень", stem=f".+{CONSONANT}"),  # песня, песен; деревня, деревень
    _row("ля", _after("л", WOMAN_SOFT, "ь"), "ель", stem=f".+{CONSONANT}"),  # земля, земель
    _row("я", WOMAN_SOFT, "ь"),  # неделя, недель
)
_NEUTER = (
    _row("о", "о", stem=f".*(?:{VOWEL}|енк|[ая]г)"),  # indeclinable: Токио, Лукашенко, Чикаго, Живаго
    *_INSERTING,
    _row("ьцо", _after("ьц", THING), "ец"),  # кольцо
    _row("о", THING, "- ья ьев ьям ьями ьях", stem="дерев|крыл|пер"),
    _row("о", THING, "-", name=False),
    _row("о", "о а у ом е", stem=".+(?:[ое]в|[иы]н)"),  # towns; another name in -о is none of these: Жено, Торонто
    _row("ье", "ье ья ью ьем ьи ьев ий ей ьям ьями ьях"),  # Приморье, ущелье
    _row("е", THING_SOFT, stem=".+[лр]"),  # поле
    _row("е", "е а у ем - ам ами ах", stem=".+[жшчщц]"),  # училище
)
_PLURAL = (
    _row("ы", WOMAN, "- ым ых ыми", stem="..+(?:ов|ев|ин|ын)"),  # families: Токаевы
    _row("ки", "ки кам ками ках ков ок ек", stem=f".+{CONSONANT}"),  # сутки, суток; беспорядки
    _row("цы", _after("ц", MAN_TSE - {""}), "ец", stem=f".+{CONSONANT}"),  # Люберцы, Люберец; немцы
    _row("ьги", "ьги ег ьгам ьгами ьгах"),  # деньги
    _row("и", "и - ов ей ам ами ах", stem="..+[гкхжшчщ]"),  # Химки, Лужники, Мытищи
    _row("и", "и ей ев ям ями ях", stem="..+"),  # новости; Сочи stays itself
    _row("ы", "ы - ов ев ам ами ах", stem="..+"),  # Афины, выборы, немцы
)
_VERBS = (
    _verb("овать", _after("ова", PAST, PASSIVE, LIKE_A_VERB), _after("у", FIRST)),  # протестовать, протестует
    _verb("евать", _after("ева", PAST, PASSIVE, FIRST), _after("ю у", FIRST)),  # воевать; преодолевать
    _verb("вать", _after("ва", PAST, "й йте я", _after("ем", HARD)), FIRST, stem=".*(?:да|ста|зна)"),  # давать, дает
    _verb("брать", _after("бра", PAST, PASSIVE), _after("бер", FIRST_HARD), stem=PREFIX),
    _verb("звать", _after("зва", PAST, PASSIVE), _after("зов", FIRST_HARD), stem=PREFIX),
    _verb("слать", _after("сла", PAST, PASSIVE), _after("шл", "ю ешь ет ем ете ют"), stem=PREFIX),
    _verb("ать", _after("а", PAST, PASSIVE), FIRST_HARD, stem=f".*рв|{PREFIX}жд"),  # взорвать, взорвут
    _verb("ать", _after("а", PAST, PASSIVE_T), _after("н", FIRST_HARD), stem="(?:на|по|за)ч"),  # начать, начнет
    _verb("стать", _after("ста", PAST), _after("стан", FIRST_HARD), stem=PREFIX),
    _verb("дать", _after("да", PAST, PASSIVE, FIRST, "м шь ст дим дите дут"), stem=".*"),  # передать; ожидать
    _verb("хать", _after("ха", PAST), _after("д", FIRST_HARD), stem=".*е"),  # приехать, приедет
    _verb("скать", _after("ска", PAST, PASSIVE, FIRST), _after("щ", FIRST_HARD, "а"), stem=".+"),
    _verb("тать", _after("та", PAST, PASSIVE, FIRST), _after("ч", FIRST_HARD, "а"), stem=".+(?:п|я|[^б]о)"),
    *map(_mutating, (("з", "ж"), ("с", "ш"), ("к", "ч"), ("х", "ш"))),  # приказать, прикажет
    _verb(
        "ать", _after("а", PAST, PASSIVE, FIRST, LIKE_A_VERB), SECOND_HUSHED, stem=".+[жшчщ]"
    ),  # отвечать; кричать, кричит
    _verb("ать", _after("а", PAST, PASSIVE, FIRST)),
    _verb("зять", _after("зя", PAST, PASSIVE_T), _after("озьм", FIRST_HARD), stem="в"),
    _verb("нять", _after("ня", PAST, PASSIVE_T), _after("м", FIRST_HARD), stem="при"),  # принять, примет
    _verb("нять", _after("ня", PAST, PASSIVE, PASSIVE_T, FIRST), _after("ним йм", FIRST_HARD), stem=".+"),
    _verb("ъять", _after("ъя", PAST, PASSIVE_T), _after("ым", FIRST_HARD), stem="из"),
    _verb("ять", _after("я", PAST), SECOND, "ю й йте", stem=".+о"),  # стоять, бояться
    _verb("ять", _after("я", PAST), FIRST, stem=".+[ае]"),  # надеяться
    _verb("ять", _after("я", PAST, PASSIVE, FIRST, LIKE_A_VERB)),
    _verb("ереть", _after("ере", PAST), _after("р", FIRST_HARD), _after("ер", PAST_BARE, PASSIVE_T), stem=".+[мпт]"),
    _verb("деть", _after("де", PAST, PASSIVE, FIRST), _after("д", SECOND), _after("ж", "у", _after("е", PASSIVE))),
    _verb("теть", _after("т", "им ите ят", _after("е", PAST)), _after("ч", "у ешь ет"), stem=".*хо"),
    _verb("теть", _after("те", PAST, PASSIVE, FIRST), _after("т", SECOND), "чу"),
    _verb(
        "еть", _after("е", PAST, PASSIVE, FIRST, LIKE_A_VERB), SECOND - {"ь"}, "ю", stem="..+[лнпрс]"
    ),  # гореть; болеть
    _verb("еть", _after("е", PAST, PASSIVE_T, FIRST, LIKE_A_VERB)),
    _verb("ить", _after("и", PAST, PASSIVE_T), _after("ь", FIRST), "ей ейте", stem=f"{PREFIX}[бвлпш]"),  # убить, убьет
    _verb("ить", _after("и", PAST, PASSIVE_T), _after("ив", FIRST_HARD), stem=f"{PREFIX}ж"),  # жить, живет
    _verb("ить", _after("и", PAST), SECOND, _after("л", "ю", _after("е", PASSIVE)), stem=".+[бвмпф]"),
    _verb("стить", _after("сти", PAST), _after("ст", SECOND), _after("щ", "у", _after("е", PASSIVE))),
    *map(_softening, (("д", "ж жд"), ("т", "ч щ"), ("з", "ж"), ("с", "ш"))),  # освободить, освобожден
    _verb("ить", _after("и", PAST), SECOND_HUSHED, _after("е", PASSIVE), stem=".+[жшчщ]"),
    _verb("ить", _after("и", PAST), SECOND, "ю", _after("е", PASSIVE)),
    _verb("ыть", _after("ы", PAST, PASSIVE_T), _after("уд", FIRST_HARD), stem=f"{PREFIX}б"),  # прибыть, прибудет
    _verb("ыть", _after("ы", PAST, PASSIVE_T), _after("о", FIRST), stem=".+"),  # закрыть, закроет
    _verb(
        "нуть", _after("ну", PAST, PASSIVE_T), _after("н", FIRST_HARD), PAST_BARE, stem=".*(?:[бз]|стиг|ник|верг|вык)"
    ),
    _verb("нуть", _after("ну", PAST, PASSIVE_T), _after("н", FIRST_HARD)),
    _verb("оть", _after("о", PAST, PASSIVE_T), FIRST, stem=".+[рл]"),  # бороться, борется
    _verb("идти", "идти шел шла шло шли", _after("ид", FIRST_HARD), _after("шедш", HUSHED), stem=""),
    _verb("йти", "йти дя шел шла шло шли", _after("д", FIRST_HARD), _after("шедш", HUSHED), stem="при"),
    _verb(
        "йти",
        _after("й", "ти дя", _after("д", FIRST_HARD, _after("е", PASSIVE))),
        "шел шла шло шли",
        _after("шедш", HUSHED),
        stem=".+",
    ),  # пройти, пройдет, прошел
    _verb("сти", "сти", PAST_L, _after("д", FIRST_HARD, _after("е", PASSIVE)), stem=".*ве"),  # вести, ведет
    _verb("сти", "сти", PAST_L, _after("т", FIRST_HARD, _after("е", PASSIVE)), stem=".*бре"),  # приобрести
    _verb("асти", _after("аст", "и", FIRST_HARD), _after("ос", PAST_BARE), stem=".*р"),  # расти, рос
    _verb("ти", "ти", FIRST_HARD, PAST_BARE, _after("е", PASSIVE), stem=".*(?:не|па|ве|пол)[сз]"),  # спасти
    _verb(
        "сть", _after("с", "ть"), _after("д", FIRST_HARD, _after("е", PASSIVE)), PAST - {"ть"}, stem=".*(?:кра|па|се)"
    ),
    _verb(
        "жечь",
        "жечь жег",
        _after("ожг", "у ут ла ло ли"),
        _after("ожж", "ешь ет ем ете", _after("е", PASSIVE)),
        stem="из|об|под|раз|с",
    ),  # сжечь, сожгли
    _verb("чь", "чь г гла гло гли гу гут", _after("ж г", _after("е", PASSIVE), "ешь ет ем ете"), stem=".*(?:мо|же)"),
    _verb("чь", "чь к кла кло кли ку кут", _after("ч", _after("е", PASSIVE), "ешь ет ем ете"), stem=".*(?:вле|се|те)"),
)
_IRREGULAR = (
    _row("человек", _after("человек", MAN_VELAR), _after("люд", PEOPLE), stem="", name=False),
    _row("ребенок", _after("ребен", "ок", _after("к", MAN_VELAR - {""})), _after("дет", PEOPLE), stem="", name=False),
    _row("и", PEOPLE, stem="дет|люд", name=False),
    _row("г", _after("г", MAN_VELAR), "зья зей зьям зьями зьях", stem="дру", name=False),
    _row("", MAN, "ья ьев ьям ьями ьях", stem="брат", name=False),
    _row("", MAN, "овья овей овьям овьями овьях", stem="сын", name=False),
    _row("", MAN, "и ей ям ями ях", stem="сосед", name=False),
)

_HARD_END = "бвгджзклмнпрстфхцчшщ"
_KINDS = (
    (_HARD_END + "и", _IRREGULAR),
    ("ьи", _VERBS),
    (_HARD_END, _MASCULINE),
    ("йяе", _ADJECTIVES),
    ("йяе", _YOT),
    ("ь", _SOFT_SIGN),
    ("ая", _FEMININE),
    ("ое", _NEUTER),
    ("иы", _PLURAL),
)
"""Lines by the last letters of the words they are for: a word is tried against a few only."""
OTHER_WORDS = {
    letter: tuple(row for letters, rows in _KINDS if letter in letters for row in rows)
    for letter in sorted({letter for letters, _ in _KINDS for letter in letters})
}
"""The lines for any word, by its last letter, in order. A word that ends in another letter has no forms."""
NAMES = {letter: tuple(row for row in rows if row.name) for letter, rows in OTHER_WORDS.items()}
"""The lines for names: no verbs, no short forms of adjectives."""


@lru_cache(maxsize=256)
def reflexive(endings: Closed) -> Closed:
    """Return the endings with `ся`, and with `сь` after a vowel."""
    marked = {ending + "ся" for ending in endings.endings}
    return Closed(frozenset(marked | {ending + "сь" for ending in endings.endings if ending[-1:] in set("аеиоуыюя")}))
