"""Settings become the parts the flows ask for."""

from __future__ import annotations

from dataclasses import replace

from monitor import channels
from monitor.alerts.about import titles_of
from monitor.alerts.policy import Rules
from monitor.alerts.render import Renderer
from monitor.net.client import Http
from monitor.pipeline import Setup
from monitor.ports import Channel
from monitor.settings.values import Settings


def build_setup(settings: Settings, http: Http, kept: dict[str, Channel]) -> Setup:
    """Return one generation of the configuration; channels in `kept` are taken over as they are."""
    built = {
        entry.name: kept.get(entry.name)
        or channels.build(entry.name, entry.kind, entry.options, http=http, data_dir=settings.data_dir)
        for entry in settings.channels
    }
    return replace(build_silent_setup(settings), channels=built)


def build_silent_setup(settings: Settings) -> Setup:
    """Return a configuration that decides and has no channels to tell anybody: for backtests."""
    return Setup(
        situation=settings.situation_id,
        situation_name=settings.situation_name,
        zone=settings.situation_zone,
        feeds={feed.id: feed for feed in settings.feeds if feed.enabled},
        watches=settings.index(),
        rules=Rules(
            situation=settings.situation_id,
            watches={watch.name: watch for watch in settings.watches},
            routes=settings.routes,
            alert_window=settings.alert_window,
            operator_route=settings.operator_route,
        ),
        channels={},
        renderer=Renderer(settings.templates_dir, titles_of(settings.gazetteer.entities)),
    )
