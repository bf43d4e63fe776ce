"""What the flows need of the configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from monitor.alerts.policy import Rules
from monitor.alerts.render import Renderer
from monitor.model import Feed
from monitor.ports import Channel
from monitor.watches import WatchIndex


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """One generation of the configuration, as the flows need it. Replaced as a whole by a reload."""

    situation: str
    situation_name: str
    zone: str
    feeds: Mapping[str, Feed]
    watches: WatchIndex
    rules: Rules
    channels: Mapping[str, Channel]
    renderer: Renderer

    def feed(self, feed_id: str) -> Feed:
        """Return a feed as configured, or what is left of one that is configured no more but whose entries still wait."""
        left = Feed(id=feed_id, name=feed_id, url="", situation=self.situation, outlet=feed_id)
        return self.feeds.get(feed_id, left)
