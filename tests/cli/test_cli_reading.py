"""Commands that read: text with what matters, JSON with the documented keys, clear errors."""

from __future__ import annotations

import re
from typing import Any

import pytest

from monitor.cli import output

R1, R2, R3 = "r1ab01" + "0" * 26, "r1ab02" + "0" * 26, "r1ff03" + "0" * 26
S1, A1 = "s1" + "a" * 30, "a1" + "b" * 30
SENT, DEAD, WAITS = "d1" + "1" * 30, "d1" + "2" * 30, "d1" + "3" * 30

FEED = {
    "id", "name", "url", "outlet", "group", "language", "grade", "pace", "floor", "slowest", "cap", "hints", "enabled",
    "health", "reason", "entries", "last_success", "last_attempt", "last_entry", "next", "interval", "rhythm", "gaps",
    "last_gap", "gap", "quarantined", "failure", "failures", "failing_since", "warning", "moved_to", "hub", "topic",
    "pushed", "subscription",
}  # fmt: skip
SUBSCRIPTION = {
    "state", "hub", "topic", "asked", "next", "verified", "lease_until", "last_push", "pushes", "rejected", "note",
}  # fmt: skip
WATCH = {
    "name", "title", "enabled", "severity", "any", "all", "none", "query", "score", "fields", "languages", "sources",
    "feeds", "groups", "routes", "last_match",
}  # fmt: skip
REPORT = {
    "id", "title", "source", "outlet", "grade", "feed", "author", "link", "language", "published", "seen", "version",
    "story", "named",
}  # fmt: skip
LISTING = {"watch", "report", "version", "score", "reasons", "route", "disposition", "at", "alert"}
STORY = {"id", "title", "opened", "updated", "reports", "sources"}
ALERT = {
    "id", "kind", "route", "severity", "at", "headline", "note", "reason", "test", "report", "source", "link", "story",
    "sources", "watches", "matches",
}  # fmt: skip
DELIVERY = {
    "id", "alert", "channel", "recipient", "state", "reason", "created", "due", "finished", "failures", "claims",
    "remote_ref",
}  # fmt: skip
ATTEMPT = {"number", "started", "took", "outcome", "reason", "detail", "status"}
CHANNEL = {
    "name", "kind", "health", "reason", "failures", "failing_since", "paused_until", "last_success", "waiting",
    "recipients",
}  # fmt: skip


def _line(text: str, start: str) -> str:
    """The line of a table that begins with something."""
    return next(line for line in text.splitlines() if line.startswith(start))


# --- feeds and watches ------------------------------------------------------------------------------------------------


def test_feeds_are_listed_with_how_each_is_doing_and_below_why(desk: Any) -> None:
    table, why = desk.run("feeds", "list").stdout.split("\nWhy\n")
    assert re.search(r"ok +1 h ago +every 12 min +1 h +2 +works", _line(table, "tengri"))
    assert re.search(r"failing +- +- +- +- +-$", _line(table, "vlast"))
    assert re.search(r"silent +1 h ago +- +9 days +- +offered", _line(table, "zakon"))
    assert re.search(r"new( +-){5}$", _line(table, "fresh"))
    assert re.search(r"disabled( +-){5}$", _line(table, "off"))
    assert "may be missing" in _line(why, "tengri")
    assert re.search(r"The server failed \(503\)\. \(3 polls in a row", _line(why, "vlast"))
    assert re.search(r"nothing new has come for", _line(why, "zakon"))
    assert not [line for line in why.splitlines() if line.startswith(("fresh", "off"))]


def test_the_list_of_feeds_fits_a_hundred_columns(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "_is_terminal", lambda _stream: True)
    coloured = desk.run("feeds", "list", FORCE_COLOR="1", NO_COLOR="1", COLUMNS="100").stdout
    text = re.sub(r"\x1b\[[0-9;]*m", "", coloured)
    table, _, why = text.partition("Why")
    assert len(table.strip().splitlines()) == 6, "a cell was folded"
    assert "The server failed" in why
    assert max(map(len, text.splitlines())) <= 100


