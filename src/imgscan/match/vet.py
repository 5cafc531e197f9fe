"""What the matcher would refuse of a rule, before it is used: all of it, by field."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import regex

from imgscan.errors import RuleError
from imgscan.match import anchors, confirm, exceptions, filters
from imgscan.match.engine import Engine
from imgscan.rules.load import RuleSet
from imgscan.rules.problems import Flaw

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imgscan.rules.schema import Rule

MAX_PATTERN: Final = 32 * 1024
"""Characters; a rule of our own has hundreds, one translated from elsewhere thousands."""


def vet(rule: Rule) -> Iterator[Flaw]:
    """Everything that speaks against using this rule."""
    sound = True
    for flaw in _pattern(rule):
        sound = False
        yield flaw
    for index, spec in enumerate(rule.filters):
        try:
            filters.parse(spec)
        except RuleError as error:
            yield Flaw(("filters", index), f"{error.message} ({error.hint})")
    yield from _exceptions(rule)
    if sound:
        yield from _first_stage(rule)


def _exceptions(rule: Rule) -> Iterator[Flaw]:
    places: list[tuple[tuple[str | int, ...], str]] = [(("path",), rule.path)] if rule.path is not None else []
    for number, allow in enumerate(rule.allow):
        for kind, texts in (("regexes", allow.regexes), ("paths", allow.paths)):
            places += [(("allow", number, kind, index), text) for index, text in enumerate(texts)]
    for at, text in places:
        try:
            exceptions.compiled(text, rule.id)
        except RuleError as error:
            yield Flaw(at, error.message)


def _pattern(rule: Rule) -> Iterator[Flaw]:
    if len(rule.pattern) > MAX_PATTERN:
        yield Flaw(("pattern",), f"the pattern has more than {MAX_PATTERN} characters")
        return
    if rule.context == "assignment" and not rule.keywords:
        yield Flaw(("context",), "the context of an assignment needs keywords")
    if rule.by_path and rule.path is None:
        yield Flaw(("by_path",), "a rule that goes by the path needs one")
    yield from (
        Flaw(("keywords", at), "a keyword is empty") for at, word in enumerate(rule.keywords) if not word.strip()
    )
    try:
        if rule.anchor is None:
            re.compile(rule.pattern.encode())
        regex.compile(rule.pattern.encode())
    except (re.error, regex.error) as error:
        position: int | None = getattr(error, "pos", None)
        message = str(error).partition(" at position")[0]
        yield Flaw(("pattern",), f"the pattern does not compile: {message}", _characters(rule.pattern, position))
    except (RecursionError, OverflowError, MemoryError):
        yield Flaw(("pattern",), "the pattern is nested too deeply, or repeats too often")
    else:
        yield from _whole_pattern(rule)


def _whole_pattern(rule: Rule) -> Iterator[Flaw]:
    try:
        confirm.compile_pattern(rule)
        low, _ = anchors.width(rule.pattern)
        if not low:
            yield Flaw(("pattern",), "the pattern matches the empty text")
    except RuleError as error:
        yield Flaw(("pattern",), error.message)
    except re.error:
        return  # written for `regex` alone, with an anchor of its own


def _first_stage(rule: Rule) -> Iterator[Flaw]:
    try:
        Engine(RuleSet.of([rule]), use_cache=False)
    except RuleError as error:
        yield Flaw(("pattern" if rule.anchor is None else "anchor",), error.message)


def _characters(pattern: str, position: int | None) -> int | None:
    """A position in the encoded pattern as one in the pattern."""
    return None if position is None else len(pattern.encode()[:position].decode(errors="ignore"))
