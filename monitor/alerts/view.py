"""What a template sees: an alert in the reader's language, cleaned, with times and words ready to be placed.

Everything here is text or numbers, so a template decides order and look and nothing else. The fields below are the
variables of every template; user templates rely on them, so later work only adds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from monitor.alerts.about import Titles, topics
from monitor.alerts.event import LATE, event, lateness
from monitor.alerts.feedtext import Piece, cut, excerpt, host, link, one_line, pieces, spans
from monitor.alerts.phrases import Phrases, phrases
from monitor.alerts.when import SEPARATOR, moment, span
from monitor.alerts.wording import wording
from monitor.model import LANGUAGES, Alert, AlertKind, Reason, Recipient, Report

HEADLINE = 300
"""Characters of a headline where it stands alone; longer ones are cut in every part."""

EXCERPT = 480
"""Characters of the report's text: what a 360 px screen shows without scrolling past the link."""

WORDS = 12
"""Keywords shown; the rest is counted."""

TOPICS = 6
"""Entries of a kind that a report is about; the rest is counted."""

SOURCES = 8
"""Other sources named; the rest is counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """One keyword with the words of the report that it found in one way, and the names of the fields they stand in."""

    keyword: str
    """Empty where it was found as it is, but for capitals."""
    found: tuple[str, ...]
    fields: tuple[str, ...]
    rule: str
    """What joined keyword and words: `Russian ending`; empty where they are written so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Time:
    """A named moment: `Published`, `5 Jan 2022, 01:30 Almaty (UTC+6) · 4 Jan 19:30 UTC`."""

    name: str
    zones: tuple[str, ...]
    """The moment in each zone, for placing them one by one."""

    @property
    def at(self) -> str:
        """Return the moment in all zones on one line."""
        return SEPARATOR.join(self.zones)


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """The variables of a template. Empty text and None mean that there is nothing to show."""

    t: Phrases
    kind: str
    """`story`, `watching`, `operator` or `test`."""
    test: bool
    severity: str
    """`info`, `notice`, `warning` or `critical`."""
    severity_word: str
    situation: str
    headline: str
    headline_pieces: tuple[Piece, ...]
    headline_lang: str
    """Language tag of headline and excerpt; empty where it is not known."""
    new: str
    """What is new, in one sentence."""
    excerpt: str
    excerpt_pieces: tuple[Piece, ...]
    source: str
    grade: str
    """`B`; empty where the source has none."""
    grade_word: str
    author: str
    written_in: str
    """`in Russian`, where the report is not in the reader's language."""
    times: tuple[Time, ...]
    delayed: str
    link: str | None
    link_host: str
    about: str
    """What the report is about, the kinds apart: `Almaty, Mangystau Region; Tokayev; curfew`."""
    words: tuple[Word, ...]
    more_words: int
    other_sources: tuple[str, ...]
    more_sources: int
    watches: tuple[str, ...]
    """Titles."""
    route: str
    story_id: str | None
    alert_id: str
    note: tuple[str, ...]
    """Paragraphs of an alert without a report."""
    event: Mapping[str, Any]
    """The webhook event (see event.py)."""

    def variables(self) -> dict[str, Any]:
        """Return the fields by name, as a template is given them."""
        return {each.name: getattr(self, each.name) for each in fields(self)}


