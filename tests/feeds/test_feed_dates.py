from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.feeds.dates import parse

WHEN = datetime(2022, 1, 5, 12, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "Wed, 05 Jan 2022 12:30:00 GMT", "Wed, 5 Jan 2022 12:30:00 +0000", "Wed, 05 Jan 2022 18:30:00 +0600", "05 Jan 2022 12:30 UT",
        "Wed, 05 Jan 2022 18:30:00 +06:00", "Wed, 05 Jan 22 12:30:00 Z", "Wed, 05 January 2022 12:30:00", "wed, 05 jan 2022 07:30:00 EST",
        "Wed,  05  Jan  2022   15:30:00  MSK", "Wed, 05 Jan 2022 18:30:00 ALMT", "Wed, 05 Jan 2022 18:30:00 GMT+0600",
        "Среда, 05 Января 2022 18:30:00 +0600", "Ср, 05 янв 2022 18:30:00 +0600", "5 қаңтар 2022 18:30:00 +0600",
        "05-Jan-2022 12:30:00", "2022-01-05T12:30:00Z", "2022-01-05T12:30Z", "2022-01-05T18:30:00+06:00", "2022-01-05T18:30:00+06",
        "2022-01-05 12:30:00", "2022-01-05 18:30:00 +0600", "20220105T123000Z", "2022-01-05T12:30:00.123456Z", "2022-01-05t12:30:00z",
        "05.01.2022 12:30", "05.01.2022 18:30:00 +0600", "5.1.2022, 12:30",
    ],
)  # fmt: skip
def test_dates_as_publishers_write_them_name_one_moment(text: str) -> None:
    assert parse(text) == WHEN


@pytest.mark.parametrize("text", ["2022-01-05", "05 Jan 2022", "05.01.2022", "Wed, 05 Jan 2022"])
def test_a_day_is_its_first_minute(text: str) -> None:
    assert parse(text) == datetime(2022, 1, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        None, "", "today", "12:30", "2022", "2022-01", "05 Jan", "Wed, 32 Jan 2022 12:30:00 GMT", "Wed, 05 Foo 2022 12:30:00 GMT",
        "Wed, 05 Jan 2022 25:30:00 GMT", "Wed, 05 Jan 2022 12:30:00 XYZT", "Wed, 05 Jan 2022 12:30:00 +9999", "0001-01-01T00:00:00Z",
        "1970-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2022-02-30", "1641385800", "05.13.2022", "x" * 500, "Thu, 01 Jan 1970 00:00:00 +0000",
    ],
)  # fmt: skip
def test_what_names_no_moment_is_none_and_never_today(text: str | None) -> None:
    assert parse(text) is None


def test_a_leap_second_is_forgiven() -> None:
    assert parse("2016-12-31T23:59:60Z") == datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC)


@given(st.text(max_size=60) | st.from_regex(r"\A[0-9:+ \-TZJan,.]{0,40}\Z"))
def test_no_text_breaks_the_reading(text: str) -> None:
    found = parse(text)
    assert found is None or found.tzinfo is UTC


@given(st.datetimes(datetime(1995, 1, 2), datetime(2100, 12, 30)))  # noqa: DTZ001 - hypothesis wants bounds without zone
def test_iso_and_rfc_forms_come_back_as_they_went(moment: datetime) -> None:
    aware = moment.replace(microsecond=0, tzinfo=UTC)
    assert parse(aware.isoformat()) == aware
    assert parse(aware.strftime("%a, %d %b %Y %H:%M:%S +0000")) == aware
