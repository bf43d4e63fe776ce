"""The glossary: keys from content, secrets that hide, fingerprints, times."""

from __future__ import annotations

import copy
import pickle
from dataclasses import FrozenInstanceError, fields, replace
from datetime import timedelta
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import law
from support.values import NOW, document, entry, report

from monitor.model import Entry, Secret, Severity, Watch, content_key

PARTS = st.lists(st.text(st.characters(), max_size=6), max_size=4).map(tuple)


def test_a_content_key_is_the_same_for_ever() -> None:
    """Keys are in databases: another recipe needs another name in front."""
    assert content_key("r1", "kazakhstan", "x") == "r1163c5fc8526ac5c4eb232714fc537c"
    assert content_key("r1") == "r1b7db87196c483405e40f8401fa1fc9"


@law
@given(PARTS, PARTS)
def test_content_keys_are_equal_only_for_equal_parts(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    assert (content_key("k1", *one) == content_key("k1", *other)) == (one == other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("ab", "c"), ("a", "bc")),
        (("", "a"), ("a", "")),
        (("a",), ("a", "")),
        ((), ("",)),
        (("\ud800",), ("\ud801",)),
        (("a\x00b",), ("a", "b")),
    ],
)
def test_parts_do_not_run_into_each_other(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    assert content_key("k1", *one) != content_key("k1", *other)


def test_a_content_key_begins_with_its_recipe_and_has_no_dots() -> None:
    key = content_key("a1", "x")
    assert key.startswith("a1")
    assert len(key) == 2 + 30
    assert set(key[2:]) <= set("0123456789abcdef")


def test_a_secret_shows_itself_only_when_asked() -> None:
    secret = Secret("hunter2")
    for shown in (repr(secret), str(secret), f"{secret}", f"{secret!r}", f"{[secret]}", "%s" % secret):  # noqa: UP031
        assert "hunter2" not in shown
    assert secret.reveal() == "hunter2"
    assert not hasattr(secret, "__dict__")


def test_secrets_are_equal_by_what_they_hold_and_equal_to_nothing_else() -> None:
    assert Secret("a") == Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a"), Secret("b")}) == 2
    assert pickle.loads(pickle.dumps(Secret("a"))) == copy.deepcopy(Secret("a"))


def test_severities_have_words_and_an_order() -> None:
    assert [severity.word for severity in sorted(Severity)] == ["info", "notice", "warning", "critical"]


# --- entries -----------------------------------------------------------------------------------------------------------

SEEN = {"guid": "g", "link": "https://a.kz/1", "title": "t", "summary": "s"}


@pytest.mark.parametrize("name", SEEN)
def test_a_fingerprint_changes_with_all_that_a_reader_sees_and_that_identifies(name: str) -> None:
    before = Entry(**SEEN)  # type: ignore[arg-type]
    assert replace(before, **{name: "other"}).fingerprint() != before.fingerprint()  # type: ignore[arg-type]
    assert (
        replace(before, author="a", published=NOW, updated=NOW, language="kk", guid_repeated=True).fingerprint()
        == before.fingerprint()
    )


@law
@given(
    st.lists(st.text(st.characters(), max_size=4), min_size=4, max_size=4),
    st.lists(st.text(max_size=4), min_size=4, max_size=4),
)
def test_fingerprints_are_eight_bytes_and_equal_only_for_equal_entries(one: list[str], other: list[str]) -> None:
    first, second = (Entry(**dict(zip(SEEN, values, strict=True))) for values in (one, other))  # type: ignore[arg-type]
    assert len(first.fingerprint()) == 8
    assert (first.fingerprint() == second.fingerprint()) == (one == other)


def test_entries_that_share_their_words_in_other_places_differ() -> None:
    assert entry(title="а", summary="").fingerprint() != entry(title="", summary="а").fingerprint()


def test_a_document_is_known_by_its_bytes() -> None:
    assert document(body=b"abc").sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.mark.parametrize(
    ("published", "when"),
    [(None, NOW), (NOW - timedelta(hours=1), NOW - timedelta(hours=1)), (NOW + timedelta(hours=1), NOW), (NOW, NOW)],
)
def test_a_report_is_of_the_time_it_states_and_never_of_the_future(published: Any, when: Any) -> None:
    assert report(published=published, seen_at=NOW).when == when


def test_values_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        report().title = "x"  # type: ignore[misc]


# --- watches -----------------------------------------------------------------------------------------------------------


def watch(**given: Any) -> Watch:
    return Watch(**{"name": "w", "title": "W", "any": ("газ",), **given})


@pytest.mark.parametrize(
    "same",
    [{"name": "x"}, {"title": "X"}, {"severity": Severity.CRITICAL}, {"routes": ("night",)}, {"enabled": False}],
)
def test_what_does_not_decide_a_match_is_not_in_the_recipe(same: dict[str, Any]) -> None:
    assert watch(**same).recipe() == watch().recipe()


RECIPES: list[dict[str, Any]] = [
    {},
    {"any": ("нефть",)},
    {"any": ("газ", "нефть")},
    {"any": ("газ\nнефть",)},
    {"any": (), "all": (("газ",),)},
    {"all": (("а", "б"),)},
    {"all": (("а|б",),)},
    {"all": (("а",), ("б",))},
    {"all": (("а\nб",),)},
    {"none": ("а",)},
    {"none": ("а", "")},
    {"query": "нефть"},
    {"score": 2.0},
    {"based_on": "k"},
    {"fields": ("title",)},
    {"languages": ("ru",)},
    {"sources": ("ru",)},
    {"feeds": ("ru",)},
    {"groups": ("ru",)},
]


def test_all_that_decides_a_match_is_in_the_recipe() -> None:
    for one, other in combinations(RECIPES, 2):
        assert watch(**one).recipe() != watch(**other).recipe(), (one, other)


def test_every_field_of_a_watch_is_either_in_the_recipe_or_known_not_to_matter() -> None:
    """A new field must be thought about: forgotten, a changed watch would not run over the stored reports."""
    decided = {name for recipe in RECIPES for name in recipe}
    assert {field.name for field in fields(Watch)} == decided | {"name", "title", "severity", "routes", "enabled"}
