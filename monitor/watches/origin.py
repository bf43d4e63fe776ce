"""Where a report comes from, as a watch or a query limits it."""

from __future__ import annotations

from dataclasses import dataclass

from monitor.language.text import fold, squeeze
from monitor.model import Feed, Language, Report


@dataclass(frozen=True, slots=True, kw_only=True)
class Origins:
    """Limits on where a report comes from and what it is written in; an empty one is no limit."""

    languages: frozenset[Language] = frozenset()
    sources: frozenset[str] = frozenset()
    """Outlets and source names as `plain` returns them."""
    feeds: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()

    def __str__(self) -> str:
        """Say the limits: `language kk; source reuters`."""
        limits = (("language", self.languages), ("source", self.sources), ("feed", self.feeds), ("group", self.groups))
        return "; ".join(f"{what} {' or '.join(sorted(values))}" for what, values in limits if values)

    def take(self, report: Report, feed: Feed | None) -> bool:
        """Tell whether a report comes from within the limits."""
        if self.languages and report.language not in self.languages:
            return False
        if self.sources and self.sources.isdisjoint((plain(report.outlet), plain(report.source))):
            return False
        if self.feeds and report.feed_id not in self.feeds:
            return False
        return not self.groups or (feed is not None and feed.group in self.groups)


def plain(source: str) -> str:
    """Return a source's name as names of sources are compared."""
    return fold(squeeze(source))
