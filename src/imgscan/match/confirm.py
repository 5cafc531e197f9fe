"""The second stage: the whole pattern of a rule, in a bounded window around a hit, then its filters.

Works on one text at a time (a file within a block, a config field) and gives spans within it. Knows nothing of lines,
layers or overlapping rules.
"""

from __future__ import annotations

import re
from functools import cache, cached_property
from typing import TYPE_CHECKING, Final, NamedTuple

import regex

from imgscan.errors import RuleError
from imgscan.match import anchors, filters, published, starts
from imgscan.match.exceptions import Exceptions
from imgscan.model.values import Where

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from imgscan.rules.schema import Rule

TIMEOUT_SECONDS: Final = 1.0
"""For one window; ordinary windows take microseconds."""

MAX_TRIES: Final = 20_000
"""Places in one stretch of a text that may begin a match; ordinary windows have about ten, hostile ones a million."""

MOST_LEADS: Final = 24
"""Places where a value may begin that a hit is about; with more it is as quick to look for it."""

GROUP: Final = "secret"
ALTERNATIVE: Final = re.compile(rf"{GROUP}(?:_\d+)?")
"""Groups of the same pattern of which one holds the secret."""

KEYWORD: Final = r"(?:(?<![A-Za-z])|(?<=[a-z])(?=[A-Z]))(?i:%s)"
"""A keyword that begins a word: not the ``rollbar`` of ``scrollbar``, but that of ``myRollbar``."""

REST: Final = r"(?:[\w.-]|::|->){0,32}(?: [\w.-]{1,16}){0,3}"
"""The rest of the name that the keyword is in."""

QUERY: Final = r"[\w./:?&=%%-]{0,96}[?&][\w.-]{0,24}(?i:key|token|secret|auth|pass|access|api|app_?id)[\w.-]{0,16}="
"""The keyword in the host or path of a URL, and a parameter that says it is a secret."""

OPERATOR: Final = (
    r"[\"'`\\\[\]) \t*]{0,6}(?:(?:</key>\s{0,16}<string>|:-|<-|[?+:]?[=:>,(|{])[\s\"'`\\\])=:>,(|@]{0,10}"
    r"|[ \t][\"'`\\]{0,2})"
)
"""What separates a name from its value; only behind an operator may the value stand on the next line.

``=``, ``:``, ``:=``, ``?=``, ``+=``, ``:-``, ``<-``, ``=>``, a comma, a parenthesis, a tag; in a property list the
tags of two elements.
"""

LABEL: Final = r"(?:(?:&(?:'static )?)?(?i:(?:parameter_?)?value|str|string|content|default)[\s\"'`\\=:>]{1,8})?"
"""A type or a second key between the two: ``key: str = "…"``, ``"name": "KEY", "value": "…"``."""

NEXT_LINE: Final = r"[\"'`\\,]{0,3}\s{1,20}[\"'\\]{0,2}(?i:value)[\"'\\]{0,2}\s{0,4}[=:>]\s{0,4}[\"'`\\]{0,3}"
"""``name: KEY`` and on the next line ``value: …``, as in manifests of Kubernetes."""

HEADING: Final = (
    r"(?<=(?:\A|[\r\n])[ \t#/*;-]{0,8}[\w \t:-]{1,60})[:*`)\]\"']{0,3}[ \t]{0,4}\r?\n(?:\r?\n)?[ \t]{0,8}"
    r"(?:[-*] )?[\"'`]?"
    r"(?=[^\s\"'`]+[\"'`]?[ \t]*(?:[\r\n]|\Z))"
)
"""A line of a few words that ends in the name, and a value that has the next line, or the one after, for itself."""

NEARBY: Final = (
    r"\]?(?:(?!\n[ \t]*\r?\n|[}\]]|\n[\w.\"-]{1,40}:[ \t]*\r?\n)[\s\S]){0,96}?(?<=[\s\"'`=:(,>{\[|])"
    r"(?<!(?<![A-Za-z])(?i:sha|md5|digest|hash|checksum|integrity|commit|rev|revision|ref|uuid|example|etag)"
    r"(?:[\d_-]{0,4}|[_-]?(?i:id|sha|hash))\W{1,6}(?:W/\W{1,3})?)"
    r"(?<=(?i:key|token|secret|passw|bearer|cred|auth(?!or(?!iz)))[\s\S]{0,64})"
    r"(?![0-9a-f]{32,128} [ *]|[A-Z0-9]{1,32}(?:_[A-Z0-9]{1,32}){1,16}(?![\w-]))"
)
"""The keyword a few words away, in what the value is for, and closer to it a word that says it is a secret.

The host of a URL above a header, a section or an object that holds a key, the class of a client, a line of a log; not
behind its end, and no checksum, whether it is called so or stands in a list of files, and no constant.
"""

ASSIGNMENT: Final = (
    rf"(?:{KEYWORD}(?:{REST}(?:{OPERATOR}{LABEL}|{NEXT_LINE}|{HEADING})|{QUERY}|{NEARBY}))(?:%s)(?![\w(-])"
)
"""A keyword, and a value that is set to what it says: ``PINECONE_API_KEY = "…"``, ``"key": "…"``, ``--key …``.

What a parenthesis follows is called, and no value.
"""

