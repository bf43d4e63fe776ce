from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.feeds.freshness import MAX_SECONDS, directives, freshness, refreshed, validators
from monitor.model import Validators

NOW = datetime(2022, 1, 5, 12, 0, tzinfo=UTC)
DATE = ("Date", "Wed, 05 Jan 2022 10:00:00 GMT")
URL = "https://news.example/feed"


@pytest.mark.parametrize(
    ("lines", "seconds"),
    [
        ([], None),
        ([("Cache-Control", "public")], None),
        ([("Cache-Control", "max-age=3600")], 3600),
        ([("Cache-Control", "max-age=3600"), ("Age", "600")], 3000),
        ([("Cache-Control", "max-age=3600"), ("Age", "9999")], 0),
        ([("Cache-Control", "max-age=3600"), ("Age", "junk")], 3600),
        ([("Cache-Control", "max-age=3600"), ("Age", "-5")], 3600),
        ([("Cache-Control", "MAX-AGE=600")], 600),
        ([("Cache-Control", 'max-age="600"')], 600),
        ([("Cache-Control", "public,max-age=600,must-revalidate")], 600),
        ([("Cache-Control", "max-age=600, max-age=1")], 600),
        ([("Cache-Control", "max-age=600"), ("Cache-Control", "max-age=1")], 600),
        ([("Cache-Control", "public"), ("Cache-Control", "max-age=7")], 7),
        ([("Cache-Control", 'ext="a, max-age=1", max-age=600')], 600),
        ([("Cache-Control", 'ext="a\\"b", max-age=600')], 600),
        ([("Cache-Control", "max-age=abc")], 0),
        ([("Cache-Control", "max-age=-1")], 0),
        ([("Cache-Control", "max-age=1.5")], 0),
        ([("Cache-Control", "max-age")], 0),
        ([("Cache-Control", "max-age=")], 0),
        ([("Cache-Control", "max-age=99999999999")], MAX_SECONDS),
        ([("Cache-Control", "max-age=99999999999999999999999")], MAX_SECONDS),
        ([("Cache-Control", "s-maxage=600")], None),
        ([("Cache-Control", "stale-while-revalidate=600, stale-if-error=600")], None),
        ([("Cache-Control", "no-cache, max-age=600")], 0),
        ([("Cache-Control", "no-store")], 0),
        ([("Cache-Control", "=, ,;, max-age=5")], 5),
        ([("Expires", "Wed, 05 Jan 2022 11:00:00 GMT"), DATE], 3600),
        ([("Expires", "Wed, 05 Jan 2022 13:00:00 GMT")], 3600),
        ([("Expires", "Wed, 05 Jan 2022 11:00:00 GMT"), DATE, ("Age", "600")], 3000),
        ([("Expires", "Wed, 05 Jan 2022 09:00:00 GMT"), DATE], 0),
        ([("Expires", "0"), DATE], 0),
        ([("Expires", "-1")], 0),
        ([("Expires", "Wed, 05 Jan 2022 11:00:00 GMT"), DATE, ("Cache-Control", "max-age=5")], 5),
    ],
)
def test_freshness_is_what_is_left_of_what_the_server_said(lines: list[tuple[str, str]], seconds: int | None) -> None:
    left = freshness(httpx.Headers(lines), NOW)
    assert left == (None if seconds is None else timedelta(seconds=seconds))


@given(st.text(alphabet=st.characters(max_codepoint=255), max_size=60))
def test_no_cache_control_breaks_or_hangs_the_reading(value: str) -> None:
    headers = httpx.Headers([(b"Cache-Control", value.encode("latin-1"))], encoding="latin-1")
    left = freshness(headers, NOW)
    assert left is None or timedelta(0) <= left <= timedelta(seconds=MAX_SECONDS)
    assert all(name == name.lower() for name in directives(headers))


def test_validators_with_control_characters_are_not_kept() -> None:
    class Odd:
        def get_list(self, key: str) -> list[str]:
            return {"etag": ['"a\r\nX: y"'], "last-modified": ["\x7f"]}.get(key, [])

    assert validators(URL, Odd()) is None


@pytest.mark.parametrize(
    ("lines", "merged"),
    [
        ({}, Validators(url=URL, etag='"1"', last_modified="x")),
        ({"ETag": '"2"'}, Validators(url=URL, etag='"2"', last_modified="x")),
        ({"Last-Modified": "y"}, Validators(url=URL, etag='"1"', last_modified="y")),
        ({"Cache-Control": "no-store"}, None),
    ],
)
def test_a_304_lays_its_validators_over_the_stored_ones(lines: dict[str, str], merged: Validators | None) -> None:
    assert refreshed(Validators(url=URL, etag='"1"', last_modified="x"), httpx.Headers(lines)) == merged
