"""Forms of an English word: plural and possessive of a noun, the forms of a verb, both for any word, since a word does not tell.

Choice: spelling rules as a table by how the word ends, and a list of the irregular verbs and nouns that news uses. Folding has
dropped apostrophes before: the possessive of `Tokayev` is `tokayevs`. A form that no word has does no harm (`rioted` and
`riotted`); one that another word has does (`scar` has not `scared`), so a short word doubles its last letter and nothing else.
Refused: stemming (it ties `universe` to `university`), derived words (`protester` is another word than `protest`).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import lru_cache
from os.path import commonprefix

from monitor.language.stems import EXACT, Case, Closed, Stem
from monitor.language.text import fold

RULE = "English ending"
AS_WRITTEN = "as written"
SHORT = 2
"""Letters of a word up to which it has no verb forms (`th` is not `thing`), and by which irregular forms are grouped."""

UNCHANGED = frozenset(
    word
    for line in (
        "a an the and or nor but if then than as at by for from in into of off on onto out over to up with without about after",
        "before between during under until against is are was were be been being am has have had having do does did will would",
        "can could may might must shall should not no yes i you he she it we they me him her us them my your his its our their",
        "who whom whose which what when where why how this that these those there here so such even also only just very too more",
        "most some any all both each few many much other own same",
    )
    for word in line.split()
)
"""Function words: they have no forms here."""

LOOKALIKES = {"new": {"news"}, "unit": {"united", "uniting"}, "wick": {"wicked"}, "leg": {"legging"}}
"""What spelling alone would take for a form of a word, and is none."""

_VERBS = (
    "arise arose arisen",
    "awake awoke awoken",
    "bear bore borne born",
    "beat beaten",
    "become became",
    "begin began begun beginning",
    "bend bent",
    "bet betting",
    "bid bidding bidden",
    "bind bound",
    "bite bit bitten",
    "bleed bled",
    "blow blew blown",
    "break broke broken",
    "breed bred",
    "bring brought",
    "broadcast",
    "build built",
    "burn burnt burned",
    "burst",
    "buy bought",
    "cast",
    "catch caught",
    "choose chose chosen",
    "come came",
    "cost",
    "creep crept",
    "cut cutting",
    "deal dealt",
    "dig dug digging",
    "draw drew drawn",
    "dream dreamt dreamed",
    "drink drank drunk",
    "drive drove driven",
    "eat ate eaten",
    "fall fell fallen",
    "feed fed",
    "feel felt",
    "fight fought",
    "find found",
    "flee fled",
    "fling flung",
    "fly flies flew flown",
    "forbid forbade forbidden forbidding",
    "forecast forecasted",
    "foresee foresaw foreseen",
    "forget forgot forgotten forgetting",
    "forgive forgave forgiven",
    "freeze froze frozen",
    "get got gotten getting",
    "give gave given",
    "go goes went gone",
    "grow grew grown",
    "hang hung hanged",
    "hear heard",
    "hide hid hidden",
    "hit hitting",
    "hold held",
    "hurt",
    "keep kept",
    "kneel knelt kneeled",
    "know knew known",
    "lay laid",
    "lead led",
    "leave left",
    "lend lent",
    "let letting",
    "lie lay lain lied lying",
    "light lit lighted",
    "lose lost",
    "make made",
    "mean meant",
    "meet met",
    "mislead misled",
    "mistake mistook mistaken",
    "overcome overcame",
    "oversee oversaw overseen",
    "overtake overtook overtaken",
    "overthrow overthrew overthrown",
    "pay paid",
    "plead pled pleaded",
    "prove proven proved",
    "put putting",
    "quit quitting",
    "read",
    "rebuild rebuilt",
    "ride rode ridden",
    "ring rang rung",
    "rise rose risen",
    "run ran running",
    "say said",
    "see saw seen",
    "seek sought",
    "sell sold",
    "send sent",
    "set setting",
    "shake shook shaken",
    "shed shedding",
    "shoot shot",
    "show showed shown",
    "shrink shrank shrunk",
    "shut shutting",
    "sing sang sung",
    "sink sank sunk",
    "sit sat sitting",
    "slay slew slain",
    "sleep slept",
    "slide slid",
    "speak spoke spoken",
    "speed sped speeded",
    "spend spent",
    "spill spilt spilled",
    "split splitting",
    "spread",
    "spring sprang sprung",
    "stand stood",
    "steal stole stolen",
    "stick stuck",
    "strike struck stricken",
    "strive strove striven",
    "swear swore sworn",
    "sweep swept",
    "swell swollen swelled",
    "swim swam swum swimming",
    "swing swung",
    "take took taken",
    "teach taught",
    "tear tore torn",
    "tell told",
    "think thought",
    "throw threw thrown",
    "undergo undergoes underwent undergone",
    "undertake undertook undertaken",
    "uphold upheld",
    "wake woke woken",
    "wear wore worn",
    "weep wept",
    "win won winning",
    "withdraw withdrew withdrawn",
    "withhold withheld",
    "withstand withstood",
    "write wrote written",
)
"""Irregular verbs: infinitive, then what -s and -ing do not make of it."""
_NOUNS = (
    "child children childrens",
    "person persons people peoples",
    "foot feet",
    "tooth teeth",
    "mouse mice",
    "goose geese",
    "ox oxen",
    "phenomenon phenomena",
    "criterion criteria",
    "bacterium bacteria",
    "memorandum memorandums memoranda",
    "referendum referendums referenda",
    "ultimatum ultimatums ultimata",
    "medium media",
    "stratum strata",
    "index indexes indices indexed indexing",
    "appendix appendixes appendices",
    "matrix matrices",
    "nucleus nuclei",
)
"""Irregular nouns: singular, then its other forms; the possessive is added."""

_VOWEL, _CONSONANT = "[aeiou]", "[bcdfghjklmnpqrstvwxz]"
_DOUBLING = "bdgklmnprtvz"
"""Consonants that double after a short vowel."""


def _row(shape: str, endings: str) -> tuple[re.Pattern[str], Closed]:
    """Return a line of the table: how words look (group 1 is the stem), and their endings, `-` for none."""
    return re.compile(shape), Closed(frozenset(endings.replace("-", "").split(" ")))


_TABLE = (
    _row(r"(.+ing|..+[^e]ed)", "- s"),  # forms already
    _row(r"(?!human|roman|german|ottoman|shaman|talisman)(.*m)an", "an ans en ens"),  # woman, women, women's
    _row(r"(li|wi|kni|midwi|housewi)fe", "fe fes ves"),
    _row(r"(thie|hal|shel|wol|sel|loa|cal|lea|shea)f", "f fs ves"),
    _row(r"(.+s)is", "is es iss"),  # crisis, crises
    _row(rf"(.+{_CONSONANT})y", "y ys ies ied ying"),  # rally, rallies
    _row(r"(.+)ie", "ie ies ied ying"),  # die, dying
    _row(r"(.+[eoy]e)", "- s d ing"),  # agree, agreed
    _row(r"(.+)e", "e es ed ing"),
    _row(r"(.+ic)", "- s ked king"),  # panic, panicked
    _row(rf"([^aeiou]*{_VOWEL}s)", "- es s ses sed sing ed ing"),  # gas, gases, gassed
    _row(r"(.+(?:[sxz]|ch|sh))", "- es s ed ing"),
    _row(rf"(.*{_CONSONANT}o)", "- s es ed ing"),  # veto, vetoes
    *(_row(rf"((?:qu|[^aeiou])*{_VOWEL}{last})", f"- s {last}ed {last}ing") for last in _DOUBLING),  # ban, banned
    _row(rf"(.+{_VOWEL}l)", "- s ed ing led ling"),  # cancel, fuel
    *(
        _row(rf"(.+{_CONSONANT}{_VOWEL}{last})", f"- s ed ing {last}ed {last}ing") for last in _DOUBLING
    ),  # commit; visit
    _row(r"(.+)", "- s ed ing"),
)
_NAMES = (_row(r"(.+(?:[sxz]|ch|sh))", "- s es"), _row(r"(.+)", "- s"))


@lru_cache(maxsize=1 << 14)
def stems(word: str, *, name: bool = False) -> tuple[Stem, ...]:
    """Return what begins the forms of an English word that a user wrote as a dictionary does: singular, or infinitive.

    `name` asks for a capital letter in the text, and leaves plural and possessive only.
    """
    form, case = fold(word), Case.FIRST if name else Case.ANY
    if name or not form:
        return tuple(_regular(form, _NAMES, case))
    if form in _IRREGULAR:
        return tuple(_grouped(_IRREGULAR[form], case))
    if form in UNCHANGED or len(form) <= SHORT:
        return (Stem(text=form, endings=EXACT, rule=AS_WRITTEN, language="en", case=case),)
    return tuple(_regular(form, _TABLE, case))


def _regular(form: str, table: Iterable[tuple[re.Pattern[str], Closed]], case: Case) -> Iterator[Stem]:
    for shape, endings in table:
        if match := shape.fullmatch(form):
            text = match[1]
            foreign = {word.removeprefix(text) for word in LOOKALIKES.get(form, ())}
            allowed = Closed(endings.endings - foreign) if foreign else endings
            yield Stem(text=text, endings=allowed, rule=RULE, language="en", case=case)
            return


def _grouped(forms: Iterable[str], case: Case) -> Iterator[Stem]:
    """Yield irregular forms as stems: those that begin alike together (`shoot, shot`), others apart (`go, went`)."""
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for form in forms:
        groups[form[:SHORT]].append(form)
    for _, alike in sorted(groups.items()):
        text = commonprefix(alike)  # noqa: RUF071 - of letters, as meant
        endings = Closed(frozenset(form.removeprefix(text) for form in alike))
        yield Stem(text=text, endings=endings, rule=RULE, language="en", case=case)


def _irregular() -> Iterator[tuple[str, frozenset[str]]]:
    for line in _VERBS:
        verb, *others = line.split()
        gerund = verb[:-1] if re.fullmatch(".+[^eoy]e", verb) else verb
        third = verb + ("es" if verb.endswith(("s", "x", "z", "ch", "sh")) else "s")
        yield verb, frozenset({verb, third, gerund + "ing", *others}) - UNCHANGED
    for line in _NOUNS:
        noun, *others = line.split()
        yield noun, frozenset({noun, noun + "s", *others})


_IRREGULAR = dict(_irregular())
