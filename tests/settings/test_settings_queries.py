"""Queries and keywords of watches.yaml: each mistake at its line and once, with its place in the query."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from support.values import feed, report

from monitor.settings import check, load
from monitor.watches import compiling

Write = Callable[..., Path]


@pytest.fixture
def folder(tmp_path: Path) -> Write:
    def write(watches: str) -> Path:
        (tmp_path / "monitor.yaml").write_text("situation: {id: kz, name: Kazakhstan, zone: Asia/Almaty}\n")
        (tmp_path / "feeds.yaml").write_text("feeds: []\n")
        (tmp_path / "watches.yaml").write_text(textwrap.dedent(watches))
        return tmp_path

    return write


def said(folder: Path, **environ: str) -> list[str]:
    return [str(mistake).removeprefix(f"{folder}/watches.yaml:") for mistake in check(folder, environ=environ)]


GOOD = "watches:\n- {name: w, any: [strike]}\n"

MISTAKES = {
    "query": ("watches:\n- name: w\n  query: oil AND\n", ["3: `AND` has nothing after it (character 5)"]),
    "at the first character": ("watches:\n- name: w\n  query: AND oil\n", ["3: `AND` has nothing before it;"]),
    "unknown entry": (
        "watches:\n- name: w\n  query: oil place:Qqqq\n",
        ["3: the gazetteer has no place `Qqqq` (character 5)"],
    ),
    "unknown name, alike": (
        "saved:\n  energy: oil\nwatches:\n- name: w\n  query: '@enrgy'\n",
        ["5: `@enrgy` is neither a saved query nor in the gazetteer; did you mean `energy`?"],
    ),
    "lists": (
        "watches:\n- name: w\n  any:\n  - strike\n  - the\n  all:\n  - [gas, '@nobody']\n  - x\n  none: [coal, a*b]\n",
        [
            "5: `the` stands in nearly every text",
            "7: `@nobody` is neither",
            "8: one letter",
            "9: `*` stands at the end of no word (character 2)",
        ],
    ),
    "several watches": (
        "watches:\n- {name: a, query: (oil}\n- {name: b, any: [strike]}\n- {name: c, query: oil OR}\n",
        ["2: a parenthesis is not closed;", "4: `OR` has nothing after it (character 5)"],
    ),
    "a switched off watch": (
        "watches:\n- {name: a, query: (oil, enabled: false}\n",
        ["2: a parenthesis"],
    ),
    "a query of spaces": ("watches:\n- {name: a, query: '  '}\n", ["2: the watch `a` has no keywords"]),
    "a query of spaces beside a mistake": ("watches:\n- {name: a, query: '  ', any: [the]}\n", ["2: `the` stands"]),
    "only an exclusion": ("watches:\n- {name: a, query: NOT oil}\n", ["2: a query that only excludes"]),
    "saved: no names": (f"saved: [oil]\n{GOOD}", ["1: `saved` must hold names with queries; like `energy: oil OR gas`"]),
    "saved: a text": (f"saved: oil\n{GOOD}", ["1: `saved` must hold names with queries"]),
    "saved: a bad name": (f"saved:\n  Two Words: oil\n{GOOD}", ["2: `Two Words` cannot be a name"]),
    "saved: no text": (f"saved:\n  energy: [oil]\n{GOOD}", ["2: must be a query; write it in one line of text, or after `|`"]),
    "saved: nothing": (f"saved:\n  energy:\n{GOOD}", ["2: must be a query"]),
    "saved: empty": (f"saved:\n  energy: ''\n{GOOD}", ["2: the query is empty"]),
    "saved: a mistake": (f"saved:\n  a: gas\n  b: oil AND\n{GOOD}", ["3: `AND` has nothing after it (character 5)"]),
    "saved: itself": (f"saved:\n  a: gas @a\n{GOOD}", ["2: in `@a`: `@a` refers to itself"]),
    "saved: in a circle": (
        f"saved:\n  a: gas @b\n  b: oil OR @a\n{GOOD}",
        ["2: in `@b`: in `@a`: `@b` refers to itself (character 5); take one of the references out"],
    ),
    "saved with a mistake, used": (
        "saved:\n  a: (oil\n  b: place:Qqqq\n  Big: oil\nwatches:\n- {name: w, query: '@a OR @b OR @Big'}\n- {name: v, any: ['@a']}\n",
        ["2: a parenthesis is not closed", "3: the gazetteer has no place `Qqqq`", "4: `Big` cannot be a name"],
    ),
    "a variable that is not set, used": (
        "saved:\n  a: oil ${NOT_SET}\nwatches:\n- {name: w, query: '@a'}\n",
        ["2: the environment variable NOT_SET is not set"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("watches", "expected"), MISTAKES.values(), ids=MISTAKES)
def test_each_mistake_is_told_once_at_its_line(folder: Write, watches: str, expected: list[str]) -> None:
    found = said(folder(watches))
    assert len(found) == len(expected), found
    for mistake, beginning in zip(found, expected, strict=True):
        assert mistake.startswith(beginning)


def test_what_only_the_whole_watch_has_is_told_at_the_watch(folder: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each part is small enough, all of them together are not."""
    monkeypatch.setattr(compiling, "MOST_PARTS", 1000)
    many = " OR ".join(f"={number}w" for number in range(50))
    uses = " ".join(["@many"] * 15)
    watches = f"saved:\n  many: {many}\nwatches:\n- {{name: ok, any: [strike]}}\n- name: w\n  query: '{uses}'\n  any: ['@many']\n  all: ['@many', '@many', '@many', '@many', '@many']\n"
    assert said(folder(watches)) == [
        "5: in `@many`: the query comes to too much; make several watches of it, or save less as `@name`"
    ]


def test_a_good_file_has_no_mistakes_and_its_watches_mean_what_they_say(folder: Write) -> None:
    at = folder(
        """\
        saved:
          energy: oil OR gas
          both: "@energy AND strike"
        watches:
        - name: w
          query: |
            @both
            NOT football
          score: 2
          any: [workers, '@energy']
        """
    )
    settings = load(at, environ={})
    assert settings.saved == {"energy": "oil OR gas", "both": "@energy AND strike"}
    (watch,) = settings.watches
    assert (watch.query, watch.score) == ("@both\nNOT football", 2.0)
    index = settings.index()
    assert index.match(report(title="", text="Oil workers strike"), feed())
    assert not index.match(report(title="", text="Oil workers strike at football"), feed())
    assert settings.index(()).match(report(title="", text="Oil workers strike"), feed()) == ()


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("saved: {a: oil}", "saved: {a: oil}", True),
        ("saved: {a: oil}", "saved: {a: gas}", False),
        ("saved: {a: oil}", "saved: {b: oil}", False),
        ("saved: {a: oil, b: gas}", "saved: {b: gas, a: oil}", True),
        ("saved: {}", "", True),
    ],
)
def test_a_watch_is_another_one_when_what_its_names_mean_changes(
    folder: Write, one: str, other: str, same: bool
) -> None:
    recipes = {load(folder(f"{saved}\n{GOOD}"), environ={}).watches[0].recipe() for saved in (one, other)}
    assert (len(recipes) == 1) is same
