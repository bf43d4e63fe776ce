"""Feed documents that are made, not found: RSS and Atom in English, Russian and Kazakh, the same at every run.

Full entries are HTML of 300 to 3,000 characters (log-uniform), so 50 of them make about 150 kB, as feeds that show whole articles do. Every
twenty-fifth entry names a topic that a watch may want; every tenth is an agency's text that other outlets carry too. What a first fill shows is
older than a day, so it is stored and listed but alerts nobody.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import cache
from xml.sax.saxutils import escape

from monitor.language.detect import COMMON_WORDS

LANGUAGES = ("en", "ru", "kk")
LONG = 5
"""Letters of a word that a watch may ask for alone."""

COMMON = {
    "en": "the of and to in a is that for on was with as it at by from said this have were be not are after which they their"
    " people police city officials government protest report morning evening street market price fuel hospital school"
    " minister statement region national bank water power network railway airport border week year hundred thousand",
    "ru": "и в на что с по не как это за был из к от у до о для его она они при после также сообщили власти город жители"
    " полиция улица рынок цены топливо больница школа министр заявление область страна банк вода связь железная дорога"
    " аэропорт граница неделя год сотни тысячи человек утром вечером агентство указ закон встреча работа группа",
    "kk": "және бұл мен үшін бойынша деп болды туралы кейін осы оның бар жоқ да де қала тұрғындары полиция көше базар баға"
    " отын аурухана мектеп министр мәлімдеме облыс мемлекет банк су байланыс темір жол әуежай шекара апта жыл жүз мың адам"
    " таңертең кешке агенттік жарлық заң кездесу жұмыс топ өкілдері айтты хабарлады қазақстан халық әкімдік",
}
ENDINGS = {
    "en": ("", "s", "ed", "ing", "er", "ly"),
    "ru": ("", "а", "у", "ом", "ами", "ский", "ного"),
    "kk": ("", "лар", "дың", "ға", "мен", "дағы", "шы"),
}
SYLLABLES = {
    "en": ("bar", "ten", "lor", "mun", "ka", "ris", "dol", "vex", "tan", "pel"),
    "ru": ("бар", "тен", "лор", "мун", "ка", "рис", "дол", "век", "тан", "пел"),
    "kk": ("бар", "тең", "лор", "мұн", "қа", "рыс", "дол", "өкі", "тан", "пел"),
}
TOPICS = 50
"""Invented names for each language: watches want them, nothing else in the texts looks like them."""


@cache
def vocabulary(language: str) -> tuple[tuple[str, ...], tuple[float, ...]]:
    """Return words with cumulative weights that fall like those of real text."""
    rank = {word + end: n for n, word in enumerate(COMMON[language].split()) for end in ENDINGS[language]}
    weights, total = [], 0.0
    for n, end in enumerate(rank.values()):
        total += 1 / (end + 1 + n / 50)
        weights.append(total)
    return tuple(rank), tuple(weights)


@cache
def topics(language: str) -> tuple[str, ...]:
    """Return the invented names of a language."""
    syllables = SYLLABLES[language]
    return tuple(
        (syllables[n % 10] + syllables[n // 10] + syllables[(n * 7 + 3) % 10] + syllables[-1]).capitalize()
        for n in range(TOPICS)
    )


def words(random_: random.Random, language: str, count: int) -> list[str]:
    known, weights = vocabulary(language)
    return random_.choices(known, cum_weights=weights, k=count)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    title: str
    html: str


def entry(feed: int, serial: int, *, full: bool = True) -> Entry:
    """Return an entry's words: always the same for a feed and a serial."""
    language = LANGUAGES[feed % 3]
    wire = (feed + serial) % 10 == 0
    random_ = random.Random(f"wire {language} {serial}-{feed // 60}" if wire else f"{feed} {serial}")
    size = math.exp(random_.uniform(math.log(300), math.log(3000))) if full else 200
    title = " ".join(words(random_, language, 8)).capitalize()
    text = words(random_, language, int(size / 5.6))
    if (feed + serial) % 25 == 1:
        name = random_.choice(topics(language))
        title = f"{name}: {title}"
        text[len(text) // 2] = name
    if wire:
        title += f" | {feed}"
    paragraphs = (text[at : at + 60] for at in range(0, len(text), 60))
    html = "".join(
        f'<p class="text">{" ".join(part)}. <a href="https://o{feed}.example/tag/{serial}">{part[0]}</a></p>'
        for part in paragraphs
    )
    return Entry(title=title, html=f'{html}<img src="https://o{feed}.example/i/{serial}.jpg" alt="" width="640">')


@dataclass(slots=True)
class Outlet:
    """One feed: which entries it shows now, newest first."""

    number: int
    full: bool = True
    shown: list[str] = field(default_factory=list)
    serial: int = 0

    @property
    def is_atom(self) -> bool:
        return self.number % 4 == 3

    def publish(self, at: float) -> None:
        """Put a new entry in front; the oldest goes when there was a first fill."""
        self.shown.insert(0, self._item(self.serial, at))
        self.serial += 1

    def fill(self, entries: int, now: float) -> None:
        """Show so many entries, an hour apart; the newest is older than a day."""
        for n in range(entries):
            self.publish(now - 90_000 - 3600 * (entries - n))

    def replace(self, at: float) -> None:
        """Publish one entry and drop the oldest."""
        self.publish(at)
        self.shown.pop()

    def body(self) -> bytes:
        return (_atom if self.is_atom else _rss)(self.number, self.shown).encode()

    def _item(self, serial: int, at: float) -> str:
        one = entry(self.number, serial, full=self.full)
        return (_atom_entry if self.is_atom else _rss_item)(self.number, serial, one, datetime.fromtimestamp(at, UTC))


def _rss_item(feed: int, serial: int, one: Entry, at: datetime) -> str:
    link = f"https://o{feed}.example/{serial}"
    return (
        f'<item>\n<title>{escape(one.title)}</title>\n<link>{link}</link>\n<guid isPermaLink="false">o{feed}-{serial}</guid>\n'
        f"<dc:creator>Desk {feed}</dc:creator>\n<category>News</category>\n<pubDate>{format_datetime(at)}</pubDate>\n"
        f"<description>{escape(one.html[:300].rpartition('<')[0])}</description>\n<content:encoded><![CDATA[{one.html}]]></content:encoded>\n</item>\n"
    )


def _rss(feed: int, items: Sequence[str]) -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"'
        ' xmlns:dc="http://purl.org/dc/elements/1.1/">\n<channel>\n'
        f"<title>Outlet {feed}</title>\n<link>https://o{feed}.example/</link>\n<description>News of outlet {feed}</description>\n"
        f"{''.join(items)}</channel>\n</rss>\n"
    )


