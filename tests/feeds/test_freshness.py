from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.feeds.freshness import MAX_SECONDS, directives, freshness, refreshed, validators
from monitor.model import Validators

NOW = datetime(2022, 1, 5, 12, 0, tzinfo=UTC)
DATE = ("Date", "Wed, 05 Jan 2022 10:00:00 GMT")
URL = "https://news.example/feed"
CACHE_TESTS = Path(__file__).parents[2] / "../shared/data/protocol/http-cache-tests.json"


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
        ([("Cache-Control", "max-age=3600"), ("Age", "600, 0")], 3000),
        ([("Cache-Control", "max-age=3600"), ("Age", "600;a=1")], 3000),
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


# --- the public tests of HTTP caches, where they concern a private one ------------------------------------------------

PAUSE = timedelta(seconds=3)
"""Between the requests of those tests: what is fresh for longer is reused."""

OTHERWISE = {
    "s-maxage": "is for shared caches (case 32)",
    "freshness-expires-invalid": "a date written sloppily is still the wish to be left alone until then",
}


def exchanges() -> Iterator[tuple[str, httpx.Headers, bool]]:
    """The answers that require a cache to reuse them or not: (id, headers, whether they are reused)."""
    groups = {"cc-parse", "cc-freshness", "expires", "expires-parse", "age-parse"}
    for group in json.loads(CACHE_TESTS.read_text()):
        for test in group["tests"] if group["id"] in groups else ():
            first, *later = test["requests"]
            if test.get("kind", "required") != "check" and len(later) == 1 and "response_headers" in first:
                lines = [(line[0], written(line[0], line[1])) for line in first["response_headers"]]
                yield test["id"], httpx.Headers(lines), later[0]["expected_type"] == "cached"


def written(name: str, value: Any) -> str:
    """A header value; of a date the tests say how many seconds from now."""
    dated = isinstance(value, int) and name.lower() in {"date", "expires"}
    return format_datetime(NOW + timedelta(seconds=value), usegmt=True) if dated else str(value)


@pytest.mark.skipif(not CACHE_TESTS.exists(), reason="the tests of caches are not part of the project")
def test_freshness_agrees_with_the_public_tests_of_caches() -> None:
    wrong = {
        name
        for name, headers, reused in exchanges()
        if ((freshness(headers, NOW) or timedelta(0)) > PAUSE) != reused
        and not any(other in name for other in OTHERWISE)
    }
    assert wrong == set()
    assert len(list(exchanges())) > 60
