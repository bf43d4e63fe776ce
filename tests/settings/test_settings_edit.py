"""Commands change rows and leave the rest of the file as people wrote it."""

import os
import stat

import pytest

from monitor.errors import SettingsError, UsageError
from monitor.settings import load
from monitor.settings.edit import add_feeds, add_watch, remove_feed, remove_watch

FEEDS = """\
# my feeds
x-note: [1,   2]

feeds:   # all of them
# about a
- id: a
  name: "A"     # short
  url:   https://a.example/

# --- second group ---

# about b
- {id: b, name: B, url: 'https://b.example/'}

- id: c
  url: https://c.example/
  name: >
    Folded
    name
  # pace: 1m

# the end
"""
WATCHES = """\
x-places: &places
  [
    # English
    Almaty,
  ]
watches:
- name: one
  any: [xx]   # a word
  all:
  - *places
"""
NEW = {
    "id": "new",
    "name": "New: ${HOME}",
    "url": "https://n.example/",
    "pace": "2m",
    "enabled": False,
    "reason": "a # b",
}
WRITTEN = """\
- id: new
  name: "New: $${HOME}"
  url: "https://n.example/"
  pace: 2m
  enabled: false
  reason: "a # b"
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "monitor.yaml").write_text("situation: {id: kz, name: Kazakhstan}\n")
    (tmp_path / "feeds.yaml").write_text(FEEDS)
    (tmp_path / "watches.yaml").write_text(WATCHES)
    return tmp_path


def feeds(folder):
    return (folder / "feeds.yaml").read_text()


def test_a_feed_is_added_after_the_last_and_nothing_else_changes(folder):
    add_feeds(folder, [NEW], environ={})
    assert feeds(folder) == FEEDS.replace("  # pace: 1m\n", "  # pace: 1m\n\n" + WRITTEN)
    assert load(folder, environ={}).feeds[-1].name == "New: ${HOME}"


def test_several_feeds_are_added_at_once_or_none(folder):
    rows = [NEW, {"id": "m", "name": "M", "url": "https://m.example/"}]
    add_feeds(folder, rows, environ={})
    assert [feed.id for feed in load(folder, environ={}).feeds] == ["a", "b", "c", "new", "m"]
    text = feeds(folder)
    with pytest.raises(SettingsError, match="the id `a` is taken"):
        add_feeds(
            folder,
            [
                {"id": "o", "name": "O", "url": "https://o.example/"},
                {"id": "a", "name": "AA", "url": "https://aa.example/"},
            ],
            environ={},
        )
    assert feeds(folder) == text
    add_feeds(folder, [], environ={})
    assert feeds(folder) == text


@pytest.mark.parametrize(
    ("feed", "gone"),
    [
        ("a", '# about a\n- id: a\n  name: "A"     # short\n  url:   https://a.example/\n'),
        ("b", "# about b\n- {id: b, name: B, url: 'https://b.example/'}\n\n"),
        ("c", "- id: c\n  url: https://c.example/\n  name: >\n    Folded\n    name\n  # pace: 1m\n\n"),
    ],
)
def test_a_feed_is_removed_with_its_own_comment_and_all_others_stay(folder, feed, gone):
    remove_feed(folder, feed, environ={})
    assert feeds(folder) == FEEDS.replace(gone, "")
    assert feed not in [row.id for row in load(folder, environ={}).feeds]


def test_adding_and_removing_gives_the_file_back_byte_for_byte(folder):
    text = "feeds:\n- id: a\n  name: A\n  url: https://a.example/\n\n- id: b\n  name: B\n  url: https://b.example/\n"
    (folder / "feeds.yaml").write_text(text)
    add_feeds(folder, [NEW], environ={})
    assert feeds(folder) == text + "\n" + WRITTEN
    remove_feed(folder, "new", environ={})
    assert feeds(folder) == text


@pytest.mark.parametrize(
    "empty", ["feeds:\n", "feeds: []\n", "feeds: ~\n", "feeds:", "# top\nfeeds: []   # none yet\n"]
)
def test_the_first_feed_goes_into_an_empty_list_and_the_last_out_of_it(folder, empty):
    (folder / "feeds.yaml").write_text(empty)
    add_feeds(folder, [NEW], environ={})
    assert [feed.id for feed in load(folder, environ={}).feeds] == ["new"]
    assert ("# none yet" in feeds(folder)) == ("# none yet" in empty)
    remove_feed(folder, "new", environ={})
    assert load(folder, environ={}).feeds == ()


def test_line_ends_and_indentation_of_the_file_are_kept(folder):
    text = "feeds:\r\n  - id: a\r\n    name: A\r\n    url: https://a.example/\r\n"
    (folder / "feeds.yaml").write_bytes(text.encode())
    add_feeds(folder, [{"id": "new", "name": "New", "url": "https://n.example/"}], environ={})
    added = '  - id: new\r\n    name: New\r\n    url: "https://n.example/"\r\n'
    assert (folder / "feeds.yaml").read_bytes().decode() == text + added
    remove_feed(folder, "a", environ={})
    assert (folder / "feeds.yaml").read_bytes().decode() == "feeds:\r\n" + added


def test_watches_with_shared_lists_are_added_and_removed(folder):
    add_watch(folder, {"name": "two", "any": ["a b", "null", 'дом: "x"'], "all": [["xx", "yes"], "zz"]}, environ={})
    added = '- name: two\n  any: [a b, "null", \'дом: "x"\']\n  all: [[xx, "yes"], zz]\n'
    assert (folder / "watches.yaml").read_text() == WATCHES + added
    assert load(folder, environ={}).watches[1].all == (("xx", "yes"), ("zz",))
    remove_watch(folder, "one", environ={})
    assert (folder / "watches.yaml").read_text() == WATCHES[: WATCHES.index("- name")] + added


def test_only_secrets_may_name_a_variable_and_invisible_characters_go(folder):
    row = {"id": "new", "name": "A\u2028B\x00 ${X}", "url": "https://n.example/", "authorization": "Bearer ${TOKEN}"}
    add_feeds(folder, [row], environ={"TOKEN": "word", "X": "leak"})
    added = load(folder, environ={"TOKEN": "word", "X": "leak"}).feeds[-1]
    assert (added.name, added.authorization.reveal()) == ("A B ${X}", "Bearer word")


def test_a_file_with_mistakes_is_not_touched(folder):
    text = FEEDS.replace("  name: >", "  nam: >")
    (folder / "feeds.yaml").write_text(text)
    for change in (lambda: add_feeds(folder, [NEW], environ={}), lambda: remove_feed(folder, "a", environ={})):
        with pytest.raises(SettingsError, match="there is no key `nam`"):
            change()
    assert feeds(folder) == text


@pytest.mark.parametrize("text", ["feeds: [\n", "feeds:\n- id: a\n  id: b\n", "- a\n"])
def test_a_file_that_is_no_yaml_of_ours_is_refused(folder, text):
    (folder / "feeds.yaml").write_text(text)
    with pytest.raises(SettingsError):
        remove_feed(folder, "a", environ={})


def test_mistakes_of_other_files_do_not_stand_in_the_way(folder):
    (folder / "monitor.yaml").write_text("situation: {id: kz, name: '${NOT_SET_HERE}'}\n")
    add_feeds(folder, [NEW], environ={})
    assert WRITTEN in feeds(folder)


def test_a_change_that_would_break_another_file_is_refused(folder):
    (folder / "monitor.yaml").write_text(
        "situation: {id: kz, name: K}\nroutes: {default: {channels: [file]}, night: {channels: [file], watches: [one]}}\n"
    )
    with pytest.raises(SettingsError, match="there is no watch `one`"):
        remove_watch(folder, "one", environ={})
    assert (folder / "watches.yaml").read_text() == WATCHES


def test_a_row_that_others_take_an_anchor_from_is_not_removed(folder):
    (folder / "watches.yaml").write_text("watches:\n- {name: one, any: &words [xx]}\n- {name: two, any: *words}\n")
    with pytest.raises(SettingsError, match="undefined alias"):
        remove_watch(folder, "one", environ={})


def test_what_is_not_there_cannot_be_removed(folder):
    with pytest.raises(UsageError, match=r"there is no `zzz` in feeds\.yaml; choose from a, b, c"):
        remove_feed(folder, "zzz", environ={})


def test_a_list_in_brackets_is_left_to_people(folder):
    (folder / "feeds.yaml").write_text("feeds: [{id: a, name: A, url: 'https://a.example/'}]\n")
    with pytest.raises(UsageError, match="written in brackets"):
        add_feeds(folder, [NEW], environ={})
    with pytest.raises(UsageError, match="written in brackets"):
        remove_feed(folder, "a", environ={})


def test_mode_owner_and_link_are_kept(folder, tmp_path_factory):
    real = tmp_path_factory.mktemp("real") / "f.yaml"
    (folder / "feeds.yaml").rename(real)
    (folder / "feeds.yaml").symlink_to(real)
    real.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(real, 1234, 1234)
    add_feeds(folder, [NEW], environ={})
    assert (folder / "feeds.yaml").is_symlink()
    status = real.stat()
    assert stat.S_IMODE(status.st_mode) == 0o640
    if os.geteuid() == 0:
        assert (status.st_uid, status.st_gid) == (1234, 1234)
    assert [path.name for path in real.parent.iterdir()] == ["f.yaml"]


def test_a_failed_write_leaves_the_old_file_and_nothing_beside_it(folder, monkeypatch):
    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UsageError, match=r"feeds\.yaml cannot be written: No space left on device"):
        add_feeds(folder, [NEW], environ={})
    assert feeds(folder) == FEEDS
    assert sorted(path.name for path in folder.iterdir()) == ["feeds.yaml", "monitor.yaml", "watches.yaml"]
