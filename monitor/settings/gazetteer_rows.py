"""What may stand in a file of the gazetteer: one model for each kind of row."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, ValidationInfo, model_validator

from monitor.language import inflection
from monitor.language.detect import COMMON_WORDS
from monitor.language.text import fold, forms, squeeze
from monitor.settings.fields import Count, Title, fault
from monitor.settings.files import Row

ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
LEAST_BEGINNING = 3
"""Letters before a `*`: fewer begin every other word. In a name of several words one less will do."""

_YEAR = re.compile(r"[0-9]{4}(-[0-9]{2}){0,2}")


def _check_id(value: Any) -> str:
    if not isinstance(value, str) or not ID.fullmatch(value):
        raise fault(
            f"cannot be `{value}`", "use up to 64 Latin letters, digits, `-`, `_` and `.`, like `almaty` or `KZ-75`"
        )
    return value


def _check_country(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch("[A-Z]{2}", value):
        raise fault(f"cannot be `{value}`", "write the two capitals of ISO 3166-1, like KZ")
    return value


def _check_day(value: Any) -> date:
    """Return a day; a year or a month stands for its first."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if isinstance(text, str) and _YEAR.fullmatch(text.strip()):
        try:
            return date.fromisoformat((text.strip() + "-01-01")[:10])
        except ValueError:
            pass
    raise fault("is no date", "write it as 2022-06-08, 2022-06 or 2022")


def _check_name(value: Any) -> str:
    """Return a name in the pattern language, or raise a fault for one that nearly every text would have."""
    if not isinstance(value, str):
        raise fault("must be text", "put it in quotes")
    name = squeeze(value)
    least = LEAST_BEGINNING - (" " in name)
    for part in name.split():
        words = forms(part)
        if not words:
            raise fault(f"`{name}` holds a part without letters or digits", "delete it")
        if "*" in part[:-1] or (part.endswith("*") and (part.startswith("=") or len(words[-1]) < least)):
            message = f"`{part}` cannot be looked for"
            raise fault(message, f"write `*` behind at least {least} letters, and not in a word with `=`")
    words = forms(name)
    if len(words) == 1 and (len(words[0]) == 1 or _is_common(name)):
        raise fault(f"`{name}` stands in nearly every text", "write more of the name, or delete it")
    return name


def _is_common(name: str) -> bool:
    return fold(name.strip("=*")) in COMMON_WORDS and not inflection.is_acronym(name.strip("=*"))


def _check_near(value: Any) -> str:
    if isinstance(value, str) and value.startswith("@"):
        return value
    return _check_name(value)


def _by_itself(value: Any) -> Any:
    """Let a name stand without its keys."""
    return value if isinstance(value, dict) else {"name": value}


def _one_or_more(value: Any) -> Any:
    """Let one place stand without a list."""
    return [value] if isinstance(value, str | dict) else value


def _place(value: Any) -> Any:
    return {"place": value} if isinstance(value, str) else value


Id = Annotated[str, BeforeValidator(_check_id)]
Country = Annotated[str, BeforeValidator(_check_country)]
Day = Annotated[date, BeforeValidator(_check_day)]
Pattern = Annotated[str, BeforeValidator(_check_name)]
Context = Annotated[str, BeforeValidator(_check_near)]
Latitude = Annotated[float, Field(ge=-90, le=90)]
Longitude = Annotated[float, Field(ge=-180, le=180)]


class Period(Row):
    """What held for a time."""

    since: Day | None = Field(default=None, description="First day; a year or a month stands for its first day.")
    until: Day | None = Field(default=None, description="First day on which it did not hold any more.")

    @model_validator(mode="after")
    def _in_order(self, _info: ValidationInfo) -> Self:
        if self.since and self.until and self.since >= self.until:
            raise fault(f"`until` ({self.until}) is not after `since` ({self.since})", "swap them")
        return self


class NameRow(Period):
    """One name, with what tells it from a common word."""

    name: Pattern = Field(description="In its plain form; `word*` takes any ending, `=word` none.")
    capital: bool | None = Field(default=None, description="Only where the text writes it with a capital letter.")
    near: tuple[Context, ...] | None = Field(
        default=None, description="Only with one of these words, or `@id` of an entry, in the same report."
    )
    unless: tuple[Pattern, ...] | None = Field(
        default=None, description="Phrases that hold the name and are something else."
    )
    without: tuple[Context, ...] | None = Field(
        default=None, description="Not with one of these words, or `@id` of an entry, in the same report."
    )


class PlaceTime(Period):
    """A place that something lies in, for a time."""

    place: str


class OfficeRow(Period):
    """An office of a person, for a time."""

    office: Title


NameOf = Annotated[NameRow, BeforeValidator(_by_itself)]
Within = Annotated[
    tuple[Annotated[PlaceTime, BeforeValidator(_place)], ...], BeforeValidator(_one_or_more), Field(min_length=1)
]


class TitleRow(Row):
    """What people read, where the first name of a language is no good heading (`цен* на газ`)."""

    en: Title | None = None
    ru: Title | None = None
    kk: Title | None = None


class EntityRow(Row):
    """What every row has. `capital`, `near`, `unless` and `without` are of all names without their own."""

    id: Id = Field(description="Short name; it stands in queries and in stored data, so it stays.")
    title: TitleRow | None = Field(default=None, description="What alerts call it, where that is not its first name.")
    en: tuple[NameOf, ...] = Field(min_length=1, description="Names in English; the first one is shown.")
    ru: tuple[NameOf, ...] = Field(default=(), description="Names in Russian.")
    kk: tuple[NameOf, ...] = Field(default=(), description="Names in Kazakh.")
    also: tuple[NameOf, ...] = Field(default=(), description="Names and spellings of any other language or script.")
    country: Country | None = Field(default=None, description="Country (ISO 3166-1), where it is not the file's.")
    capital: bool = False
    near: tuple[Context, ...] = ()
    unless: tuple[Pattern, ...] = ()
    without: tuple[Context, ...] = ()
    note: Title | None = Field(default=None, description="For people who read the file.")


class PlaceRow(EntityRow):
    """One of `places:`."""

    at: tuple[Latitude, Longitude] | None = Field(default=None, description="Latitude and longitude in degrees.")
    people: Count | None = Field(default=None, ge=0, description="Inhabitants.")
    within: Within | None = Field(
        default=None, alias="in", description="Id of the place it lies in, or several with dates."
    )


class PersonRow(EntityRow):
    """One of `people:`."""

    offices: tuple[OfficeRow, ...] = Field(default=(), description="Offices with their dates.")


class OrganisationRow(EntityRow):
    """One of `organisations:`."""

    within: Within | None = Field(default=None, alias="in", description="Id of the place it lies in.")


class ConceptRow(EntityRow):
    """One of `concepts:`."""

    group: Title | None = Field(default=None, description="Heading that it stands under.")
    severity: Count | None = Field(default=None, ge=0, le=4, description="How grave it is by itself: 0 to 4.")
