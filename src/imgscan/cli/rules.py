"""``imgscan rules``: the catalogue, and the tools for people who write rules."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from imgscan.cli import failures
from imgscan.cli.options import HELP
from imgscan.cli.output import read_standard, write_standard
from imgscan.cli.settings import RULES, settings
from imgscan.errors import UsageError
from imgscan.findings.policy import CLEAN, FOUND
from imgscan.report.escape import printable
from imgscan.report.wording import count
from imgscan.rules.load import load, suggest
from imgscan.streams.limits import MIB

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from imgscan.model.values import Match
    from imgscan.rules.load import RuleSet
    from imgscan.rules.problems import Vet
    from imgscan.rules.schema import Rule

MAX_TEXT: Final = 64 * MIB
"""Bytes that ``rules test`` reads of one file; whole images are for ``imgscan scan``."""

CHOICE: Final = settings("rules", "only", "skip", "config")


@click.group("rules", context_settings=HELP)
def command() -> None:
    """List, show, check and try rules."""


@command.command("list", params=[*CHOICE], context_settings=HELP)
@click.option("--provider", "providers", multiple=True, metavar="NAME", help="Only rules of this one (repeatable).")
@click.option(
    "-f",
    "--format",
    "form",
    type=click.Choice(["text", "json"], case_sensitive=False),
    metavar="FORMAT",
    default="text",
    show_default=True,
    help="text or json.",
)
def list_rules(form: str, providers: tuple[str, ...], **given: Any) -> None:
    """List the rules that a scan would use."""
    rules = _of_providers(_loaded(given).rules, providers)
    _print(_json(rules) if form == "json" else _table(rules))


@command.command("show", params=settings("rules", "config"), context_settings=HELP)
@click.argument("rule_id", metavar="RULE")
def show(rule_id: str, **given: Any) -> None:
    """Show everything about one rule."""
    rules = _loaded(given).rules
    _print(_described(_named(rules, [rule_id])[0]))


@command.command("check", params=[*CHOICE], context_settings=HELP)
@click.argument("paths", nargs=-1, metavar="[PATH]...", type=RULES)
@click.pass_context
def check(ctx: click.Context, /, paths: tuple[Path, ...], **given: Any) -> None:
    """Hold rules to their promises, of PATH and of imgscan.

    Exit code 1 if a rule breaks one.
    """
    from imgscan.scan.check import check as problems_of  # noqa: PLC0415 - loads the matcher; the other commands do not

    rules = _loaded({**given, "rules": (*given["rules"], *paths)})
    problems = problems_of(rules)
    lines = [f"{problem.rule_id}: {problem.message} [{problem.where}]" for problem in problems]
    _print([*lines, f"{count(len(rules.rules), 'rule')} checked, {count(len(problems), 'problem')}"])
    ctx.exit(FOUND if problems else CLEAN)


@command.command("test", params=[*CHOICE], context_settings=HELP)
@click.argument("files", nargs=-1, metavar="[FILE]...", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option("--explain", is_flag=True, help="Say why rules matched or not: each that the first stage saw.")
@click.option("--rule", "wanted", multiple=True, metavar="RULE", help="Explain this rule, seen or not (repeatable).")
def test(files: tuple[str, ...], explain: bool, wanted: tuple[str, ...], **given: Any) -> None:  # noqa: FBT001 - a flag
    """Print what rules find in files or standard input, redacted."""
    from imgscan.scan.probe import probe  # noqa: PLC0415 - loads the matcher; the other commands do not

    rules = _loaded(given)
    _named(rules.rules, wanted)
    contents = {name: _content(name) for name in files or ["-"]}
    found = [f"{name}:{_told(match)}" for name, content in contents.items() for match in probe(content, rules, name)]
    lines = found or ["nothing found"]
    if explain or wanted:
        lines += [line for name, content in contents.items() for line in _explained(name, content, rules, wanted)]
    _print(lines)


def _explained(name: str, content: bytes, rules: RuleSet, wanted: tuple[str, ...]) -> Iterable[str]:
    from imgscan.scan.explain import explain  # noqa: PLC0415 - as above

    for told in explain(content, rules, wanted, name):
        yield f"{name}: {told.rule_id}:"
        yield from (f"  {line}" for line in told.lines)


def _loaded(given: dict[str, Any]) -> RuleSet:
    paths = tuple(given["rules"])
    rules = load(paths, only=tuple(given.get("only", ())), skip=tuple(given.get("skip", ())), vet=_vet(paths))
    for notice in rules.notices:
        failures.say(f"note: {notice.where}: {notice.message}")
    return rules


def _vet(paths: tuple[Path, ...]) -> Vet | None:
    if not paths:
        return None
    from imgscan.match.vet import vet  # noqa: PLC0415 - loads the matcher, which packaged rules do not need here

    return vet


def _named(rules: Sequence[Rule], names: Sequence[str]) -> list[Rule]:
    by_id = {rule.id: rule for rule in rules}
    for name in names:
        if name not in by_id:
            raise UsageError("there is no such rule", where=name, hint=suggest(name, by_id))
    return [by_id[name] for name in names]


def _of_providers(rules: Sequence[Rule], names: Sequence[str]) -> Sequence[Rule]:
    known = {rule.provider for rule in rules}
    for name in names:
        if name not in known:
            raise UsageError("there is no such provider", where=name, hint=suggest(name, known))
    return [rule for rule in rules if rule.provider in names] if names else rules


def _content(name: str) -> bytes:
    content = read_standard(MAX_TEXT + 1) if name == "-" else _read(name)
    if len(content) > MAX_TEXT:
        raise UsageError(f"larger than {MAX_TEXT // MIB} MiB", where=name, hint="images are for `imgscan scan`")
    return content


def _read(name: str) -> bytes:
    try:
        with Path(name).open("rb") as file:
            return file.read(MAX_TEXT + 1)
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror}", where=name) from None


def _told(match: Match) -> str:
    place = f"{match.line}:{match.column}" if match.line else f"byte {match.start}"
    within = "".join(f" > {part}" for part in (*match.chain, *match.decoded))
    return f"{place}{within}: {match.rule_id}: {match.redacted}"


def _table(rules: Sequence[Rule]) -> list[str]:
    width = max((len(rule.id) for rule in rules), default=0)
    owners = max((len(rule.provider) for rule in rules), default=0)
    rows = [
        f"{rule.id:{width}}  {rule.provider:{owners}}  {rule.severity:8}  {rule.confidence:6}  {rule.title}"
        for rule in rules
    ]
    return [*rows, count(len(rules), "rule")]


def _json(rules: Sequence[Rule]) -> list[str]:
    return msgspec.json.format(msgspec.json.encode(rules), indent=2).decode().splitlines()


def _described(rule: Rule) -> list[str]:
    """One line for each field that says something."""
    fields: dict[str, Any] = msgspec.to_builtins(rule)
    width = max(map(len, fields))
    return [
        f"{name if first else '':{width}}  {line}"
        for name, value in fields.items()
        if value
        for first, line in _numbered(value)
    ]


def _numbered(value: Any) -> Iterable[tuple[bool, str]]:
    lines = value if isinstance(value, list | tuple) else [value]
    texts = (line if isinstance(line, str) else msgspec.json.encode(line).decode() for line in lines)
    return ((index == 0, text) for index, text in enumerate(texts))


def _print(lines: Iterable[str]) -> None:
    write_standard("".join(f"{printable(line)}\n" for line in lines).encode("utf-8", "replace"))
