"""``imgscan rules``: the catalogue, and the tools for people who write rules."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from imgscan.cli.options import HELP
from imgscan.cli.output import write_standard
from imgscan.cli.settings import EXISTING_FILE, settings
from imgscan.errors import UsageError
from imgscan.findings.policy import CLEAN, FOUND
from imgscan.report.escape import printable
from imgscan.report.wording import count
from imgscan.rules.load import load
from imgscan.streams.limits import MIB

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from imgscan.model.values import Match
    from imgscan.rules.load import RuleSet
    from imgscan.rules.schema import Rule

MAX_TEXT: Final = 64 * MIB
"""Bytes that ``rules test`` reads of one file; whole images are for ``imgscan scan``."""

CHOICE: Final = settings("rules", "only", "skip", "config")


@click.group("rules", context_settings=HELP)
def command() -> None:
    """List, show, check and try rules."""


@command.command("list", params=[*CHOICE], context_settings=HELP)
@click.option("-f", "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def list_rules(form: str, **given: Any) -> None:
    """List the rules that a scan would use."""
    rules = _loaded(given).rules
    _print(_json(rules) if form == "json" else _table(rules))


@command.command("show", params=settings("rules", "config"), context_settings=HELP)
@click.argument("rule_id", metavar="RULE")
def show(rule_id: str, **given: Any) -> None:
    """Show everything about one rule."""
    rules = _loaded(given).rules
    if not (found := [rule for rule in rules if rule.id == rule_id]):
        raise UsageError("there is no such rule", where=rule_id, hint="`imgscan rules list` names them all")
    _print(_described(found[0]))


@command.command("check", params=[*CHOICE], context_settings=HELP)
@click.argument("paths", nargs=-1, metavar="[FILE]...", type=EXISTING_FILE)
@click.pass_context
def check(ctx: click.Context, /, paths: tuple[Path, ...], **given: Any) -> None:
    """Hold rules to their promises: those of FILE and those that imgscan brings.

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
def test(files: tuple[str, ...], **given: Any) -> None:
    """Try rules on files or on standard input, and print what they find, redacted."""
    from imgscan.scan.probe import probe  # noqa: PLC0415 - loads the matcher; the other commands do not

    rules = _loaded(given)
    found = [f"{name}:{_told(match)}" for name in files or ["-"] for match in probe(_content(name), rules)]
    _print(found or ["nothing found"])


def _loaded(given: dict[str, Any]) -> RuleSet:
    return load(tuple(given["rules"]), only=tuple(given.get("only", ())), skip=tuple(given.get("skip", ())))


def _content(name: str) -> bytes:
    with click.open_file(name, "rb") as file:
        content: bytes = file.read(MAX_TEXT + 1)
    if len(content) > MAX_TEXT:
        raise UsageError(f"larger than {MAX_TEXT // MIB} MiB", where=name, hint="images are for `imgscan scan`")
    return content


def _told(match: Match) -> str:
    place = f"{match.line}:{match.column}" if match.line else f"byte {match.start}"
    within = "".join(f" > {part}" for part in (*match.chain, *match.decoded))
    return f"{place}{within}: {match.rule_id}: {match.redacted}"


def _table(rules: Sequence[Rule]) -> list[str]:
    width = max((len(rule.id) for rule in rules), default=0)
    rows = [f"{rule.id:{width}}  {rule.severity:8}  {rule.confidence:6}  {rule.title}" for rule in rules]
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
    write_standard("".join(f"{printable(line)}\n" for line in lines).encode(sys.stdout.encoding or "utf-8", "replace"))