def test_feeds_as_json_have_the_documented_keys(desk: Any) -> None:
    rows = desk.json("feeds", "list")["feeds"]
    assert [set(row) for row in rows] == [FEED] * 5
    assert {row["id"]: row["health"] for row in rows} == {
        "tengri": "ok", "vlast": "failing", "zakon": "silent", "fresh": "new", "off": "disabled",
    }  # fmt: skip
    assert (rows[1]["pace"], rows[1]["slowest"], rows[1]["floor"]) == (600, 600, 60)
    assert (rows[1]["failures"], rows[1]["failure"], rows[1]["quarantined"]) == (3, "server_error", False)
    assert (rows[0]["rhythm"], rows[0]["gaps"], rows[0]["pushed"]) == (720, 2, True)
    assert set(rows[0]["subscription"]) == SUBSCRIPTION
    assert "secret-token" not in desk.run("feeds", "list", "--json").stdout
    assert "hub-secret" not in desk.run("feeds", "list", "--json").stdout


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--failing"], ["vlast"]),
        (["--failing", "--silent"], ["vlast", "zakon"]),
        (["--new"], ["fresh"]),
        (["--disabled"], ["off"]),
        (["--gaps"], ["tengri"]),
        (["--pushed", "--new"], ["tengri", "fresh"]),
        ([], ["tengri", "vlast", "zakon", "fresh", "off"]),
    ],
)
def test_feeds_can_be_chosen_by_how_they_do(desk: Any, options: list[str], expected: list[str]) -> None:
    assert [row["id"] for row in desk.json("feeds", "list", *options)["feeds"]] == expected


def test_why_a_feed_is_disabled_is_told_when_asked_for(desk: Any) -> None:
    assert "it moved behind a wall" in desk.run("feeds", "list", "--disabled").stdout


def test_before_the_first_start_feeds_are_listed_from_the_configuration(empty_desk: Any) -> None:
    result = empty_desk.run("feeds", "list")
    assert re.search(r"new( +-){5}$", _line(result.stdout, "tengri"))
    assert "monitor run" in result.stderr
    assert not empty_desk.data.exists()


def test_watches_are_listed_with_severity_routes_and_last_match(desk: Any) -> None:
    text = desk.run("watches", "list").stdout
    assert re.search(r"warning +4 +desk +1 h ago +Unrest", _line(text, "unrest"))
    assert re.search(r"notice +3 +night +- +Fuel", _line(text, "fuel"))
    assert "disabled" in _line(text, "quiet")
    rows = desk.json("watches", "list")["watches"]
    assert [set(row) for row in rows] == [WATCH] * 3
    assert rows[1]["all"] == [["цена", "цены"]]
    assert rows[1]["routes"] == ["night"]


# --- reports and stories ----------------------------------------------------------------------------------------------


def test_reports_are_listed_newest_first_and_their_headlines_cannot_act_on_the_terminal(desk: Any) -> None:
    text = desk.run("reports", "list").stdout
    lines = text.splitlines()
    assert "headline" in lines[0]
    assert "r1ff03000000" in lines[1]
    assert "Митинг [2J[red]в Алматы[/red] прошёл" in lines[1]
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "Протест в Актау (version 2)" in text


def test_reports_as_json_have_the_documented_keys(desk: Any) -> None:
    rows = desk.json("reports", "list")["reports"]
    assert [set(row) for row in rows] == [REPORT] * 3
    assert rows[-1]["published"].endswith("Z")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--text", "жанаозен"], []),
        (["--text", "15 человек"], [R1]),
        (["--watch", "unrest"], [R2, R1]),
        (["--limit", "1"], [R3]),
        (["--since", "45m"], [R3]),
        (["--since", "24h"], [R3, R2, R1]),
    ],
)
def test_reports_can_be_chosen(desk: Any, options: list[str], expected: list[str]) -> None:
    found = [row["id"] for row in desk.json("reports", "list", *options)["reports"]]
    assert sorted(found) == sorted(expected)


def test_choosing_by_what_does_not_exist_is_wrong_usage_with_a_hint(desk: Any) -> None:
    assert "did you mean `unrest`?" in desk.run("reports", "list", "--watch", "unrst", code=2).stderr
    assert "24h" in desk.run("reports", "list", "--since", "soon", code=2).stderr
    assert "did you mean `desk`?" in desk.run("alerts", "list", "--route", "dest", code=2).stderr


