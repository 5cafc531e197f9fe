"""``imgscan explain``: what to do about one kind of secret, or about one finding of a saved report."""

from __future__ import annotations

import difflib
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from imgscan.cli import failures, finding
from imgscan.cli.options import HELP
from imgscan.cli.output import PRIVATE, is_terminal, require_writable, write_file, write_standard
from imgscan.cli.settings import EXISTING_FILE, settings
from imgscan.errors import UsageError
from imgscan.guides import load as guides
from imgscan.guides import render
from imgscan.guides.compose import Subject, Wanted, compose
from imgscan.guides.dockerfile_fix import fix
from imgscan.guides.page import SECTIONS
from imgscan.guides.snippets import LANGUAGES, STORES
from imgscan.rules.load import load

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imgscan.cli.finding import Case
    from imgscan.cli.patching import Patched
    from imgscan.guides.page import Page
    from imgscan.rules.load import RuleSet
    from imgscan.rules.schema import Rule

FORMATS: Final = ("text", "markdown", "html", "json")
SUGGESTIONS: Final = 3
TELLING: Final = 3
"""Letters of a name that may stand for the whole; two are in everything."""
_FINGERPRINT: Final = re.compile(r"(?=[a-f]*\d)[0-9a-f]{6,}")
NARROW: Final = 100
"""Columns; longer lines of prose are hard to read."""


def _several(flag: str, names: Sequence[str], text: str) -> click.Option:
    return click.Option(
        [flag], multiple=True, type=click.Choice([*names], case_sensitive=False), metavar=flag[2:].upper(), help=text
    )


OPTIONS: Final = (
    click.Option(["--report"], type=EXISTING_FILE, metavar="FILE", help="A JSON report; fills in where it was found."),
    click.Option(["--dockerfile"], type=EXISTING_FILE, metavar="FILE", help="Show the fix as a patch of this file."),
    click.Option(
        ["--write-patch"], type=click.Path(path_type=Path), metavar="FILE", help="Write that patch, secrets included."
    ),
    _several("--section", [*SECTIONS], f"Only this section (repeatable): {', '.join(SECTIONS)}."),
    _several("--language", [*LANGUAGES], f"Code only in this language (repeatable): {', '.join(LANGUAGES)}."),
    _several("--store", [*STORES], f"Code only for this secret store (repeatable): {', '.join(STORES)}."),
    click.Option(
        ["-f", "--format", "form"],
        type=click.Choice(FORMATS, case_sensitive=False),
        default="text",
        metavar="FORMAT",
        show_default=True,
        help=f"{', '.join(FORMATS[:-1])} or {FORMATS[-1]}.",
    ),
    *settings("rules", "no_color", "config"),
)


@click.command("explain", params=[*OPTIONS], context_settings=HELP)
@click.argument("name", metavar="RULE|PROVIDER|FINGERPRINT")
def command(name: str, form: str, **given: Any) -> None:
    """Say what a secret is, what to do when it leaked, and how to keep it out of the image.

    RULE and PROVIDER are as `imgscan rules list` has them; FINGERPRINT, or the beginning of it, is that of a finding
    of --report.
    """
    if given["dockerfile"] and not given["report"]:
        raise UsageError("a patch needs the finding", where="--dockerfile", hint="name the report with --report")
    if given["write_patch"] and not given["dockerfile"]:
        raise UsageError("a patch needs a file to change", where="--write-patch", hint="name it with --dockerfile")
    if given["write_patch"]:
        require_writable(given["write_patch"])
    subject = _subject(name, given)
    wanted = Wanted(
        sections=given["section"] or tuple(SECTIONS),
        languages=given["language"] or tuple(LANGUAGES),
        stores=given["store"] or tuple(STORES),
    )
    _show(compose(subject, wanted), form, color=_color(given))


def _subject(name: str, given: dict[str, Any]) -> Subject:
    rules = load(tuple(given["rules"]))
    if given["report"]:
        if case := finding.case(given["report"], name, rules):
            return _of_case(case, given, rules)
        if given["dockerfile"]:
            raise UsageError("the report has no such finding", where=name)
    subject = _named(name, rules)
    if given["report"]:
        failures.say(f"{name}: the report has no such finding; this is what holds for all of them")
    return subject


