from __future__ import annotations

import pytest

from monitor.feeds.hubs import push_of

URL = "https://news.example/feed"
HUB = "https://hub.example/"


@pytest.mark.parametrize(
    ("links", "found"),
    [
        ({}, (None, None)),
        ({"self": (URL,)}, (None, None)),
        ({"hub": (HUB,)}, (HUB, URL)),
        ({"hub": (HUB,), "self": ("https://news.example/rss?all=1",)}, (HUB, "https://news.example/rss?all=1")),
        ({"hub": ("http://hub.example/", HUB), "self": (URL,)}, (HUB, URL)),
        ({"hub": ("http://hub.example/",), "self": (URL,)}, ("http://hub.example/", URL)),
        ({"hub": (HUB,), "self": ("http://news.example/feed",)}, (HUB, "http://news.example/feed")),
        ({"hub": (HUB,), "self": ("https://news.example:443/feed",)}, (HUB, "https://news.example:443/feed")),
        ({"hub": (HUB,), "self": ("https://other.example/feed",)}, (None, None)),
        ({"hub": (HUB,), "self": ("https://news.example:8443/feed",)}, (None, None)),
        ({"hub": (HUB,), "self": ("https://news.example:99999/feed",)}, (None, None)),
    ],
)
def test_pushes_come_from_a_named_hub_under_a_name_of_the_feeds_own_site(
    links: dict[str, tuple[str, ...]], found: tuple[str | None, str | None]
) -> None:
    assert push_of(links, URL) == found
