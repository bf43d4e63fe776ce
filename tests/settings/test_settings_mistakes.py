"""Every mistake people make in the files: found at its line, with what to write instead, all together."""

import textwrap

import pytest

from monitor.errors import SettingsError
from monitor.settings import check, load

MONITOR = "situation: {id: kz, name: Kazakhstan, zone: Asia/Almaty}\n"
FEEDS = "feeds:\n- id: one\n  name: One\n  url: https://one.example/feed\n  group: national\n"
WATCHES = "watches:\n- name: unrest\n  any: [protest]\n"
ROWS = "watches:\n- name: w\n  any: [xx]\n"


@pytest.fixture
def folder(tmp_path):
    def write(monitor=MONITOR, feeds=FEEDS, watches=WATCHES):
        for name, text in (("monitor", monitor), ("feeds", feeds), ("watches", watches)):
            content = text if isinstance(text, bytes) else textwrap.dedent(text).encode()
            (tmp_path / f"{name}.yaml").write_bytes(content)
        return tmp_path

    return write


def said(folder, environ=None):
    return [str(mistake).removeprefix(f"{folder}/") for mistake in check(folder, environ=environ or {})]


MONITOR_MISTAKES = [
    ("situations: {}\n", 2, "there is no key `situations`; did you mean `situation`?"),
    ("polling: {pol_concurrency: 3}\n", 2, "there is no key `pol_concurrency`; did you mean `poll_concurrency`?"),
    ("polling:\n  per_host: many\n", 3, "`per_host` must be a whole number"),
    ("polling:\n  per_host: 0\n", 3, "`per_host` must be at least 1"),
    ("polling:\n  parse_workers: 99\n", 3, "`parse_workers` must be at most 16"),
    ("service: 5\n", 2, "`service` must hold keys with values; like `contact: ...`"),
    ("service: {log: yaml}\n", 2, "`log` is not known; choose from `console` or `json`"),
    ("service: {contact: 24}\n", 2, "`contact` must be text; put it in quotes"),
    (
        "service: {contact: Қазақ}\n",
        2,
        "`contact` goes into an HTTP header, which holds plain ASCII letters, digits and signs in one line",
    ),
    ("polling: {pace: 5}\n", 2, "`pace` is not a duration; write it as `90s`, `5m`, `24h` or `7d`"),
    ("polling: {pace: 5 minutes}\n", 2, "`pace` is not a duration; write it as `90s`, `5m`, `24h` or `7d`"),
    ("polling: {pace: 1s}\n", 2, "`pace` is out of range; write 10s to 7d"),
    ("polling: {floor: 10m}\n", 2, "`floor` is longer than `pace` (5m); write 5m or less"),
    (
        "polling:\n  floor: 3m\n  crisis_pace: 90s\n",
        3,
        "`floor` is longer than `crisis_pace` (90s); write 90s or less",
    ),
    ("polling: {pace: 2m, crisis_pace: 3m}\n", 2, "`crisis_pace` is longer than `pace` (2m); write 2m or less"),
    ("polling:\n  pace: 10m\n  slowest: 5m\n", 3, "`pace` is longer than `slowest` (5m); write 5m or less"),
    ("polling: {slowest: 1m}\n", 2, "`slowest` is shorter than `pace` (5m); write 5m or more"),
    ("polling: {cap: 1m}\n", 2, "`cap` is shorter than `pace` (5m); write 5m or more"),
    ("polling: {host_spacing: 10m}\n", 2, "`host_spacing` is out of range; write 0s to 5m"),
    (
        "http: {listen: 'monitor.example:80'}\n",
        2,
        "`listen` cannot be `monitor.example:80`; write an address and a port, like 127.0.0.1:8480 or [::1]:8480, or none",
    ),
    (
        "http: {listen: '::1:8480'}\n",
        2,
        "`listen` cannot be `::1:8480`; write an address and a port, like 127.0.0.1:8480 or [::1]:8480, or none",
    ),
    (
        "http: {listen: '127.0.0.1:70000'}\n",
        2,
        "`listen` cannot be `127.0.0.1:70000`; write an address and a port, like 127.0.0.1:8480 or [::1]:8480, or none",
    ),
    ("http: {listen: 8480}\n", 2, "`listen` must be text; put it in quotes"),
    (
        "http:\n  public_url: http://monitor.example.org\n",
        3,
        "`public_url` must begin with https://; pushes carry secrets: let a web server with a certificate pass them on",
    ),
    (
        "http: {public_url: 'https://monitor.example.org/?a=b'}\n",
        2,
        "`public_url` must end with the path; leave out what begins with `?` or `#`",
    ),
    (
        "http: {public_url: 'https://monitor.example.org/in/#'}\n",
        2,
        "`public_url` must end with the path; leave out what begins with `?` or `#`",
    ),
    (
        "http: {public_url: 'https://me:pw@monitor.example.org'}\n",
        2,
        "`public_url` holds a user name or password; leave it out: hubs do not log in, each is given a path that nobody can guess",
    ),
    (
        "http: {public_url: monitor.example.org}\n",
        2,
        "`public_url` cannot be used: Only http:// and https:// addresses are possible, this one has no scheme; write where others reach this service, like https://monitor.example.org",
    ),
    (
        "http:\n  listen: none\n  public_url: https://monitor.example.org\n",
        4,
        "`public_url` leads nowhere: nothing listens; give `listen` an address, or delete `public_url`",
    ),
    ("defaults: {language: de}\n", 2, "`language`: there is no language of alerts `de`; choose from en, kk, ru"),
    (
        "defaults: {zone: Asia/Almatty}\n",
        2,
        "`zone`: there is no time zone `Asia/Almatty`; did you mean `Asia/Almaty`?",
    ),
    ("defaults: {zone: Qqqq}\n", 2, "`zone`: there is no time zone `Qqqq`; write an IANA name, like Asia/Almaty"),
    (
        "defaults:\n  alert_window: 10d\n  retention: 2d\n",
        4,
        "`retention` is shorter than `alert_window`; keep reports longer",
    ),
    (
        "store: {url: mysql://x/y}\n",
        2,
        "`url` is not a database we can use; write sqlite:///monitor.db or postgresql://user@host/name",
    ),
    (
        "channels: [console]\n",
        2,
        "`channels` must hold names with values; write each as `name: {...}` below `channels:`",
    ),
    ("channels: {a: {}}\n", 2, "`kind` of the channel `a` is missing; choose from console, email, jsonl, webhook"),
    ("channels: {a: {kind: emal}}\n", 2, "there is no kind of channel `emal`; did you mean `email`?"),
    (
        "channels: {A b: {kind: console}}\n",
        2,
        "`A b` cannot be a name; use up to 64 small Latin letters, digits, `-`, `_` and `.`, like `tengrinews-ru`",
    ),
    ("channels: {a: {kind: console, strem: x}}\n", 2, "there is no key `strem`; did you mean `stream`?"),
    ("routes: {a: {channels: [consle]}}\n", 2, "there is no channel `consle`; did you mean `console`?"),
    (
        "routes: {a: {channels: console}}\n",
        2,
        "`channels` must be a list; write it in brackets, like [one, two], or one a line after `- `",
    ),
    ("routes: {a: {channels: []}}\n", 2, "`channels` is empty; name at least one"),
    ("routes: {a: {}}\n", 2, "`channels` is missing; add it"),
    (
        "routes: {a: {channels: [console], min_severity: criticl}}\n",
        2,
        "`min_severity`: there is no severity `criticl`; did you mean `critical`?",
    ),
    (
        "routes:\n  a:\n    channels: [console]\n    watches: [unrst]\n  b: {channels: [file]}\n",
        5,
        "there is no watch `unrst`; did you mean `unrest`?",
    ),
    ("operator: nobody\n", 2, "there is no route `nobody`; choose from default"),
    (
        "situation: {id: again, name: x}\n",
        2,
        "`situation` stands here a second time (first in line 1); keep one of them",
    ),
    (
        "service: !!python/object:os.system {}\n",
        2,
        "tags such as `tag:yaml.org,2002:python/object:os.system` are not allowed; delete the tag",
    ),
    ("polling: {<<: {per_host: 1}}\n", 2, "merging with `<<` is not supported; write the keys out"),
    (
        "service: {contact: '${HOME_PAGE}'}\n",
        2,
        "the environment variable HOME_PAGE is not set; set HOME_PAGE, or write `$${` for `${`",
    ),
    (
        "service: {contact: '${home page}'}\n",
        2,
        "`${` is not followed by the name of a variable and `}`; write `$${` for the characters",
    ),
]


