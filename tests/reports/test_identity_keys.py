"""Identity keys: which addresses are one article, and that no address is taken for another one."""

from __future__ import annotations

import ast
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.laws import law

from monitor.model import Entry, Feed
from monitor.reports.identity import canonical_link, is_own, keys_of

DATA = Path(__file__).parents[2] / "../shared/data"
FEED = Feed(id="f", name="Feed", url="https://outlet.kz/rss", situation="s", outlet="outlet")
NOON = datetime(2022, 1, 5, 12, tzinfo=UTC)
LONG = "Режим чрезвычайного положения введён в городе до полуночи девятнадцатого января включительно по решению"


def entry(**fields: object) -> Entry:
    given = {"guid": None, "link": None, "title": "", "summary": ""} | fields
    return Entry(**given)  # type: ignore[arg-type]


def recipes(found: tuple[str, ...]) -> list[str]:
    return [key[:2] for key in found]


ARTICLE = "https://outlet.kz/news/zhanaozen-449729"
ONE_ARTICLE = {
    "plain http": "http://outlet.kz/news/zhanaozen-449729",
    "www": "https://www.outlet.kz/news/zhanaozen-449729",
    "mobile host": "https://m.outlet.kz/news/zhanaozen-449729",
    "amp host": "https://amp.outlet.kz/news/zhanaozen-449729",
    "amp behind": "https://outlet.kz/news/zhanaozen-449729/amp",
    "amp behind with a slash": "https://outlet.kz/news/zhanaozen-449729/amp/",
    "amp before": "https://outlet.kz/amp/news/zhanaozen-449729",
    "amp in the name": "https://outlet.kz/news/zhanaozen-449729.amp",
    "amp as a parameter": "https://outlet.kz/news/zhanaozen-449729?amp=1",
    "amp as an output": "https://outlet.kz/news/zhanaozen-449729?outputType=amp",
    "trailing slash": "https://outlet.kz/news/zhanaozen-449729/",
    "doubled slash": "https://outlet.kz//news//zhanaozen-449729",
    "host in capitals": "HTTPS://OUTLET.KZ/news/zhanaozen-449729",
    "dot behind the host": "https://outlet.kz./news/zhanaozen-449729",
    "port said": "https://outlet.kz:443/news/zhanaozen-449729",
    "port left empty": "https://outlet.kz:/news/zhanaozen-449729",
    "place in the page": "https://outlet.kz/news/zhanaozen-449729#comments",
    "dots in the path": "https://outlet.kz/./x/../news/zhanaozen-449729",
    "needless escapes": "https://outlet.kz/news/%7Ahanaozen%2D449729",
    "spaces around": "  https://outlet.kz/news/zhanaozen-449729\n",
    "empty query": "https://outlet.kz/news/zhanaozen-449729?",
    "index page": "https://outlet.kz/news/zhanaozen-449729/index.html",
    "user name": "https://reader:secret@outlet.kz/news/zhanaozen-449729",
} | {
    name: f"{ARTICLE}?{name}=telegram&utm_medium=social"
    for name in (
        "utm_source", "mtm_campaign", "pk_campaign", "at_medium", "ns_mchannel", "fbclid", "gclid", "dclid", "yclid",
        "ysclid", "msclkid", "igshid", "mc_cid", "_openstat", "from", "ref", "referrer", "source", "cmpid", "cmp", "rss",
        "ito", "xtor", "spm", "feature", "ocid", "smid", "UTM_Term",
    )
}  # fmt: skip


