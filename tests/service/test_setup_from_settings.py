"""What the parts of the service are given of the configuration."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from support.values import NOW, alert, report

from monitor.model import Recipient
from monitor.service.build import build_silent_setup
from monitor.settings import load

FILES = {
    "monitor.yaml": "situation: {id: kazakhstan, name: Kazakhstan}\nchannels: {out: {kind: console}}\nroutes: {desk: {channels: [out]}}\n",
    "feeds.yaml": "feeds: [{id: paper, name: Paper, url: https://paper.example/rss}]\n",
    "watches.yaml": "watches: [{name: strikes, any: [strike]}]\n",
    "gazetteer/ours.yaml": "places: [{id: port, title: {ru: Порт Актау}, en: [Aktau port], ru: [порт Актау]}]\n",
}


def test_alerts_name_what_a_report_is_about_as_the_gazetteer_does(tmp_path: Path) -> None:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    setup = build_silent_setup(load(tmp_path, environ={}))
    found = report(title="A strike at Aktau port", text="")
    about = tuple(setup.watches.read(found, None).about)
    rendered = setup.renderer.render(
        alert(report=replace(found, named=about)),
        Recipient(address="desk", language="ru"),
        situation_name="Kazakhstan",
        desk_zone="UTC",
        now=NOW,
    )
    assert rendered.message.data["data"]["about"]["places"] == [{"id": "port", "title": "Порт Актау"}]
    assert "О чём: Порт Актау\n" in rendered.message.text
