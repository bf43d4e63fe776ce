from pathlib import Path
from typing import Any

import pytest

from monitor.errors import ScenarioError
from monitor.replay.rundir import Addresses, write_config
from monitor.settings.load import load

STARTER = Path(__file__).parents[2] / "config"

WATCHES = """
watches:
- {name: curfew, title: Curfew, any: [curfew]}
- {name: mine, any: [curfew], feeds: [my-own-feed]}
- {name: wires, any: [curfew], groups: [agency], routes: [night]}
"""

MONITOR = """
situation: {id: kazakhstan, name: Kazakhstan, zone: Asia/Almaty}
defaults: {language: ru, alert_window: 12h}
channels:
  mail: {kind: email, host: mail.example.org, tls: starttls, username: me, password: "${NOT_SET_HERE}", from: a@example.org, to: [b@example.org]}
routes:
  default: {channels: [mail]}
  night: {channels: [mail], min_severity: critical, watches: [wires]}
operator: night
"""


def write(make: Any, tmp_path: Path, user: Path, store_url: str | None = None) -> tuple[Path, tuple[str, ...]]:
    scenario = make.scenario(outlets=(make.outlet("bell", group="agency", grade="B"), make.outlet("horn")))
    addresses = Addresses(
        feeds={"bell": "http://127.0.0.11:4001/rss.xml", "horn": "http://127.0.0.12:4002/rss.xml"},
        smtp_port=2525,
        hook_url="http://127.0.0.1:4003/alerts",
    )
    folder = tmp_path / "run"
    left_out = write_config(folder, scenario, addresses, user=user, data_dir=tmp_path / "data", store_url=store_url)
    return folder, left_out


@pytest.fixture
def user(tmp_path: Path) -> Path:
    folder = tmp_path / "user"
    folder.mkdir()
    (folder / "monitor.yaml").write_text(MONITOR, encoding="utf-8")
    (folder / "watches.yaml").write_text(WATCHES, encoding="utf-8")
    return folder


def test_the_run_uses_the_users_watches_routes_and_defaults_and_leads_into_the_inbox(
    make: Any, tmp_path: Path, user: Path
) -> None:
    folder, left_out = write(make, tmp_path, user)
    settings = load(folder, environ={})

    assert left_out == ("mine",)
    assert [watch.name for watch in settings.watches] == ["curfew", "wires"]
    assert (settings.situation_id, settings.language) == ("kazakhstan", "ru")
    assert {channel.name: channel.kind for channel in settings.channels} == {"mail": "email", "hook": "webhook"}
    assert {route.name: route.channels for route in settings.routes} == {
        "default": ("mail", "hook"),
        "night": ("mail", "hook"),
    }
    assert settings.operator_route == "night"
    assert settings.data_dir == tmp_path / "data"
    assert [(feed.id, feed.url, feed.grade, feed.group) for feed in settings.feeds] == [
        ("bell", "http://127.0.0.11:4001/rss.xml", "B", "agency"),
        ("horn", "http://127.0.0.12:4002/rss.xml", None, None),
    ]


def test_another_store_can_be_named(make: Any, tmp_path: Path, user: Path) -> None:
    folder, _ = write(make, tmp_path, user, "postgresql://me@127.0.0.1:5999/test")
    assert "127.0.0.1:5999/test" in load(folder, environ={}).store_url


def test_the_shipped_watches_are_copied_as_they_are(make: Any, tmp_path: Path) -> None:
    folder, left_out = write(make, tmp_path, STARTER)
    assert left_out == ()
    assert (folder / "watches.yaml").read_bytes() == (STARTER / "watches.yaml").read_bytes()
    assert load(folder, environ={}).watches


def test_templates_of_the_user_are_used(make: Any, tmp_path: Path, user: Path) -> None:
    (user / "templates").mkdir()
    (user / "templates" / "line.txt").write_text("mine", encoding="utf-8")
    folder, _ = write(make, tmp_path, user)
    assert (folder / "templates" / "line.txt").read_text(encoding="utf-8") == "mine"


def test_without_a_monitor_yaml_the_scenario_gives_the_situation(make: Any, tmp_path: Path, user: Path) -> None:
    (user / "monitor.yaml").unlink()
    (user / "watches.yaml").write_text("watches:\n- {name: curfew, any: [curfew]}\n", encoding="utf-8")
    folder, _ = write(make, tmp_path, user)
    settings = load(folder, environ={})
    assert (settings.situation_id, settings.situation_zone) == ("small", "Asia/Almaty")
    assert [route.name for route in settings.routes] == ["default"]


def test_a_replay_without_watches_says_so(make: Any, tmp_path: Path, user: Path) -> None:
    (user / "watches.yaml").unlink()
    with pytest.raises(ScenarioError, match="a replay needs watches"):
        write(make, tmp_path, user)


def test_unreadable_files_of_the_user_are_named(make: Any, tmp_path: Path, user: Path) -> None:
    (user / "monitor.yaml").write_text("situation: [", encoding="utf-8")
    with pytest.raises(ScenarioError, match=r"monitor\.yaml cannot be read"):
        write(make, tmp_path, user)