@pytest.mark.parametrize(
    ("extra", "line", "sentence"), MONITOR_MISTAKES, ids=[case[2][:50] for case in MONITOR_MISTAKES]
)
def test_a_mistake_in_monitor_yaml_is_told_with_line_and_advice(folder, extra, line, sentence):
    assert said(folder(monitor=MONITOR + extra)) == [f"monitor.yaml:{line}: {sentence}"]


FEED = "feeds:\n- {id: one, name: One, url: 'https://one.example/feed'}\n"
FEED_MISTAKES = [
    (
        FEED + "- {id: one, name: Two, url: 'https://two.example/'}\n",
        3,
        "the id `one` is taken by the feed in line 2; give each feed its own",
    ),
    (
        FEED + "- {id: two, name: ONE, url: 'https://two.example/'}\n",
        3,
        "the name `ONE` is taken by the feed in line 2; give each feed its own",
    ),
    (
        FEED + "- {id: two, name: Two, url: 'http://www.one.example/feed/'}\n",
        3,
        "the address `http://www.one.example/feed/` is taken by the feed in line 2; give each feed its own",
    ),
    (FEED + "- id: two\n  name: Two\n", 3, "`url` is missing; add it"),
    (
        FEED + "- id: two\n  name: Two\n  url: file:///etc/passwd\n",
        5,
        "`url` cannot be used: Only http:// and https:// addresses are possible, this one has file:; write it in full, like https://example.org/feed",
    ),
    (
        FEED + "- id: two\n  name: Two\n  url: 'https://me:word@two.example/'\n",
        5,
        "`url` holds a user name or password; move it to `authorization:`, like `Basic ${FEED_LOGIN}`",
    ),
    (FEED + "- id: two\n  name: 24\n  url: https://two.example/\n", 4, "`name` must be text; put it in quotes"),
    (FEED + "- id: two\n  name:\n  url: https://two.example/\n", 4, "`name` must be text; put it in quotes"),
    (
        FEED + "- id: Two\n  name: Two\n  url: https://two.example/\n",
        3,
        "`id` cannot be `Two`; use up to 64 small Latin letters, digits, `-`, `_` and `.`, like `tengrinews-ru`",
    ),
    (
        FEED + "- id: two\n  name: Two\n  url: https://two.example/\n  grade: G\n",
        6,
        "`grade`: there is no grade `G`; choose from A, B, C, D, E, F",
    ),
    (
        FEED + "- id: two\n  name: Two\n  url: https://two.example/\n  langauge: ru\n",
        6,
        "there is no key `langauge`; did you mean `language`?",
    ),
    (
        FEED + "- id: two\n  name: Two\n  url: https://two.example/\n  enabled: maybe\n",
        6,
        "`enabled` must be true or false",
    ),
    (
        FEED + "- id: two\n  name: Two\n  url: https://two.example/\n  allow_networks: [10.0.0.0/8, home]\n",
        6,
        "entry 2 of `allow_networks`: `home` is not a network; write it like 10.0.0.0/8 or fd00::/8",
    ),
    (
        FEED + "- id: two\n  name: Two\n  url: https://two.example/\n  proxy: socks5://me:pw@x\n",
        6,
        "`proxy` is a SOCKS proxy, which cannot be used; name an HTTP proxy, like http://proxy.example.org:3128",
    ),
    (
        FEED + "- id: two\n  name: Two\n  url: https://two.example/\n  proxy: proxy.example:3128\n",
        6,
        "`proxy` cannot be used: Only http:// and https:// addresses are possible, this one has proxy.example:; name an HTTP proxy in full, like http://proxy.example.org:3128",
    ),
    (
        FEED + "- id: two\n  name: Two\n  url: https://two.example/\n  pace: 2m\n  floor: 3m\n",
        7,
        "`floor` is longer than the feed's pace (2m); write 2m or less",
    ),
    (
        FEED + "- id: two\n  name: Two\n  url: https://two.example/\n  slowest: 1m\n",
        6,
        "`slowest` is shorter than the feed's pace (5m); write 5m or more",
    ),
    (
        FEED + "- id: two\n  name: Two\n  url: https://two.example/\n  crisis: true\n  pace: 1m\n",
        7,
        "`pace` and `crisis` are both given: a crisis feed has the pace `crisis_pace` of monitor.yaml; keep one of them",
    ),
    (
        FEED + "- id: two\n  name: Two\n  url: https://two.example/\n  crisis: true\n  slowest: 1h\n",
        7,
        "`slowest` and `crisis` are both given: a crisis feed has the pace `crisis_pace` of monitor.yaml; keep one of them",
    ),
    (FEED + "- just text\n", 3, "entry 2 of `feeds` must hold keys with values; like `id: ...`"),
    ("feeds: {a: 1}\n", 1, "`feeds` must be a list; begin each row with `- `"),
    ("feed: []\n", 1, "there is no key `feed`; did you mean `feeds`?"),
    ("- id: one\n", 1, "the file must hold keys with values; start it with a key such as `feeds:`"),
    ("feeds:\n\t- id: one\n", 2, "not valid YAML: a tab stands where YAML wants spaces; indent with spaces"),
    (
        "feeds:\n- {id: one, name: [One\n",
        2,
        "not valid YAML: a bracket or a quote is opened here and not closed; close it",
    ),
    (
        "feeds:\n- id: one\n  name: 'One\n",
        3,
        "not valid YAML: a bracket or a quote is opened here and not closed; close it",
    ),
    (
        "feeds:\n- id: one\n  name: News: today\n",
        3,
        'not valid YAML: mapping values are not allowed here; put a text that holds ": " in quotes',
    ),
    (
        "feeds: *rows\n",
        1,
        "not valid YAML: found undefined alias 'rows'; define the anchor (`&name`) above its first use (`*name`)",
    ),
    ("feeds: []\n---\nfeeds: []\n", 2, "not valid YAML: a second document starts here; delete the line `---`"),
    (b"feeds:\n- id: one\n  name: \xc0\xe1\xe0\xe9\n", 3, "is not UTF-8; save the file in UTF-8"),
    (b"feeds:\n- id: one\x07\n", 2, "holds a control character (U+0007); delete it"),
    ("feeds: " + "[" * 40 + "]" * 40 + "\n", 1, "is nested too deeply"),
]