def test_a_report_is_shown_with_edits_reasons_story_and_alerts(desk: Any) -> None:
    text = desk.run("reports", "show", R1[:6]).stdout
    assert text.startswith("Протест в Актау\n")
    assert "Tengrinews (reliability B)" in text
    assert "title: Протест в [-Жанаозене-]{+Актау+}" in text
    assert "text: Задержаны [-12-]{+15+} человек" in text
    assert re.search(r"unrest +desk +alerted +митинги \(митинг\)", text)
    assert "Протест в Актау (2 reports of 2 sources)" in text
    assert re.search(rf"{A1[:12]} +critical +desk", text)


def test_a_report_as_json_has_versions_matches_story_and_alerts(desk: Any) -> None:
    row = desk.json("reports", "show", R1)
    assert set(row) == REPORT | {"text", "versions", "matches", "in_story", "alerts"}
    assert [set(version) for version in row["versions"]] == [{"number", "seen", "title", "text", "changes"}] * 2
    assert row["versions"][0]["changes"] is None
    assert row["versions"][1]["changes"]["title"][1:] == [
        {"op": "removed", "text": "Жанаозене"},
        {"op": "added", "text": "Актау"},
    ]
    assert [set(match) for match in row["matches"]] == [LISTING]
    assert set(row["matches"][0]["reasons"][0]) == {"keyword", "word", "field", "start", "end", "rule"}
    assert set(row["in_story"]) == STORY
    assert [set(alert) for alert in row["alerts"]] == [ALERT]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["reports", "show", "r1ab"], [R1, R2, "several reports"]),
        (["reports", "show", "r1zz"], ["no report", "monitor reports list"]),
        (["stories", "show", "s1"], [S1, "several stories"]),
        (["alerts", "show", "a1zz"], ["monitor alerts list"]),
        (["deliveries", "show", "d1"], [SENT, DEAD, WAITS, "several deliveries"]),
        (["deliveries", "list", "--alert", "a1zz"], ["no alert"]),
        (["deliveries", "retry", "d1"], [DEAD, "several deliveries"]),
    ],
)
def test_an_id_that_means_none_or_several_is_wrong_usage(desk: Any, arguments: list[str], told: list[str]) -> None:
    result = desk.run(*arguments, code=2)
    assert not result.stdout
    assert [each for each in told if each not in result.stderr] == []


def test_stories_are_listed_and_shown_with_their_reports(desk: Any) -> None:
    assert re.search(r"s1aaaaaaaaaa +2 +2 +Протест в Актау", desk.run("stories", "list").stdout)
    assert [set(row) for row in desk.json("stories", "list")["stories"]] == [STORY] * 2
    text = desk.run("stories", "show", "s1a").stdout
    assert "Tengrinews, Власть" in text
    assert R1[:12] in text
    assert R2[:12] in text
    row = desk.json("stories", "show", S1)
    assert set(row) == STORY | {"in_order"}
    assert [set(each) for each in row["in_order"]] == [REPORT] * 2


# --- alerts, deliveries, channels -------------------------------------------------------------------------------------


def test_alerts_are_listed_and_shown_with_why_and_every_delivery(desk: Any) -> None:
    assert re.search(rf"{A1[:12]} +critical +desk +Протест в Актау", desk.run("alerts", "list").stdout)
    assert [set(row) for row in desk.json("alerts", "list")["alerts"]] == [ALERT]
    assert desk.json("alerts", "list", "--since", "5m") == {"alerts": []}
    text = desk.run("alerts", "show", A1[:4]).stdout
    assert "the first report of this story on this route" in text
    assert re.search(r"Unrest +митинги \(митинг\)", text)
    assert re.search(rf"{R2[:12]} +its story was told before", text)
    assert re.search(rf"{DEAD[:12]} +dead +gone", text)
    assert re.search(r"1 +gone +410 +0\.25 s +410 Gone", text)
    row = desk.json("alerts", "show", A1)
    assert set(row) == ALERT | {"listed", "deliveries"}
    assert [set(each) for each in row["listed"]] == [LISTING] * 2
    assert {each["id"]: len(each["attempts"]) for each in row["deliveries"]} == {SENT: 1, DEAD: 1, WAITS: 0}
    assert set(row["deliveries"][0]) == DELIVERY | {"attempts"}


