"""The parts of a running service, each built from what it asks for; what they share is the service's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.feeds.fetch import HttpFetcher
from monitor.ports import Channel
from monitor.service.decider import Decider
from monitor.service.deliverer import Deliverer
from monitor.service.hosts import Manners
from monitor.service.poller import Poller
from monitor.service.reach import Pushing, pushing
from monitor.settings.values import Settings

if TYPE_CHECKING:
    from monitor.service.app import Service


def poller_of(service: Service) -> Poller:
    """Return what polls due feeds."""
    settings = service.settings
    return Poller(
        store=service.store,
        fetcher=HttpFetcher(service.http, contact=settings.contact),
        parser=service.parser,
        clock=service.clock,
        network=service.network,
        tasks=service.tasks,
        concurrency=settings.poll_concurrency,
        manners=manners_of(settings),
        on_entries=service.entries,
        on_change=service.change,
        tell=service.tell_operator,
    )


def decider_of(service: Service) -> Decider:
    """Return what decides the intake."""
    return Decider(
        store=service.store,
        clock=service.clock,
        setup=lambda: service.setup,
        on_entries=service.entries,
        on_alerts=service.on_alerts,
        on_change=service.change,
        polling=lambda: service.poller.in_flight > 0,
        tell=service.tell_operator,
    )


def deliverer_of(service: Service, channel: Channel) -> Deliverer:
    """Return what sends over one channel."""
    return Deliverer(
        channel,
        store=service.store,
        clock=service.clock,
        tasks=service.tasks,
        on_change=service.change,
        tell=service.tell_operator,
    )


def pushing_of(service: Service) -> Pushing | None:
    """Return the push flow; None where hubs cannot reach us."""
    settings = service.settings
    if not (settings.listen and settings.public_url):
        return None
    return pushing(
        public_url=settings.public_url,
        contact=settings.contact,
        http=service.http,
        store=service.store,
        parser=service.parser,
        clock=service.clock,
        tasks=service.tasks,
        setup=lambda: service.setup,
        on_entries=service.entries,
        on_change=service.change,
    )


def manners_of(settings: Settings) -> Manners:
    """Return the limits that publishers see of us."""
    return Manners(per_host=settings.per_host, per_domain=settings.per_domain, spacing=settings.host_spacing)