def view(
    alert: Alert, recipient: Recipient, *, situation_name: str, desk_zone: str, titles: Titles, now: datetime
) -> View:
    """Return what the templates show of an alert to one recipient."""
    t = phrases(recipient.language)
    report = alert.report
    reasons = tuple(reason for match in alert.matches for reason in match.reasons)
    headline, note = wording(alert, t)
    late = lateness(alert, now)
    others, words = _others(alert), _words(reasons, t)
    address = link(report.link) if report else None
    headline, passage = cut(headline, HEADLINE), _excerpt(report, reasons)

    def time(name: str, at: datetime) -> Time:
        return Time(name=name, zones=moment(at, desk_zone, recipient.zone, t.language))

    return View(
        t=t,
        kind=alert.kind.value,
        test=alert.test or alert.kind is AlertKind.TEST,
        severity=alert.severity.word,
        severity_word=t.severity_word(alert.severity),
        situation=one_line(situation_name),
        headline=headline,
        headline_pieces=_headline_pieces(headline, report, reasons),
        headline_lang=_language_tag(report),
        new=_new(alert, t),
        excerpt="".join(piece.text for piece in passage),
        excerpt_pieces=passage,
        source=one_line(report.source) if report else "",
        grade=_grade(report, t),
        grade_word=t.grades.get(_grade(report, t), ""),
        author=cut(one_line(report.author or ""), 120) if report else "",
        written_in=_written_in(report, t),
        times=(
            *((time(t.published, report.published),) if report and report.published else ()),
            *((Time(name=t.published, zones=(t.no_time,)),) if report and not report.published else ()),
            *((time(t.first_seen, report.seen_at),) if report else ()),
            time(t.decided, alert.at),
        ),
        delayed=t.delayed.format(span=span(late, t.language)) if late > LATE else "",
        link=address,
        link_host=host(address) if address else "",
        about=_about(report, titles, t),
        words=words[:WORDS],
        more_words=max(len(words) - WORDS, 0),
        other_sources=others[:SOURCES],
        more_sources=max(len(others) - SOURCES, 0),
        watches=tuple(dict.fromkeys(one_line(alert.watch_titles.get(m.watch, m.watch)) for m in alert.matches)),
        route=one_line(alert.route),
        story_id=alert.story_id,
        alert_id=alert.id,
        note=note,
        event=event(alert, language=t.language, titles=titles, now=now),
    )


def _new(alert: Alert, t: Phrases) -> str:
    if alert.report is None:
        return ""
    if alert.reason == "new_story" and len(alert.sources) > 1:
        return t.plural(t.new_here, len(alert.sources))
    return t.reasons.get(alert.reason, t.reasons["other"])


def _headline_pieces(headline: str, report: Report | None, reasons: tuple[Reason, ...]) -> tuple[Piece, ...]:
    """Return the headline with its matched words marked, where it is the report's title and was not cut."""
    if report is None or one_line(report.title) != headline:
        return (Piece(text=headline),)
    return pieces(report.title, spans(report.title, "title", reasons))


def _excerpt(report: Report | None, reasons: tuple[Reason, ...]) -> tuple[Piece, ...]:
    if report is None or one_line(report.text) in {"", one_line(report.title)}:
        return ()
    return excerpt(report.text, spans(report.text, "text", reasons), EXCERPT)


def _grade(report: Report | None, t: Phrases) -> str:
    grade = report.grade if report else None
    return grade if grade is not None and grade in t.grades else ""


def _language_tag(report: Report | None) -> str:
    return report.language if report and report.language in LANGUAGES else ""


def _written_in(report: Report | None, t: Phrases) -> str:
    if report is None or report.language == t.language or report.language not in t.languages:
        return ""
    return t.written_in.format(language=t.languages[report.language])


def _about(report: Report | None, titles: Titles, t: Phrases) -> str:
    kinds = topics(report.named if report else (), titles, t.language).values()
    return "; ".join(_listed([one_line(topic.title) for topic in kind], t) for kind in kinds if kind)


def _listed(names: Sequence[str], t: Phrases) -> str:
    more = len(names) - TOPICS
    return ", ".join(names[:TOPICS]) + (f" {t.more.format(n=more)}" if more > 0 else "")


def _words(reasons: tuple[Reason, ...], t: Phrases) -> tuple[Word, ...]:
    """Return the matches by keyword, then by what joined it to the text, each word and field once, first come first."""
    grouped: dict[str, dict[str, list[Reason]]] = {}
    for reason in reasons:
        grouped.setdefault(one_line(reason.keyword), {}).setdefault(t.rule(reason.rule), []).append(reason)
    return tuple(_word(keyword, rule, found, t) for keyword, ways in grouped.items() for rule, found in ways.items())


def _word(keyword: str, rule: str, reasons: list[Reason], t: Phrases) -> Word:
    found: dict[str, str] = {}
    for reason in reasons:
        found.setdefault(one_line(reason.surface).casefold(), one_line(reason.surface))
    names = dict.fromkeys(t.fields.get(reason.field, one_line(reason.field)) for reason in reasons)
    return Word(
        keyword="" if set(found) == {keyword.casefold()} else keyword,
        found=tuple(found.values()),
        fields=tuple(names),
        rule=rule,
    )


def _others(alert: Alert) -> tuple[str, ...]:
    own = one_line(alert.report.source) if alert.report else ""
    return tuple(name for name in dict.fromkeys(map(one_line, alert.sources)) if name and name != own)
