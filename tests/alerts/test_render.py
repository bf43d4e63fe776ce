"""What people read: every kind in every language, the user's templates, and what happens when they fail."""

from __future__ import annotations

import dataclasses
import json
import re
from datetime import timedelta
from pathlib import Path

import pytest

import monitor.alerts.render
from monitor.alerts import sample
from monitor.alerts.phrases import ENGLISH, KAZAKH, RUSSIAN
from monitor.alerts.render import BUILT_IN, MAX_SUBJECT, PARTS, Rendered, Renderer, check_templates, unclosed
from monitor.errors import TemplateError
from monitor.model import LANGUAGES, Alert, AlertKind, Part, Recipient, Severity

KINDS = ("full", "bare", "edited", "watching", "operator", "test")


def _render(
    alert: Alert,
    language: str = "en",
    *,
    templates: Path | None = None,
    zone: str = "UTC",
    late: timedelta | None = None,
) -> Rendered:
    recipient = Recipient(address="reader@example.org", language=language, zone=zone)
    now = sample.NOW + (late or timedelta(0))
    return Renderer(templates, sample.TITLES).render(
        alert, recipient, situation_name="Kazakhstan", desk_zone=sample.DESK_ZONE, now=now
    )


def _alert(name: str) -> Alert:
    made: Alert = getattr(sample, name)()
    return made


# --- built-in templates -----------------------------------------------------------------------------------------------


def test_the_built_in_templates_have_no_mistakes() -> None:
    assert check_templates(None) == ()
    assert {path.name for path in BUILT_IN.iterdir()} == {f"{part}.j2" for part in PARTS}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_reads_whole_in_every_language(kind: str, language: str) -> None:
    rendered = _render(_alert(kind), language)
    message = rendered.message
    assert rendered.problems == ()
    assert message.body is None
    for text in (message.subject, message.line, message.text, message.html):
        assert text.strip()
        assert "None" not in text
    assert not re.search(r"[{}]|[ \t]\n|\n\n\n", message.subject + message.line + message.text)
    assert len(message.subject.splitlines()) == len(message.line.splitlines()) == 1
    assert message.text.splitlines()[0].startswith("[")
    assert unclosed(message.html) == ""


@pytest.mark.parametrize("language", ["ru", "kk"])
@pytest.mark.parametrize("kind", KINDS)
def test_no_phrase_is_left_untranslated(kind: str, language: str) -> None:
    """All Latin words in a Russian or Kazakh mail are data: names, ids, addresses, what the sample says."""
    alert = _alert(kind)
    names = (alert.headline, *alert.sources, *alert.watch_titles.values(), *map(str, alert.facts.values()))
    data = " ".join(
        (
            *names,
            alert.report.link or "" if alert.report else "",
            "Kazakhstan desk s1sample a1sample UTC B monitor status",
        )
    )
    shown = _render(alert, language).message
    latin = re.findall(r"[A-Za-z]+", shown.text + shown.line + shown.subject)
    assert set(latin) - set(re.findall(r"[A-Za-z]+", data)) == set()


def test_a_mail_tells_source_time_reason_and_link_in_an_order_that_a_phone_shows() -> None:
    text = _render(sample.full()).message.text
    expected = (
        "[WARNING] Kazakhstan",
        sample.full().headline,
        "4 sources report this story by now.",
        "“Колонна",
        "Source: Example News, in Russian",
        "Reliability: B, usually reliable",
        "Author: Айгерим Сапарова",
        "Published: 5 Jan 2022, 01:30 Almaty (UTC+6) · 4 Jan 19:30 UTC",
        "First seen: 5 Jan 2022, 01:40 Almaty (UTC+6) · 4 Jan 19:40 UTC",
        "Read the report:\nhttps://news.example.org/2022/01/05/almaty?id=17&lang=ru\n",
        "About: Almaty, Republic Square; police; detentions",
        "• протест → Протесты, протестующих (Russian ending; title, text)",
        "• площадь Республики → площади Республики (Russian ending; title)",
        "• задержан* → задержанные (any ending; text)",
        "• слезоточивый газ (text)",
        "Other sources: Степной курьер, Қала хабары, The Steppe Observer",
        "Why you got this: watch “Unrest”, watch “Detentions”, route “desk”",
        "Story s1sample",
        "Alert a1sample",
    )
    places = [text.index(part) for part in expected]
    assert places == sorted(places)