@pytest.mark.parametrize("link", ONE_ARTICLE.values(), ids=ONE_ARTICLE)
def test_one_article_has_one_canonical_link(link: str) -> None:
    assert canonical_link(link) == canonical_link(ARTICLE)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://a.kz/news/1", "https://a.kz/news/2"),
        ("https://a.kz/news/1", "https://b.kz/news/1"),
        ("https://a.kz/?p=1", "https://a.kz/?p=2"),
        ("https://a.kz/news.php?id=1&lang=ru", "https://a.kz/news.php?id=1&lang=kk"),
        ("https://a.kz/News", "https://a.kz/news"),
        ("https://a.kz/a%2Fb", "https://a.kz/a/b"),
        ("https://a.kz/a%3Fb", "https://a.kz/a?b"),
        ("https://a.kz/%EF%F0%E5%F1%F1", "https://a.kz/%F1%EF%EE%F0%F2"),  # windows-1251, escaped
        ("https://a.kz/?s=%EF%F0", "https://a.kz/?s=%E0%E1"),
        ("https://a.kz:8080/x", "https://a.kz/x"),
        ("http://a.kz:443/x", "https://a.kz/x"),
        ("https://a.kz/#!/news/1", "https://a.kz/#!/news/2"),
        ("https://m.kz/x", "https://kz/x"),
        ("https://amp.kz/x", "https://m.kz/x"),
        ("https://a.kz/?12345", "https://a.kz/?12346"),
        ("https://a.kz/?q=a%26b%3Dc", "https://a.kz/?q=a&b=c"),
        ("https://a.kz/news/amp", "https://a.kz/news/camp"),
        ("https://a.kz/amp", "https://a.kz/"),
        ("https://a.kz/news/-amp", "https://a.kz/news/"),
    ],
)
def test_two_articles_keep_two_canonical_links(one: str, other: str) -> None:
    assert canonical_link(one) != canonical_link(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://a.kz/?b=2&a=1", "https://a.kz/?a=1&b=2"),
        ("https://тенгри.рф/news", "https://xn--c1adksqi.xn--p1ai/news"),
        ("https://a.kz/%C3%87", "https://a.kz/C%CC%A7"),
        ("https://a.kz/?q=%C3%87", "https://a.kz/?q=C%CC%A7"),
        ("https://a.kz/жаңалық", "https://a.kz/%D0%B6%D0%B0%D2%A3%D0%B0%D0%BB%D1%8B%D2%9B"),
        ("https://a.kz/790154-amp.html", "https://a.kz/790154.html"),
        ("https://a.kz:081/x", "https://a.kz:81/x"),
    ],
)
def test_writings_of_one_address_are_equal(one: str, other: str) -> None:
    assert canonical_link(one) == canonical_link(other) is not None


@pytest.mark.parametrize(
    "link",
    [
        "https://outlet.kz", "https://outlet.kz/", "http://www.outlet.kz/?utm_source=rss", "https://outlet.kz/index.php",
        "https://outlet.kz/#top", "https://outlet.kz/.", "ftp://outlet.kz/x", "mailto:a@b.kz", "javascript:alert(1)", "/news/1",
        "", "https://", "https:///x", "https://outlet.kz:x/news", "https://[::1/news", "https://a\u2100b.kz/x",
    ],
)  # fmt: skip
def test_home_pages_and_what_is_no_web_address_identify_nothing(link: str) -> None:
    assert canonical_link(link) is None


@law
@given(st.text(st.characters(), max_size=60))
@example("https://a.kz/\ud800?\udfff=\ud801")
@example("https://\udcff.kz/x")
@example("https://" + "é" * 70 + ".kz/x")
@example("https://a.kz/%zz%")
def test_no_text_breaks_the_canonical_form(text: str) -> None:
    for link in (text, f"https://a.kz/{text}", f"https://{text}/x"):
        found = canonical_link(link)
        assert found is None or "/" in found


@law
@given(
    st.text(min_size=1, max_size=30).filter(lambda path: ".." not in path),
    st.sampled_from(["utm_source", "fbclid", "from", "amp"]),
)
def test_a_canonical_link_is_canonical_and_tracking_never_counts(path: str, name: str) -> None:
    found = canonical_link(f"https://a.kz/n/{path}")
    assert found is not None
    assert canonical_link(f"https://{found}") == found
    if not set("#?&;\\\t\n\r") & set(path) and path.strip() == path:
        assert canonical_link(f"https://a.kz/n/{path}?{name}=1") == found


def naughty() -> list[str]:
    file = DATA / "protocol/blns.json"
    return __import__("json").loads(file.read_text()) if file.exists() else []


@pytest.mark.skipif(not (DATA / "protocol/blns.json").exists(), reason="needs the protocol corpus beside the project")
def test_naughty_strings_have_keys_and_stay_apart() -> None:
    texts = sorted({text for text in naughty() if text.strip()})
    for text in texts:
        assert keys_of(entry(guid=text, link=text, title=text, summary=text), FEED)
    guids = {keys_of(entry(guid=text), FEED)[0] for text in texts}
    assert len(guids) == len({text.strip() for text in texts})


