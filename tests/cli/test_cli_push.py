"""What people are told of pushes and of the HTTP server, without --json."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from support import values
from support.http_server import reply

from monitor.cli import feeds_push
from monitor.feeds import websub
from monitor.model import PushState, Secret, Subscription

NOW = datetime(2022, 1, 5, 12, tzinfo=UTC)
REFUSED = "The hub refused the subscription: too many of you."


def subscription(**given: Any) -> Subscription:
    known: dict[str, Any] = {
        "token": "t",
        "feed_id": "vlast",
        "hub": "https://hub.example/",
        "topic": "https://vlast.example/rss",
        "secret": Secret("s"),
        "state": PushState.ACTIVE,
        "asked_at": NOW,
    }
    return Subscription(**{**known, **given})


ODD = [
    (
        PushState.ACTIVE,
        websub.UNSIGNED,
        "has no https address, so its pushes are not signed. Ask the publisher for a hub with",
    ),
    (
        PushState.ACTIVE,
        websub.WEAK_SIGNATURE,
        "SHA-1, which is weak. They are taken; ask whoever runs the hub for SHA-256.",
    ),
    (PushState.ACTIVE, "A push could not be read: no feed.", "no feed. The feed is polled as well."),
    (PushState.PENDING, websub.UNVERIFIED, "check that public_url can be reached from outside."),
    (PushState.PENDING, "The hub answered 503.", "503. The feed is polled; the hub is asked again in 2 d."),
    (PushState.DENIED, REFUSED, "too many of you. The feed is polled; the hub is asked again in 2 d."),
]


@pytest.mark.parametrize(("state", "note", "told"), ODD, ids=[case[2][:30] for case in ODD])
def test_what_is_odd_about_pushes_is_said_with_what_to_do(state: PushState, note: str, told: str) -> None:
    said = feeds_push.oddity(subscription(state=state, note=note, next_at=NOW + timedelta(days=2)), NOW)
    assert said is not None
    assert told in said


@pytest.mark.parametrize("given", [{"note": None}, {"state": PushState.ENDED, "note": REFUSED}])
def test_nothing_is_said_where_nothing_is_odd_or_all_is_over(given: dict[str, Any]) -> None:
    assert feeds_push.oddity(subscription(**given), NOW) is None
    assert feeds_push.oddity(None, NOW) is None


def test_the_list_of_feeds_says_why_a_hub_does_not_push(desk: Any) -> None:
    assert "refused" not in desk.run("feeds", "list").stdout
    store = desk.open()
    store.save_subscription(subscription(state=PushState.DENIED, note=REFUSED, next_at=NOW))
    store.close()
    text = " ".join(desk.run("feeds", "list", COLUMNS="200").stdout.split())
    assert f"{REFUSED} The feed is polled; the hub is asked again now." in text
    assert "too many" not in desk.run("feeds", "list", "--silent").stdout


def test_a_check_of_a_configured_feed_says_what_its_hub_said(desk: Any, publisher: Any, news: bytes) -> None:
    publisher.on("/news", reply(200, news, {"Content-Type": "text/xml"}))
    desk.own_feeds(vlast=publisher.url("/news"))
    store = desk.open()
    store.sync_feeds(values.KZ, [values.feed("vlast")], NOW, {"vlast": NOW})
    store.save_subscription(subscription(note=websub.WEAK_SIGNATURE))
    store.close()
    assert websub.WEAK_SIGNATURE in desk.run("feeds", "check", "vlast").stderr
    (desk.data / "monitor.db").write_bytes(b"damaged" * 1000)
    assert "how its pushes stand cannot be told" in desk.run("feeds", "check", "vlast").stderr


def test_a_check_warns_of_a_hub_without_https(desk: Any, publisher: Any, news: bytes) -> None:
    links = {
        "one": '<http://hub.example/>; rel="hub"',
        "two": '<http://a.example/>; rel="hub", <https://b.example/>; rel="hub"',
    }
    for name, link in links.items():
        publisher.on(f"/{name}", reply(200, news, {"Content-Type": "text/xml", "Link": link}))
    desk.own_feeds(**{name: publisher.url(f"/{name}") for name in links})
    one, two = desk.json("feeds", "check")["feeds"]
    assert any("would not be signed" in warning for warning in one["warnings"])
    assert not any("would not be signed" in warning for warning in two["warnings"])


def test_a_port_that_is_taken_is_one_sentence_and_no_traceback(empty_desk: Any) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        file = empty_desk.config / "monitor.yaml"
        file.write_text(file.read_text().replace("{listen: none}", f"{{listen: '{listen}'}}"))
        done = subprocess.run(
            [sys.executable, "-m", "monitor", "run", "--config", str(empty_desk.config)],
            capture_output=True, text=True, timeout=60, check=False, env=dict(os.environ),
        )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == f"monitor: {listen} is in use: choose another http.listen, or listen: none\n"
    assert "Traceback" not in done.stdout


def test_a_refusal_of_a_past_hub_does_not_count_where_another_pushes(desk: Any) -> None:
    store = desk.open()
    given = {"state": PushState.DENIED, "hub": "https://past.example/", "note": REFUSED}
    store.save_subscription(subscription(token="past", feed_id="tengri", **given))
    store.save_subscription(subscription(**given))
    store.close()
    assert desk.json("status")["pushes"]["refused"] == 1
