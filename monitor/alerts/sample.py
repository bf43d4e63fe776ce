"""Alerts to try templates with: every kind, and a story that has everything beside one that lacks what may be missing.

The texts are made up. Quotes, a backslash and markup stand in the bare one on purpose: a JSON template that does not use
`tojson`, or an HTML template that switches escaping off, shows its mistake here and not at three in the morning.
"""

from __future__ import annotations

from datetime import UTC, datetime

from monitor.alerts.about import Titles
from monitor.model import Alert, AlertKind, Match, Reason, Report, Severity

NOW = datetime(2022, 1, 4, 19, 41, tzinfo=UTC)
SITUATION_NAME = "Kazakhstan"
DESK_ZONE = "Asia/Almaty"
TITLES: Titles = {
    "place/almaty": {"en": "Almaty", "ru": "Алматы", "kk": "Алматы"},
    "place/republic-square": {"en": "Republic Square", "ru": "площадь Республики", "kk": "Республика алаңы"},
    "org/police": {"en": "police", "ru": "полиция", "kk": "полиция"},
    "concept/detentions": {"en": "detentions", "ru": "задержания", "kk": "ұстау"},
}

_TITLE = "Протесты в Алматы: полиция применила светошумовые гранаты на площади Республики"
_TEXT = (
    "Колонна протестующих вышла к площади Республики около одиннадцати вечера. По словам очевидцев, полиция применила "
    "слезоточивый газ и светошумовые гранаты; есть задержанные, их число не называют. В центре города с перебоями работает "
    "мобильный интернет. Акимат призвал жителей оставаться дома. Протестующие требуют снизить цены на газ и отставки "
    "правительства; сообщения о пострадавших пока не подтверждены."
)


def alerts() -> tuple[Alert, ...]:
    """Return one alert of every kind, stories first: a full one, one with nothing optional, one known before."""
    return (full(), bare(), edited(), watching(), operator(), test())


def full() -> Alert:
    """Return a story alert with all that a report can have."""
    words = (
        ("протест", "Протесты", "title", "Russian ending"),
        ("протест", "протестующих", "text", "Russian ending"),
        ("площадь Республики", "площади Республики", "title", "Russian ending, as written"),
    )
    more = (
        ("задержан*", "задержанные", "text", "any ending"),
        ("слезоточивый газ", "слезоточивый газ", "text", "as written"),
    )
    matches = (_match("unrest", words), _match("detentions", more))
    return _story(
        _report(
            title=_TITLE,
            text=_TEXT,
            grade="B",
            author="Айгерим Сапарова",
            published=datetime(2022, 1, 4, 19, 30, tzinfo=UTC),
            named=tuple(sorted(TITLES)),
        ),
        severity=Severity.WARNING,
        matches=matches,
        watch_titles={"unrest": "Unrest", "detentions": "Detentions"},
        sources=("Example News", "Степной курьер", "Қала хабары", "The Steppe Observer"),
    )


def bare() -> Alert:
    """Return a story alert without author, grade, time, link and text, from one source, with awkward characters."""
    return _story(
        _report(
            title='Source: "No connection" \\ in Almaty <b>since noon</b> & later', text="", link=None, language="other"
        ),
        severity=Severity.CRITICAL,
        matches=(),
        sources=("Example News",),
    )


def edited() -> Alert:
    """Return the alert of a report that matches only since it was edited, told late."""
    report = _report(
        title="Интернет бөгелді",
        text="Байланыс жоқ.",
        language="kk",
        version=2,
        published=datetime(2022, 1, 4, 8, 5, tzinfo=UTC),
    )
    return _story(report, severity=Severity.NOTICE, matches=(), sources=("Example News",), reason="newly_matched")


def watching() -> Alert:
    """Return the line about a new feed."""
    return _plain(
        AlertKind.WATCHING,
        Severity.INFO,
        headline="Now watching 12 feeds",
        note="New: Example News, The Steppe Observer and 3 more.",
        facts={"feeds": 12, "names": "Example News, The Steppe Observer", "more": 3, "entries": 142, "failing": 2},
    )


def operator() -> Alert:
    """Return a notice about the service itself."""
    return _plain(
        AlertKind.OPERATOR,
        Severity.WARNING,
        headline="A template failed",
        note="email.txt.j2, line 3: 'titel' is undefined",
        facts={"what": "template_failed", "problems": "email.txt.j2, line 3: 'titel' is undefined"},
    )


def test() -> Alert:
    """Return a test alert."""
    return _plain(AlertKind.TEST, Severity.NOTICE, headline="Test alert", note="")


def _report(*, title: str, text: str, **other: object) -> Report:
    values: dict[str, object] = {
        "id": "r1sample",
        "situation": "kazakhstan",
        "feed_id": "example-news",
        "outlet": "example.org",
        "source": "Example News",
        "grade": None,
        "link": "https://news.example.org/2022/01/05/almaty?id=17&lang=ru",
        "author": None,
        "language": "ru",
        "published": None,
        "seen_at": datetime(2022, 1, 4, 19, 40, tzinfo=UTC),
        "version": 1,
        "story_id": "s1sample",
    }
    return Report(title=title, text=text, **(values | other))  # type: ignore[arg-type]  # the values above are the fields


def _match(watch: str, words: tuple[tuple[str, str, str, str], ...]) -> Match:
    fields = {"title": _TITLE, "text": _TEXT}
    reasons = tuple(
        Reason(
            keyword=keyword,
            surface=surface,
            field=name,
            start=fields[name].index(surface),
            end=fields[name].index(surface) + len(surface),
            rule=rule,
        )
        for keyword, surface, name, rule in words
    )
    return Match(
        report_id="r1sample",
        watch=watch,
        version=1,
        reasons=reasons,
        score=float(len({reason.keyword for reason in reasons})),
    )


def _story(
    report: Report,
    *,
    severity: Severity,
    matches: tuple[Match, ...],
    sources: tuple[str, ...],
    watch_titles: dict[str, str] | None = None,
    reason: str = "new_story",
) -> Alert:
    return Alert(
        id="a1sample",
        kind=AlertKind.STORY,
        situation="kazakhstan",
        route="desk",
        severity=severity,
        at=NOW,
        headline=report.title,
        reason=reason,
        report=report,
        story_id="s1sample",
        matches=matches,
        watch_titles=watch_titles or {},
        sources=sources,
    )


def _plain(
    kind: AlertKind, severity: Severity, *, headline: str, note: str, facts: dict[str, str | int] | None = None
) -> Alert:
    return Alert(
        id="a1sample",
        kind=kind,
        situation="kazakhstan",
        route="desk",
        severity=severity,
        at=NOW,
        headline=headline,
        reason=kind.value,
        note=note,
        facts=facts or {},
        test=kind is AlertKind.TEST,
    )
