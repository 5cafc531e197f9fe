"""Pieces of expressions that the rules of a pack share, so that each stands in one place and has a name.

The table ``fragments`` of a pack has them; ``{{name}}`` in an expression stands for the text of one, just as it is. A
fragment may use those above it. Knows the tables of a pack as plain values and nothing of what rules mean.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from imgscan.rules.places import Path

    Tell = Callable[[Path, str], None]

USED: Final = re.compile(r"\{\{([a-z][a-z0-9_-]{0,60})\}\}")

EXPRESSIONS: Final = ("pattern", "anchor", "path")
"""Fields of a rule that may use fragments; so may ``regexes`` and ``paths`` of its exceptions."""

EXCEPTIONS: Final = ("regexes", "paths")

MAX_FILLED: Final = 64 * 1024
"""Characters of one expression; fragments within fragments let a short file say any number of them."""


def filled(pack: Mapping[str, Any], tell: Tell) -> list[Any]:
    """The rules of a pack with fragments filled in; ``tell`` is told of what cannot be, and where.

    Tables and values of the wrong kind are left for others to complain about.
    """
    given = pack.get("fragments", {})
    if not isinstance(given, dict):
        tell(("fragments",), "expected a table of fragments by name")
        given = {}
    known: dict[str, str] = {}
    for name, text in given.items():
        if not USED.fullmatch(f"{{{{{name}}}}}"):
            tell(("fragments", name), "the name of a fragment has small letters, digits, - and _")
        elif not isinstance(text, str):
            tell(("fragments", name), "expected text")
        else:
            known[name] = _fill(text, known, ("fragments", name), tell)
    rules = pack.get("rules", [])
    return [_rule(table, known, ("rules", index), tell) for index, table in enumerate(rules)]


def uses(text: Any) -> bool:
    """Whether an expression uses fragments, so that its characters do not stand where the file has them."""
    return isinstance(text, str) and bool(USED.search(text))


def _rule(table: Any, known: Mapping[str, str], at: Path, tell: Tell) -> Any:
    if not isinstance(table, dict):
        return table
    made = _expressions(table, EXPRESSIONS, known, at, tell)
    if isinstance(allow := table.get("allow"), list):
        made["allow"] = [
            _expressions(one, EXCEPTIONS, known, (*at, "allow", index), tell) if isinstance(one, dict) else one
            for index, one in enumerate(allow)
        ]
    return made


def _expressions(
    table: Mapping[str, Any], keys: tuple[str, ...], known: Mapping[str, str], at: Path, tell: Tell
) -> dict[str, Any]:
    def one(value: Any, place: Path) -> Any:
        if isinstance(value, list):
            return [one(item, (*place, index)) for index, item in enumerate(value)]
        return _fill(value, known, place, tell) if isinstance(value, str) else value

    return {key: one(value, (*at, key)) if key in keys else value for key, value in table.items()}


def _fill(text: str, known: Mapping[str, str], at: Path, tell: Tell) -> str:
    names = USED.findall(text)
    if unknown := sorted({name for name in names if name not in known}):
        tell(at, f"there is no fragment {', '.join(unknown)} above")
        return text
    if len(text) + sum(len(known[name]) for name in names) > MAX_FILLED:
        tell(at, f"has more than {MAX_FILLED} characters with its fragments filled in")
        return text
    return USED.sub(lambda found: known[found[1]], text)