@pytest.mark.parametrize(("text", "line", "sentence"), FEED_MISTAKES, ids=[case[2][:50] for case in FEED_MISTAKES])
def test_a_mistake_in_feeds_yaml_is_told_with_line_and_advice(folder, text, line, sentence):
    told = [
        entry
        for entry in said(folder(feeds=text))
        if not entry.endswith("`feeds` is missing; write `feeds:` and one `- ` for each below it")
    ]
    assert f"feeds.yaml:{line}: {sentence}" in told
    assert len(told) <= 2


WATCH_MISTAKES = [
    (ROWS + "- name: w\n  any: [yy]\n", 4, "the name `w` is taken by the watch in line 2; give each watch its own"),
    (
        ROWS + "- name: v\n  title: Nothing\n",
        4,
        "the watch `v` has no keywords; write a `query:`, or list some under `any:` or `all:`",
    ),
    (
        ROWS + "- name: v\n  any: protest\n",
        5,
        "`any` must be a list; write it in brackets, like [one, two], or one a line after `- `",
    ),
    (ROWS + "- name: v\n  any:\n  - ok\n  - 2022\n", 7, "entry 2 of `any` must be text; put it in quotes"),
    (
        ROWS + "- name: v\n  any:\n  - ok\n  - '!!!'\n",
        7,
        "entry 2 of `any` is a keyword without letters or digits; delete it",
    ),
    (ROWS + "- name: v\n  all:\n  - []\n", 6, "entry 1 of `all` is empty; name at least one"),
    (ROWS + "- name: v\n  any: [xx]\n  routes: [nights]\n", 6, "there is no route `nights`; choose from default"),
    (ROWS + "- name: v\n  any: [xx]\n  feeds: [ome]\n", 6, "there is no feed `ome`; did you mean `one`?"),
    (
        ROWS + "- name: v\n  any: [xx]\n  groups: [nationl]\n",
        6,
        "there is no group of feeds `nationl`; did you mean `national`?",
    ),
    (
        ROWS + "- name: v\n  any: [xx]\n  fields: [headline]\n",
        6,
        "entry 1 of `fields`: there is no field `headline`; choose from text, title",
    ),
    (
        ROWS + "- name: v\n  any: [xx]\n  languages: [kz]\n",
        6,
        "entry 1 of `languages`: there is no language `kz`; choose from en, kk, other, ru",
    ),
    (
        ROWS + "- name: v\n  any: [xx]\n  severity: high\n",
        6,
        "`severity`: there is no severity `high`; choose from critical, info, notice, warning",
    ),
]


