"""Queries are replaced where they stand, in whatever way YAML has of writing them; the rest of the file stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.errors import SettingsError, UsageError
from monitor.settings import load
from monitor.settings.edit import set_queries

MONITOR = "situation: {id: kz, name: Kz}\nhttp: {listen: none}\n"
LONG = "steel OR coal\nOR iron"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "monitor.yaml").write_text(MONITOR)
    (tmp_path / "feeds.yaml").write_text("feeds: []\n")
    return tmp_path


@pytest.mark.parametrize(
    ("before", "query", "after"),
    [
        ("- name: a\n  query: gas\n", "gas OR oil", "- name: a\n  query: gas OR oil\n"),
        ("- name: a\n  query: gas   # why\n", "gas*", '- name: a\n  query: "gas*"   # why\n'),
        ("- name: a\n  query: 'gas'\n  fields: [title]\n", "oil", "- name: a\n  query: oil\n  fields: [title]\n"),
        ("- name: a\n  query: gas\n", '"gas price"', "- name: a\n  query: '\"gas price\"'\n"),
        ("- {name: a, query: gas, score: 2} # why\n", "oil", "- {name: a, query: oil, score: 2} # why\n"),
        ("- {name: a, query: gas}\n", LONG, "- {name: a, query: steel OR coal OR iron}\n"),
        (
            "- name: a\n  query: gas   # why\n  score: 2\n",
            LONG,
            "- name: a\n  query: |-   # why\n    steel OR coal\n    OR iron\n  score: 2\n",
        ),
        (
            "- name: a\n  query: gas\n    OR coal\n# after\n",
            LONG,
            "- name: a\n  query: |-\n    steel OR coal\n    OR iron\n# after\n",
        ),
        (
            "- name: a\n  query: | # why\n    gas\n    OR coal\n\n# above b\n- {name: b, any: [xx]}\n",
            LONG,
            "- name: a\n  query: |- # why\n    steel OR coal\n    OR iron\n\n# above b\n- {name: b, any: [xx]}\n",
        ),
        (
            "- query: >-\n    gas\n    OR coal\n\n\n  name: a\n",
            "oil",
            "- query: |-\n    oil\n\n\n  name: a\n",
        ),
        ("- name: a\n  query: |\n    gas", "oil", "- name: a\n  query: |-\n    oil"),
    ],
)
def test_a_query_is_replaced_and_nothing_else(folder: Path, before: str, query: str, after: str) -> None:
    file = folder / "watches.yaml"
    file.write_text(f"# Top.\nwatches:\n{before}")
    assert set_queries(folder, {"a": query}, environ={}) == ("a",)
    assert file.read_text() == f"# Top.\nwatches:\n{after}"
    assert load(folder, environ={}).watches[0].query.split() == query.split()


def test_several_are_replaced_at_once(folder: Path) -> None:
    file = folder / "watches.yaml"
    file.write_text("watches:\n- {name: a, query: gas}\n- {name: b, any: [xx]}\n- name: c\n  query: gas\n")
    assert set_queries(folder, {"c": LONG, "a": "oil gas coal"}, environ={}) == ("a", "c")
    assert [each.query for each in load(folder, environ={}).watches] == ["oil gas coal", "", LONG]


def test_a_query_that_cannot_be_meant_changes_nothing(folder: Path) -> None:
    file = folder / "watches.yaml"
    file.write_text("watches:\n- {name: a, query: gas}\n")
    with pytest.raises(SettingsError):
        set_queries(folder, {"a": "gas AND ("}, environ={})
    assert file.read_text() == "watches:\n- {name: a, query: gas}\n"


@pytest.mark.parametrize(
    "rows",
    ['- {name: a, query: "gas ${OIL}"}\n', "- {name: b, query: &same gas}\n- {name: a, query: *same}\n"],
)
def test_what_cannot_be_edited_safely_is_left_to_people(folder: Path, rows: str) -> None:
    file = folder / "watches.yaml"
    file.write_text(f"watches:\n{rows}")
    with pytest.raises(UsageError, match="by hand"):
        set_queries(folder, {"a": "coal"}, environ={"OIL": "oil"})
    assert file.read_text() == f"watches:\n{rows}"
