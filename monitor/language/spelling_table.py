"""How the letters of one alphabet are written in another: a line is a unit with its surroundings, then what may stand for it.

The first line that fits is taken. Costs are in tenths (`q/5`), 0 where none is given; `-` is nothing. Sources: the Kazakh
alphabets of 2021 and 2018, BGN/PCGN and GOST 7.79 (ISO 9), and the habits of English, Russian and Kazakh news; the order and
the costs were settled on names of the gazetteers (figures: tests/language/test_spelling.py).
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Line(NamedTuple):
    """A unit of letters, and its spellings with their costs."""

    unit: re.Pattern[str]
    spellings: tuple[tuple[str, int], ...]


Table = dict[str, tuple[Line, ...]]
"""Lines by the first letter of their unit."""


def _table(text: str) -> Table:
    table: dict[str, tuple[Line, ...]] = {}
    for row in filter(None, map(str.split, text.splitlines())):
        unit, *options = row
        costed = (
            (spelling.strip("-"), int(cost or 0)) for spelling, _, cost in (each.partition("/") for each in options)
        )
        first = re.sub(r"\(\?<?[=!][^)]*\)", "", unit)[0]
        table[first] = (*table.get(first, ()), Line(re.compile(unit), tuple(costed)))
    return table


RUSSIAN = _table("""
    ә       а я/30 е/40
    ғ       г
    қ       к
    (?<![^\\W_])е е э/5
    л(?=[бгдзкмнпст]|$) л ль/8
    ң(?=[гғ]) н
    ң       н нг/15
    ө       о у/20 е/25
    ұ       у о/30
    ү       у ю/20
    і       и ы/25 е/30
    һ       х г/30
    (?<=[жшчщ])ы ы и/5
    ы       ы и/15
    ж       ж дж/30
""")
"""Kazakh Cyrillic in Russian: letters that are not here stay."""

KAZAKH = _table("""
    о(?=ва?$)           о
    к(?=и[^аеиоуыэюяі]+[ауы]) қ к/4
    к(?=[еиі])          к қ/12
    (?<=[аоуыя])к       қ к/8
    к(?=[аоуыя])        қ к/8
    к                   к қ/20
    г(?=и[^аеиоуыэюяі]+[ауы]) ғ г/6
    г(?=[еиі])          г ғ/12
    г(?=[аоуыя])        ғ г/5
    (?<=[аоуыя])г       ғ г/8
    (?<=н)г             г ғ/3
    г                   г ғ/20
    н(?=[гк])           ң н/5
    н                   н ң/20
    о(?=[^аоуыя]*[еиі]) ө/6 о/6
    о                   о ө/20
    (?<=[аеиоуыэя])у    у
    у(?=[аеиоуыэя]|$)   у
    (?<=у[бвгджзклмнпрстшқғ])у(?!$) ұ/4 ы/4 у/5
    (?<=у[лрнм][бвгджзклмнпрстшқғ])у(?!$) ұ/4 ы/4 у/5
    у(?=[^аоуыя]*[еиі]) ү/3 ұ/5 у/8 ө/15
    у                   ұ/2 у/5 ү/12 ө/20
    (?<=[аеоуыэя])и     и й/5 йы/15
    и(?=[аеиоуыэяй])    и
    и(?=[^аеиоуыэюяі]+(?:[уы]|а|о(?!ва?$))) ы/4 и/5 і/6
    и                   і/3 и/5 ы/25
    (?<![^\\W_])а(?=[бдлмсшр]) а ә/9
    а(?=[^аоуыя]*[иі])  ә/5 а/4
    а                   а ә/18
    дж                  ж дж/15
    э                   е э/5
    я                   я ә/20
    ю                   ю ү/15
    х                   х қ/25
    щ                   щ ш/15
""")
"""Russian Cyrillic in Kazakh."""

ENGLISH = _table("""
    дж      j dzh/3
    ий$     y iy/5 i/7
    ый$     y yi/10 yy/10
    ия      ia iya/2 iia/20
    ье      ye ie/3 e/8
    ьё      yo ye/3 e/8
    ья      ya ia/5
    ью      yu iu/10
    кс      x/2 ks/1
    а       a
    ә       a ae/30
    б       b
    в       v
    г       g
    ғ       g gh/8
    д       d
    (?<![^\\W_])е e/2 ye/3
    (?<=[аеёиоуыэюяәіөұүйьъ])е ye e/4
    е       e
    (?<=[бвгджзклмнпрстфхцчшщ])ё e yo/5
    ё       yo e/3 ye/5
    ж       zh j/6
    з       z
    и       i
    й(?=[аеиоуыэюя])  y
    й       y i/4
    к       k
    қ       k q/5
    л       l
    м       m
    ң       n ng/6
    н       n
    о       o
    ө       o
    п       p
    р       r
    (?<=[аеиоуыэюяәіөұү])с(?=[аеиоуыэюяәіөұү]) s ss/9
    с       s
    т       t
    у       u
    ұ       u
    ү       u
    ф       f
    х       kh h/5
    һ       h
    ц       ts
    ч       ch
    ш       sh
    щ       shch sch/9 sh/9
    ъ       -
    ы       y i/7
    і       i y/15
    ь       -
    э       e
    ю       yu iu/10 u/25
    я       ya ia/6