@pytest.mark.parametrize(("text", "line", "sentence"), WATCH_MISTAKES, ids=[case[2][:50] for case in WATCH_MISTAKES])
def test_a_mistake_in_watches_yaml_is_told_with_line_and_advice(folder, text, line, sentence):
    assert said(folder(watches=text)) == [f"watches.yaml:{line}: {sentence}"]


def test_mistakes_of_all_files_come_together_in_order(folder):
    place = folder(
        monitor="situation: {id: kz}\npolling: {per_host: 0}\nroutes: {a: {channels: [nowhere]}}\n",
        feeds="feeds:\n- {id: one, name: One}\n- {id: two, url: 'https://two.example/'}\n",
        watches="watches:\n- name: v\n- {name: u, any: [xx], feeds: [two, one], severity: 3}\n",
    )
    with pytest.raises(SettingsError) as raised:
        load(place, environ={})
    assert [(mistake.file.name, mistake.line) for mistake in raised.value.mistakes] == [
        ("monitor.yaml", 1), ("monitor.yaml", 2), ("monitor.yaml", 3),
        ("feeds.yaml", 2), ("feeds.yaml", 3), ("watches.yaml", 2), ("watches.yaml", 3),
    ]  # fmt: skip
    assert str(raised.value).startswith("7 mistakes in the configuration\n")


