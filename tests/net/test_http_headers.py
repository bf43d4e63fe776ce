from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.net.headers import MAX_WAIT, Lines, http_date, retry_after

NOW = datetime(2022, 1, 7, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    ["Fri, 07 Jan 2022 23:59:59 GMT", "Friday, 07-Jan-22 23:59:59 GMT", "Fri Jan  7 23:59:59 2022", "fri, 07 jan 2022 23:59:59 gmt",
     "Sat, 08 Jan 2022 05:59:59 +0600", " Fri, 07 Jan 2022 23:59:59 GMT "],
)  # fmt: skip
def test_all_forms_of_an_http_date_name_the_same_time(text: str) -> None:
    assert http_date(text) == datetime(2022, 1, 7, 23, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize("text", [None, "", "0", "-1", "now", "Fri, 32 Jan 2022 23:59:59 GMT", "Fri, 07 Xyz 2022 25:00:00", "x" * 100,
                                  "Friday, 07-Xan-22 23:59:59 GMT"])  # fmt: skip
def test_junk_is_no_date(text: str | None) -> None:
    assert http_date(text) is None


def test_two_digit_years_are_of_this_age() -> None:
    assert http_date("Sunday, 06-Nov-94 08:49:37 GMT") == datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "wait"),
    [
        ("120", timedelta(seconds=120)),
        (" 120 ", timedelta(seconds=120)),
        ("0", timedelta(0)),
        ("1.5", timedelta(seconds=1.5)),
        ("1e9", None),
        ("999999999", MAX_WAIT),
        ("99999999999999999", MAX_WAIT),
        ("-5", None),
        ("abc", None),
        ("", None),
        ("٣", None),
        (None, None),
        ("Fri, 07 Jan 2022 12:02:00 GMT", timedelta(minutes=2)),
        ("Friday, 07-Jan-22 12:02:00 GMT", timedelta(minutes=2)),
        ("Fri Jan  7 12:02:00 2022", timedelta(minutes=2)),
        ("Thu, 06 Jan 2022 12:00:00 GMT", timedelta(0)),
        ("Sun, 07 Jan 2029 12:00:00 GMT", MAX_WAIT),
    ],
)
def test_retry_after_is_seconds_or_a_date_against_the_servers_own_clock(
    value: str | None, wait: timedelta | None
) -> None:
    assert retry_after(value, NOW) == wait


@given(st.text(max_size=80))
def test_no_header_value_breaks_the_reading(text: str) -> None:
    wait = retry_after(text, NOW)
    assert wait is None or timedelta(0) <= wait <= MAX_WAIT


def test_lines_are_found_whatever_their_case_and_repeated_ones_are_kept() -> None:
    lines = Lines([(b"ETag", b'"caf\xe9"'), (b"LINK", b"<a>"), (b"link", b"<b>")])
    assert lines.get_list("etag") == ['"caf\xe9"']
    assert lines.get_list("Link") == ["<a>", "<b>"]
    assert lines.get("LINK") == "<a>, <b>"
    assert ("Etag" in lines, "age" in lines) == (True, False)
    assert (lines.get_list("age"), lines.get("age"), lines.get("age", "0")) == ([], None, "0")
