"""Hosts that the client would refuse are mistakes of the files, at their line."""

import pytest

from monitor.settings import check

MONITOR = "situation: {id: kz, name: Kazakhstan, zone: Asia/Almaty}\n"
WATCHES = "watches:\n- name: unrest\n  any: [protest]\n"

HOSTS = {
    "xn--a": "The host name is none that exists in any language",
    "news..example": "The host name has an empty part between its dots",
    f"{'x' * 64}.example": "The host name is too long: 63 characters between two dots, 253 in all",
}


def said(place, *, monitor="", feed="url: https://one.example/feed"):
    texts = {"monitor": MONITOR + monitor, "watches": WATCHES}
    texts["feeds"] = f"feeds:\n- id: one\n  name: One\n  outlet: one\n  group: national\n  {feed}\n"
    for name, text in texts.items():
        place.joinpath(f"{name}.yaml").write_text(text)
    return [str(mistake).removeprefix(f"{place}/") for mistake in check(place, environ={})]


@pytest.mark.parametrize(("host", "sentence"), HOSTS.items(), ids=["no language", "empty part", "long part"])
def test_a_host_that_cannot_be_asked_is_named_in_feeds_proxies_and_webhooks(tmp_path, host, sentence):
    url = f"http://{host}/"
    [mistake] = said(tmp_path, feed=f"url: {url}")
    assert mistake.startswith(f"feeds.yaml:6: `url` cannot be used: {sentence}; ")
    [mistake] = said(tmp_path, feed=f"url: https://one.example/\n  proxy: {url}")
    assert mistake.startswith(f"feeds.yaml:7: `proxy` cannot be used: {sentence}; ")
    for key in ("url", "proxy"):
        hook = {"url": "https://hook.example/", "secret": f"whsec_{'a' * 32}", key: url}
        lines = "".join(f"    {name}: '{value}'\n" for name, value in hook.items())
        mistakes = said(
            tmp_path, monitor=f"channels:\n  hook:\n    kind: webhook\n{lines}routes: {{desk: {{channels: [hook]}}}}\n"
        )
        where = f"monitor.yaml:{5 + list(hook).index(key)}: `{key}` cannot be used: {sentence}"
        assert [each[: len(where)] for each in mistakes] == [where]