def test_missing_files_are_named_and_nothing_is_held_against_them(folder):
    place = folder()
    (place / "feeds.yaml").unlink()
    (place / "watches.yaml").unlink()
    advice = "there is no such file; `monitor init DIR` writes a complete set"
    assert said(place) == [f"feeds.yaml: {advice}", f"watches.yaml: {advice}"]


def test_a_file_that_is_a_directory_cannot_be_read(folder):
    place = folder()
    (place / "feeds.yaml").unlink()
    (place / "feeds.yaml").mkdir()
    assert said(place) == ["feeds.yaml: cannot be read: Is a directory"]


def test_what_is_no_folder_is_told_so(tmp_path):
    assert [str(mistake) for mistake in check(tmp_path / "none", environ={})] == [
        f"{tmp_path / 'none'}: is not a folder; `monitor init DIR` writes a configuration"
    ]


def test_a_route_may_lead_to_a_channel_that_has_a_mistake_of_its_own(folder):
    place = folder(monitor=MONITOR + "channels: {mail: {kind: email}}\nroutes: {default: {channels: [mail]}}\n")
    assert {entry.partition(": ")[0] for entry in said(place)} == {"monitor.yaml:2"}
    assert not any("there is no channel" in entry for entry in said(place))


def test_a_watch_that_no_route_takes_is_a_mistake(folder):
    routes = "routes: {night: {channels: [console], watches: [other]}}\n"
    place = folder(
        monitor=MONITOR + routes,
        watches=WATCHES + "- {name: other, any: [xx]}\n- {name: off, any: [xx], enabled: false}\n",
    )
    assert said(place) == [
        "watches.yaml:2: no route takes the watch `unrest`; name one under `routes:` here, or have a route without `watches:`"
    ]


