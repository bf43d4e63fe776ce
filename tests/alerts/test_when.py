"""Times in words, in zones whose clocks have moved."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from monitor.alerts.when import SEPARATOR, iso, moment, span


@pytest.mark.parametrize(
    ("at", "desk", "reader", "language", "shown"),
    [
        ("2022-01-04T19:30", "Asia/Almaty", "UTC", "en", "5 Jan 2022, 01:30 Almaty (UTC+6) · 4 Jan 19:30 UTC"),
        ("2022-01-05T07:30", "Asia/Almaty", "UTC", "en", "5 Jan 2022, 13:30 Almaty (UTC+6) · 07:30 UTC"),
        ("2024-02-29T17:59", "Asia/Almaty", "UTC", "en", "29 Feb 2024, 23:59 Almaty (UTC+6) · 17:59 UTC"),
        ("2024-02-29T18:59", "Asia/Almaty", "UTC", "en", "29 Feb 2024, 23:59 Almaty (UTC+5) · 18:59 UTC"),
        ("2024-03-01T07:30", "Asia/Almaty", "UTC", "en", "1 Mar 2024, 12:30 Almaty (UTC+5) · 07:30 UTC"),
        ("2021-12-31T19:00", "Asia/Almaty", "UTC", "en", "1 Jan 2022, 01:00 Almaty (UTC+6) · 31 Dec 2021 19:00 UTC"),
        ("2022-01-04T19:30", "UTC", "UTC", "en", "4 Jan 2022, 19:30 UTC"),
        (
            "2022-01-04T19:30",
            "Asia/Almaty",
            "Europe/Berlin",
            "en",
            "5 Jan 2022, 01:30 Almaty (UTC+6) · 4 Jan 20:30 Berlin (UTC+1) · 4 Jan 19:30 UTC",
        ),
        (
            "2022-01-04T19:30",
            "Asia/Almaty",
            "America/New_York",
            "en",
            "5 Jan 2022, 01:30 Almaty (UTC+6) · 4 Jan 14:30 New York (UTC−5) · 4 Jan 19:30 UTC",
        ),
        ("2022-01-05T07:30", "Asia/Kolkata", "UTC", "en", "5 Jan 2022, 13:00 Kolkata (UTC+5:30) · 07:30 UTC"),
        ("2022-01-05T07:30", "America/St_Johns", "UTC", "en", "5 Jan 2022, 04:00 St Johns (UTC−3:30) · 07:30 UTC"),
        ("2022-01-04T19:30", "Asia/Almaty", "UTC", "ru", "5 января 2022, 01:30 Алматы (UTC+6) · 4 января 19:30 UTC"),
        ("2022-05-04T19:30", "Europe/Moscow", "UTC", "ru", "4 мая 2022, 22:30 Москва (UTC+3) · 19:30 UTC"),
        ("2022-01-04T19:30", "Asia/Almaty", "UTC", "kk", "2022 ж. 5 қаңтар, 01:30 Алматы (UTC+6) · 4 қаңтар 19:30 UTC"),
        ("2022-07-04T12:00", "Europe/London", "UTC", "en", "4 Jul 2022, 13:00 London (UTC+1) · 12:00 UTC"),
    ],
)
def test_a_moment_is_told_in_the_desks_zone_the_readers_and_utc(
    at: str, desk: str, reader: str, language: str, shown: str
) -> None:
    moment_at = datetime.fromisoformat(at).replace(tzinfo=UTC)
    assert SEPARATOR.join(moment(moment_at, desk, reader, language)) == shown


def test_a_reader_whose_clock_shows_the_same_as_the_desks_gets_no_second_copy_of_it() -> None:
    at = datetime(2022, 1, 4, 19, 30, tzinfo=UTC)
    assert moment(at, "Asia/Almaty", "Asia/Bishkek", "en") == moment(at, "Asia/Almaty", "UTC", "en")


def test_a_zone_that_is_at_utc_now_is_named_with_its_offset() -> None:
    at = datetime(2022, 1, 4, 19, 30, tzinfo=UTC)
    assert moment(at, "Europe/London", "UTC", "en") == ("4 Jan 2022, 19:30 London (UTC+0)",)


@pytest.mark.parametrize(
    ("length", "language", "shown"),
    [
        (timedelta(0), "en", "0 min"),
        (timedelta(seconds=-5), "en", "0 min"),
        (timedelta(minutes=59, seconds=59), "en", "59 min"),
        (timedelta(hours=3, minutes=10), "en", "3 h 10 min"),
        (timedelta(hours=3), "ru", "3 ч"),
        (timedelta(days=2, hours=3, minutes=10), "ru", "2 дн. 3 ч"),
        (timedelta(days=1, minutes=10), "kk", "1 күн 10 мин"),
    ],
)
def test_a_length_of_time_is_told_in_its_two_largest_units(length: timedelta, language: str, shown: str) -> None:
    assert span(length, language) == shown


def test_machines_get_utc_in_one_form_whatever_zone_a_time_carries() -> None:
    assert iso(datetime(2022, 1, 5, 1, 30, tzinfo=ZoneInfo("Asia/Almaty"))) == "2022-01-04T19:30:00Z"
    assert iso(None) is None