def test_the_html_mail_marks_the_matched_words_and_links_the_report() -> None:
    html = _render(sample.full()).message.html
    marked = re.findall(r'<mark class="hit"[^>]*>([^<]+)</mark>', html)
    assert marked == ["Протесты", "площади Республики", "протестующих", "слезоточивый газ", "задержанные"]
    assert 'href="https://news.example.org/2022/01/05/almaty?id=17&amp;lang=ru"' in html
    assert html.count('lang="ru"') == 2
    assert "prefers-color-scheme: dark" in html


def test_both_forms_of_a_mail_say_what_it_is_about_and_what_joined_the_words_in_the_readers_language() -> None:
    message = _render(sample.full(), "kk").message
    assert "Не туралы: Алматы, Республика алаңы; полиция; ұстау\n" in message.text
    assert "(орысша жалғау; тақырып, мәтін)" in message.text
    assert "<bdi>Алматы, Республика алаңы; полиция; ұстау</bdi>" in message.html
    assert "орысша жалғау · тақырып, мәтін" in message.html


def test_a_report_about_many_things_names_six_of_a_kind_and_counts_the_rest() -> None:
    alert = sample.full()
    assert alert.report
    named = (*(f"place/{n}" for n in range(9)), "person/x")
    about = dataclasses.replace(alert, report=dataclasses.replace(alert.report, named=named))
    assert "О чём: 0, 1, 2, 3, 4, 5 и ещё 3; x\n" in _render(about, "ru").message.text


def test_words_of_one_keyword_stand_apart_by_what_joined_them() -> None:
    alert = sample.full()
    match = alert.matches[0]
    found = (
        ("Zhanaozen", "Жаңаөзенде", "Kazakh suffix"),
        ("strike", "strikes", "English ending"),
        ("Zhanaozen", "Жанаозене", "other spelling, Russian ending"),
        ("Zhanaozen", "Zhanaozen", "as written"),
    )
    reasons = tuple(
        dataclasses.replace(match.reasons[0], keyword=keyword, surface=word, rule=rule) for keyword, word, rule in found
    )
    text = _render(dataclasses.replace(alert, matches=(dataclasses.replace(match, reasons=reasons),))).message.text
    assert (
        "• Zhanaozen → Жаңаөзенде (Kazakh suffix; title)\n"
        "• Zhanaozen → Жанаозене (other spelling, Russian ending; title)\n"
        "• Zhanaozen (title)\n"
    ) in text


def test_a_single_source_is_called_one() -> None:
    assert "No other source so far." in _render(sample.bare()).message.text
    assert ENGLISH.reasons["new_story"] in _render(sample.bare()).message.text


def test_many_sources_are_named_up_to_eight_and_counted_beyond() -> None:
    alert = dataclasses.replace(sample.full(), sources=tuple(f"S{n}" for n in range(31)))
    assert "S6, S7 и ещё 23" in _render(alert, "ru").message.text
    assert "31 источник." in _render(alert, "ru").message.text


def test_a_keyword_found_as_it_is_is_named_once_and_many_keywords_are_counted() -> None:
    alert = sample.full()
    match = alert.matches[0]
    first = match.reasons[0]
    same = (
        dataclasses.replace(first, keyword="Curfew", surface="curfew", rule="as written"),
        dataclasses.replace(first, surface="ПРОТЕСТЫ"),
    )
    reasons = (
        *same,
        *match.reasons,
        *(dataclasses.replace(first, keyword=f"k{n}", surface=f"k{n}", rule="") for n in range(13)),
    )
    text = _render(dataclasses.replace(alert, matches=(dataclasses.replace(match, reasons=reasons),))).message.text
    assert "• curfew (title)\n• протест → ПРОТЕСТЫ, протестующих (Russian ending; title, text)\n" in text
    assert "• k8 (title)\n• and 4 more\n" in text


def test_what_is_not_known_is_not_shown_and_a_missing_time_is_said() -> None:
    text = _render(sample.bare()).message.text
    assert "Published: time not stated" in text
    for absent in ("About:", "Author", "Reliability", "Read the report", "Matched words", "in Russian"):
        assert absent not in text


def test_a_late_alert_says_how_late_it_is() -> None:
    assert "Delayed" not in _render(sample.full()).message.text
    late = _render(sample.full(), "ru", late=timedelta(hours=3)).message
    assert "через 3 ч 11 мин после сообщения" in late.text
    assert "через 3 ч 11 мин после сообщения" in late.html
    assert late.data["data"]["delayed"] is True


