"""Polls against a publisher and a parser in memory: which requests go out, and what comes of them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from support.feeds import NOW, a_feed, a_state, fetched, hours, minutes

from monitor.feeds.marks import mark, pack, shown
from monitor.feeds.noted import LYING
from monitor.model import Entry, FailureKind, Feed, FeedState, Pace, PollFailure, PollResult, Validators
from monitor.pipeline.catching_up import APART, MAX_DOCUMENTS, PATIENCE, NoTurnError, children
from monitor.pipeline.polling import poll
from monitor.ports import Fetched, Head, Lane, More, NotModified, ParsedFeed

FEED = a_feed()
URL = FEED.url
MISSING = PollFailure(kind=FailureKind.MISSING, reason="There is nothing at this address (404).", status=404)
Answer = Fetched | NotModified | PollFailure


def entry(name: str) -> Entry:
    return Entry(guid=name, link=None, title=name, summary="", published=None)


def page(entries: str, url: str = URL, **fields: Any) -> Fetched:
    """A document that shows these entries, one a letter, newest first; `links`, `more`, `complete` are what its head says."""
    said = {key: fields.pop(key) for key in ("links", "more", "fh_complete", "broken") if key in fields}
    return fetched(json.dumps({"entries": entries, **said}).encode(), url=url, **fields)


@dataclass
class Publisher:
    """Answers by address, one after another, the last one again; knows what was asked."""

    answers: Mapping[str, Answer | list[Answer]]
    asked: list[tuple[str, Validators | None]] = field(default_factory=list)

    async def fetch(
        self, feed: Feed, validators: Validators | None, *, address: str | None = None, redirects: bool = True
    ) -> Answer:
        assert redirects
        url = address or feed.url
        self.asked.append((url, validators))
        answer = self.answers.get(url, MISSING)
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        return answer


@dataclass
class Reader:
    """Reads what `page` wrote, only what is new of it unless it shall read all."""

    asked: list[tuple[bool, Lane]] = field(default_factory=list)

    async def parse(
        self, fetched: Fetched, *, known: bytes = b"", whole: bool = False, lane: Lane = "new"
    ) -> ParsedFeed | PollFailure:
        self.asked.append((whole, lane))
        said = json.loads(fetched.body)
        if said.get("broken"):
            return PollFailure(kind=FailureKind.NOT_A_FEED, reason="The server sent a web page instead of a feed.")
        entries = tuple(map(entry, said["entries"]))
        before = shown(known)
        more = tuple(
            More(url=url, changed=changed and datetime.fromisoformat(changed)) for url, changed in said.get("more", ())
        )
        return ParsedFeed(
            entries=tuple(each for each in entries if whole or each.fingerprint() not in before),
            marks=pack(map(mark, entries)),
            shown=len(entries),
            head=Head(
                links={rel: (target,) for rel, target in said.get("links", {}).items()},
                complete=said.get("fh_complete", False),
            ),
            more=more,
        )


@dataclass
class Stopped:
    """A clock that stands still, and pauses that only count."""

    at: datetime = NOW
    waited: list[float] = field(default_factory=list)
    turns: int = 100
    """Pauses that end."""

    def now(self) -> datetime:
        return self.at

    async def pause(self, seconds: float) -> None:
        if len(self.waited) >= self.turns:
            raise NoTurnError
        self.waited.append(seconds)


@dataclass
class Desk:
    """One feed polled again and again."""

    publisher: Publisher
    state: FeedState = field(default_factory=lambda: a_state(lease=None))
    reader: Reader = field(default_factory=Reader)
    clock: Stopped = field(default_factory=Stopped)
    children: Mapping[str, Validators] = field(default_factory=dict)

    def poll(self, *, later: timedelta = timedelta(0)) -> PollResult:
        self.clock.at += later
        claimed = replace(self.state, lease="l")
        result = asyncio.run(
            poll(
                FEED,
                claimed,
                fetcher=self.publisher,
                parser=self.reader,
                clock=self.clock,
                jitter=0.0,
                pause=self.clock.pause,
                children=self.children,
            )
        )
        self.state = result.state
        self.children = self.children if result.children is None else result.children
        return result

    def titles(self, **options: Any) -> str:
        return "".join(each.title for each in self.poll(**options).entries)

    @property
    def addresses(self) -> list[str]:
        return [url for url, _ in self.publisher.asked]


def desk(first: Fetched, *then: Answer, **others: Answer) -> Desk:
    """A desk that polled `first`; `then` come next, `others` lie at paths of the same host."""
    more = {f"https://news.example/{path}": answer for path, answer in others.items()}
    found = Desk(Publisher({URL: [first, *(then or (first,))], **more}))
    found.poll()
    found.publisher.asked.clear()
    found.reader.asked.clear()
    return found


GIVEN = Validators(url=URL, etag='"1"')


# --- how it asks ------------------------------------------------------------------------------------------------------


def test_the_first_poll_is_plain_and_read_whole_and_later_ones_ask_with_what_they_have() -> None:
    at = Desk(Publisher({URL: page("ba", validators=GIVEN)}))
    assert at.titles() == "ab"
    assert at.poll().entries == ()
    assert at.publisher.asked == [(URL, None), (URL, GIVEN)]
    assert at.reader.asked == [(True, "new")]  # equal bytes are not read again


def test_a_304_is_not_read() -> None:
    at = desk(page("ba", validators=GIVEN), NotModified(url=URL, validators=GIVEN, pace=Pace()))
    assert at.poll(later=minutes(5)).entries == ()
    assert (at.reader.asked, at.state.last_success_at) == ([], NOW + minutes(5))


def test_only_what_is_new_is_read_but_once_a_day_everything() -> None:
    given = [Validators(url=URL, etag=f'"{number}"') for number in range(3)]
    at = desk(page("ba", validators=given[0]), page("cba", validators=given[1]), page("dcba", validators=given[2]))
    assert (at.titles(later=minutes(5)), at.titles(later=hours(24))) == ("c", "d")
    assert at.reader.asked == [(False, "proven"), (True, "proven")]
    assert [validators for _, validators in at.publisher.asked] == [given[0], None]


@pytest.mark.parametrize(
    ("again", "lies"),
    [
        (NotModified(url=URL, validators=GIVEN, pace=Pace()), True),
        (page("cba", validators=GIVEN), False),
        (MISSING, False),
    ],
    ids=["304", "200", "404"],
)
def test_a_server_lies_that_says_304_to_what_just_changed_and_none_that_never_says_304(
    again: Answer, *, lies: bool
) -> None:
    at = desk(page("ba", validators=GIVEN), page("cba", validators=GIVEN), again)
    assert at.titles(later=hours(24)) == "c"
    assert [validators for _, validators in at.publisher.asked] == [None, GIVEN]
    assert (LYING in (at.state.warning or ""), at.state.validators) == (lies, None if lies else GIVEN)
    assert at.clock.waited == [APART]


def test_what_killed_its_parser_is_read_among_suspects() -> None:
    at = desk(page("a"))
    at.state = replace(
        at.state, failures=1, failure=PollFailure(kind=FailureKind.PARSER_KILLED, reason="x"), body_hash=None
    )
    at.poll()
    assert at.reader.asked == [(False, "suspect")]


def test_a_document_that_cannot_be_read_changes_nothing_that_was_known() -> None:
    at = desk(page("ba", validators=GIVEN), page("", broken=True, validators=Validators(url=URL, etag='"page"')))
    before = at.state
    assert at.poll().state.failure is not None
    assert (at.state.validators, at.state.known, at.state.body_hash) == (GIVEN, before.known, before.body_hash)


def test_a_moved_feed_is_asked_where_it_is_and_its_old_address_once_a_day() -> None:
    there = "https://new.example/feed"
    given = Validators(url=there, etag='"1"')
    at = desk(page("a", url=there, validators=given, permanent_target=there))
    at.publisher.answers = {
        URL: NotModified(url=there, validators=given, pace=Pace(), permanent_target=there),
        there: NotModified(url=there, validators=given, pace=Pace()),
    }
    for _ in range(12):
        at.poll(later=hours(6))
    assert at.addresses == [URL] * 9 + [there] * 2 + [URL]
    at.publisher.answers = {URL: NotModified(url=URL, validators=given, pace=Pace()), there: MISSING}
    at.publisher.asked.clear()
    at.poll(later=hours(6))
    at.poll(later=hours(6))
    assert at.addresses == [there, URL]
    assert at.state.moved_to is None


# --- gaps (cases 92 to 95) --------------------------------------------------------------------------------------------


def test_what_was_missed_is_found_in_the_archives_up_to_what_was_known() -> None:
    archive = "https://news.example/{}"
    at = desk(
        page("ba"),
        page("hg", links={"prev-archive": archive.format("3")}),
        **{
            "3": page("fe", archive.format("3"), links={"prev-archive": archive.format("2")}),
            "2": page("dcb", archive.format("2"), links={"prev-archive": archive.format("1")}),
            "1": page("0", archive.format("1")),
        },
    )
    result = at.poll(later=minutes(5))
    assert "".join(each.title for each in result.entries) == "cdefgh"
    assert at.addresses == [URL, archive.format("3"), archive.format("2")]
    assert at.publisher.asked[1:] == [(archive.format("3"), None), (archive.format("2"), None)]
    assert at.clock.waited == [APART, APART]
    assert (result.baseline, at.state.gaps, at.state.interval) == (False, 1, minutes(2.5))
    assert "4 entries were recovered, nothing is missing" in (at.state.gap or "")
    assert at.state.archive == archive.format("3")
    assert at.state.known == pack(map(mark, map(entry, "hg")))
    assert result.document is not None
    assert result.document.url == URL


def test_an_archive_that_was_there_before_needs_not_be_read_again() -> None:
    archive = "https://news.example/1"
    at = desk(page("ba", links={"prev-archive": archive}), page("dc", links={"prev-archive": archive}))
    assert at.titles() == "cd"
    assert at.addresses == [URL]
    assert "nothing is missing" in (at.state.gap or "")


@pytest.mark.parametrize(
    ("links", "others", "titles", "told"),
    [
        ({}, {}, "cd", "the feed names no older documents"),
        ({"next": "https://news.example/2"}, {}, "cd", "an older document cannot be had (There is nothing at this address (404))"),
        ({"next": "https://news.example/2"}, {"2": page("", broken=True)}, "cd", "(The server sent a web page instead of a feed)"),
        ({"next": "https://other.example/2"}, {}, "cd", "the older documents lie on another host"),
        ({"next": "https://news.example/2"}, {"2": page("z")}, "zcd", "1 entry was recovered, but the older documents end before what was known"),
        ({"next": "https://news.example/2"}, {"2": page("", "https://news.example/2")}, "cd", "the older documents end before"),
        ({"next": "https://news.example/2"},
         {"2": page("z", "https://news.example/2", links={"next": URL})}, "zcd", "the links to older documents go in a circle"),
    ],
)  # fmt: skip
def test_what_could_not_be_recovered_is_told(
    links: dict[str, str], others: dict[str, Fetched], titles: str, told: str
) -> None:
    at = desk(page("ba"), page("dc", links=links), **others)
    assert at.titles() == titles
    assert "some entries may be missing" in (at.state.gap or "")
    assert told in (at.state.gap or "")
    assert at.state.failure is None


def test_a_walk_back_has_an_end() -> None:
    def numbered(number: int) -> Fetched:
        url = f"https://news.example/{number}"
        return page(chr(1000 + number), url, links={"next": f"https://news.example/{number + 1}"})

    pages = {str(number): numbered(number) for number in range(100)}
    at = desk(page("ba"), page("dc", links={"next": "https://news.example/0"}), **pages)
    assert len(at.titles()) == 2 + MAX_DOCUMENTS
    assert len(at.addresses) == 1 + MAX_DOCUMENTS
    assert "more than is caught up on at once" in (at.state.gap or "")


def test_a_walk_back_takes_no_slot_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitor.pipeline.catching_up.PATIENCE", -PATIENCE)
    older = page("z", "https://news.example/0", links={"next": "https://news.example/1"})
    at = desk(page("ba"), page("dc", links={"next": "https://news.example/0"}), **{"0": older, "1": page("y")})
    assert at.titles() == "zcd"
    assert at.addresses == [URL, "https://news.example/0"]
    assert "more than is caught up on at once" in (at.state.gap or "")


def test_a_walk_back_takes_no_more_than_its_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    def numbered(number: int) -> Fetched:
        url = f"https://news.example/{number}"
        return page(chr(1000 + number), url, links={"next": f"https://news.example/{number + 1}"})

    pages = {str(number): numbered(number) for number in range(9)}
    monkeypatch.setattr("monitor.pipeline.catching_up.MAX_BYTES", 3 * len(pages["0"].body) - 1)
    at = desk(page("ba"), page("dc", links={"next": "https://news.example/0"}), **pages)
    assert len(at.titles()) == 2 + 3
    assert len(at.addresses) == 1 + 3
    assert "more than is caught up on at once" in (at.state.gap or "")


REFUSED = PollFailure(kind=FailureKind.THROTTLED, reason="Too often (429).", status=429, retry_after=minutes(30))


def test_an_older_document_that_is_refused_ends_the_walk_and_the_feed_rests() -> None:
    at = desk(page("ba"), page("dc", links={"next": "https://news.example/0"}), **{"0": REFUSED})
    result = at.poll()
    assert (result.refusal, at.state.failure, at.state.due_at) == (REFUSED, None, NOW + minutes(30))
    assert "an older document cannot be had (Too often (429))" in (at.state.gap or "")


def test_where_no_turn_comes_the_document_is_taken_and_the_gap_told() -> None:
    at = desk(page("ba"), page("dc", links={"next": "https://news.example/0"}), **{"0": page("b")})
    at.clock.turns = 0
    assert at.titles() == "cd"
    assert (at.addresses, "too many other documents were waited for" in (at.state.gap or "")) == ([URL], True)


@pytest.mark.parametrize(
    "second",
    [
        page("cb"),
        page(""),
        page("dc", fh_complete=True, links={"next": "https://news.example/2"}),
        page("dc", complete=False, links={"next": "https://news.example/2"}),
        page("dc", partial=True, status=226, links={"next": "https://news.example/2"}),
        page("dc", permanent_target="https://other.example/", links={"next": "https://news.example/2"}),
    ],
)
def test_older_documents_are_asked_for_only_after_a_gap(second: Fetched) -> None:
    at = desk(page("ba"), second)
    at.poll()
    assert at.addresses == [URL]
    assert (at.state.gaps, at.state.gap) == (0, None)


# --- an index of sitemaps (case 117) ----------------------------------------------------------------------------------


CHILD = "https://news.example/a"


def index(**changed: str | None) -> Fetched:
    more = [(f"https://news.example/{name}", when) for name, when in changed.items()]
    return page("", more=more, validators=GIVEN)


def test_of_an_index_only_the_children_that_changed_are_read() -> None:
    at = Desk(Publisher({}))
    at.publisher.answers = {
        URL: index(a="2022-01-05T11:00+00:00", b="2021-12-01T11:00+00:00"),
        "https://news.example/a": page("ba", validators=Validators(url="https://news.example/a", etag='"a"')),
        "https://news.example/b": page("z"),
    }
    assert at.titles() == "ab"
    assert at.addresses == [URL, "https://news.example/a"]
    assert (at.state.validators, at.state.gaps) == (GIVEN, 0)
    assert at.titles(later=minutes(5)) == ""
    at.publisher.answers = {
        URL: index(a="2022-01-05T11:00+00:00", b="2022-01-05T12:07+00:00"),
        "https://news.example/b": page("yz"),
    }
    at.publisher.asked.clear()
    assert at.titles(later=minutes(5)) == "zy"
    assert at.addresses == [URL, "https://news.example/b"]
    assert (at.state.warning, len(shown(at.state.known))) == (None, 4)


def test_all_entries_of_an_index_are_taken_whose_marks_are() -> None:
    names = ["".join(chr(0x4E00 + 1000 * child + number) for number in range(1000)) for child in range(3)]
    children = {f"https://news.example/{name}": page(shows) for name, shows in zip("abc", names, strict=True)}
    at = Desk(Publisher({URL: index(**dict.fromkeys("abc", "2022-01-05T11:00+00:00")), **children}))
    result = at.poll()
    assert {each.title for each in result.entries} == set("".join(names))
    assert {each.fingerprint() for each in result.entries} == shown(at.state.known)


def test_an_index_with_a_child_that_failed_is_read_again_and_so_is_the_child() -> None:
    at = Desk(Publisher({URL: index(a="2022-01-05T11:00+00:00", b="2022-01-05T10:00+00:00")}))
    at.publisher.answers = {**at.publisher.answers, "https://news.example/b": page("b")}
    assert at.titles() == "b"
    assert "Parts of this index could not be read: There is nothing at this address (404)." in (at.state.warning or "")
    assert at.state.validators is None
    at.publisher.answers = {**at.publisher.answers, "https://news.example/a": page("a")}
    assert at.titles(later=hours(2)) == "a"
    assert (at.state.warning, at.state.validators) == (None, GIVEN)


def test_an_index_takes_no_slot_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitor.pipeline.catching_up.PATIENCE", -PATIENCE)
    at = Desk(Publisher({URL: index(a="2022-01-05T11:00+00:00", b="2022-01-05T10:00+00:00"), CHILD: page("a")}))
    assert (at.titles(), at.addresses) == ("a", [URL, CHILD])
    assert "Parts of this index could not be read: there was no time" in (at.state.warning or "")
    assert at.state.validators is None


def test_of_an_index_no_part_is_asked_for_when_no_turn_comes() -> None:
    at = Desk(Publisher({URL: index(a="2022-01-05T11:00+00:00"), CHILD: page("a")}))
    at.clock.turns = 0
    assert (at.titles(), at.addresses, at.state.validators) == ("", [URL], None)
    assert "Parts of this index could not be read: too many other documents" in (at.state.warning or "")


def child_given(etag: str) -> Validators:
    return Validators(url=CHILD, etag=etag)


def test_a_child_that_does_not_say_exactly_when_it_changed_is_asked_with_what_it_gave() -> None:
    given = child_given('"1"')
    unchanged = NotModified(url=CHILD, validators=given, pace=Pace())
    at = Desk(Publisher({URL: index(a=None), CHILD: [page("a", CHILD, validators=given), unchanged]}))
    assert [at.titles(later=minutes(5)) for _ in range(3)] == ["a", "", ""]
    assert [validators for url, validators in at.publisher.asked if url == CHILD] == [None, given, given]
    assert (at.state.warning, shown(at.state.known)) == (None, shown(pack([mark(entry("a"))])))
    at.publisher.answers = {URL: index(a=None), CHILD: page("ba", CHILD)}
    assert (at.titles(), at.children) == ("b", {})
    assert at.publisher.asked[-1] == (CHILD, given)


def test_the_daily_audit_asks_children_without_conditions_too() -> None:
    given = child_given('"1"')
    at = Desk(Publisher({URL: index(a=None), CHILD: page("a", CHILD, validators=given)}))
    for _ in range(3):
        at.poll(later=hours(12))
    assert [validators for url, validators in at.publisher.asked if url == CHILD] == [None, given, None]


def test_what_a_child_gave_is_kept_while_nothing_is_asked_of_it_and_dropped_when_the_index_is_rid_of_it() -> None:
    given = child_given('"1"')
    when = "2022-01-05T11:00+00:00"
    at = Desk(Publisher({URL: index(a=when), CHILD: page("a", CHILD, validators=given)}))
    at.poll()
    at.publisher.answers = {URL: index(a=when, b="2021-01-05T11:00+00:00")}
    at.poll(later=minutes(5))
    assert at.children == {CHILD: given}
    at.publisher.answers = {URL: index(b="2021-01-05T11:00+00:00")}
    at.poll(later=minutes(5))
    assert at.children == {}


@pytest.mark.parametrize("status", [429, 503])
def test_a_child_that_is_refused_ends_the_asking(status: int) -> None:
    refused = replace(REFUSED, status=status)
    at = Desk(Publisher({URL: index(a="2022-01-05T11:00+00:00", b="2022-01-05T10:00+00:00"), CHILD: refused}))
    result = at.poll()
    assert (at.addresses, result.refusal, at.state.due_at) == ([URL, CHILD], refused, NOW + minutes(30))
    assert (at.state.failure, at.state.validators, at.state.body_hash) == (None, None, None)


def test_an_overloaded_server_is_asked_for_no_other_child() -> None:
    broken = PollFailure(kind=FailureKind.SERVER_ERROR, reason="It has a fault (503).", status=503)
    at = Desk(Publisher({URL: index(a="2022-01-05T11:00+00:00", b="2022-01-05T10:00+00:00"), CHILD: broken}))
    assert (at.poll().refusal, at.addresses) == (None, [URL, CHILD])


DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("changed", "state", "wanted"),
    [
        ({"a": NOW - hours(47), "b": NOW - hours(49), "c": NOW}, {}, "ca"),
        ({"a": NOW - 9 * DAY, "b": NOW - 8 * DAY}, {}, "b"),
        ({"a": NOW - 9 * DAY}, {"filled": True, "body_hash": b"x"}, ""),
        ({"a": NOW - hours(2), "b": NOW - hours(4)}, {"filled": True, "body_hash": b"x", "last_success_at": NOW - hours(3)}, "a"),
        ({"a": NOW - hours(2), "b": NOW - hours(4)}, {"filled": True, "last_success_at": NOW - hours(3)}, "ab"),
        ({"a": NOW.replace(hour=0)}, {"filled": True, "body_hash": b"x", "last_success_at": NOW - hours(3)}, "a"),
        ({"a": NOW.replace(hour=0) - DAY}, {"filled": True, "body_hash": b"x", "last_success_at": NOW - hours(3)}, ""),
        (dict.fromkeys("abcdef"), {}, "abc"),
        ({"a": None, "b": NOW}, {}, "ba"),
        ({chr(1000 + n): NOW - minutes(n) for n in range(50)}, {}, "".join(chr(1000 + n) for n in range(MAX_DOCUMENTS))),
    ],
)  # fmt: skip
def test_children_are_chosen_by_when_they_changed(
    changed: dict[str, datetime | None], state: dict[str, Any], wanted: str
) -> None:
    more = [More(url=f"https://www.news.example/{name}", changed=when) for name, when in changed.items()]
    more.append(More(url="https://other.example/x", changed=NOW))
    found = children(more, a_state(**state), URL, NOW)
    assert "".join(child.url.rpartition("/")[2] for child in found) == wanted