def test_deliveries_are_listed_chosen_and_shown_with_attempts(desk: Any) -> None:
    text = desk.run("deliveries", "list").stdout
    assert re.search(rf"{DEAD[:12]} +dead +gone +\S+ +- +the receiver is gone \(410\)", text)
    rows = desk.json("deliveries", "list")["deliveries"]
    assert [set(row) for row in rows] == [DELIVERY] * 3
    assert [row["id"] for row in desk.json("deliveries", "list", "--state", "dead")["deliveries"]] == [DEAD]
    assert [row["id"] for row in desk.json("deliveries", "list", "--channel", "log")["deliveries"]] == [WAITS]
    assert len(desk.json("deliveries", "list", "--alert", A1[:4])["deliveries"]) == 3
    shown = desk.run("deliveries", "show", SENT[:5]).stdout
    assert "written to alerts.jsonl" in shown
    assert "Протест в Актау" in shown
    row = desk.json("deliveries", "show", SENT)
    assert [set(each) for each in row["attempts"]] == [ATTEMPT]
    assert row["attempts"][0]["took"] == 0.25


def test_channels_are_listed_with_readers_health_and_what_waits(desk: Any) -> None:
    text = desk.run("channels", "list").stdout
    assert re.search(r"jsonl +ok +0 +1 h ago +alerts\.jsonl", _line(text, "book"))
    assert re.search(r"console +unused +1 +- +stdout", _line(text, "log "))
    rows = desk.json("channels", "list")["channels"]
    assert [set(row) for row in rows] == [CHANNEL] * 2


def test_before_the_first_start_channels_are_listed_and_reports_say_what_to_do(empty_desk: Any) -> None:
    assert "unused" in empty_desk.run("channels", "list").stdout
    for what in ("reports", "stories", "alerts", "deliveries"):
        result = empty_desk.run(what, "list", "--json", code=1)
        assert not result.stdout
        assert "monitor run" in result.stderr
    assert not empty_desk.data.exists()


def test_colours_are_left_out_where_no_color_is_set(desk: Any) -> None:
    coloured = desk.run("feeds", "list", FORCE_COLOR="1", COLUMNS="200").stdout
    assert "\x1b[31mfailing" in coloured
    plain = desk.run("feeds", "list", FORCE_COLOR="1", NO_COLOR="1", COLUMNS="200").stdout
    assert "\x1b[31m" not in plain
    assert "failing" in plain


# --- trying watches ---------------------------------------------------------------------------------------------------


def test_a_watch_is_tried_on_a_text(desk: Any) -> None:
    result = desk.run("watches", "test", "unrest", "--text", "В Жанаозене прошли митинги")
    assert re.search(r"unrest +митинги", result.stdout)
    assert "`ru`" in result.stderr
    row = desk.json("watches", "test", "--text", "цены на газ")
    assert set(row) == {"text", "language", "matches"}
    assert [match["watch"] for match in row["matches"]] == ["fuel"]
    assert "No match." in desk.run("watches", "test", "unrest", "--text", "погода").stdout
    assert (
        "Limits to sources, feeds and groups were left out: fuel" in desk.run("watches", "test", "цены на газ").stderr
    )


def test_a_disabled_watch_is_tried_as_if_it_were_enabled(desk: Any) -> None:
    assert [match["watch"] for match in desk.json("watches", "test", "quiet", "--text", "a rally")["matches"]] == [
        "quiet"
    ]


def test_a_watch_is_tried_on_what_is_stored_and_nobody_is_alerted(desk: Any) -> None:
    text = desk.run("watches", "test", "unrest").stdout
    assert re.search(rf"{R3[:12]} +unrest +Митинг", text)
    assert "3 of 3 reports seen since" in text
    row = desk.json("watches", "test", "unrest", "--since", "45m")
    assert set(row) == {"since", "tested", "reports"}
    assert [each["id"] for each in row["reports"]] == [R3]
    assert set(row["reports"][0]) == REPORT | {"matches"}
    assert len(desk.json("alerts", "list")["alerts"]) == 1
    assert len(desk.json("reports", "show", R3)["matches"]) == 0


def test_trying_what_does_not_exist_or_two_things_at_once_is_wrong_usage(desk: Any) -> None:
    assert "did you mean `unrest`?" in desk.run("watches", "test", "unrst", code=2).stderr
    assert "choose one" in desk.run("watches", "test", "--text", "x", "--since", "1h", code=2).stderr