def test_a_readers_own_zone_stands_between_the_desks_and_utc() -> None:
    line = _render(sample.full(), zone="Europe/Berlin").message.line
    assert "5 Jan 2022, 01:30 Almaty (UTC+6) · 4 Jan 20:30 Berlin (UTC+1) · 4 Jan 19:30 UTC" in line


def test_a_test_says_so_in_every_part_whatever_it_carries() -> None:
    alert = dataclasses.replace(sample.full(), kind=AlertKind.TEST, test=True)
    for t in (ENGLISH, RUSSIAN, KAZAKH):
        for each in (alert, sample.test()):
            message = _render(each, t.language).message
            assert message.subject.startswith(f"[{t.test_word}] ")
            for part in (message.line, message.text, message.html):
                assert t.test_banner in part


def test_watching_names_the_new_feeds_counts_the_rest_and_says_which_fail() -> None:
    text = _render(sample.watching(), "ru").message.text
    assert "Под наблюдением 12 лент" in text
    assert "Новые: Example News, The Steppe Observer и ещё 3.\n" in text
    assert "Там уже было 142 записи" not in text
    assert "Там уже были 142 записи;" in text
    assert "Сейчас не читаются 2 ленты" in text
    quiet = dataclasses.replace(
        sample.watching(), facts={"feeds": 1, "names": "A", "more": 0, "entries": 1, "failing": 0}
    )
    assert "New: A.\n1 entry stood there already;" in _render(quiet).message.text
    assert "cannot be read" not in _render(quiet).message.text


@pytest.mark.parametrize(
    ("facts", "headline", "note"),
    [
        (
            {"what": "channel_failing", "channel": "desk", "detail": "timed out."},
            "Канал desk не принимает",
            "timed out. Отправка",
        ),
        ({"what": "channel_gone", "channel": "desk", "detail": "410"}, "Канала desk больше нет", "410. Пока"),
        ({"what": "channel_recovered", "channel": "desk"}, "Канал desk снова работает", "Отложенные"),
        (
            {"what": "template_failed", "problems": "line.j2: writes nothing"},
            "Ошибка в вашем шаблоне",
            "line.j2: writes nothing. И",
        ),
    ],
)
def test_the_service_tells_the_operator_in_their_language(
    facts: dict[str, str | int], headline: str, note: str
) -> None:
    message = _render(dataclasses.replace(sample.operator(), facts=facts), "ru").message
    assert headline in message.subject
    assert note in message.text


def test_watching_and_operator_alerts_without_facts_say_what_the_policy_wrote() -> None:
    for name in ("watching", "operator"):
        alert = dataclasses.replace(_alert(name), facts={"what": "something else"})
        message = _render(alert, "ru").message
        assert alert.headline in message.subject
        assert alert.note in message.text


def test_a_long_headline_is_cut_in_the_subject_and_whole_enough_in_the_mail() -> None:
    alert = sample.full()
    long = " ".join(f"слово{n}" for n in range(60))
    assert alert.report
    alert = dataclasses.replace(alert, headline=long, report=dataclasses.replace(alert.report, title=long))
    message = _render(alert).message
    assert len(message.subject) <= MAX_SUBJECT
    assert message.subject.endswith("…")
    assert len(max(message.text.splitlines(), key=len)) < 520


def test_every_severity_has_a_colour_that_white_text_can_be_read_on() -> None:
    """WCAG 2.2, 1.4.3: at least 4.5 to 1."""

    def channel(value: int) -> float:
        share = value / 255
        return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4

    colours = set()
    for alert in (*(dataclasses.replace(sample.full(), severity=each) for each in Severity), sample.test()):
        found = re.search(r'class="in" style="[^"]*background:#(\w{6});color:#ffffff', _render(alert).message.html)
        assert found
        colours.add(found[1])
        red, green, blue = (channel(int(found[1][n : n + 2], 16)) for n in (0, 2, 4))
        assert 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05) >= 4.5
    assert len(colours) == len(Severity) + 1


# --- the user's templates ---------------------------------------------------------------------------------------------


def _folder(tmp_path: Path, **files: str) -> Path:
    for name, text in files.items():
        (tmp_path / f"{name.replace('__', '.')}.j2").write_text(text, encoding="utf-8")
    return tmp_path


