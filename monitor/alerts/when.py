"""Times in words: the desk's zone, the reader's where it differs, and UTC, none of them to be mistaken.

Problem: `05/01 1:30` means three different moments to three readers, and Kazakhstan moved its clocks on 2024-03-01, so an
offset known by heart is wrong for half of the archive. Choice: the month as a word, 24 hours, the offset of that very
moment from the zone database beside the city, UTC last. The date is repeated only where it differs.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from monitor.model import Language

SEPARATOR = " · "

_MONTHS: dict[Language, tuple[str, ...]] = {
    "en": ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
    "ru": (
        "января", "февраля", "марта", "апреля", "мая", "июня",
        "июля", "августа", "сентября", "октября", "ноября", "декабря",
    ),
    "kk": (
        "қаңтар", "ақпан", "наурыз", "сәуір", "мамыр", "маусым",
        "шілде", "тамыз", "қыркүйек", "қазан", "қараша", "желтоқсан",
    ),
}  # fmt: skip

_CITIES: dict[Language, dict[str, str]] = {
    "ru": {
        "Almaty": "Алматы", "Aqtau": "Актау", "Aqtobe": "Актобе", "Atyrau": "Атырау", "Oral": "Уральск",
        "Qostanay": "Костанай", "Qyzylorda": "Кызылорда", "Bishkek": "Бишкек", "Tashkent": "Ташкент", "Dushanbe": "Душанбе",
        "Ashgabat": "Ашхабад", "Baku": "Баку", "Tbilisi": "Тбилиси", "Yerevan": "Ереван", "Moscow": "Москва",
        "Kyiv": "Киев", "Kiev": "Киев", "Minsk": "Минск", "Istanbul": "Стамбул", "Dubai": "Дубай", "Berlin": "Берлин",
        "Brussels": "Брюссель", "Geneva": "Женева", "Zurich": "Цюрих", "Vienna": "Вена", "Warsaw": "Варшава", "Paris": "Париж",
        "London": "Лондон", "New York": "Нью-Йорк", "Washington": "Вашингтон",
    },
    "kk": {
        "Almaty": "Алматы", "Aqtau": "Ақтау", "Aqtobe": "Ақтөбе", "Atyrau": "Атырау", "Oral": "Орал",
        "Qostanay": "Қостанай", "Qyzylorda": "Қызылорда", "Bishkek": "Бішкек", "Tashkent": "Ташкент", "Dushanbe": "Душанбе",
        "Ashgabat": "Ашғабат", "Baku": "Баку", "Tbilisi": "Тбилиси", "Yerevan": "Ереван", "Moscow": "Мәскеу",
        "Kyiv": "Киев", "Kiev": "Киев", "Minsk": "Минск", "Istanbul": "Стамбұл", "Dubai": "Дубай", "Berlin": "Берлин",
        "Brussels": "Брюссель", "Geneva": "Женева", "Zurich": "Цюрих", "Vienna": "Вена", "Warsaw": "Варшава", "Paris": "Париж",
        "London": "Лондон", "New York": "Нью-Йорк", "Washington": "Вашингтон",
    },
}  # fmt: skip

_UNITS: dict[Language, tuple[str, str, str]] = {
    "en": ("d", "h", "min"),
    "ru": ("дн.", "ч", "мин"),
    "kk": ("күн", "сағ", "мин"),
}


def moment(at: datetime, desk_zone: str, zone: str, language: Language) -> tuple[str, ...]:
    """Return a moment in the desk's zone, the reader's zone and UTC: `5 Jan 2022, 01:30 Almaty (UTC+6)`, `4 Jan 19:30 UTC`.

    The first part has the whole date, the others only what differs; joined by `SEPARATOR` they read as one line. Zones are IANA names; one whose clock shows the same as a zone before it at that moment is left out.
    """
    shown: list[tuple[datetime, str]] = []
    for name in (desk_zone, zone, "UTC"):
        local = at.astimezone(ZoneInfo(name))
        if local.utcoffset() not in {other.utcoffset() for other, _ in shown}:
            shown.append((local, _label(local, name, language)))
    first, label = shown[0]
    parts = [f"{_date(first, language, year=True)}, {first:%H:%M} {label}"]
    for local, text in shown[1:]:
        other_day = "" if local.date() == first.date() else f"{_date(local, language, year=local.year != first.year)} "
        parts.append(f"{other_day}{local:%H:%M} {text}")
    return tuple(parts)


def span(length: timedelta, language: Language) -> str:
    """Return a length of time in its two largest units, rounded down to minutes: `3 h 10 min`."""
    minutes = max(int(length.total_seconds()) // 60, 0)
    days, hours, rest = minutes // 1440, minutes // 60 % 24, minutes % 60
    values = [f"{value} {unit}" for value, unit in zip((days, hours, rest), _UNITS[language], strict=True) if value]
    return " ".join(values[:2]) or f"0 {_UNITS[language][2]}"


def _date(local: datetime, language: Language, *, year: bool) -> str:
    month = _MONTHS[language][local.month - 1]
    if language == "kk":
        return f"{local.year} ж. {local.day} {month}" if year else f"{local.day} {month}"
    return f"{local.day} {month} {local.year}" if year else f"{local.day} {month}"


def _label(local: datetime, name: str, language: Language) -> str:
    """Return `Almaty (UTC+6)`; a clock that shows UTC is called so whatever its zone."""
    if local.utcoffset() == timedelta(0) and name in {"UTC", "Etc/UTC"}:
        return "UTC"
    city = name.rsplit("/", 1)[-1].replace("_", " ")
    return f"{_CITIES.get(language, {}).get(city, city)} ({offset(local)})"


def offset(local: datetime) -> str:
    """Return the offset of an aware time from UTC: `UTC+6`, `UTC+5:30`, `UTC−3`."""
    length = local.utcoffset() or timedelta(0)
    minutes = int(length.total_seconds()) // 60
    hours, rest = divmod(abs(minutes), 60)
    sign = "−" if minutes < 0 else "+"
    return f"UTC{sign}{hours}" + (f":{rest:02}" if rest else "")


def iso(at: datetime | None) -> str | None:
    """Return a time as RFC 3339 in UTC with seconds, `2022-01-04T19:30:00Z`; None stays None."""
    return None if at is None else at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
