from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor.errors import ScenarioError
from monitor.replay.loading import load_scenario
from monitor.replay.nodes import moment_of, span_of
from monitor.replay.scenario import Format, Guids, Kill, Misbehaviour, PublisherFault, ReceiverFault, Stop

SHIPPED = Path(__file__).parents[2] / "config" / "scenarios"

HEAD = """
scenario: {name: small, title: "A small one", from: "2022-01-05T06:00+06:00", to: "2022-01-06T06:00+06:00", zone: Asia/Almaty}
outlets:
- {id: bell, name: Bell, language: en}
- {id: horn, name: Horn, language: en, format: atom, guids: tag, pace: 20m, items: 3}
- {id: dombra, name: Домбыра, language: kk}
"""

ENTRY = """
entries:
- {id: r001, outlet: bell, at: "2022-01-05T10:00+06:00", report: r001, title: "First", text: "Text of it."}
"""


def test_a_scenario_is_read_with_its_includes_copies_edits_and_removals(written: Callable[..., Path]) -> None:
    main = written(
        main=HEAD + "include: [more.yaml]" + ENTRY,
        more="""
entries:
- {id: c001, outlet: horn, at: "2022-01-05T11:00+06:00", report: r001, copy_of: r001, title: "Again", credit: "Bell says so."}
- {id: c002, outlet: horn, at: "2022-01-05T12:30+06:00", report: r001, copy_of: r001}
- {id: n001, outlet: dombra, at: "2022-01-05T09:00+06:00", relevant: false, title: "Ән", text: "Күй."}
edits:
- {entry: r001, at: "2022-01-05T12:00+06:00", text: "Another text."}
removals:
- {entry: n001, at: "2022-01-05T20:00+06:00"}
""",
    )
    scenario = load_scenario(main)

    assert [entry.id for entry in scenario.entries] == ["n001", "r001", "c001", "c002"]
    noise, first, copy, late_copy = scenario.entries
    assert not noise.relevant
    assert noise.removed == datetime(2022, 1, 5, 14, tzinfo=UTC)
    assert [state.text for state in first.states] == ["Text of it.", "Another text."]
    assert [state.title for state in first.states] == ["First", "First"]
    assert (copy.states[0].title, copy.states[0].text) == ("Again", "Bell says so. Text of it.")
    assert (late_copy.states[0].title, late_copy.states[0].text) == ("First", "Another text.")
    assert first.at.utcoffset() == timedelta(hours=6)
    assert first.path == "/2022/01/05/r001"
    horn = scenario.outlets[1]
    assert (horn.format, horn.guids, horn.pace, horn.items) == (Format.ATOM, Guids.TAG, timedelta(minutes=20), 3)


def test_the_state_of_an_entry_follows_time(written: Callable[..., Path]) -> None:
    entry = load_scenario(
        written(
            main=HEAD
            + """
entries:
- id: r001
  outlet: bell
  at: "2022-01-05T10:00+06:00"
  report: r001
  title: One
  text: One.
  versions: [{at: "2022-01-05T11:00+06:00", title: Two}]
  removed: "2022-01-05T12:00+06:00"
"""
        )
    ).entries[0]
    at = datetime(2022, 1, 5, 4, tzinfo=UTC)
    hours = [entry.number_at(at + timedelta(hours=step)) for step in (-1, 0, 1, 2)]
    assert hours == [0, 1, 2, 0]


def test_faults_of_every_kind_are_read(written: Callable[..., Path]) -> None:
    times = 'from: "2022-01-05T10:00+06:00", to: "2022-01-05T11:00+06:00"'
    scenario = load_scenario(
        written(
            main=HEAD
            + ENTRY
            + f"""
faults:
- {{kind: outage, outlets: [bell, horn], {times}}}
- {{kind: status, status: 429, retry_after: 20m, outlets: bell, {times}}}
- {{kind: slow, delay: 250ms, outlets: [bell], {times}}}
- {{kind: receiver, channel: webhook, status: 503, {times}}}
- {{kind: kill, at: ["2022-01-05T10:00+06:00", "2022-01-05T10:30+06:00"]}}
- {{kind: stop, {times}}}
"""
        )
    )
    outage, throttled, slow, receiver, kill, stop = scenario.faults
    assert isinstance(outage, PublisherFault)
    assert (outage.kind, outage.outlets) == (Misbehaviour.OUTAGE, ("bell", "horn"))
    assert isinstance(throttled, PublisherFault)
    assert (throttled.status, throttled.retry_after) == (429, timedelta(minutes=20))
    assert isinstance(slow, PublisherFault)
    assert slow.delay == timedelta(milliseconds=250)
    assert isinstance(receiver, ReceiverFault)
    assert receiver.status == 503
    assert isinstance(kill, Kill)
    assert len(kill.moments) == 2
    assert isinstance(stop, Stop)
    assert stop.end - stop.start == timedelta(hours=1)


