"""What one file of rules adds to the catalogue, whatever its format: rules, exceptions, rules that are not wanted.

Also holds what the readers of foreign formats share. Knows no format itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from re import _constants as op  # type: ignore[attr-defined]  # undocumented, but the only parse tree there is
from re import _parser  # type: ignore[attr-defined]
from typing import TYPE_CHECKING, Final

from imgscan.rules.go_regex import GoRegex, GoSyntaxError
from imgscan.rules.schema import DEFAULT_WINDOW, MAX_WINDOW

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from imgscan.rules.places import Path
    from imgscan.rules.problems import Problem
    from imgscan.rules.schema import Allow, Rule
    from imgscan.rules.source import Source

CUSTOM: Final = "custom"
"""The provider of a rule whose file does not say whose secrets it finds."""

OPEN_WINDOW: Final = 1024
"""Bytes for a pattern without an end; a longer match is still found whole, but not looked for from farther away."""

KEYWORD_WINDOW: Final = 4096
"""Bytes for keywords that other tools look for anywhere in a file: as near as a reader would call related."""

_NAME: Final = re.compile(r"[\w.:/ -]{1,120}")


@dataclass(frozen=True, slots=True)
class Entry:
    """A rule and where its file says what: ``keys`` are the names of fields there whose text is not ours."""

    rule: Rule
    source: Source
    at: Path
    keys: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Contribution:
    """What a file says. ``unwanted`` and ``only`` are ids of rules that were there before.

    An exception in ``allow`` is for the rules named with it, or for all if none is.
    """

    entries: list[Entry] = field(default_factory=list)
    allow: list[tuple[Allow, frozenset[str]]] = field(default_factory=list)
    unwanted: set[str] = field(default_factory=set)
    only: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)
    notices: list[Problem] = field(default_factory=list)


def is_name(text: str, source: Source, at: Path) -> bool:
    """Whether ``text`` can be the id of a rule; if not, that is a problem."""
    if _NAME.fullmatch(text):
        return True
    source.problem(at, "an id has 1 to 120 letters, digits, dots, dashes, colons, slashes and spaces")
    return False


def go_regex(text: str, source: Source, at: Path) -> GoRegex | None:
    """The translation of a pattern, or ``None`` after telling where it is wrong."""
    try:
        made = GoRegex(text)
        _parser.parse(made.plain().encode())
    except GoSyntaxError as error:
        source.problem(at, f"is not a regular expression of Go: {error.message}", offset=error.offset)
    except (re.error, RecursionError, OverflowError) as error:
        source.problem(at, f"cannot be translated from Go: {error}")
    else:
        return made
    return None


def go_regexes(texts: Sequence[str], source: Source, at: Path) -> tuple[str, ...]:
    """The translations of those that can be translated."""
    made = (go_regex(text, source, (*at, index)) for index, text in enumerate(texts))
    return tuple(one.plain() for one in made if one is not None)


def window(pattern: str, keywords: Sequence[str]) -> int:
    """How far the second stage must look for this pattern, and for keywords that are no part of it."""
    try:
        high = int(_parser.parse(pattern.encode()).getwidth()[1])
    except (re.error, RecursionError, OverflowError):
        high = 0  # what is wrong with it is told by others
    reach = OPEN_WINDOW if high >= int(op.MAXREPEAT) else high
    apart = any(word.lower() not in pattern.lower() for word in keywords)
    return min(max(DEFAULT_WINDOW, reach, KEYWORD_WINDOW if apart else 0), MAX_WINDOW)