@pytest.mark.skipif(
    not (DATA / "protocol/feedvalidator-unit").exists(), reason="needs the protocol corpus beside the project"
)
def test_the_equality_list_of_the_feed_validator_holds_for_web_addresses() -> None:
    tree = ast.parse((DATA / "protocol/feedvalidator-unit/src/tests/testUri.py").read_text())
    lists = {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and node.targets[0].id.startswith("tests")
    }
    pairs = [*lists["testsEqual"], *(pair for pair in lists["testsCanonical"] if len(pair) == 2)]
    web = [(one, other) for one, other in pairs if one.lower().startswith("http:") and "//" in one]
    assert len(web) > 20
    for one, other in web:
        if "?q=1%2" not in one:  # escapes of one letter in two cases: decoded here
            assert canonical_link(one) == canonical_link(other)
    for one, other in lists["testsDifferent"]:
        here, there = canonical_link(one), canonical_link(other)
        assert here is None or here != there or one.endswith("~smith/")  # a slash behind is no difference here


@pytest.mark.parametrize(
    ("fields", "made"),
    [
        ({}, ["t1"]),
        ({"title": "Коротко"}, ["t1"]),
        ({"title": LONG}, ["t1"]),
        ({"guid": "  "}, ["t1"]),
        ({"guid": "1", "guid_repeated": True}, ["t1"]),
        ({"guid": "1"}, ["g1", "e1"]),
        ({"guid": "1", "title": LONG}, ["g1", "t1", "e1"]),
        ({"guid": "1", "title": "Погода на завтра днём"}, ["g1", "e1"]),
        ({"guid": "1", "title": "Погода на завтра днём", "published": NOON}, ["g1", "t1", "e1"]),
        ({"guid": "1", "title": "Погода", "published": NOON}, ["g1", "e1"]),
        ({"link": "https://outlet.kz/"}, ["t1"]),
        ({"link": "https://outlet.kz/1"}, ["l1", "o1", "e1"]),
        ({"link": "https://outlet.kz/1", "title": "Погода"}, ["l1", "o1", "p1", "e1"]),
        ({"link": "https://outlet.kz/1", "title": "Погода", "link_repeated": True}, ["t1"]),
        ({"link": "https://outlet.kz/1", "guid": "1", "title": LONG}, ["l1", "o1", "g1", "p1", "t1", "e1"]),
        ({"link": "https://outlet.kz/1", "guid": "1", "title": LONG, "link_repeated": True}, ["g1", "t1", "e1"]),
    ],
)
def test_only_what_identifies_makes_a_key(fields: dict[str, object], made: list[str]) -> None:
    assert recipes(keys_of(entry(**fields), FEED)) == made


def test_guids_belong_to_their_outlet_and_links_to_nobody() -> None:
    shown = entry(guid="1", link="https://outlet.kz/news/1", title=LONG)
    other = Feed(id="g", name="G", url="https://b.kz", situation="s", outlet="b")
    mine, theirs = (
        dict(zip(recipes(found), found, strict=True)) for found in (keys_of(shown, FEED), keys_of(shown, other))
    )
    assert mine["l1"] == theirs["l1"]
    assert all(mine[recipe] != theirs[recipe] for recipe in ("o1", "g1", "p1", "t1", "e1"))


def test_short_words_without_an_address_are_the_same_for_a_day() -> None:
    def key(at: datetime) -> tuple[str, ...]:
        return keys_of(entry(title="Погода на завтра", published=at), FEED)

    assert key(NOON) == key(NOON + timedelta(hours=1))
    assert key(NOON) != key(NOON + timedelta(days=1))


@pytest.mark.parametrize(
    ("link", "site", "own"),
    [
        ("https://outlet.kz/1", "https://outlet.kz/rss", True),
        ("https://www.outlet.kz/1", "http://outlet.kz/rss", True),
        ("https://outlet.kz/1", "https://rss.outlet.kz/all", True),
        ("https://news.outlet.kz/1", "https://outlet.kz/rss", True),
        ("https://other.kz/1", "https://outlet.kz/rss", False),
        ("https://myoutlet.kz/1", "https://outlet.kz/rss", False),
        ("https://outlet.kz.evil.com/1", "https://outlet.kz/rss", False),
        (None, "https://outlet.kz/rss", False),
        ("https://outlet.kz/1", "not an address", False),
    ],
)
def test_an_entry_that_leads_to_the_feeds_site_is_the_outlets_own(link: str | None, site: str, own: bool) -> None:
    feed = Feed(id="f", name="F", url=site, situation="s", outlet="o")
    assert is_own(entry(link=link), feed) is own
