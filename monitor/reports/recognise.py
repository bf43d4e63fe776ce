"""Which stored report an entry is, when its keys lead to some.

Problem: each key lies at times. A guid is used again for another article, a link is a live page that carries another report
every hour, both change under an unchanged article, or the headline in them is edited. Choice: a link and a guid that agree
are believed whatever the words are now, and so is the only one of the two that an entry has, if it looks made for one
article. One that stands against the other is believed when the words still are the report's; one that looks made for
nothing (`1`, `/live`) cannot stand against one that looks made for this article. Between outlets an address proves nothing by
itself: anyone may show any link first, under any words, and would hide what the outlet has to say. There the words must be
alike too. Where even then nothing is certain the entry is a report of its own: told twice is better than never told.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from datetime import timedelta

from monitor.language.text import forms, squeeze
from monitor.model import Entry, Report

TITLE_KEPT = 1 / 3
"""Share of a title's words that an edit keeps (95 % of neighbouring posts of one news channel share less than 0.2)."""

TITLE_COPIED = 2 / 3
"""Share of a title's words that another outlet's copy has at an address that says nothing (one word of three is chance)."""

TEXT_KEPT = 0.5
"""Share of a text's words that alone makes the same article (95 % of neighbouring posts share less than 0.47)."""

TEXT_OTHER = 0.35
"""Share of a text's words below which an equal title is another day's column (edits keep more than half)."""

FULL_TEXT = 8
"""Words below which a text says nothing for or against."""

MOVED = timedelta(days=1)
"""How far apart the stated times of an article may be that moved to another host (zones are mended on the way)."""

REPUBLISHED = timedelta(hours=1)
"""The same for equal words at an unknown address: an air raid warning comes in the same words a few hours later."""

HEADLINE = 120
"""Characters of the text that stand for a missing title."""

_STEM = 5
"""Letters compared of each word: headlines are reworded through inflection."""

_HOST = re.compile(r"^\w+://[^/]*")
_SPECIFIC = re.compile(r"\d{3}|[^/]{16}")
"""What looks made for one article: a number of three digits or a long name, unlike `7`, `live`, `/news`."""


def recognise(entry: Entry, outlet: str, found: Mapping[str, Report], made: AbstractSet[str]) -> Report | None:
    """Return the report an outlet's entry is. `found` is what its keys lead to by recipe (`l1` ...), `made` the recipes it has."""
    if "e1" in found:
        return found["e1"]
    report = _by_address(entry, outlet, found, made) or _copied(entry, outlet, found)
    if report is not None:
        return report
    moved, words = found.get("p1"), found.get("t1")
    if moved and is_alike(moved, entry) and _is_near(moved, entry, MOVED):
        return moved
    if words and (not made & {"l1", "g1"} or _is_near(words, entry, REPUBLISHED)):
        return words
    return None


def _by_address(entry: Entry, outlet: str, found: Mapping[str, Report], made: AbstractSet[str]) -> Report | None:
    """Return the outlet's own report at the entry's link or guid."""
    own = {recipe: report for recipe, report in found.items() if report.outlet == outlet}
    by_link, by_guid = own.get("o1") or own.get("l1"), own.get("g1")
    if "g1" in found and not by_guid:
        made = made - {"g1"}  # it led to what is another outlet's report by now, and says nothing of this one's
    if by_link and by_guid and by_link.id == by_guid.id:
        return by_link
    link = "l1" in made and _is_specific(entry.link)
    guid = "g1" in made and _is_specific(entry.guid)
    if not {"l1", "g1"} <= made:
        report, specific = by_link or by_guid, link if by_link else guid
        return report if report and (specific or _is_same_column(report, entry)) else None
    if link == guid:
        judged = is_alike if link else _is_same_column
        return next((report for report in (by_link, by_guid) if report and judged(report, entry)), None)
    report = by_link if link else by_guid
    return report if report and is_alike(report, entry) else None


def _copied(entry: Entry, outlet: str, found: Mapping[str, Report]) -> Report | None:
    """Return another outlet's report that the entry shows: at its link or guid, in words that are alike."""
    for recipe, address in (("l1", entry.link), ("g1", entry.guid)):
        report = found.get(recipe)
        if report and report.outlet != outlet and _is_copy(report, entry, address):
            return report
    return None


def _is_copy(report: Report, entry: Entry, address: str | None) -> bool:
    if _is_specific(address):
        return is_alike(report, entry)
    return _is_same_column(report, entry) and _share(report.title, headline(entry)) >= TITLE_COPIED


def is_alike(report: Report, entry: Entry) -> bool:
    """Tell whether an entry's words are an edit of a report's, not another article's."""
    title = _share(report.title, headline(entry))
    if min(len(forms(report.text)), len(forms(entry.summary))) < FULL_TEXT:
        return title >= TITLE_KEPT
    text = _share(report.text, entry.summary)
    return text >= TEXT_KEPT or (text >= TEXT_OTHER and title >= TITLE_KEPT)


def headline(entry: Entry) -> str:
    """Return an entry's title, or the beginning of its text."""
    return entry.title or squeeze(entry.summary)[:HEADLINE]


def _is_same_column(report: Report, entry: Entry) -> bool:
    """Tell whether words under an address that says nothing are an edit: other numbers in a title are another day's."""
    return is_alike(report, entry) and _numbers(report.title) == _numbers(headline(entry))


def _is_specific(address: str | None) -> bool:
    return _SPECIFIC.search(_HOST.sub("", address or "")) is not None


def _is_near(report: Report, entry: Entry, span: timedelta) -> bool:
    if report.published is None or entry.published is None:
        return True
    return abs(report.published - entry.published) <= span


def _share(one: str, other: str) -> float:
    """Return the share of the shorter's words that both have; 1 where neither has any."""
    mine, theirs = _stems(one), _stems(other)
    return len(mine & theirs) / min(len(mine), len(theirs)) if mine and theirs else float(mine == theirs)


def _numbers(text: str) -> frozenset[str]:
    return frozenset(word for word in forms(text) if word.isdigit())


def _stems(text: str) -> frozenset[str]:
    words = forms(text)
    telling = (word for word in words if len(word) > 2 or word.isdigit())  # noqa: PLR2004 - `в`, `на`, `of` tell nothing
    return frozenset(word[:_STEM] for word in telling) or frozenset(words)