""")
"""Both Cyrillic alphabets in English news."""

KAZAKH_LATIN = _table("""
    а       a
    ә       ä
    б       b
    в       v
    г       g
    ғ       ğ
    д       d
    (?<=[аеиоуыэюяәіөұү])е(?=в) e ye/4
    е       e
    ё       io yo/5
    ж       j
    з       z
    и       i
    й       i y/3
    к       k
    қ       q
    л       l
    м       m
    н       n
    ң       ñ
    о       o
    ө       ö
    п       p
    р       r
    с       s
    т       t
    у       u w/12
    ұ       ū u/6
    ү       ü
    ф       f
    х       h x/20
    һ       h
    ц       ts s/15
    ч       ch
    ш       ş sh/6
    щ       ştş/10 sh/10 ş/10
    ъ       -
    ы       y ı/7
    і       i
    ь       -
    э       e
    ю       iu yu/3
    я       ia ya/3
""")
"""Kazakh Cyrillic in the Latin alphabet of 2021 and its predecessors."""

CYRILLIC = _table("""
    shch    щ
    sch     ш щ/3
    tsch    ч
    sh      ш
    ş       ш
    š       ш
    zh      ж
    ž       ж
    dzh     дж
    dj      дж ж/3
    kh      х
    gh      г
    ğ       ғ
    ǵ       ғ
    tch     ч
    ç       ч
    č       ч
    ts(?!h) ц тс/8
    tz(?!h) ц
    ch(?=.*[eo]wa?$) х ч/5
    ch      ч х/15
    ph      ф
    ck      к
    th      т
    oo      у
    ee      и
    ou      у оу/15
    iya     ия
    iye     ие
    yya     ыя
    (?<=[bcdfghklmnpqrstvwxz])ia$ ия/1 ья/3 я/10
    (?<=[sc]k)i[yij]?$ ий
    (?<=[sc]k)y[yi]?$ ий
    i[yij]$ ий ый/5
    y[yi]$ ый ий/3
    (?<=[aeiouyäöüūı])ye е
    (?<=[aeiouyäöüūı])je е
    (?<=[bcdfghklmnpqrstvwxz])ye ье е/2
    ye      е
    (?<=[bcdfghklmnpqrstvwxz])yo ё ьё/10 ё
    yo      ё йо/10
    (?<=[bcdfghklmnpqrstvwxz])ya я ья/3
    ya      я
    ja      жа я/5
    yu      ю
    ju      жу ю/5
    (?<=[oe])w(?=a?$) в
    a       а
    ä       ә
    á       ә
    b       б
    c(?=[eiy]) с ц/5
    c       к ц/15
    d       д
    (?<![^\\W_])e е/2 э/4
    e       е
    f       ф
    g       г
    h       х г/8
    (?<=[aeouäöüū])i й/2 и/3
    i       и
    ı       ы
    (?<=[aeou])ï(?=e) -
    (?<=[aeou])ï й/2 и/3
    ï       и
    (?<=[aeiouyäöüūı])j(?![aou]) й
    j       ж дж/15
    k       к
    l(?=[bcdfgkmnpstvwz]) л ль/10
    l$      л ль/15
    l       л
    m       м
    n       н
    ñ       ң
    ń       ң
    ng(?=[^aeiou]|$) нг ң/10
    o       о
    ö       ө
    ó       ө
    p       п
    q       қ
    r       р
    (?<=[aeiouy])ss(?=[aeiouy]) с сс/3
    s(?=[aeiou].*[eo]wa?$) з/2 с/4
    s       с
    t       т
    u       у
    ū       ұ
    ü       ү
    ú       ү
    v       в
    (?<=a)w(?![aeiouy]) у
    (?<=[kq])w у
    w       в у/10
    x       кс
    (?<=[aeouäöüū])y й
    (?<=[^aeouäöüū])y$ ы/3 и/6 ий/5
    y(?=[aeou]) й
    y       ы и/8
    z       з
    ß       сс
""")
"""Latin of either kind in Cyrillic; `q` and marked letters give Kazakh ones."""
