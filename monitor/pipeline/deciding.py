"""Decide: waiting entries become reports, stories, alerts and deliveries. Intake ▶ diff ▶ match ▶ story ▶ alert ▶ render.

One decider per situation at a time, in intake order. What it decides depends on that order only: not on how entries fall
into batches, not on the time of day, not on restarts in between.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from monitor.alerts import policy
from monitor.alerts.policy import Told
from monitor.model import (
    Alert,
    AlertKind,
    AuditEvent,
    Change,
    ChangeKind,
    Decision,
    Delivery,
    Development,
    DevelopmentKind,
    IntakeEntry,
    Listing,
    Report,
    Severity,
    Sketch,
    Story,
    content_key,
)
from monitor.pipeline.setup import Setup
from monitor.ports import Deciding, Known, Store
from monitor.reports import changes, keys_of, new_report_id
from monitor.stories import CopyIndex, sketch_of
from monitor.stories.copies import MEMORY

BATCH = 200
"""Entries per decision."""

BUDGET = timedelta(milliseconds=200)
"""A decision takes no further entry after so much work of its own, so that what it came to is soon committed. Time that other threads
and programs take does not count: it would make many small decisions just when there is most to do, and each costs milliseconds."""


MARGIN = timedelta(hours=1)
"""What memory keeps beyond a story's time: entries wait in the order they arrived, which is not quite that of their `seen_at`."""


@dataclass(slots=True)
class Memory:
    """What the decider keeps between batches: the open reports by likeness. A new one reads itself from the store."""

    copies: CopyIndex = field(default_factory=CopyIndex)
    seq: int = 0

    def catch_up(self, tx: Deciding, seen_at: datetime) -> None:
        """Learn what was decided since, here or by another replica."""
        horizon = seen_at - MEMORY - MARGIN
        for seq, sketch in tx.sketches_since(self.seq, horizon):
            self.copies.add(sketch)
            self.seq = max(self.seq, seq)
        self.copies.forget(horizon)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What a decision came to, for logs and the live view."""

    entries: int
    more: bool = False
    """Entries were left, or may have been: it read as many as it was allowed to."""
    new: int = 0
    revised: int = 0
    listings: int = 0
    alerts: tuple[Alert, ...] = ()


def decide(store: Store, memory: Memory, setup: Setup, now: datetime, limit: int = BATCH) -> Decided:
    """Take the oldest waiting entries to their alerts and deliveries, and commit (B). Nothing waiting: nothing done.

    When it raises, nothing was committed and `memory` must be replaced by a new one.
    """
    with store.deciding(setup.situation) as tx:
        waiting = tx.intake(limit)
        if not waiting:
            return Decided(entries=0)
        decision = weigh(tx, waiting, memory, setup, now)
        tx.commit(decision)
    more = len(waiting) == limit or len(decision.consumed) < len(waiting)
    return replace(_counted(decision), more=more)


def weigh(tx: Deciding, waiting: Sequence[IntakeEntry], memory: Memory, setup: Setup, now: datetime) -> Decision:
    """Return what these entries come to, as many of the first ones as the budget allows; committing it is the caller's."""
    memory.catch_up(tx, waiting[0].seen_at)
    feeds = {intake.feed_id: setup.feed(intake.feed_id) for intake in waiting}
    keys = [keys_of(intake.entry, feeds[intake.feed_id]) for intake in waiting]
    known = tx.known({key for each in keys for key in each})
    batch = _Batch(tx, memory.copies, setup, now)
    batch.expect(known, [new_report_id(setup.situation, each[0]) for each in keys])
    _take(batch, changes(waiting, keys, known, feeds), time.thread_time)
    return batch.decision()


