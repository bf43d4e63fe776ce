"""Headline and note of an alert: its own, or phrases in the reader's language for what the service says of itself."""

from __future__ import annotations

from monitor.alerts.feedtext import one_line
from monitor.alerts.phrases import OPERATOR_FACTS, Phrases
from monitor.model import Alert, AlertKind


def wording(alert: Alert, t: Phrases) -> tuple[str, tuple[str, ...]]:
    """Return the headline and the paragraphs of the note, cleaned, each on one line.

    Alerts with a report speak in its words; the others in the reader's language, as far as `facts` allow (see phrases). A
    test needs no note of its own: the templates say what it is.
    """
    own = one_line(alert.headline), tuple(filter(None, (one_line(alert.note),)))
    if alert.report is not None:
        return own
    if alert.kind is AlertKind.TEST:
        return t.test_headline, ()
    if alert.kind is AlertKind.WATCHING:
        return _watching(alert, t) or own
    return _operator(alert, t) or own


def _watching(alert: Alert, t: Phrases) -> tuple[str, tuple[str, ...]] | None:
    names = alert.facts.get("names")
    feeds, more, entries, failing = (alert.facts.get(name) for name in ("feeds", "more", "entries", "failing"))
    if not isinstance(names, str) or not isinstance(feeds, int) or not isinstance(entries, int):
        return None
    named = one_line(names) + (f" {t.more.format(n=more)}" if more else "")
    note = [t.watching_names.format(names=named), t.plural(t.watching_entries, entries)]
    note += [t.plural(t.watching_failing, failing)] if isinstance(failing, int) and failing else []
    return t.plural(t.watching_headline, feeds), tuple(note)


def _operator(alert: Alert, t: Phrases) -> tuple[str, tuple[str, ...]] | None:
    what = alert.facts.get("what")
    if not isinstance(what, str) or what not in OPERATOR_FACTS or not set(OPERATOR_FACTS[what]) <= alert.facts.keys():
        return None
    headline, sentence = t.operator[what]
    filled = {name: one_line(str(value)).rstrip(".") for name, value in alert.facts.items()}
    return headline.format(**filled), (sentence.format(**filled),)
