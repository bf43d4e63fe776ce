"""What is packed comes back, and what is damaged is noticed."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as some
from support.values import NOW, alert, entry

from monitor.model import Alert, Entry, FailureKind, PollFailure
from monitor.store import codec
from monitor.store.configuring import feed_address
from monitor.store.schema import Span, Utc, Words

fingerprints = some.binary(max_size=240)
hashes = some.lists(some.integers(0, 2**64 - 1)).map(tuple)
texts = some.text(some.characters(codec=None))
entries = some.builds(
    Entry,
    guid=some.none() | texts,
    title=texts,
    summary=texts,
    published=some.none() | some.datetimes(timezones=some.just(UTC)),
    guid_repeated=some.booleans(),
)


@given(fingerprints)
def test_known_entries_come_back(known):
    assert codec.unpack_known(codec.pack_known(known)) == known


@given(fingerprints.filter(bool), some.data())
def test_any_changed_or_missing_byte_of_the_known_entries_is_noticed(known, data):
    blob = bytearray(codec.pack_known(known))
    at = data.draw(some.integers(0, len(blob) - 1))
    with pytest.raises(codec.Damaged):
        codec.unpack_known(bytes(blob[:at]))
    blob[at] ^= data.draw(some.integers(1, 255))
    with pytest.raises(codec.Damaged):
        codec.unpack_known(bytes(blob))


@given(hashes, hashes)
def test_sketches_come_back(title, text):
    assert codec.unpack_hashes(codec.pack_hashes(title, text)) == (title, text)


@given(entries)
def test_entries_come_back_whatever_publishers_write(of):
    packed = codec.to_json(of)
    assert packed.encode()
    assert "\0" not in packed
    assert codec.from_json(Entry, packed) == of


@pytest.mark.parametrize("title", ["Қазақ тілі", "half \ud83d pair", "\0", "\U0001f692"])
def test_letters_stand_as_they_are_unless_no_database_takes_them(title):
    packed = codec.to_json(entry(title=title))
    assert packed.encode()
    assert (title in packed) is (title not in {"half \ud83d pair", "\0"})
    assert codec.from_json(Entry, packed).title == title


def test_an_alert_comes_back_with_its_report_and_reasons():
    full = alert(note="n", test=True)
    assert codec.from_json(Alert, codec.to_json(full)) == full


def test_times_keep_their_moment_and_spans_their_length():
    failure = PollFailure(kind=FailureKind.DNS, reason="x", retry_after=timedelta(microseconds=1))
    assert codec.from_json(PollFailure, codec.to_json(failure)) == failure
    there = datetime(2022, 1, 5, 12, 0, tzinfo=timezone(timedelta(hours=6)))
    assert codec.from_json(Entry, codec.to_json(entry(published=there))).published == there


def test_fields_of_a_newer_program_are_ignored_and_missing_ones_get_their_default():
    text = '{"guid":null,"link":null,"title":"t","summary":"","invented":[1]}'
    assert codec.from_json(Entry, text) == Entry(guid=None, link=None, title="t", summary="")


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "7", '{"title":"t"}', '{"guid":1,"link":2,"title":3,"summary":4,"published":"no"}']
)
def test_text_that_is_no_entry_is_damaged(text):
    with pytest.raises(codec.Damaged):
        codec.from_json(Entry, text)


def test_what_has_no_json_form_is_a_bug():
    with pytest.raises(TypeError):
        codec.to_json({"body": b"bytes"})


def test_only_fields_off_their_default_are_written():
    assert len(fields(Entry)) > 10
    assert codec.to_json(Entry(guid=None, link=None, title="t", summary="")) == (
        '{"guid":null,"link":null,"title":"t","summary":""}'
    )


# --- column types -----------------------------------------------------------------------------------------------------


@given(some.datetimes(datetime(1900, 1, 1), datetime(2999, 1, 1), timezones=some.timezones()))  # noqa: DTZ001
def test_times_are_stored_to_the_microsecond(moment):
    column = Utc()
    stored = column.process_bind_param(moment, None)
    back = column.process_result_value(stored, None)
    assert back == moment.astimezone(UTC)
    assert back.tzinfo is UTC


def test_a_time_without_a_zone_is_a_bug():
    with pytest.raises(TypeError):
        Utc().process_bind_param(NOW.replace(tzinfo=None), None)


@given(some.timedeltas(timedelta(days=-9999), timedelta(days=9999)))
def test_spans_are_stored_to_the_microsecond(span):
    assert Span().process_result_value(Span().process_bind_param(span, None), None) == span


@given(texts)
def test_words_are_text_that_both_engines_take(words):
    stored = Words().process_bind_param(words, None)
    assert "\0" not in stored
    assert len(stored) == len(words)
    assert stored.encode().decode() == stored


# --- addresses of feeds -----------------------------------------------------------------------------------------------

SAME = (
    "https://a.example/rss",
    "http://a.example/rss/",
    "HTTP://WWW.A.example:80/rss",
    " https://a.example.:443/rss#x",
)
OTHER = (
    "https://a.example/", "https://b.example/rss", "https://a.example/RSS", "https://a.example/rss?x=1",
    "https://a.example:8443/rss", "ftp://a.example/rss", "https://a.example:port/rss", "https://[a.example/rss",
)  # fmt: skip


def test_a_moved_address_is_the_same_and_another_is_not():
    assert {feed_address(url) for url in SAME} == {feed_address(SAME[0])}
    assert len({feed_address(url) for url in (SAME[0], *OTHER)}) == len(OTHER) + 1
