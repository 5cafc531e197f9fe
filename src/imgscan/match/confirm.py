"""The second stage: the whole pattern of a rule, in a bounded window around a hit, then its filters.

Works on one text at a time (a file within a block, a config field) and gives spans within it. Knows nothing of lines,
layers or overlapping rules.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple

import regex

from imgscan.errors import RuleError
from imgscan.match import filters

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from imgscan.model.values import Where
    from imgscan.rules.schema import Rule

TIMEOUT_SECONDS: Final = 1.0
"""For one window; ordinary windows take microseconds."""

GROUP: Final = "secret"

NAME: Final = r"(?:(?<![A-Za-z])|(?<=[a-z])(?=[A-Z]))(?i:%s)[\w.-]{0,32}(?: [\w.-]{1,16}){0,2}"
"""A name with a keyword in it that begins a word: not the ``rollbar`` of ``scrollbar``, but that of ``myRollbar``."""

OPERATOR: Final = r"[\"'`\\\]) \t]{0,6}(?:[=:>,(|][\s\"'`\\\])=:>,(|]{0,10}|[ \t][\"'`\\]{0,2})"
"""What separates a name from its value; only behind an operator may the value stand on the next line."""

LABEL: Final = r"(?:(?i:value|str|string)[\s\"'`\\=:>]{1,8})?"
"""A type or a second key between the two: ``key: str = "…"``, ``"name": "KEY", "value": "…"``."""

NEXT_LINE: Final = r"[\"'`\\,]{0,3}\s{1,20}[\"'\\]{0,2}(?i:value)[\"'\\]{0,2}\s{0,4}[=:>]\s{0,4}[\"'`\\]{0,3}"
"""``name: KEY`` and on the next line ``value: …``, as in manifests of Kubernetes."""

ASSIGNMENT: Final = rf"(?:{NAME}(?:{OPERATOR}{LABEL}|{NEXT_LINE}))(?:%s)(?![\w-])"
"""A name with a keyword in it, and its value: ``PINECONE_API_KEY = "…"``, ``"key": "…"``, ``--key …``, ``<key>…``."""

BOUNDARY: Final = regex.compile(r"(?:\\b|\(\?<!\[(?:[^\]\\]|\\.)+\]\))")
"""How patterns say that nothing of their own alphabet may stand in front."""

ESCAPED: Final = r"(?<=\\[nrt]|\\u[0-9A-Fa-f]{4}|%[0-9A-Fa-f]{2}|\x1b\[[0-9;]{0,8}m)"
"""An escape in front of a token ends in a letter or digit, and is a boundary all the same.

``\\n``, ``\\u003d``, ``%3D``, the end of a terminal colour.
"""


class Span(NamedTuple):
    """Half-open ranges in a text: of the whole match and of the secret in it."""

    start: int
    end: int
    secret_start: int
    secret_end: int


class TimedOutError(Exception):
    """A pattern took too long in one window."""


class Confirmer:
    """The second stage of one rule."""

    def __init__(self, rule: Rule) -> None:
        self._rule = rule
        self._pattern = compile_pattern(rule)
        self._filters = [filters.parse(spec) for spec in rule.filters]
        words = "|".join(_keyword(word) for word in rule.keywords)
        near = bool(words) and rule.context == "near"
        self._keywords = regex.compile(f"(?i:{words})".encode()) if near else None

    def spans(self, text: memoryview, ends: Sequence[int], where: Where) -> Iterator[Span]:
        """The confirmed matches around first-stage hits that end at ``ends`` (ascending) in ``text``.

        Raises:
            TimedOutError: the pattern took too long; what was found until then has been given.
        """
        if self._rule.where and where not in self._rule.where:
            return
        for start, stop in self._windows(ends, len(text)):
            yield from self._search(text, start, stop)

    def _windows(self, ends: Sequence[int], size: int) -> Iterator[tuple[int, int]]:
        """The stretches to search: windows around the hits, merged where they touch."""
        reach = self._rule.window
        start = stop = max(0, ends[0] - reach)
        for end in ends:
            if end - reach > stop:
                yield start, stop
                start = end - reach
            stop = min(size, end + reach)
        yield start, stop

    def _search(self, text: memoryview, start: int, stop: int) -> Iterator[Span]:
        try:
            for found in self._pattern.finditer(text, start, stop, timeout=TIMEOUT_SECONDS, concurrent=False):
                span = Span(*found.span(), *found.span(GROUP))
                if span.end == stop < len(text):
                    continued = self._pattern.match(text, span.start, timeout=TIMEOUT_SECONDS)
                    if continued is None:
                        continue  # not skipped: the window cut it, and whole it does not match
                    span = Span(*continued.span(), *continued.span(GROUP))
                if self._stands(text, span):
                    yield span
        except TimeoutError:
            raise TimedOutError from None

    def _stands(self, text: memoryview, span: Span) -> bool:
        reach = self._rule.window
        before = bytes(text[max(0, span.start - reach) : span.start])
        after = bytes(text[span.end : span.end + reach])
        whole = bytes(text[span.start : span.end])
        if self._keywords and not any(map(self._keywords.search, (before, whole, after))):
            return False
        secret = bytes(text[span.secret_start : span.secret_end])
        candidate = filters.Candidate(secret, whole, before, after)
        return all(keep(candidate) for keep in self._filters)


def compile_pattern(rule: Rule) -> regex.Pattern[bytes]:
    """The whole pattern of a rule, with the assignment around it if that is its context.

    Raises:
        RuleError: it does not compile, or has no group ``secret``.
    """
    pattern = rule.pattern
    if rule.context == "assignment" and rule.keywords:
        pattern = ASSIGNMENT % ("|".join(map(_keyword, rule.keywords)), pattern)
    elif boundary := BOUNDARY.match(pattern):
        pattern = f"(?:{boundary[0]}|{ESCAPED}){pattern[boundary.end() :]}"
    try:
        compiled = regex.compile(pattern.encode())
    except regex.error as error:
        raise RuleError(f"the pattern does not compile: {error}", where=rule.id) from None
    if GROUP not in compiled.groupindex:
        raise RuleError("the pattern has no group named `secret`", where=rule.id)
    return compiled


@cache
def _keyword(word: str) -> str:
    return r"[ ._-]?".join(regex.escape(part) for part in word.split())
