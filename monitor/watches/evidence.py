"""What is known about a report before any watch judges it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from monitor.language.entities import Mention
from monitor.language.phrases import Look, PhraseIndex, Place
from monitor.model import Feed, Reason, Report


@dataclass(frozen=True)
class Evidence:
    """A report with where it comes from, what the index found in its fields, and the gazetteer's entries it names."""

    report: Report
    feed: Feed | None
    looks: Mapping[str, Look]
    mentions: tuple[Mention, ...]
    index: PhraseIndex

    @cached_property
    def named(self) -> Mapping[str, Sequence[Mention]]:
        """The mentions of each entry of the gazetteer."""
        found: dict[str, list[Mention]] = {}
        for mention in self.mentions:
            found.setdefault(mention.key, []).append(mention)
        return found

    @cached_property
    def about(self) -> frozenset[str]:
        """The entries that the report is about: names that are parts of other names are left out."""
        return frozenset(mention.key for mention in self.mentions if not mention.covered)

    def found(self, keyword: str, number: int, look: Look, place: Place) -> Reason:
        """Return why a phrase at a place counts as a keyword."""
        start, end = look.reading.span(place)
        rules = dict.fromkeys(self.index.rules(number, look.reading, place))
        surface = look.reading.text[start:end]
        return Reason(keyword=keyword, surface=surface, field=look.field, start=start, end=end, rule=", ".join(rules))


def said(keyword: str, mention: Mention) -> Reason:
    """Return why a mention counts as a keyword."""
    return Reason(
        keyword=keyword,
        surface=mention.surface,
        field=mention.field,
        start=mention.start,
        end=mention.end,
        rule=mention.rule,
    )