def deliveries_of(alert: Alert, setup: Setup, now: datetime) -> tuple[tuple[Delivery, ...], tuple[str, ...]]:
    """Render an alert for everyone on its route; return the deliveries and what went wrong with templates.

    An alert is rendered once: every attempt sends the same bytes.
    """
    deliveries = list[Delivery]()
    problems = list[str]()
    route = next((route for route in setup.rules.routes if route.name == alert.route), None)
    for name in dict.fromkeys(route.channels if route else ()):
        channel = setup.channels[name]
        for recipient in channel.recipients:
            rendered = setup.renderer.render(
                alert,
                recipient,
                situation_name=setup.situation_name,
                desk_zone=setup.zone,
                now=now,
                parts=channel.wants,
            )
            problems += rendered.problems
            delivery_id = content_key("d1", alert.id, name, recipient.address)
            payload = channel.compose(rendered.message, alert=alert, delivery_id=delivery_id, recipient=recipient)
            deliveries.append(
                Delivery(
                    id=delivery_id,
                    alert_id=alert.id,
                    channel=name,
                    recipient=recipient.address,
                    payload=payload,
                    due_at=now,
                    created_at=now,
                )
            )
    return tuple(deliveries), tuple(problems)


def _take(batch: _Batch, decided: Iterable[Change], worked: Callable[[], float]) -> None:
    ends = worked() + BUDGET.total_seconds()
    for change in decided:
        batch.take(change)
        if worked() > ends:
            return


def _counted(decision: Decision) -> Decided:
    kinds = [change.kind for change in decision.changes]
    return Decided(
        entries=len(kinds),
        new=kinds.count(ChangeKind.NEW),
        revised=kinds.count(ChangeKind.REVISED),
        listings=len(decision.listings),
        alerts=decision.alerts,
    )


