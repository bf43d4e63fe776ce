"""`monitor watches explain` and `format`: what a watch looks for in each language, and its query in the canonical form."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import RenderableType
from rich.text import Text
from rich.tree import Tree

from monitor.alerts.feedtext import one_line
from monitor.cli import editing, output, shapes
from monitor.cli.command import Json, command
from monitor.cli.reports import known_watch
from monitor.cli.session import Session
from monitor.cli.watches import app
from monitor.errors import UsageError
from monitor.model import Watch

if TYPE_CHECKING:
    from monitor.settings.values import Settings
    from monitor.watches.expanding import Branch, Forms, Keyword

__all__ = ["app"]

LANGUAGES: Mapping[str | None, str] = {None: "any language", "en": "English", "ru": "Russian", "kk": "Kazakh"}
MOST_NAMES = 12
"""Names shown of an entry of the gazetteer in one language."""


@command(app, "explain", example="monitor watches explain unrest")
def explain_watch(
    session: Session,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the watch.", show_default=False)],
    as_json: Json = False,
) -> None:
    """Show what a watch looks for: of each keyword its entries in the gazetteer, its spellings, its forms by language.

    Where a language chains its suffixes without an end, the common ones stand for them.
    """
    settings = session.settings()
    watch = _watch(settings, name)
    from monitor.watches.compiling import Compiler, limits_of, query_of
    from monitor.watches.expanding import expansion
    from monitor.watches.reading import read_query
    from monitor.watches.writing import write

    query = query_of(watch)
    saved = {each: read_query(text) for each, text in settings.saved.items()}
    branch = expansion(query, Compiler(settings.gazetteer, saved))
    limits = str(limits_of(watch))
    if as_json:
        output.show_json(
            {
                "watch": watch.name,
                "query": write(query),
                "fields": watch.fields,
                "limits": limits or None,
                "least_score": watch.score,
                "expansion": _branch_shape(branch),
            }
        )
        return
    only = f", in the {watch.fields[0]} only" if len(watch.fields) == 1 else ""
    tree = Tree(Text(f"{watch.name}: {branch.label}{only}", style="bold"), guide_style="dim")
    if limits:
        tree.add(Text(f"only {limits}"))
    _grow(tree, branch, set())
    output.show(tree)


@command(app, "format", example="monitor watches format unrest --write")
def format_watches(
    session: Session,
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Name of the watch (default: all).", show_default=False)
    ] = None,
    write_back: Annotated[
        bool, typer.Option("--write", help="Write it into watches.yaml, where the watch has a query.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show what watches ask for as queries in their canonical form; lists of words become queries too.

    With --write the queries of watches.yaml are replaced by it; lists stay lists.
    """
    settings = session.settings()
    watches = [_watch(settings, name)] if name else list(settings.watches)
    from monitor.watches.compiling import query_of
    from monitor.watches.reading import read_query
    from monitor.watches.writing import wrapped

    if write_back:
        changed = {
            each.name: form
            for each in watches
            if each.query and (form := wrapped(read_query(each.query))) != each.query
        }
        if name and not watches[0].query:
            raise UsageError(f"the watch `{name}` has lists and no query: there is nothing to write")
        _write(session, changed, as_json=as_json)
        return
    forms = {each.name: wrapped(query_of(each)) for each in watches}
    if as_json:
        output.show_json(shapes.listed("queries", ({"watch": each, "query": form} for each, form in forms.items())))
    elif name:
        output.show(*map(Text, forms[name].split("\n")))
    else:
        output.show(*_headed(forms))


def _watch(settings: Settings, name: str) -> Watch:
    known_watch(name, [each.name for each in settings.watches])
    return next(each for each in settings.watches if each.name == name)


def _headed(forms: Mapping[str, str]) -> Iterator[RenderableType]:
    for name, form in forms.items():
        yield output.heading(name)
        yield from map(Text, form.split("\n"))


def _write(session: Session, changed: Mapping[str, str], *, as_json: bool) -> None:
    from monitor.settings.edit import set_queries

    written = set_queries(session.config_dir, changed, environ=os.environ) if changed else ()
    file = session.config_dir / "watches.yaml"
    sentence = f"Wrote the queries of {', '.join(written)} in {file}." if written else f"Nothing to change in {file}."
    editing.finish(session, {"written": written}, sentence, as_json=as_json, changed=bool(written))


# --- the tree ---------------------------------------------------------------------------------------------------------


def _grow(tree: Tree, branch: Branch, shown: set[str]) -> None:
    """Add a part of a query; `shown` are the entries whose names stand above already."""
    for keyword in branch.keywords:
        _grow_keyword(tree.add(Text(one_line(keyword.text), style="bold")), keyword, shown)
    for part in branch.parts:
        _grow(tree.add(Text(part.label, style="bold")), part, shown)


def _grow_keyword(tree: Tree, keyword: Keyword, shown: set[str]) -> None:
    for entry in keyword.entries:
        above = entry.key in shown
        under = tree.add(Text(f"{entry.title} ({entry.key}{', see above' if above else ''})"))
        for line in () if above else name_lines(entry.names):
            under.add(Text(line))
        shown.add(entry.key)
    for number, slot in enumerate(keyword.words, start=1):
        under = tree.add(Text(f"word {number}")) if len(keyword.words) > 1 else tree
        for line in form_lines(slot):
            under.add(Text(line))


def name_lines(names: Mapping[str | None, Sequence[str]]) -> Iterator[str]:
    """Yield an entry's names, a line for each language."""
    for language, of_language in names.items():
        more = f" and {len(of_language) - MOST_NAMES} more" if len(of_language) > MOST_NAMES else ""
        yield one_line(f"{LANGUAGES.get(language, language)}: {', '.join(of_language[:MOST_NAMES])}{more}")


def form_lines(slot: Iterable[Forms]) -> Iterator[str]:
    """Yield the forms of a word: `Russian ending: митинг(-, а, ам, ами ...)`; the same stems of one rule on one line."""
    lines: dict[str, list[str]] = {}
    for forms in slot:
        lines.setdefault(forms.rule, []).append(_form(forms))
    yield from (f"{rule}: {', '.join(dict.fromkeys(words))}" for rule, words in lines.items())


def _form(forms: Forms) -> str:
    endings = [ending or "-" for ending in forms.endings]
    more = ["..."] if forms.more else []
    shown = forms.stem if endings == ["-"] and not more else f"{forms.stem}({' '.join([*endings, *more])})"
    return shown + ("" if forms.case == 0 else " with a capital" if forms.case == 1 else " in capitals")


def _branch_shape(branch: Branch) -> shapes.Shape:
    return {
        "label": branch.label,
        "keywords": [_keyword_shape(keyword) for keyword in branch.keywords],
        "parts": [_branch_shape(part) for part in branch.parts],
    }


def _keyword_shape(keyword: Keyword) -> shapes.Shape:
    return {
        "keyword": keyword.text,
        "entries": [
            {"key": each.key, "title": each.title, "names": [_names_shape(*names) for names in each.names.items()]}
            for each in keyword.entries
        ],
        "words": [[_forms_shape(forms) for forms in slot] for slot in keyword.words],
    }


def _names_shape(language: str | None, names: Iterable[str]) -> shapes.Shape:
    return {"language": language, "names": list(names)}


def _forms_shape(forms: Forms) -> shapes.Shape:
    return {
        "stem": forms.stem,
        "language": forms.language,
        "rule": forms.rule,
        "endings": forms.endings,
        "more": forms.more,
        "capitals": forms.case.name.lower(),
    }
