"""What a folder comes to: the shipped one, defaults, paths, implicit channels."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jsonschema
import pytest
from ruamel.yaml import YAML

from monitor.errors import UsageError
from monitor.model import Report, Severity
from monitor.settings import json_schema, load, show, starter, write_starter
from monitor.settings.words import parse_duration, say_duration

CONFIG = Path(__file__).parents[2] / "config"
FACTS = Path(__file__).parents[2] / "../shared/data/kazakhstan/feeds.yaml"

READABLE = {"feed", "sitemap", "gdelt-json"}

WATCHES = [
    "unrest", "casualties", "emergency", "detentions", "internet", "troops", "government", "fuel", "borders", "denials",
]  # fmt: skip


@pytest.fixture(scope="module")
def shipped():
    return load(CONFIG, environ={})


@pytest.fixture(scope="module")
def index(shipped):
    return shipped.index()


def write(folder, monitor="", feeds="feeds: []\n", watches="watches: []\n"):
    (folder / "monitor.yaml").write_text("situation: {id: kz, name: Kazakhstan, zone: Asia/Almaty}\n" + monitor)
    (folder / "feeds.yaml").write_text(feeds)
    (folder / "watches.yaml").write_text(watches)
    return folder


def test_the_shipped_configuration_has_all_feeds_and_the_doubtful_ones_disabled_with_a_reason(shipped):
    assert len(shipped.feeds) == 123
    assert Counter(feed.enabled for feed in shipped.feeds) == {True: 100, False: 23}
    assert all(feed.reason for feed in shipped.feeds if not feed.enabled)
    assert not any(feed.reason for feed in shipped.feeds if feed.enabled)
    assert {feed.situation for feed in shipped.feeds} == {"kazakhstan"}
    assert all(feed.group and feed.grade for feed in shipped.feeds)


@pytest.mark.skipif(not FACTS.exists(), reason="the collected facts are not here")
def test_exactly_the_feeds_that_can_be_read_are_enabled(shipped):
    rows = YAML(typ="safe").load(FACTS)["feeds"]
    known = {row["id"] for row in rows if row["status"] in {"alive", "seen", "pattern"}}
    good = {row["id"] for row in rows if row["id"] in known and row.get("format", "feed") in READABLE}
    assert [feed.id for feed in shipped.feeds] == [row["id"] for row in rows]
    assert {feed.id for feed in shipped.feeds if feed.enabled} == good
    urls = {row["id"]: row["url"] for row in rows if row["url"]}
    assert {feed.id: feed.url for feed in shipped.feeds if feed.id in urls} == urls


def test_the_first_to_know_are_polled_day_and_night_and_only_their_hints_are_disregarded(shipped):
    hurried = {feed.id for feed in shipped.feeds if feed.pace == timedelta(minutes=2)}
    assert {"tengrinews-ru", "azattyq-kk", "lada", "akorda-ru"} < hurried
    assert {feed.group for feed in shipped.feeds if feed.id in hurried} == {"national", "local", "official"}
    assert {feed.id for feed in shipped.feeds if not feed.hints} == hurried
    assert all(feed.enabled and feed.slowest is None for feed in shipped.feeds if feed.id in hurried)


def test_the_shipped_configuration_watches_ten_things_and_tells_console_and_file(shipped):
    assert [watch.name for watch in shipped.watches] == WATCHES
    assert all(watch.query.startswith("@kazakhstan AND ") for watch in shipped.watches)
    assert [(channel.name, channel.kind) for channel in shipped.channels] == [("console", "console"), ("file", "jsonl")]
    assert [(route.name, route.channels) for route in shipped.routes] == [("default", ("console", "file"))]
    assert shipped.operator_route == "default"
    assert (shipped.situation_id, shipped.zone, shipped.language) == ("kazakhstan", "Asia/Almaty", "en")
    assert (shipped.alert_window, shipped.retention) == (timedelta(hours=24), timedelta(days=400))


WANTED = [
    ("ru", "В Жанаозене жители вышли на митинг", "Они требуют снизить цены на сжиженный газ.", {"unrest", "fuel"}),
    ("kk", "Алматыда комендант сағаты енгізілді", "Президент төтенше жағдай режимін жариялады.", {"emergency"}),
    ("en", "CSTO peacekeepers arrive in Kazakhstan", "The first planes landed near Almaty.", {"troops"}),
    ("en", "Internet cut across Kazakhstan", "NetBlocks reports a nationwide blackout.", {"internet"}),
    (
        "ru",
        "Минздрав Казахстана опроверг данные о 164 погибших в беспорядках",
        "Это техническая ошибка.",
        {"denials", "casualties", "unrest"},
    ),
    ("kk", "Үкімет отставкаға кетті", "Қазақстан президенті үкіметтің отставкасын қабылдады.", {"government"}),
    ("ru", "Аэропорт Алматы захвачен", "Рейсы отменены.", {"borders"}),
    (
        "en",
        "Almost 8,000 people detained in Kazakhstan after the unrest",
        "The interior ministry gave the figure.",
        {"detentions", "unrest"},
    ),
    ("en", "Protests in Paris", "Thousands demonstrated in France; 12 people were detained.", set()),
    ("ru", "Для многих семей Франции цены на газ выросли", "Протесты продолжаются.", set()),
    ("ru", "В ДТП под Алматы погибли трое", "Виновник задержан.", set()),
    ("ru", "Погода в Алматы", "Ожидается снег.", set()),
    ("kk", "Жаңаөзенде мұнайшылар ереуілге шықты", "Жұмысшылар жалақыны көтеруді талап етеді.", {"unrest"}),
    (
        "kk",
        "ІІМ: сегіз қызметкер қаза тапты",
        "Жаппай тәртіпсіздік кезінде 300 полицей жараланды.",
        {"unrest", "casualties"},
    ),
    ("en", "Nursultan airport shut", "All flights from Nur-Sultan are cancelled.", {"borders"}),
    ("ru", "В Уральске восстановили мобильный интернет", "Связь появилась утром.", {"internet"}),
    ("ru", "В Алматы задержаны более 2500 человек", "Об этом сообщили в полиции.", {"detentions"}),
    ("ru", "Касым-Жомарт Токаев отправил кабмин в отставку", "Обязанности премьера исполняет Смаилов.", {"government"}),
    ("ru", "Комендант общежития в Караганде вышла на пенсию", "Она работала там 30 лет.", set()),
    ("kk", "Алматы клубының шабуылшысы жарақат алды", "Лиганың келесі матчында ол ойнамайды.", set()),
    ("kk", "Қарағанды облысында ауа райына байланысты жолдар жабылды", "Боран ертең тоқтайды.", set()),
    ("kk", "Қайтып оралған құстар", "Көктемде тырналар оралды.", set()),
    ("ru", "Перестрелка в Каменске-Уральском", "Погиб один человек.", set()),
]


@pytest.mark.parametrize(("language", "title", "text", "watches"), WANTED, ids=[case[1][:40] for case in WANTED])
def test_the_shipped_watches_want_what_concerns_kazakhstan_and_leave_the_rest(
    index, report, language, title, text, watches
):
    matches = index.match(report(language, title, text), None)
    assert {match.watch for match in matches} == watches


@pytest.fixture
def report():
    def make(language, title, text):
        return Report(
            id="r", situation="kazakhstan", feed_id="f", outlet="o", source="o", grade=None, title=title, text=text, link=None,
            author=None, language=language, published=None, seen_at=datetime(2022, 1, 5, tzinfo=UTC),
        )  # fmt: skip

    return make


def test_the_shipped_files_satisfy_their_own_schema():
    schemas = json_schema()
    assert set(schemas) == {"monitor.yaml", "feeds.yaml", "watches.yaml"}
    for name, schema in schemas.items():
        jsonschema.Draft202012Validator.check_schema(schema)
        jsonschema.validate(YAML(typ="safe").load(CONFIG / name), schema)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("feeds.yaml", {"feeds": [{"id": "a", "name": "A", "url": "https://a.example", "langauge": "ru"}]}),
        ("feeds.yaml", {"feeds": [{"id": "a", "name": "A"}]}),
        ("watches.yaml", {"watches": [{"name": "a", "any": "x"}]}),
        ("monitor.yaml", {"situation": {"id": "a", "name": "A"}, "channels": {"m": {"kind": "emal"}}}),
        ("monitor.yaml", {"situation": {"id": "a", "name": "A"}, "polling": {"pace": "5 minutes"}}),
    ],
)
def test_the_schema_refuses_what_the_check_refuses(name, value):
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(value, json_schema()[name])


def test_the_schema_lets_a_secret_come_from_a_file():
    hook = {"kind": "webhook", "url_file": "hook", "secret_file": "key"}
    value = {"situation": {"id": "a", "name": "A"}, "channels": {"hook": hook}}
    jsonschema.validate(value, json_schema()["monitor.yaml"])


def test_defaults_reach_feeds_channels_and_zone(tmp_path):
    folder = write(
        tmp_path,
        "polling: {pace: 10m}\ndefaults: {language: ru}\nchannels: {log: {kind: console, zone: UTC}, two: {kind: console}}\n",
        "feeds:\n- {id: a, name: A, url: 'https://a.example/'}\n- {id: b, name: B, url: 'https://b.example/', pace: 90s, outlet: x}\n",
    )
    settings = load(folder, environ={})
    assert [(feed.pace, feed.outlet) for feed in settings.feeds] == [
        (timedelta(minutes=10), "a"),
        (timedelta(seconds=90), "x"),
    ]
    read = [(channel.options.language, channel.options.zone) for channel in settings.channels]
    assert read == [("ru", "UTC"), ("ru", "Asia/Almaty")]
    assert settings.routes[0].channels == ("log", "two")


PACES = [
    # what monitor.yaml says, what the feed says, its pace, floor, slowest in seconds
    ("", "", (300, 60, 1200)),
    ("", "pace: 15m", (900, 60, None)),
    ("", "pace: 15m, slowest: 1h, floor: 5m", (900, 300, 3600)),
    ("", "pace: 30s", (30, 30, None)),
    ("", "slowest: 1h", (300, 60, 3600)),
    ("", "crisis: true", (120, 60, None)),
    ("", "crisis: true, floor: 90s", (120, 90, None)),
    ("pace: 30s", "", (30, 30, 120)),
    ("pace: 1m", "crisis: true", (60, 60, None)),
    ("pace: 10m, floor: 5m", "crisis: true", (300, 300, None)),
    ("pace: 10m, floor: 5m", "pace: 2m", (120, 120, None)),
    ("pace: 10m, slowest: 10m", "", (600, 60, 600)),
    ("crisis_pace: 1m", "crisis: true", (60, 60, None)),
    ("crisis_pace: 30s", "crisis: true", (30, 30, None)),
    ("pace: 2d", "", (172800, 60, 691200)),
]


@pytest.mark.parametrize(("general", "own", "expected"), PACES)
def test_what_is_not_stated_about_pace_follows_what_is(tmp_path, general, own, expected):
    row = f"{{id: a, name: A, url: 'https://a.example/'{', ' + own if own else ''}}}"
    (feed,) = load(write(tmp_path, f"polling: {{{general}}}\n", f"feeds:\n- {row}\n"), environ={}).feeds
    spans = (feed.pace, feed.floor, feed.slowest)
    assert tuple(span and span.total_seconds() for span in spans) == expected


@pytest.mark.parametrize(("general", "own", "expected"), [
    ("", "", True), ("hints: false", "", False), ("", "hints: false", False), ("hints: false", "hints: true", True),
])  # fmt: skip
def test_hints_count_unless_the_feed_or_else_the_polling_section_says_no(tmp_path, general, own, expected):
    row = f"{{id: a, name: A, url: 'https://a.example/'{', ' + own if own else ''}}}"
    settings = load(write(tmp_path, f"polling: {{cap: 12h, {general}}}\n", f"feeds:\n- {row}\n"), environ={})
    assert (settings.feeds[0].hints, settings.feeds[0].cap) == (expected, timedelta(hours=12))


@pytest.mark.parametrize(
    ("text", "listen", "public"),
    [
        ("", "127.0.0.1:8480", None),
        ("http: {listen: none}\n", None, None),
        ("http: {listen: ~}\n", None, None),
        ("http: {listen: '[::1]:9000'}\n", "[::1]:9000", None),
        ("http: {listen: 0.0.0.0:8480}\n", "0.0.0.0:8480", None),
        ("http: {public_url: 'https://m.example.org/'}\n", "127.0.0.1:8480", "https://m.example.org"),
        ("http: {public_url: 'https://m.example.org/a/b'}\n", "127.0.0.1:8480", "https://m.example.org/a/b"),
        ("http: {public_url: 'http://127.0.0.1:8480'}\n", "127.0.0.1:8480", "http://127.0.0.1:8480"),
    ],
)
def test_the_server_listens_on_this_machine_only_unless_told_otherwise(tmp_path, text, listen, public):
    settings = load(write(tmp_path, text), environ={})
    assert (settings.listen, settings.public_url) == (listen, public)


def test_politeness_is_as_configured(tmp_path):
    default = load(write(tmp_path), environ={})
    assert (default.per_host, default.per_domain, default.host_spacing) == (2, 4, timedelta(seconds=1))
    free = load(write(tmp_path, "polling: {per_host: 10, per_domain: 50, host_spacing: 0s}\n"), environ={})
    assert (free.per_host, free.per_domain, free.host_spacing) == (10, 50, timedelta(0))


def test_watches_may_mix_words_and_lists_under_all(tmp_path):
    watches = "x-p: &p [Алматы, алматы, АЛМАТЫ, Astana]\nwatches:\n- {name: w, all: [*p, газ], any: ['  a   b '], severity: critical}\n"
    watch = load(write(tmp_path, watches=watches), environ={}).watches[0]
    assert watch.all == (("Алматы", "алматы", "Astana"), ("газ",))
    assert (watch.any, watch.severity, watch.title) == (("a b",), Severity.CRITICAL, "w")


@pytest.mark.parametrize(
    ("monitor", "environ", "expected"),
    [
        ("", {}, "data"),
        ("", {"STATE_DIRECTORY": "/state/monitor:/other"}, "/state/monitor"),
        ("store: {data_dir: here}\n", {"STATE_DIRECTORY": "/state"}, "here"),
        ("store: {data_dir: /var/x}\n", {}, "/var/x"),
    ],
)
def test_the_data_directory_is_as_configured_else_from_systemd_else_beside_the_folder(
    tmp_path, monitor, environ, expected
):
    (tmp_path / "config").mkdir()
    settings = load(write(tmp_path / "config", monitor), environ=environ)
    assert settings.data_dir == tmp_path / expected
    assert settings.store_url == f"sqlite:///{tmp_path / expected}/monitor.db"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("sqlite:////var/m.db", "sqlite:////var/m.db"),
        ("sqlite:///:memory:", "sqlite:///:memory:"),
        ("sqlite:///a/m.db", "sqlite:////d/a/m.db"),
        ("postgresql+psycopg://u:p@h/n", "postgresql+psycopg://u:p@h/n"),
    ],
)
def test_only_a_relative_sqlite_path_starts_in_the_data_directory(tmp_path, url, expected):
    assert load(write(tmp_path, f"store: {{url: '{url}', data_dir: /d}}\n"), environ={}).store_url == expected


def test_the_operator_route_is_the_named_one_else_default_else_the_first(tmp_path):
    routes = "routes: {a: {channels: [file]}, default: {channels: [console]}}\n"
    assert load(write(tmp_path, routes), environ={}).operator_route == "default"
    assert load(write(tmp_path, routes + "operator: a\n"), environ={}).operator_route == "a"
    assert load(write(tmp_path, "routes: {b: {channels: [file]}}\n"), environ={}).operator_route == "b"


def test_empty_sections_are_as_good_as_none(tmp_path):
    settings = load(write(tmp_path, "channels:\nroutes:\nservice:\n", "feeds:\n", "watches:\n"), environ={})
    assert (settings.feeds, settings.watches, settings.per_host) == ((), (), 2)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("5m", 300), ("24h", 86400), (" 7d ", 604800), ("5", None), ("m", None), ("-5m", None), ("5w", None)],
)
def test_durations_are_numbers_with_a_unit(text, seconds):
    assert parse_duration(text) == (None if seconds is None else timedelta(seconds=seconds))


@pytest.mark.parametrize(("seconds", "text"), [(90, "90s"), (300, "5m"), (3600, "1h"), (86400, "1d"), (0, "0s")])
def test_durations_are_said_in_the_largest_unit(seconds, text):
    assert say_duration(timedelta(seconds=seconds)) == text


def test_show_is_plain_json_of_what_is_in_effect(shipped):
    shown = json.loads(json.dumps(show(shipped)))
    assert (shown["alert_window"], shown["pace"]) == ("1d", "5m")
    assert shown["watches"][0]["severity"] == "warning"
    assert len(shown["feeds"]) == 123


def test_the_starter_configuration_is_a_copy_that_loads(tmp_path, shipped):
    written = write_starter(tmp_path / "new")
    assert {path.name for path in written} >= {
        "monitor.yaml",
        "feeds.yaml",
        "watches.yaml",
        "README.md",
        "places.yaml",
    }
    assert (tmp_path / "new/watches.yaml").read_bytes() == (CONFIG / "watches.yaml").read_bytes()
    assert load(tmp_path / "new", environ={}).watches == shipped.watches


def test_the_starter_never_overwrites_and_names_what_is_in_the_way(tmp_path):
    (tmp_path / "watches.yaml").write_text("mine")
    with pytest.raises(UsageError, match=f"nothing was written.*\n  {tmp_path}/watches.yaml\n"):
        write_starter(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["watches.yaml"]
    assert (tmp_path / "watches.yaml").read_text() == "mine"


def test_a_starter_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be written: Not a directory"):
        write_starter(tmp_path / "file" / "new")


def test_an_installation_without_a_starter_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(starter, "PACKAGED", "absent")
    monkeypatch.setattr(starter, "__file__", str(tmp_path / "a/b/c.py"))
    with pytest.raises(UsageError, match="install it again"):
        write_starter(tmp_path)


def test_the_examples_in_the_shipped_monitor_yaml_work_once_their_comment_signs_are_gone(tmp_path):
    write_starter(tmp_path)
    lines = (tmp_path / "monitor.yaml").read_text().splitlines()
    opened = [
        line.replace("# ", "", 1) if (line.startswith("  # ") and ":" in line) or line.startswith("  #   ") else line
        for line in lines
    ]
    text = "\n".join(
        line
        for line in opened
        if not line.startswith(("  For several", "  Where", "  An SQLite", "  url: sqlite", "  Publishers"))
    )
    (tmp_path / "monitor.yaml").write_text(text + "\noperator: night\n")
    environ = {
        "SMTP_PASSWORD": "word",
        "WEBHOOK_SECRET": "whsec_QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo=",
        "DB_PASSWORD": "word",
    }
    settings = load(tmp_path, environ=environ)
    assert [channel.kind for channel in settings.channels] == ["email", "webhook", "console", "jsonl"]
    assert [route.name for route in settings.routes] == ["default", "night"]
    assert (settings.operator_route, settings.zone, settings.contact) == ("night", "Europe/Berlin", "desk@example.org")
    assert settings.store_url == "postgresql://monitor:word@db.example.org/monitor"
