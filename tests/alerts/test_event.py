"""The webhook event keeps its published schema, and its size."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import monitor.alerts.event
from monitor.alerts import sample
from monitor.alerts.event import LATE, LIMIT, event
from monitor.model import LANGUAGES, Alert, Match, Reason

SCHEMA = json.loads((Path(monitor.alerts.event.__file__).parent / "event-1.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA, format_checker=jsonschema.FormatChecker())


def _event(alert: Alert, **other: Any) -> dict[str, Any]:
    return event(alert, **({"language": "en", "titles": sample.TITLES, "now": sample.NOW} | other))


def _report_with(alert: Alert, **changes: Any) -> Alert:
    assert alert.report
    return dataclasses.replace(alert, report=dataclasses.replace(alert.report, **changes))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("number", range(len(sample.alerts())))
def test_every_kind_of_alert_is_a_valid_event_with_all_published_fields(number: int, language: str) -> None:
    made = _event(sample.alerts()[number], language=language)
    VALIDATOR.validate(made)
    assert set(SCHEMA["$defs"]["alert"]["properties"]) == set(made["data"])


def test_a_story_carries_its_source_its_reasons_and_its_times() -> None:
    made = _event(sample.full())
    data = made["data"]
    assert (made["type"], made["timestamp"]) == ("alert.story", "2022-01-04T19:41:00Z")
    assert (data["published_at"], data["seen_at"]) == ("2022-01-04T19:30:00Z", "2022-01-04T19:40:00Z")
    assert data["source"] == {"name": "Example News", "outlet": "example.org", "grade": "B"}
    assert data["story"]["source_count"] == 4
    assert data["delayed"] is False
    first = data["watches"][0]["reasons"][0]
    assert data["headline"][first["start"] : first["end"]] == first["surface"] == "Протесты"
    assert (first["rule"], data["watches"][0]["score"]) == ("Russian ending", 2.0)


@pytest.mark.parametrize(("language", "title"), [("ru", "задержания"), ("kk", "detentions"), ("xx", "detentions")])
def test_what_a_report_is_about_has_titles_in_the_readers_language_or_english(language: str, title: str) -> None:
    titles = {"place/almaty": {"en": "Almaty"}, "concept/detentions": {"en": "detentions", "ru": "задержания"}}
    about = _event(_report_with(sample.full(), named=tuple(titles)), language=language, titles=titles)["data"]["about"]
    assert about == {
        "places": [{"id": "almaty", "title": "Almaty"}],
        "people": [],
        "organisations": [],
        "concepts": [{"id": "detentions", "title": title}],
    }


def test_an_entry_that_the_gazetteer_has_no_more_is_named_by_its_id() -> None:
    about = _event(_report_with(sample.full(), named=("org/a/b", "org/police")), language="kk")["data"]["about"]
    assert about["organisations"] == [{"id": "a/b", "title": "a/b"}, {"id": "police", "title": "полиция"}]


def test_alerts_without_a_report_are_about_nothing() -> None:
    assert set(map(len, _event(sample.operator())["data"]["about"].values())) == {0}


def test_a_report_about_all_there_is_fits() -> None:
    named = tuple(f"{kind}/{n}" for kind in ("place", "person", "org", "concept") for n in range(2000))
    made = _event(_report_with(sample.full(), named=named))
    assert len(json.dumps(made, ensure_ascii=False).encode()) <= LIMIT + 1000
    assert [len(entries) for entries in made["data"]["about"].values()] == [20] * 4
    VALIDATOR.validate(made)


def test_spans_point_into_the_cleaned_text_of_the_event() -> None:
    text = "  A\u200b \u202eriot\u200b  in Almaty, a riot"
    at = text.rindex("riot")
    reasons = (
        Reason(
            keyword="riot", surface="riot\u200b", field="text", start=text.index("riot"), end=text.index("riot") + 5
        ),
        Reason(keyword="riot", surface="riot", field="text", start=at, end=at + 4),
    )
    match = Match(report_id="r", watch="unrest", version=1, reasons=reasons)
    data = _event(dataclasses.replace(_report_with(sample.full(), text=text), matches=(match,)))["data"]
    assert data["summary"] == "A riot in Almaty, a riot"
    spans = [(reason["start"], reason["end"]) for reason in data["watches"][0]["reasons"]]
    assert [data["summary"][start:end] for start, end in spans] == ["riot", "riot"]
    assert spans[0][0] < spans[1][0]


@pytest.mark.parametrize("text", ["A riot in Almaty", "A  riot in Almaty", "", "riot"])
def test_a_place_beyond_the_text_points_to_its_end_at_most(text: str) -> None:
    reason = Reason(keyword="riot", surface="riot", field="text", start=90, end=94)
    match = Match(report_id="r", watch="unrest", version=1, reasons=(reason,))
    data = _event(dataclasses.replace(_report_with(sample.full(), text=text), matches=(match,)))["data"]
    assert data["watches"][0]["reasons"][0]["start"] == (len(data["summary"]) or 90)


def test_alerts_of_the_service_itself_speak_the_readers_language() -> None:
    assert _event(sample.watching(), language="ru")["data"]["headline"] == "Под наблюдением 12 лент"
    assert "142" in _event(sample.watching(), language="kk")["data"]["note"]
    assert _event(sample.test(), language="en")["data"]["note"].startswith("This is a test.")
    assert _event(sample.test())["data"]["test"] is True


@pytest.mark.parametrize(("late", "delayed"), [(LATE, False), (LATE + timedelta(seconds=1), True)])
def test_an_alert_later_than_half_an_hour_says_so(late: timedelta, delayed: bool) -> None:
    alert = sample.full()
    assert alert.report
    assert _event(alert, now=alert.report.when + late)["data"]["delayed"] is delayed


def test_a_time_of_publication_in_the_future_makes_nothing_late() -> None:
    alert = _report_with(sample.full(), published=datetime(2031, 1, 1, tzinfo=UTC))
    data = _event(alert)["data"]
    assert data["delayed"] is False
    assert data["published_at"] == "2031-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("title", "text", "words", "sources"),
    [
        ("Заголовок", "слово " * 20_000, 1, 1),
        ("длинный " * 5000, "слово " * 20_000, 1, 1),
        ("Заголовок", "", 2000, 1),
        ("Заголовок", "", 1, 3000),
        ("\U0001f692" * 9000, "\U0001f692" * 9000, 500, 500),
    ],
)
def test_an_event_of_any_size_fits_and_says_that_it_was_shortened(
    title: str, text: str, words: int, sources: int
) -> None:
    reasons = tuple(Reason(keyword="слово", surface="слово", field="text", start=n, end=n + 5) for n in range(words))
    alert = dataclasses.replace(
        _report_with(sample.full(), title=title, text=text),
        headline=title,
        matches=(Match(report_id="r", watch="unrest", version=1, reasons=reasons),),
        sources=tuple(f"Источник {n}" for n in range(sources)),
    )
    made = _event(alert)
    assert len(json.dumps(made, ensure_ascii=False).encode()) <= LIMIT + 1000
    assert made["data"]["truncated"] is True
    assert made["data"]["url"]
    assert made["data"]["story"]["source_count"] == sources
    VALIDATOR.validate(made)


def test_a_long_note_without_a_story_is_cut_too() -> None:
    data = _event(dataclasses.replace(sample.operator(), facts={}, note="ошибка " * 5000))["data"]
    assert data["truncated"] is True
    assert 900 < len(data["note"]) <= 1000


def test_a_report_that_every_watch_wants_fits() -> None:
    match = sample.full().matches[0]
    matches = tuple(dataclasses.replace(match, watch=f"watch-{n}", reasons=match.reasons * 20) for n in range(300))
    made = _event(dataclasses.replace(sample.full(), matches=matches))
    assert len(json.dumps(made, ensure_ascii=False).encode()) <= LIMIT + 1000
    assert made["data"]["watches"][0]["name"] == "watch-0"
    VALIDATOR.validate(made)


def test_an_event_that_cannot_be_short_enough_is_still_a_valid_event() -> None:
    made = _event(dataclasses.replace(sample.full(), route="r" * LIMIT))
    assert made["data"]["truncated"] is True
    VALIDATOR.validate(made)


def test_a_usual_event_is_whole() -> None:
    alert = _report_with(sample.full(), text="слово " * 1000)
    data = _event(alert)["data"]
    assert data["truncated"] is False
    assert len(data["summary"]) == 5999


def test_text_that_no_encoder_takes_is_gone() -> None:
    alert = _report_with(sample.full(), text="half \ud83d pair", source="S\x00S", link="javascript:alert(1)")
    made = _event(dataclasses.replace(alert, headline="a\ud800b\nc", sources=("S\ud800",)))
    assert json.dumps(made, ensure_ascii=False).encode()
    assert made["data"]["headline"] == "ab c"
    assert made["data"]["url"] is None
