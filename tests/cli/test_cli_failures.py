"""Every way in which a feed can fail has words of its own that say what to do, wherever it is shown."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from support import values
from support.http_server import raw, redirect, reply

from monitor.cli import feeds_check
from monitor.cli.feeds_advice import FIRST
from monitor.cli.feeds_check import Check
from monitor.cli.status import NAMED
from monitor.feeds.health import ADVICE
from monitor.model import FailureKind, Feed, FeedState, PollFailure, PollResult

KINDS = tuple(FailureKind)


def _reason(kind: FailureKind) -> str:
    return f"What happened was {kind.value}."


def _configure(desk: Any, kinds: tuple[FailureKind, ...]) -> None:
    rows = (
        f"- {{id: {_id(kind)}, name: {_id(kind)}, url: 'https://{_id(kind)}.example/', group: national}}\n"
        for kind in kinds
    )
    (desk.config / "feeds.yaml").write_text("feeds:\n" + "".join(rows))


def _id(kind: FailureKind) -> str:
    return kind.value.replace("_", "-")


def _fail(desk: Any, kinds: tuple[FailureKind, ...]) -> None:
    """Store a poll of each feed that failed in its way."""
    _configure(desk, kinds)
    at = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=1)
    desk.data.mkdir()
    store = desk.open()
    store.migrate()
    store.sync_feeds(values.KZ, [values.feed(_id(kind)) for kind in kinds], at, {_id(kind): at for kind in kinds})
    by_id = {_id(kind): kind for kind in kinds}
    claimed = store.claim_due_feeds(values.KZ, at, len(kinds), values.MINUTE)
    store.save_polls([_failed(state, by_id[state.feed_id], at) for state in claimed])
    store.close()


def _failed(state: FeedState, kind: FailureKind, at: datetime) -> PollResult:
    failure = PollFailure(kind=kind, reason=_reason(kind))
    failing = replace(state, lease=None, failures=1, failure=failure, failing_since=at, due_at=at + timedelta(hours=2))
    return PollResult(state=failing, lease=state.lease or "", at=at)


@pytest.mark.parametrize("words", [ADVICE, FIRST], ids=["of a feed", "of an address"])
def test_every_kind_of_failure_has_an_advice_of_its_own(words: dict[FailureKind, str]) -> None:
    assert set(words) == set(KINDS)
    assert len(set(words.values())) == len(KINDS)
    assert all(sentence.endswith(".") for sentence in words.values())


def test_the_list_of_feeds_tells_each_kind_of_failure_with_what_to_do(empty_desk: Any) -> None:
    _fail(empty_desk, KINDS)
    lines = empty_desk.run("feeds", "list", "--failing").stdout.splitlines()
    told = {line.split()[0]: line for line in lines if "What happened" in line}
    assert set(told) == set(map(_id, KINDS))
    for kind in KINDS:
        assert _reason(kind) in told[_id(kind)]
        assert told[_id(kind)].endswith(ADVICE[kind])
    rows = {row["id"]: row["reason"] for row in empty_desk.json("feeds", "list")["feeds"]}
    assert rows == {_id(kind): f"{_reason(kind)} {ADVICE[kind]}" for kind in KINDS}


@pytest.mark.parametrize("start", range(0, len(KINDS), NAMED))
def test_the_status_tells_each_kind_of_failure_with_what_to_do(empty_desk: Any, start: int) -> None:
    some = KINDS[start : start + NAMED]
    _fail(empty_desk, some)
    text = empty_desk.run("status").stdout
    for kind in some:
        assert f"{_reason(kind)} {ADVICE[kind]}" in text


def test_a_check_tells_each_kind_of_failure_with_what_to_do(empty_desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    _configure(empty_desk, KINDS)
    kinds = {_id(kind): kind for kind in KINDS}

    def failing(_settings: Any, feeds: list[Feed], _on_done: Any = None, *, twice: bool = False) -> list[Check]:
        assert not twice
        found = [kinds.get(feed.id) or kinds[feed.url.rpartition("/")[2]] for feed in feeds]
        told = [PollFailure(kind=kind, reason=_reason(kind)) for kind in found]
        return [Check(feed=feed, failure=failure) for feed, failure in zip(feeds, told, strict=True)]

    monkeypatch.setattr(feeds_check, "check_feeds", failing)
    table = empty_desk.run("feeds", "check", code=1).stdout
    for kind in KINDS:
        assert f"{_reason(kind)} {ADVICE[kind]}\n" in table
        assert f"{_reason(kind)} {ADVICE[kind]}\n" in empty_desk.run("feeds", "check", _id(kind), code=1).stdout
        fresh = empty_desk.run("feeds", "check", f"https://new.example/{_id(kind)}", code=1).stdout
        assert f"{_reason(kind)} {FIRST[kind]}\n" in fresh
    rows = empty_desk.json("feeds", "check", code=1)["feeds"]
    assert [(row["failure"], row["advice"]) for row in rows] == [(kind.value, ADVICE[kind]) for kind in KINDS]


HTML = b"<!doctype html><html><head><title>A page</title></head><body>Hello</body></html>"
BEHAVIOURS: dict[str, tuple[Any, str]] = {
    "cut": (raw(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n<rss>"), "incomplete"),
    "big": (raw(b"HTTP/1.1 200 OK\r\nContent-Length: 99000000\r\n\r\n<rss>"), "too_large"),
    "packed": (reply(200, b"no gzip", {"Content-Encoding": "gzip"}), "bad_encoding"),
    "other": (raw(b"SSH-2.0-other\r\n\r\n"), "protocol"),
    "circle": (redirect("/circle"), "redirect"),
    "often": (reply(429), "throttled"),
    "later": (reply(503, headers={"Retry-After": "60"}), "throttled"),
    "locked": (reply(401), "unauthorized"),
    "closed": (reply(403), "blocked"),
    "wall": (reply(403, headers={"cf-mitigated": "challenge"}), "challenge"),
    "away": (reply(404), "missing"),
    "over": (reply(410), "gone"),
    "broken": (reply(500), "server_error"),
    "odd": (reply(418), "unexpected_status"),
    "page": (reply(200, HTML, {"Content-Type": "text/html"}), "not_a_feed"),
    "nothing": (reply(200, b""), "empty"),
    "inside": (redirect("http://10.0.0.1/"), "address_blocked"),
}


def test_what_servers_do_is_told_apart_and_no_two_behaviours_share_their_words(empty_desk: Any, publisher: Any) -> None:
    for name, (answer, _) in BEHAVIOURS.items():
        publisher.on(f"/{name}", answer)
    empty_desk.own_feeds(**{name: publisher.url(f"/{name}") for name in BEHAVIOURS})
    rows = {row["id"]: row for row in empty_desk.json("feeds", "check", code=1)["feeds"]}
    assert {name: row["failure"] for name, row in rows.items()} == {
        name: kind for name, (_, kind) in BEHAVIOURS.items()
    }
    assert len({row["reason"] for row in rows.values()}) == len(BEHAVIOURS)
    for row in rows.values():
        assert row["advice"] not in row["reason"]