AT = 'at: "2022-01-05T10:00+06:00"'
LATER = 'at: "2022-01-05T12:00+06:00"'

MISTAKES = {
    "no scenario": ("outlets: []", "`scenario` is missing", 1),
    "no mapping": ("- a\n- b", "must hold a scenario file as a mapping", 1),
    "no YAML": ("scenario: [", "is not YAML", 1),
    "no outlets": (
        'scenario: {name: a, title: b, from: "2022-01-05T06:00Z", to: "2022-01-06T06:00Z"}',
        "has no outlets",
        1,
    ),
    "unknown key": (HEAD + "enries: []", "`enries` means nothing in this scenario file; known here: edits, entries", 7),
    "key twice": (HEAD + ENTRY + "entries: []", "`entries` stands twice", 10),
    "end before start": (
        'scenario: {name: a, title: b, from: "2022-01-07T06:00Z", to: "2022-01-06T06:00Z"}\noutlets: [{id: a, name: A, language: en}]',
        "ends before it begins",
        1,
    ),
    "bad zone": (HEAD.replace("Asia/Almaty", "Asia/Nowhere"), "`zone: Asia/Nowhere` is not known", 2),
    "bad language": (HEAD.replace("language: kk", "language: fr"), "write one of en, ru, kk", 6),
    "bad format": (HEAD.replace("atom", "json"), "write one of rss, atom, rdf", 5),
    "bad encoding": (HEAD.replace("items: 3", "encoding: koi-9"), "`encoding: koi-9` is not known", 5),
    "bad pace": (HEAD.replace("20m", "20 minutes"), "is not a span, e.g. 90s, 15m, 6h or 2d", 5),
    "pace of nothing": (HEAD.replace("20m", "0m"), "`pace` must be longer than nothing", 5),
    "bad number": (HEAD.replace("items: 3", "items: none"), "`items: none` is not a whole number from 1 to 1000", 5),
    "outlet twice": (HEAD + "- {id: bell, name: Bell, language: en}", "outlet bell stands twice", 3),
    "unknown outlet": (HEAD + ENTRY.replace("bell", "gong"), "outlet gong does not exist", 9),
    "entry twice": (HEAD + ENTRY + ENTRY.removeprefix("\nentries:"), "entry r001 exists already (line 9)", 11),
    "no offset": (HEAD + ENTRY.replace("+06:00", ""), "is not a time with its offset", 9),
    "no title": (HEAD + ENTRY.replace('title: "First", ', ""), "entry r001 has no title", 9),
    "empty title": (HEAD + ENTRY.replace('"First"', '" "'), "`title` is empty", 9),
    "no report": (HEAD + ENTRY.replace("report: r001, ", ""), "or `relevant: false` for noise", 9),
    "after the end": (HEAD + ENTRY.replace("01-05T10", "01-09T10"), "published after the scenario's end", 9),
    "unknown copy": (
        HEAD + f"entries:\n- {{id: c1, outlet: bell, {AT}, report: r1, copy_of: x}}",
        "which does not exist",
        8,
    ),
    "copy of itself": (
        HEAD + f"entries:\n- {{id: c1, outlet: bell, {AT}, report: r1, copy_of: c1}}",
        "or copies it",
        8,
    ),
    "copy of another language": (
        HEAD + ENTRY + f"- {{id: c1, outlet: dombra, {LATER}, report: r1, copy_of: r001}}",
        "copies r001 of another language",
        10,
    ),
    "copy before the original": (
        HEAD + ENTRY.replace("T10", "T14") + f"- {{id: c1, outlet: horn, {LATER}, report: r1, copy_of: r001}}",
        "before that is published",
        10,
    ),
    "edit of nothing": (HEAD + ENTRY + f"edits: [{{entry: r9, {LATER}, title: A}}]", "entry r9 does not exist", 10),
    "empty edit": (HEAD + ENTRY + f"edits: [{{entry: r001, {LATER}}}]", "this version changes nothing", 10),
    "edit before publication": (HEAD + ENTRY + f"edits: [{{entry: r001, {AT}, title: A}}]", "does not come after", 10),
    "removed at once": (HEAD + ENTRY + f"removals: [{{entry: r001, {AT}}}]", "is removed before it is published", 9),
    "removed twice": (
        HEAD + ENTRY + f"removals: [{{entry: r001, {LATER}}}, {{entry: r001, {LATER}}}]",
        "is removed twice",
        10,
    ),
    "unknown fault": (HEAD + "faults: [{kind: flood}]", "`kind: flood` is not known", 7),
    "fault without end": (HEAD + 'faults: [{kind: stop, from: "2022-01-05T10:00Z"}]', "`to` is missing", 7),
    "fault backwards": (
        HEAD + 'faults: [{kind: stop, from: "2022-01-05T10:00Z", to: "2022-01-05T09:00Z"}]',
        "this fault ends before it begins",
        7,
    ),
    "fault of no outlet": (
        HEAD + 'faults: [{kind: html, outlets: [gong], from: "2022-01-05T10:00Z", to: "2022-01-05T11:00Z"}]',
        "`gong` is not known in `outlets`",
        7,
    ),
    "kill without time": (HEAD + "faults: [{kind: kill, at: noon}]", "must list times with their offsets", 7),
    "missing include": (HEAD + "include: [gone.yaml]", "cannot be read", None),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_named_with_its_line(name: str, written: Callable[..., Path]) -> None:
    text, sentence, line = MISTAKES[name]
    path = written(main=text)
    with pytest.raises(ScenarioError) as caught:
        load_scenario(path)
    told = [each for each in str(caught.value).splitlines() if sentence in each]
    assert told, str(caught.value)
    file = path if line else path.parent / "gone.yaml"
    assert told[0].startswith(f"  {file}:{line}: " if line else f"  {file}: ")


def test_all_mistakes_are_reported_together(written: Callable[..., Path]) -> None:
    text = (HEAD + ENTRY).replace("language: kk", "language: fr").replace("bell, at", "gong, at").replace("20m", "soon")
    with pytest.raises(ScenarioError) as caught:
        load_scenario(written(main=text))
    assert str(caught.value).splitlines()[0] == "3 mistakes in the scenario"


def test_an_outage_that_a_short_feed_cannot_bridge_is_a_mistake(written: Callable[..., Path]) -> None:
    entries = "\n".join(
        f'- {{id: r{n}, outlet: horn, at: "2022-01-05T{n:02}:00+06:00", report: r{n}, title: T{n}, text: T.}}'
        for n in range(8, 13)
    )
    fault = 'faults: [{kind: outage, outlets: [horn], from: "2022-01-05T07:30+06:00", to: "2022-01-05T12:30+06:00"}]'
    with pytest.raises(ScenarioError, match=r"horn publishes 5 entries .* but shows only 3"):
        load_scenario(written(main=f"{HEAD}entries:\n{entries}\n{fault}"))


@pytest.mark.parametrize(("text", "span"), [("90s", 90), ("15m", 900), ("6h", 21600), ("2d", 172800), ("250ms", 0.25)])
def test_spans_are_read(text: str, span: float) -> None:
    assert span_of(text) == timedelta(seconds=span)


@pytest.mark.parametrize("text", ["", "m", "1", "1 w", "-5m", "1h30m"])
def test_what_is_no_span_is_refused(text: str) -> None:
    assert span_of(text) is None


def test_a_time_keeps_its_offset_and_needs_one() -> None:
    moment = moment_of("2022-01-05T10:30+05:00")
    assert moment is not None
    assert moment.utcoffset() == timedelta(hours=5)
    assert moment_of("2022-01-05T10:30") is None
    assert moment_of("noon") is None


def test_the_shipped_scenario_of_january_2022_holds_what_it_must() -> None:
    scenario = load_scenario(SHIPPED / "january-2022.yaml")
    originals = {entry.report for entry in scenario.entries if entry.id == entry.report}
    languages = {outlet.id: outlet.language for outlet in scenario.outlets}
    retold = [entry for entry in scenario.entries if entry.report and entry.id != entry.report]

    assert originals == {f"r{number:03}" for number in range(1, 109)}
    assert len([entry for entry in retold if languages[entry.outlet] == "kk"]) >= 25
    assert len([entry for entry in scenario.entries if entry.report is None]) >= 300
    assert len({entry.outlet for entry in scenario.entries}) >= 12
    assert {outlet.format for outlet in scenario.outlets} == set(Format)
    assert [outlet.id for outlet in scenario.outlets if outlet.encoding == "windows-1251"] == ["almaly-news"]
    kinds = {fault.kind for fault in scenario.faults if isinstance(fault, PublisherFault)}
    assert kinds == set(Misbehaviour)
    assert {type(fault) for fault in scenario.faults} == {PublisherFault, ReceiverFault, Kill, Stop}


def test_every_shipped_scenario_loads() -> None:
    files = sorted(SHIPPED.glob("*.yaml"))
    assert len(files) >= 2
    assert all(load_scenario(file).entries for file in files)


def test_almaly_news_needs_no_character_that_its_encoding_lacks() -> None:
    scenario = load_scenario(SHIPPED / "january-2022.yaml")
    states = [state for entry in scenario.entries if entry.outlet == "almaly-news" for state in entry.states]
    assert states
    for state in states:
        assert (state.title + state.text).encode("cp1251")
