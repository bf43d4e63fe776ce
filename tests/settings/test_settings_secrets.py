"""Secrets come from the environment or from files, and nowhere come out again."""

import json
import re

import pytest

from monitor.errors import SettingsError
from monitor.model import Secret
from monitor.settings import check, load, show

HOOK_KEY = "whsec_" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo="
PASSWORD, TOKEN, DB = "correct horse", "tok-8431-battery", "staple-99"
SECRETS = (HOOK_KEY, PASSWORD, TOKEN, DB, "proxy-word")

MONITOR = """\
situation: {id: kz, name: Kazakhstan}
store: {url: 'postgresql://monitor:${DB}@db.example/monitor'}
channels:
  mail:
    kind: email
    host: mail.example
    tls: starttls
    from: m@example.org
    username: m
    password_file: smtp-password
    to: [desk@example.org]
  hook:
    kind: webhook
    url: https://hook.example/
    secret: ${KEY}
"""
FEEDS = """\
feeds:
- id: a
  name: Costs $${MONEY}
  url: https://a.example/?key=${TOKEN}
  authorization: Bearer ${TOKEN}
  proxy: http://me:proxy-word@proxy.example:3128
"""
ENVIRON = {"DB": DB, "KEY": HOOK_KEY, "TOKEN": TOKEN}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "monitor.yaml").write_text(MONITOR)
    (tmp_path / "feeds.yaml").write_text(FEEDS)
    (tmp_path / "watches.yaml").write_text("watches: []\n")
    (tmp_path / "smtp-password").write_text(f"{PASSWORD}\n")
    return tmp_path


def test_secrets_reach_where_they_are_used(folder):
    settings = load(folder, environ=ENVIRON)
    mail, hook = settings.channels
    assert mail.options.password.get_secret_value() == PASSWORD
    assert [secret.get_secret_value() for secret in hook.options.secret] == [HOOK_KEY]
    assert settings.feeds[0].authorization == Secret(f"Bearer {TOKEN}")
    assert settings.feeds[0].name == "Costs ${MONEY}"
    assert settings.store_url == f"postgresql://monitor:{DB}@db.example/monitor"


def test_what_is_shown_holds_no_secret(folder):
    shown = show(load(folder, environ=ENVIRON))
    assert not [secret for secret in SECRETS if secret in json.dumps(shown)]
    assert shown["store_url"] == "postgresql://monitor:***@db.example/monitor"
    assert shown["channels"][0]["options"]["password"] == "***"
    assert shown["feeds"][0]["url"] == "https://a.example/?key=***"


def test_a_password_written_into_the_address_of_the_store_is_not_shown(folder):
    (folder / "monitor.yaml").write_text("situation: {id: kz, name: K}\nstore: {url: 'postgresql://m:abc@h/n'}\n")
    assert show(load(folder, environ=ENVIRON))["store_url"] == "postgresql://m:***@h/n"


def test_the_repr_of_settings_holds_no_secret_of_channels_and_store(folder):
    settings = load(folder, environ=ENVIRON)
    assert not [secret for secret in (HOOK_KEY, PASSWORD, DB) if secret in repr(settings)]


@pytest.mark.parametrize(
    "change",
    [
        ("grade: A\n", "grade: ${TOKEN}\n"),
        ("grade: A\n", "language: ${TOKEN}\n"),
        ("grade: A\n", "${TOKEN}: x\n"),
        ("grade: A\n", "proxy: ${TOKEN}\n"),
        ("grade: A\n", 'authorization: "${TOKEN}\\nX: y"\n'),
        ("grade: A\n", "allow_networks: ['${TOKEN}']\n"),
        ("grade: A\n", "pace: ${TOKEN}\n"),
        ("grade: A\n", "enabled: ${TOKEN}\n"),
    ],
)
def test_no_mistake_tells_a_secret(folder, change):
    feeds = "feeds:\n- name: A\n  url: https://a.example/\n  grade: A\n"
    (folder / "feeds.yaml").write_text(feeds.replace(*change))
    mistakes = check(folder, environ=ENVIRON)
    assert mistakes
    assert not [entry for entry in map(str, mistakes) if TOKEN in entry]


def test_mistakes_in_channels_tell_no_secret(folder):
    text = (
        MONITOR.replace("secret: ${KEY}", "secret: ${DB}")
        .replace("[desk@example.org]", "['${TOKEN}']")
        .replace("kind: webhook", "kind: webhook\n    headers: {X: '${TOKEN}\n ü'}")
    )
    (folder / "monitor.yaml").write_text(text)
    mistakes = check(folder, environ=ENVIRON)
    assert len(mistakes) >= 2
    assert not [entry for entry in map(str, mistakes) for secret in SECRETS if secret in entry]


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda file: file.unlink(), "`password_file`: smtp-password cannot be read: No such file or directory"),
        (lambda file: file.write_text(" \n"), "`password_file`: smtp-password is empty"),
        (lambda file: file.write_text("x" * 70_000), "`password_file`: smtp-password is too long"),
        (lambda file: file.write_bytes(b"\xff\xfe"), "`password_file`: smtp-password is not UTF-8 text"),
        (
            lambda file: file.with_name("monitor.yaml").write_text(MONITOR.replace("username: m", "password: x")),
            "`password_file` and `password` are both given; keep one of them",
        ),
        (
            lambda file: file.with_name("monitor.yaml").write_text(MONITOR.replace("smtp-password", "7")),
            "`password_file` must be the path of a file",
        ),
    ],
)
def test_a_secret_file_that_cannot_be_used_is_a_mistake_at_its_line(folder, make, sentence):
    make(folder / "smtp-password")
    with pytest.raises(SettingsError) as raised:
        load(folder, environ=ENVIRON)
    assert [str(mistake).partition("monitor.yaml:")[2] for mistake in raised.value.mistakes] == [f"10: {sentence}"]


def test_missing_variables_are_each_told_once_at_their_line(folder):
    told = [
        (mistake.file.name, mistake.line, re.search(r"variable (\w+)", mistake.message)[1])
        for mistake in check(folder, environ={})
    ]
    assert told == [
        ("monitor.yaml", 2, "DB"),
        ("monitor.yaml", 15, "KEY"),
        ("feeds.yaml", 4, "TOKEN"),
        ("feeds.yaml", 5, "TOKEN"),
    ]


def test_a_secret_file_is_found_beside_the_configuration_or_by_its_full_path(folder, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("credentials")
    (elsewhere / "key").write_text("other word")
    (folder / "monitor.yaml").write_text(MONITOR.replace("smtp-password", "${CREDENTIALS_DIRECTORY}/key"))
    settings = load(folder, environ=ENVIRON | {"CREDENTIALS_DIRECTORY": str(elsewhere)})
    assert settings.channels[0].options.password.get_secret_value() == "other word"