def test_aliases_that_expand_without_end_are_stopped(folder):
    bomb = "x-a: &a [xx, x, x, x, x, x, x, x, x, x]\n"
    for name, inner in zip("bcdefgh", "abcdefg", strict=True):
        bomb += f"x-{name}: &{name} [" + ", ".join([f"*{inner}"] * 10) + "]\n"
    assert any("expand to more than" in entry for entry in said(folder(watches=bomb + "watches: *h\n")))


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("0x2", None),
        ("2.0", None),
        ("2_0", "`per_host` must be at most 10"),
        ("2.5", "`per_host` must be a whole number"),
        (".inf", "`per_host` must be a whole number"),
        ("0o9", "`per_host` must be a whole number"),
        ("true", "`per_host` must be a whole number"),
        ("2020-01-01", "`per_host` must be a whole number"),
        ("~", "`per_host` must be a whole number"),
        ("[1]", "`per_host` must be a whole number"),
    ],
)
def test_numbers_are_read_as_yaml_writes_them(folder, value, sentence):
    told = said(folder(monitor=MONITOR + f"polling: {{per_host: {value}}}\n"))
    assert told == ([f"monitor.yaml:2: {sentence}"] if sentence else [])


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "watches.yaml: `watches` is missing; write `watches:` and one `- ` for each below it"),
        ("? [a, b]\n: c\nwatches: []\n", "watches.yaml:1: a key must be a single word"),
        ("watches: []\nsome: !secret x\n", "watches.yaml:2: tags such as `!secret` are not allowed; delete the tag"),
        ("watches: !mine []\n", "watches.yaml:1: tags such as `!mine` are not allowed; delete the tag"),
        ("watches: []\n- x\n", "watches.yaml:2: not valid YAML: expected <block end>, but found '-'"),
    ],
)
def test_odd_yaml_is_told_as_what_it_is(folder, text, sentence):
    assert sentence in said(folder(watches=text))


def test_an_anchor_that_holds_itself_is_stopped(folder):
    assert any("nested too deeply" in entry for entry in said(folder(watches="watches: &a [*a, *a]\n")))


def test_very_deep_nesting_ends_in_a_mistake(folder):
    assert said(folder(feeds="feeds: " + "[" * 5000)) == ["feeds.yaml:1: is nested too deeply"]
    mapping = "".join(" " * depth + f"k{depth}:\n" for depth in range(600))
    assert "is nested too deeply" in said(folder(feeds="feeds:\n- x\n" + mapping))[-1]


def test_a_file_that_is_far_too_large_is_refused(folder):
    assert said(folder(feeds=FEEDS + "# " + "x" * 4 * 1024 * 1024)) == ["feeds.yaml: is larger than 4 MB"]


def test_template_mistakes_are_reported_with_the_others(folder):
    place = folder(feeds="feeds: 5\n")
    (place / "templates").mkdir()
    seen = []

    def check_templates(templates):
        seen.append(templates)
        return [
            m.__class__(file=templates / "line.j2", line=3, message="does not render") for m in check(place, environ={})
        ]

    mistakes = check(place, environ={}, check_templates=check_templates)
    assert seen == [place / "templates"]
    assert [mistake.file.name for mistake in mistakes] == ["feeds.yaml", "line.j2"]
