"""Who may be asked when."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some
from support.feeds import a_feed

from monitor.model import Feed
from monitor.service.hosts import BUSY, SOON, Hosts, Manners, place

NOW = datetime(2022, 1, 5, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def hosts(*, per_host: int = 2, per_domain: int = 4, spacing: timedelta = SECOND) -> Hosts:
    return Hosts(Manners(per_host=per_host, per_domain=per_domain, spacing=spacing))


def feeds(count: int, site: str = "news.example.kz") -> list[Feed]:
    return [a_feed(f"https://{site}/{number}.rss", id=f"f{number}") for number in range(count)]


def enter(held: Hosts, feed: Feed, at: datetime) -> datetime | None:
    return held.enter(feed, place(feed), at)


def test_feeds_of_one_host_start_a_spacing_apart_in_the_order_they_were_due() -> None:
    held = hosts()
    later = [enter(held, feed, NOW) for feed in feeds(4)]
    assert later == [None, NOW + SECOND, NOW + 2 * SECOND, NOW + 3 * SECOND]


def test_a_feed_starts_at_its_moment_whatever_came_in_between() -> None:
    held, (first, second, newcomer) = hosts(), feeds(3)
    assert enter(held, first, NOW) is None
    moment = enter(held, second, NOW)
    assert moment == NOW + SECOND
    held.leave(place(first))
    assert enter(held, newcomer, NOW + SECOND / 2) == NOW + 2 * SECOND
    assert enter(held, second, NOW + SECOND) is None


def test_two_feeds_whose_moments_have_passed_do_not_start_together() -> None:
    held, (first, second, third) = hosts(per_host=9, per_domain=9), feeds(3)
    for feed in (first, second, third):
        enter(held, feed, NOW)
    late = NOW + 5 * SECOND
    assert enter(held, second, late) is None
    assert enter(held, third, late) == late + SECOND
    assert enter(held, third, late + SECOND) is None


def test_a_host_sees_no_more_at_a_time_than_is_allowed() -> None:
    held, (first, second, third) = hosts(per_host=2, spacing=timedelta(0)), feeds(3)
    assert enter(held, first, NOW) is None
    assert enter(held, second, NOW) is None
    assert enter(held, third, NOW) == NOW + BUSY
    held.leave(place(first))
    assert enter(held, third, NOW + BUSY) is None


def test_hosts_of_one_registrable_domain_share_its_limits() -> None:
    held = hosts(per_host=2, per_domain=3, spacing=timedelta(0))
    blogs = [a_feed(f"https://blog{number}.tumblr.com/rss", id=f"b{number}") for number in range(4)]
    assert [enter(held, blog, NOW) is None for blog in blogs] == [True, True, True, False]


def test_hosts_of_other_domains_do_not_wait_for_each_other() -> None:
    held = hosts()
    sites = [a_feed(f"https://site{number}.kz/rss", id=f"s{number}") for number in range(50)]
    assert [enter(held, feed, NOW) for feed in sites] == [None] * 50


def test_it_is_known_whether_feeds_wait_for_their_turn() -> None:
    held, (first, second) = hosts(), feeds(2)
    enter(held, first, NOW)
    assert not held.has_queue
    enter(held, second, NOW)
    assert held.has_queue
    enter(held, second, NOW + SECOND)
    assert not held.has_queue


def test_feeds_that_are_redirected_to_one_host_share_its_limits_once_that_is_known() -> None:
    held = hosts(per_host=1)
    sites = [a_feed(f"https://site{number}.kz/rss", id=f"s{number}") for number in range(3)]
    led = [place(site, "https://feeds.example/x") for site in sites]
    assert held.enter(sites[0], led[0], NOW) is None
    assert held.enter(sites[1], led[1], NOW) == NOW + BUSY
    assert held.enter(a_feed("https://feeds.example/own", id="own"), place(a_feed("https://feeds.example/own")), NOW)
    assert held.enter(sites[2], place(sites[2]), NOW) is None
    held.leave(led[0])
    assert held.enter(sites[1], led[1], NOW + BUSY) is None
    held.leave(led[1])
    held.leave(place(sites[2]))
    assert not held._at_hosts


@pytest.mark.parametrize(
    ("leads_to", "counted"),
    [
        (None, (("www.one.kz",), ("one.kz",))),
        ("https://www.one.kz/other", (("www.one.kz",), ("one.kz",))),
        ("https://cdn.one.kz/feed", (("www.one.kz", "cdn.one.kz"), ("one.kz",))),
        ("https://feeds.example:8443/x", (("www.one.kz", "feeds.example:8443"), ("one.kz", "feeds.example"))),
        ("https://[odd/", (("www.one.kz", "https://[odd/"), ("one.kz", "https://[odd/"))),
    ],
)
def test_a_feed_counts_where_it_is_configured_and_where_it_is_led_to(
    leads_to: str | None, counted: tuple[tuple[str, ...], tuple[str, ...]]
) -> None:
    at = place(a_feed("https://www.one.kz/rss"), leads_to)
    assert (at.hosts, at.domains) == counted


def test_a_further_request_of_a_poll_waits_for_the_spacing_and_counts_for_those_after_it() -> None:
    held, (first, second) = hosts(), feeds(2)
    at = place(first)
    assert enter(held, first, NOW) is None
    held.leave(at)
    assert held.further(at, NOW, NOW) == SECOND
    assert held.further(at, NOW + SECOND, NOW) == timedelta(0)
    assert enter(held, second, NOW + 1.5 * SECOND) == NOW + 2.5 * SECOND


def test_a_further_request_takes_a_place_and_waits_where_there_is_none() -> None:
    held, (first, second) = hosts(per_host=1), feeds(2)
    at = place(first)
    enter(held, first, NOW)
    assert held.further(at, NOW + SECOND, NOW) == SOON
    held.leave(at)
    assert held.further(at, NOW + 2 * SECOND, NOW) == timedelta(0)
    assert enter(held, second, NOW + 4 * SECOND) == NOW + 4 * SECOND + BUSY
    held.leave(at)
    assert not held._at_hosts


def test_further_requests_leave_one_place_to_feeds_that_come() -> None:
    held, walkers = hosts(per_host=2, spacing=timedelta(0)), feeds(3)
    at = place(walkers[0])
    for walker in walkers[:2]:
        enter(held, walker, NOW)
        held.leave(at)
    assert held.further(at, NOW + SECOND, NOW) == timedelta(0)
    assert held.further(at, NOW + SECOND, NOW) == SOON
    assert enter(held, walkers[2], NOW + SECOND) is None


def test_where_there_is_one_place_a_poll_leaves_it_to_a_feed_that_waits_however_long_its_own_request_took() -> None:
    held, (walker, waiting) = hosts(per_host=1), feeds(2)
    at = place(walker)
    enter(held, walker, NOW)
    late = NOW + 24 * SECOND
    moment = enter(held, waiting, late)
    assert moment == late + BUSY
    held.leave(at)
    assert held.further(at, late + SECOND, NOW) == SOON
    assert enter(held, waiting, moment) is None
    held.leave(at)
    assert held.further(at, moment + SECOND, NOW) == timedelta(0)


def test_feeds_that_are_merely_led_to_a_host_leave_one_place_to_its_own() -> None:
    held = hosts(per_host=2, per_domain=2, spacing=timedelta(0))
    guests = [a_feed(f"https://site{number}.kz/rss", id=f"s{number}") for number in range(3)]
    own = a_feed("https://victim.kz/rss", id="own")
    led = [held.enter(guest, place(guest, own.url), NOW) for guest in guests]
    assert led == [None, NOW + BUSY, NOW + BUSY]
    assert enter(held, own, NOW) is None


def test_a_poll_with_further_requests_leaves_every_other_turn_to_those_who_wait() -> None:
    held, (first, second) = hosts(), feeds(2)
    at = place(first)
    enter(held, first, NOW)
    assert enter(held, second, NOW + SECOND / 2) == NOW + 1.5 * SECOND
    held.leave(at)
    assert held.further(at, NOW + SECOND, NOW) == SECOND
    assert enter(held, second, NOW + 1.5 * SECOND) is None
    held.leave(at)
    assert held.further(at, NOW + 2 * SECOND, NOW) == SECOND / 2
    assert held.further(at, NOW + 2.5 * SECOND, NOW) == timedelta(0)


def test_limits_that_change_keep_what_is_under_way_and_who_was_asked_when() -> None:
    held, (first, second, third) = hosts(per_host=2), feeds(3)
    enter(held, first, NOW)
    held.manners = Manners(per_host=1, per_domain=4, spacing=3 * SECOND)
    assert enter(held, second, NOW + SECOND) == NOW + SECOND + BUSY
    held.leave(place(first))
    assert enter(held, third, NOW + SECOND) == NOW + SECOND + BUSY + 3 * SECOND


def test_what_is_long_past_is_forgotten() -> None:
    held, (first, second) = hosts(), feeds(2)
    enter(held, first, NOW)
    enter(held, second, NOW)
    held.leave(place(first))
    held.forget(NOW + timedelta(hours=1))
    assert (held._started, held._last, held._given, held._at_hosts, held._at_domains) == ({}, {}, {}, {}, {})


@given(some.lists(some.tuples(some.integers(0, 7), some.integers(0, 3000)), max_size=60))
def test_starts_of_a_domain_are_never_closer_than_the_spacing(visits: list[tuple[int, int]]) -> None:
    held, known = hosts(per_host=99, per_domain=99), feeds(8)
    starts, now = list[datetime](), NOW
    for number, wait in visits:
        now += timedelta(milliseconds=wait)
        if enter(held, known[number], now) is None:
            starts.append(now)
    assert all(later - earlier >= SECOND for earlier, later in itertools.pairwise(starts))


@given(some.integers(1, 40))
def test_every_feed_of_a_crowded_host_gets_its_turn(count: int) -> None:
    held, started, now = hosts(per_host=1, per_domain=1), set[str](), NOW
    waiting = {feed.id: (NOW, feed) for feed in feeds(count)}
    for _ in range(8 * count):
        now += SECOND
        for name, (due, feed) in sorted(waiting.items(), key=lambda item: item[1][0]):
            later = enter(held, feed, now) if due <= now else due
            if later is None:
                started.add(name)
                held.leave(place(feed))
                del waiting[name]
            else:
                waiting[name] = (later, feed)
        if not waiting:
            break
    assert len(started) == count