class _Batch:
    """A decision in the making: what earlier entries of the batch came to is seen by later ones."""

    def __init__(self, tx: Deciding, copies: CopyIndex, setup: Setup, now: datetime) -> None:
        self._tx, self._copies, self._setup, self._now = tx, copies, setup, now
        self._changes: list[Change] = []
        self._sketches: dict[str, Sketch] = {}
        self._story_of: dict[str, str] = {}
        self._named: dict[str, tuple[str, ...]] = {}
        self._read = set[str]()
        self._stored: dict[str, Story] = {}
        self._stories: dict[str, Story] = {}
        self._sources: dict[str, list[tuple[str, str]]] = {}
        self._told: dict[tuple[str, str], str] = {}
        self._listed: set[tuple[str, str, str]] = set()
        self._listings: list[Listing] = []
        self._alerts: list[Alert] = []
        self._deliveries: list[Delivery] = []
        self._audit: list[AuditEvent] = []

    def expect(self, known: Known, new: Iterable[str]) -> None:
        """Read at once the stories that a batch will ask for unless it holds copies: of known reports, and of new ones by id."""
        self._load([*(report.story_id for report in known.reports.values() if report.story_id), *map(own_story, new)])

    def take(self, change: Change) -> None:
        """Decide one entry."""
        if change.kind in {ChangeKind.SAME, ChangeKind.BURIED}:
            self._changes.append(self._with_topics(change))
            return
        seen = self._setup.watches.read(change.report, self._setup.feeds.get(change.report.feed_id))
        self._named[change.report.id] = tuple(sorted(seen.about))
        development = self._develop(self._with_topics(change))
        report = development.report
        change = replace(change, report=report)
        self._changes.append(change)
        self._note("seen", report.id, change)
        matches = self._setup.watches.judge(seen)
        if not matches:
            return
        if change.kind is ChangeKind.REVISED:
            self._listed |= self._tx.listed([report.id])
        told = Told(alerts=self._told, listed=frozenset(self._listed))
        listings, alerts = policy.judge(change, development, matches, told, self._setup.rules, self._now)
        self._listings += listings
        self._listed |= {(listing.match.report_id, listing.match.watch, listing.route) for listing in listings}
        for alert in alerts:
            self._tell(alert)

    def decision(self) -> Decision:
        """Return all of it, to be committed together."""
        return Decision(
            consumed=tuple(change.intake.seq for change in self._changes),
            changes=tuple(self._changes),
            sketches=tuple(self._sketches.values()),
            stories=tuple(self._stories.values()),
            listings=tuple(self._listings),
            alerts=tuple(self._alerts),
            deliveries=tuple(self._deliveries),
            audit=tuple(self._audit),
        )

    def _with_topics(self, change: Change) -> Change:
        """Return a change whose report says what it is about: as an entry before it in the batch has it, else as stored."""
        report = change.report
        return replace(change, report=replace(report, named=self._named.get(report.id, report.named)))

    def _develop(self, change: Change) -> Development:
        """Put a report into its story: the one it has, that of the report it copies, or one of its own."""
        report = change.report
        kind = DevelopmentKind.REVISION
        story_id = report.story_id or self._story_of.get(report.id)
        sketch = sketch_of(report, story_id or "")
        if story_id is None:
            original = self._copies.copy_of(sketch)
            kind = DevelopmentKind.COPY if original else DevelopmentKind.NEW_STORY
            story_id = original.story_id if original else own_story(report.id)
            sketch = replace(sketch, story_id=story_id)
        report = replace(report, story_id=story_id)
        self._copies.add(sketch)
        self._sketches.pop(report.id, None)  # saved in the order of the latest versions, as the index has them
        self._sketches[report.id] = sketch
        self._story_of[report.id] = story_id
        self._grow(story_id, report, kind)
        sources = tuple(name for _, name in self._sources[story_id])
        return Development(kind=kind, story_id=story_id, report=report, sources=sources)

    def _grow(self, story_id: str, report: Report, kind: DevelopmentKind) -> None:
        self._load([story_id])
        sources = self._sources.setdefault(story_id, [])
        if report.outlet not in {outlet for outlet, _ in sources}:
            sources.append((report.outlet, report.source))
        story = (
            self._stories.get(story_id)
            or self._stored.get(story_id)
            or Story(
                id=story_id,
                situation=report.situation,
                title=report.title,
                opened_at=report.seen_at,
                updated_at=report.seen_at,
                reports=0,
                sources=0,
            )
        )
        self._stories[story_id] = replace(
            story,
            updated_at=self._now,
            reports=story.reports + (kind is not DevelopmentKind.REVISION),
            sources=len(sources),
        )

    def _load(self, story_ids: Sequence[str]) -> None:
        unread = [story_id for story_id in dict.fromkeys(story_ids) if story_id not in self._read]
        if not unread:
            return
        self._read.update(unread)
        self._stored.update(self._tx.stories(unread))
        self._sources.update({key: list(value) for key, value in self._tx.story_sources(unread).items()})
        self._told.update(self._tx.told(unread))

    def _tell(self, alert: Alert) -> None:
        if alert.story_id:
            self._told[alert.story_id, alert.route] = alert.id
        deliveries, problems = deliveries_of(alert, self._setup, self._now)
        self._alerts.append(alert)
        self._deliveries += deliveries
        self._audit.append(
            AuditEvent(
                at=self._now,
                kind="decided",
                subject=alert.id,
                data={"route": alert.route, "story": alert.story_id, "reason": alert.reason},
            )
        )
        if problems and alert.kind is not AlertKind.OPERATOR:
            self._tell(template_alert(problems, self._setup, self._now))

    def _note(self, kind: str, subject: str, change: Change) -> None:
        data = {"change": change.kind.value, "feed": change.intake.feed_id, "version": change.report.version}
        self._audit.append(AuditEvent(at=change.intake.seen_at, kind=kind, subject=subject, data=data))


def own_story(report_id: str) -> str:
    """Return the id of the story that a report begins."""
    return content_key("s1", report_id)


def template_alert(problems: Sequence[str], setup: Setup, now: datetime) -> Alert:
    """Return the word to the operator that a template failed; the same failure is told once a day."""
    note = "; ".join(dict.fromkeys(problems))
    return policy.plain_alert(
        AlertKind.OPERATOR,
        headline="A template failed; the built-in one was used",
        note=note,
        facts={"what": "template_failed", "problems": note},
        rules=setup.rules,
        key=json.dumps([note, now.date().isoformat()]),
        severity=Severity.WARNING,
        now=now,
    )