def _of_case(case: Case, given: dict[str, Any], rules: RuleSet) -> Subject:
    note = shown = None
    if given["dockerfile"]:
        from imgscan.cli.patching import patch  # noqa: PLC0415 - loads the matcher; a guide without a patch does not

        patched = patch(case, given["dockerfile"], rules)
        note, shown = patched.note, patched.shown
        _write(patched, given["write_patch"])
    return Subject(
        found=guides.for_rule(case.rule),
        title=case.rule.title,
        rule=case.rule.id,
        variable=finding.variable(case.finding),
        leak=finding.leak(case),
        fix=fix(finding.spot(case), shown, note),
    )


def _write(patched: Patched, path: Path | None) -> None:
    if path and not patched.whole:
        raise UsageError("there is no patch to write", where=str(path), hint=patched.note)
    if path and patched.whole:
        write_file(path, patched.whole.encode(), mode=PRIVATE)


def _named(name: str, rules: RuleSet) -> Subject:
    """The rule or the provider of this name, however it is written."""
    wanted = name.strip().lower()
    if rule := rules.by_id.get(wanted):
        return Subject(guides.for_rule(rule), rule.title, rule.id)
    providers = _providers(rules)
    if guide := guides.named(wanted) or guides.named(providers.get(wanted, wanted)):
        return Subject(guide, guide.guide.name)
    titles = {rule.title.lower(): rule for rule in rules.rules}
    if rule := titles.get(wanted) or _of_provider(providers.get(wanted, wanted), rules):
        return Subject(guides.for_rule(rule), rule.title, rule.id)
    raise UsageError("there is no such rule, provider or finding", where=name, hint=_hint(wanted, rules, providers))


def _providers(rules: RuleSet) -> dict[str, str]:
    """Ids of guides by the names that people say, in lower case."""
    names = {entry.name.lower(): name for name, entry in guides.index().items()}
    return {**{rule.provider: rule.guide or rule.provider for rule in rules.rules}, **names}


def _of_provider(provider: str, rules: RuleSet) -> Rule | None:
    return next((rule for rule in rules.rules if provider in (rule.provider, rule.guide)), None)


def _hint(wanted: str, rules: RuleSet, providers: dict[str, str]) -> str:
    titles = {rule.title.lower(): rule.id for rule in rules.rules}
    known = {**titles, **{name: name for name in (*providers, *guides.index(), *rules.by_id)}}
    within = [name for name in known if wanted in name] if len(wanted) >= TELLING else []
    close = (*sorted(within, key=len), *difflib.get_close_matches(wanted, known, n=SUGGESTIONS))
    if _FINGERPRINT.fullmatch(wanted):
        return "a fingerprint needs the report that it stands in: --report FILE"
    suggested = list(dict.fromkeys(known[name] for name in close))[:SUGGESTIONS]
    return f"did you mean {' or '.join(suggested)}?" if suggested else "`imgscan rules list` shows them all"


def _color(given: dict[str, Any]) -> bool:
    plain = given["no_color"] or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return _is_terminal() and not plain


def _show(page: Page, form: str, *, color: bool) -> None:
    match form:
        case "json":
            content = f"{render.json(page)}\n"
        case "html":
            content = render.to_html(page)
        case "markdown":
            content = render.markdown(page)
        case _:
            from imgscan.cli import guide_text  # noqa: PLC0415 - loads rich; the other formats do without

            content = guide_text.render(page, color=color, width=_width())
    if form == "text" and _is_terminal():
        click.echo_via_pager(content, color=None if color else False)  # True would not tell `less` of the colours
    else:
        write_standard(content.encode("utf-8", "backslashreplace"))


def _is_terminal() -> bool:
    return is_terminal(sys.stdout)


def _width() -> int:
    return min(NARROW, os.get_terminal_size(sys.stdout.fileno()).columns) if _is_terminal() else NARROW
