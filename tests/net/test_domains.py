from __future__ import annotations

import subprocess
import sys

import pytest

from monitor.net.domains import registrable


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("example.com", "example.com"),
        ("News.Example.COM.", "example.com"),
        ("a.b.example.co.uk", "example.co.uk"),
        ("foo.gov.kz", "foo.gov.kz"),  # gov.kz is a suffix of the registry: ministries are not one host
        ("www.foo.gov.kz", "foo.gov.kz"),
        ("gov.kz", "gov.kz"),
        ("a.tumblr.com", "tumblr.com"),  # one operator behind many people's names
        ("b.github.io", "github.io"),
        ("www.президент.рф", "xn--d1abbgf6aiiy.xn--p1ai"),
        ("www.xn--d1abbgf6aiiy.xn--p1ai", "xn--d1abbgf6aiiy.xn--p1ai"),
        ("x.y.unheard-of", "y.unheard-of"),
    ],
)
def test_hosts_count_for_the_domain_that_somebody_registered(host: str, domain: str) -> None:
    assert registrable(host) == domain


@pytest.mark.parametrize(
    ("host", "itself"),
    [
        ("localhost", "localhost"),
        ("kz", "kz"),
        ("127.0.0.1", "127.0.0.1"),
        ("127.1", "127.0.0.1"),
        ("[2606:4700::1111]", "2606:4700::1111"),
        ("2606:4700::1111", "2606:4700::1111"),
        ("", ""),
        ("a..b", "a..b"),
        ("x" * 70 + ".com", "x" * 70 + ".com"),
    ],
)
def test_what_is_no_domain_stands_for_itself(host: str, itself: str) -> None:
    assert registrable(host) == itself


def test_the_list_is_loaded_when_it_is_first_asked() -> None:
    code = (
        "from monitor.net import domains; assert not domains._suffixes.cache_info().currsize;"
        "domains.registrable('127.0.0.1'); assert not domains._suffixes.cache_info().currsize;"
        "domains.registrable('a.example.com'); assert domains._suffixes.cache_info().currsize"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