def _atom_entry(feed: int, serial: int, one: Entry, at: datetime) -> str:
    return (
        f'<entry>\n<title>{escape(one.title)}</title>\n<link href="https://o{feed}.example/{serial}"/>\n'
        f"<id>tag:o{feed}.example,2022:{serial}</id>\n<published>{at.isoformat()}</published>\n<updated>{at.isoformat()}</updated>\n"
        f'<author><name>Desk {feed}</name></author>\n<content type="html">{escape(one.html)}</content>\n</entry>\n'
    )


def _atom(feed: int, entries: Sequence[str]) -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom">\n'
        f'<title>Outlet {feed}</title>\n<id>tag:o{feed}.example,2022:feed</id>\n<link href="https://o{feed}.example/"/>\n'
        f"<updated>2022-01-01T00:00:00Z</updated>\n{''.join(entries)}</feed>\n"
    )


def _longer(words_: Iterable[str]) -> Iterator[str]:
    """Leave out what a watch may not ask for alone: short and common words."""
    return (word for word in words_ if len(word) >= LONG and word not in COMMON_WORDS)


def watches(count: int) -> list[dict[str, object]]:
    """Return watches as feeds.yaml has them: a third for each language; some want a topic, some pairs of common words."""
    made: list[dict[str, object]] = []
    for n in range(count):
        language = LANGUAGES[n % 3]
        random_ = random.Random(f"watch {n}")
        names = random_.sample(topics(language), 2)
        long = list(_longer(vocabulary(language)[0]))
        common = [" ".join(random_.sample(long, 2)) for _ in range(5)]
        row: dict[str, object] = {"name": f"w{n}", "any": list(dict.fromkeys([*names, *common]))}
        if n % 3 == 1:
            row["none"] = [f"{names[0]} {names[1]}"]
        if n % 5 == 0:  # every fifth wants a topic and one of many words beside it
            row = {"name": f"w{n}", "all": [names, list(dict.fromkeys(_longer(words(random_, language, 40))))]}
        made.append(row)
    return made