def test_a_users_template_goes_before_the_built_in_and_one_for_the_language_before_both(tmp_path: Path) -> None:
    folder = _folder(tmp_path, line="mine: {{ headline }}", line__ru="моё: {{ headline }}")
    assert _render(sample.test(), "en", templates=folder).message.line == "mine: Test alert"
    assert _render(sample.test(), "ru", templates=folder).message.line == "моё: Проверочное оповещение"
    assert _render(sample.test(), "kk", templates=folder).message.line.startswith("mine: Сынақ")
    assert _render(sample.test(), "en", templates=folder).message.subject == "[TEST] Test alert"


def test_a_users_template_may_change_one_block_of_a_built_in(tmp_path: Path) -> None:
    folder = _folder(
        tmp_path, email__html='{% extends "builtin/email.html.j2" %}{% block foot %}<p>Desk 7</p>{% endblock %}'
    )
    html = _render(sample.full(), templates=folder).message.html
    assert "<p>Desk 7</p>" in html
    assert "s1sample" not in html
    assert "Протесты" in html
    assert check_templates(folder) == ()


def test_a_users_webhook_template_becomes_the_body(tmp_path: Path) -> None:
    folder = _folder(tmp_path, webhook__json='{"text": {{ headline | tojson }}, "event": {{ event | tojson }}}')
    message = _render(sample.bare(), templates=folder).message
    assert message.body
    assert json.loads(message.body)["text"] == sample.bare().headline
    folder = _folder(tmp_path, webhook__json='{{ "Ж" | tojson }}')
    assert _render(sample.bare(), templates=folder).message.body == '"Ж"'.encode()


def test_text_from_an_included_file_is_escaped_in_the_html_mail(tmp_path: Path) -> None:
    folder = _folder(
        tmp_path,
        email__html='<p>{% include "_part.j2" %}{% include "line.j2" %}</p>',
        _part="{{ headline }}",
        line="{{ headline }}",
    )
    assert "<b>" not in _render(sample.bare(), templates=folder).message.html
    assert "<b>" in _render(sample.bare(), templates=folder).message.line
    assert check_templates(folder) == ()


def test_a_template_that_changes_after_it_was_read_changes_nothing(tmp_path: Path) -> None:
    folder = _folder(tmp_path, line="one")
    renderer = Renderer(folder)
    _folder(tmp_path, line="{{ broken")
    reader = Recipient(address="x")
    rendered = renderer.render(sample.test(), reader, situation_name="K", desk_zone="UTC", now=sample.NOW)
    assert (rendered.message.line, rendered.problems) == ("one", ())


FAILING = {
    "undefined": ("email__txt", "a\n{{ titel }}", 2, "'titel' is undefined"),
    "syntax": ("email__txt", "a\nb\n{% if %}", 3, "Expected an expression"),
    "attribute": ("email__html", "<p>\n{{ t.nothing }}</p>", 2, "has no attribute 'nothing'"),
    "none": ("email__txt", "{{ link | length }}{{ story_id.upper() }}", 1, ""),
    "escape": ("email__txt", "{{ headline.__class__.__mro__ }}", 1, "unsafe"),
    "division": ("line", "\n\n{{ 1 // 0 }}", 3, "zero"),
    "endless": (
        "line",
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
        1,
        "does it end?",
    ),
    "recursion": ("line", "{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}\n{{ m() }}", 1, ""),
    "flood": ("line", "{% for a in range(9999) %}{{ 'x' * 999 }}{% endfor %}", None, "writes more than"),
    "empty": ("email__txt", "{# nothing #}", None, "writes nothing"),
    "lines": ("email__subject", "one\ntwo", None, "one line"),
    "blank": ("email__subject", "  ", None, "writes nothing"),
    "json": ("webhook__json", '{"title": "{{ headline }}"}', None, "tojson"),
    "missing": ("email__txt", '{% include "other.j2" %}', 1, "other.j2"),
    "included": ("email__txt", '{% include "_bad.j2" %}', None, "_bad"),
}


@pytest.mark.parametrize("case", FAILING)
def test_a_failing_template_is_replaced_by_the_built_in_one_and_the_operator_is_told_where(
    case: str, tmp_path: Path
) -> None:
    name, text, line, error = FAILING[case]
    folder = (
        _folder(tmp_path, **{name: text})
        if case != "included"
        else _folder(tmp_path, **{name: text, "_bad": "x\n{% oops %}"})
    )
    rendered = _render(sample.bare(), templates=folder)
    plain = _render(sample.bare())
    assert rendered.message == plain.message
    (problem,) = rendered.problems
    if case != "included":
        assert problem.startswith(name.replace("__", ".") + ".j2" + ("" if line is None else f", line {line}"))
    else:
        assert problem.startswith("_bad.j2, line 2: Encountered unknown tag 'oops'")
    assert error in problem


