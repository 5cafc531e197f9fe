"""The catalogue as a page for people: ``python -m imgscan.rules.document docs/rules.md``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from imgscan.model.values import Confidence, Severity
from imgscan.rules.load import packaged

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from imgscan.rules.schema import Rule

COMMAND: Final = "python -m imgscan.rules.document docs/rules.md"

HEAD: Final = """\
# Rules

<!-- Made by `{command}`; do not edit. -->

imgscan knows {rules:,} kinds of secrets of {providers:,} providers.

* By severity, which is what it costs if the secret is live: {severities}.
* By confidence, which is how sure its shape is: {confidences}.

`imgscan rules show ID` tells everything about a rule.

| provider | id | secret | severity | confidence |
|---|---|---|---|---|
"""


def render(rules: Sequence[Rule]) -> str:
    """The page: counts, and one line for each rule, grouped by provider."""
    head = HEAD.format(
        command=COMMAND,
        rules=len(rules),
        providers=len({rule.provider for rule in rules}),
        severities=_counts(Severity, [rule.severity for rule in rules]),
        confidences=_counts(Confidence, [rule.confidence for rule in rules]),
    )
    return head + "".join(map(_row, sorted(rules, key=lambda rule: (rule.provider, rule.id))))


def _counts(kinds: Iterable[str], found: Sequence[str]) -> str:
    return ", ".join(f"{found.count(kind):,} {kind}" for kind in kinds)


def _row(rule: Rule) -> str:
    return f"| {_cell(rule.provider)} | `{rule.id}` | {_cell(rule.title)} | {rule.severity} | {rule.confidence} |\n"


def _cell(text: str) -> str:
    """Text that neither ends a cell nor starts markup."""
    return "".join(f"\\{char}" if char in "|\\`*_<>[]" else char for char in text)


def main(arguments: Sequence[str]) -> int:
    """Write the page to the path that is named, or to standard output."""
    page = render(packaged(use_cache=False))
    if arguments:
        Path(arguments[0]).write_text(page, encoding="utf-8")
    else:
        sys.stdout.write(page)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