BOUNDARY: Final = regex.compile(r"(?:\\b|\(\?<!\[(?:[^\]\\]|\\.)+\]\))")
"""How patterns say that nothing of their own alphabet may stand in front."""

ESCAPED: Final = r"(?<=\\[nrt]|\\u[0-9A-Fa-f]{4}|%[0-9A-Fa-f]{2}|\x1b\[[0-9;]{0,8}m)"
"""An escape in front of a token ends in a letter or digit, and is a boundary all the same.

``\\n``, ``\\u003d``, ``%3D``, the end of a terminal colour.
"""


PUBLISHED: Final = "published in documentation or tests that everybody has"
REJECTED: Final = "rejected by the filter %s"

FINAL: Final = frozenset({PUBLISHED, REJECTED % "not-placeholder"})
"""Objections to a value that no other rule could overcome."""


class Span(NamedTuple):
    """Half-open ranges in a text: of the whole match, of the secret in it, and of its other named groups."""

    start: int
    end: int
    secret_start: int
    secret_end: int
    parts: tuple[tuple[str, int, int], ...] = ()


class TimedOutError(Exception):
    """A pattern took too long in one window."""


class Confirmer:
    """The second stage of one rule."""

    def __init__(self, rule: Rule) -> None:
        self._rule = rule
        self._filters = [(spec, filters.parse(spec)) for spec in rule.filters]
        self._exceptions = Exceptions(rule)
        self._hints = {word.split()[0].lower().encode() for word in rule.keywords}
        words = "|".join(map(_keyword, rule.keywords))
        near = rule.keywords and rule.context == "near"
        self._keywords = regex.compile(f"(?i:{words})".encode()) if near else None

    @cached_property
    def _pattern(self) -> regex.Pattern[bytes]:
        return compile_pattern(self._rule)

    @cached_property
    def _groups(self) -> list[str]:
        groups = (self._value if self._is_named else self._pattern).groupindex
        return sorted(filter(ALTERNATIVE.fullmatch, groups), key=groups.__getitem__)

    @cached_property
    def _parts(self) -> list[str]:
        return sorted(self._pattern.groupindex.keys() - set(self._groups))

    @cached_property
    def _is_named(self) -> bool:
        """Whether a match begins with a keyword."""
        return self._rule.context == "assignment" and bool(self._rule.keywords)

    @cached_property
    def _lead(self) -> tuple[int, int] | None:
        """How far behind the beginning of a value a first-stage hit ends, at least and at most, if that is known."""
        beginning = anchors.beginning(self._rule)
        widths = anchors.width(beginning.decode("latin-1")) if beginning else None
        return widths if widths and widths[1] - widths[0] <= MOST_LEADS else None

    @cached_property
    def _begins(self) -> Collection[bytes]:
        """What every match begins with, if that is known."""
        return self._hints if self._is_named else starts.of(self._rule.pattern)

    @cached_property
    def _value(self) -> regex.Pattern[bytes]:
        """The pattern without the assignment around it, which takes ten times as long to compile.

        With the boundaries that every assignment gives it: no separator ends in a word character or a full stop.
        """
        return regex.compile(rf"(?<![\w.])(?:{self._rule.pattern})(?![\w(-])".encode())

    def hit(self, start: int, end: int) -> int:
        """Where the first stage would end in a value that lies from ``start`` to ``end``."""
        return end if self._lead is None else start + self._lead[0]

    def spans(self, text: memoryview, ends: Sequence[int], where: Where, place: str = "") -> Iterator[Span]:
        """The confirmed matches around first-stage hits that end at ``ends`` (ascending) in ``text``.

        ``place`` is the path of a file.

        Raises:
            TimedOutError: the pattern took too long; what was found until then has been given.
        """
        try:
            likely = [end for end in ends if self._may_stand(text, end)] if self._hints else ends
        except TimeoutError:
            raise TimedOutError from None
        judged = self.judged(text, likely, where, place) if likely else ()
        return (span for span, objection in judged if objection is None)

    def judged(
        self, text: memoryview, ends: Sequence[int], where: Where, place: str = ""
    ) -> Iterator[tuple[Span, str | None]]:
        """All that the pattern matches there, each with what speaks against it, if anything does.

        Raises:
            TimedOutError: as for ``spans``.
        """
        path = place if where is Where.FILE else None
        try:
            if not self.is_elsewhere(where, path):
                for start, last, stop in self._windows(ends, len(text)):
                    yield from self._search(text, start, last, stop, path)
        except TimeoutError:
            raise TimedOutError from None

    def _may_stand(self, text: memoryview, end: int) -> bool:
        """Whether it can be a match at all, at a fraction of the cost of finding out: keyword and value are near."""
        reach = self._rule.window
        if not self._is_named:
            around = bytes(text[max(0, end - 3 * reach) : end + 3 * reach]).lower()  # a match and a keyword beyond it
            return any(hint in around for hint in self._hints)
        start = max(0, end - reach)
        before = bytes(text[start:end]).lower()
        first = min((at for hint in self._hints if (at := before.find(hint)) >= 0), default=None)
        if first is None:
            return False
        values = self._values(text, start + first, end, min(len(text), end + reach))
        return any(self._is_likely(text, value) for value in values)

    def _values(self, text: memoryview, first: int, end: int, stop: int) -> Iterator[regex.Match[bytes]]:
        """The values a first-stage hit may be about, which ends in them; none begins before ``first``."""
        if self._lead is None:
            yield from self._value.finditer(text, first, stop, overlapped=True, timeout=TIMEOUT_SECONDS)
            return
        least, most = self._lead
        for start in range(max(first, end - most), end - least + 1):
            if found := self._value.match(text, start, stop, timeout=TIMEOUT_SECONDS):
                yield found

    def _is_likely(self, text: memoryview, value: regex.Match[bytes]) -> bool:
        """Whether no filter speaks against a value by itself, whatever its name."""
        start, end = self._secret(value)
        reach = self._rule.window
        before, after = bytes(text[max(0, start - reach) : start]), bytes(text[end : end + reach])
        candidate = filters.Candidate(bytes(text[start:end]), bytes(text[start:end]), before, after)
        return all(keep(candidate) for _, keep in self._filters)

    def is_elsewhere(self, where: Where, path: str | None) -> bool:
        """Whether the rule is for other places than this one."""
        return bool(self._rule.where and where not in self._rule.where) or self._exceptions.excludes(path)

    def _windows(self, ends: Sequence[int], size: int) -> Iterator[tuple[int, int, int]]:
        """The stretches to search, each with its last hit: windows around the hits, merged where they touch."""
        reach = self._rule.window
        start, last = max(0, ends[0] - reach), ends[0]
        for end in ends:
            if end - reach > last + reach:
                yield start, last, min(size, last + reach)
                start = end - reach
            last = end
        yield start, last, min(size, last + reach)

    def _search(
        self, text: memoryview, start: int, last: int, stop: int, path: str | None
    ) -> Iterator[tuple[Span, str | None]]:
        for found in self._begun(text, start, last, stop) if self._begins else self._anywhere(text, start, stop):
            span = self._span(found)
            if span.end == stop < len(text):
                continued = self._pattern.match(text, span.start, timeout=TIMEOUT_SECONDS)
                if continued is None:
                    continue  # not skipped: the window cut it, and whole it does not match
                span = self._span(continued)
            yield span, self._objection(text, span, path)

    def _anywhere(self, text: memoryview, start: int, stop: int) -> Iterator[regex.Match[bytes]]:
        return self._pattern.finditer(text, start, stop, timeout=TIMEOUT_SECONDS)

    def _begun(self, text: memoryview, start: int, last: int, stop: int) -> Iterator[regex.Match[bytes]]:
        """The same where it is known what a match begins with: looking for that first takes a tenth of the time.

        No match begins behind the last hit, as the first stage saw a part of it.
        """
        around = bytes(text[start : min(stop, last + max(map(len, self._begins)))]).lower()
        places = _places(self._begins, around)
        free = start
        for at in places[:MAX_TRIES]:
            position = start + at
            if position >= free and (found := self._pattern.match(text, position, stop, timeout=TIMEOUT_SECONDS)):
                yield found
                free = found.end()
        if len(places) > MAX_TRIES:
            raise TimeoutError

    def _span(self, found: regex.Match[bytes]) -> Span:
        return Span(
            *found.span(), *self._secret(found), tuple((name, *found.span(name)) for name in self._parts if found[name])
        )

    def _secret(self, found: regex.Match[bytes]) -> tuple[int, int]:
        """Where the secret is: the first group for it that is not empty; without any it is the whole match."""
        secrets = (found.span(name) for name in self._groups)
        return next((span for span in secrets if span[0] < span[1]), found.span())

    def _objection(self, text: memoryview, span: Span, path: str | None) -> str | None:
        reach = self._rule.window
        before = bytes(text[max(0, span.start - reach) : span.start])
        after = bytes(text[span.end : span.end + reach])
        whole = bytes(text[span.start : span.end])
        if self._keywords and not any(map(self._keywords.search, (before, whole, after))):
            return "no keyword is near"
        secret = bytes(text[span.secret_start : span.secret_end])
        if published.is_published(secret):
            return PUBLISHED
        candidate = filters.Candidate(secret, whole, before, after)
        rejecting = next((spec for spec, keep in self._filters if not keep(candidate)), None)
        if rejecting is not None:
            return REJECTED % rejecting
        return self._exceptions.objection(candidate, path)


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


def _places(words: Iterable[bytes], text: bytes) -> list[int]:
    """Where any of the words stands, in order; of each word one place more than are tried."""
    places: list[int] = []
    for word in words:
        most = len(places) + MAX_TRIES
        at = text.find(word)
        while at >= 0 and len(places) <= most:
            places.append(at)
            at = text.find(word, at + 1)
    return sorted(places)


@cache
def _keyword(word: str) -> str:
    return r"[ ._-]?".join(regex.escape(part) for part in word.split())