@pytest.mark.parametrize("case", FAILING)
def test_a_failing_template_is_found_by_the_check_with_file_and_line(case: str, tmp_path: Path) -> None:
    name, text, line, error = FAILING[case]
    _folder(tmp_path, **{name: text})
    if case == "included":
        _folder(tmp_path, _bad="x\n{% oops %}")
    mistakes = check_templates(tmp_path)
    assert mistakes
    assert len(mistakes) < 8
    assert any(error in str(mistake) or error in mistake.file.name for mistake in mistakes)
    assert all(mistake.file.parent == tmp_path for mistake in mistakes)
    if line is not None:
        assert line in {mistake.line for mistake in mistakes}


def test_a_mistake_that_only_some_alerts_show_is_found(tmp_path: Path) -> None:
    folder = _folder(tmp_path, email__txt__kk="{{ times[2].at }}")
    (mistake,) = check_templates(folder)
    assert mistake.file.name == "email.txt.kk.j2"
    assert mistake.line == 1


@pytest.mark.parametrize(
    ("html", "message"),
    [
        ("<div><p>{{ headline }}</div>", "</div> stands inside <p>"),
        ("<div>{{ headline }}", "<div> is never closed"),
        ("{{ headline }}</div>", "</div> was never opened"),
        ("<p>{{ headline }}<br></br><img alt=''></p>", ""),
    ],
)
def test_html_that_does_not_close_what_it_opens_is_found(html: str, message: str, tmp_path: Path) -> None:
    mistakes = check_templates(_folder(tmp_path, email__html=html))
    assert [mistake.message for mistake in mistakes] == ([message] if message else [])


def test_a_template_that_nothing_uses_is_named_with_what_to_call_it(tmp_path: Path) -> None:
    (mistake,) = check_templates(_folder(tmp_path, email__body="x", _part="fine"))
    assert mistake.file.name == "email.body.j2"
    assert "email.txt.j2" in (mistake.instead or "")


def test_a_part_that_does_not_compile_is_found_although_nothing_includes_it(tmp_path: Path) -> None:
    (mistake,) = check_templates(_folder(tmp_path, _part="\n{% for %}"))
    assert (mistake.file.name, mistake.line) == ("_part.j2", 2)


def test_files_that_cannot_be_read_as_text_are_mistakes_too(tmp_path: Path) -> None:
    (tmp_path / "line.j2").write_bytes(b"\xcf\xf0\xe8")
    (tmp_path / "email.txt.j2").mkdir()
    messages = sorted(mistake.message for mistake in check_templates(tmp_path))
    assert messages[0].startswith("cannot be read")
    assert messages[1].startswith("is not UTF-8")
    assert len(_render(sample.full(), templates=tmp_path).problems) == 2


def test_a_broken_built_in_template_is_an_error_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(monitor.alerts.render, "BUILT_IN", _folder(tmp_path, email__subject="{{ titel }}"))
    with pytest.raises(TemplateError, match=r"built-in template: email\.subject\.j2, line 1: 'titel' is undefined"):
        _render(sample.full())


def test_a_folder_that_is_not_there_means_no_templates_of_ones_own(tmp_path: Path) -> None:
    assert check_templates(tmp_path / "nothing") == ()
    assert _render(sample.full(), templates=tmp_path / "nothing") == _render(sample.full())


def test_only_the_parts_that_a_channel_wants_are_written() -> None:
    reader = Recipient(address="desk@example.org")
    message = (
        Renderer(None)
        .render(
            sample.test(), reader, situation_name="K", desk_zone="UTC", now=sample.NOW, parts=(Part.SUBJECT, Part.LINE)
        )
        .message
    )
    assert (bool(message.subject), bool(message.line), message.text, message.html) == (True, True, "", "")
    assert message.data


@pytest.mark.parametrize("language", ["en", "ru", "xx"])
def test_a_channel_that_wants_no_part_gets_the_same_event(language: str) -> None:
    reader = Recipient(address="desk@example.org", language=language)
    given = {"situation_name": "K", "desk_zone": "UTC", "now": sample.NOW}
    bare, whole = (
        Renderer(None).render(sample.watching(), reader, **given, **more).message for more in ({"parts": ()}, {})
    )
    assert (bare.subject, bare.line, bare.text, bare.html, bare.body) == ("", "", "", "", None)
    assert bare.data == whole.data
