"""Both stages over one buffer: from bytes to matches with line, column and redacted context.

A detector is made once per rule set and used from any number of threads. It knows texts within a buffer (``Region``)
and nothing of layers or images; which rule wins where several match is for ``precedence`` to say, once all of a text
was seen.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from dataclasses import replace
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple, Self

from imgscan.match import enclosing, encoded, precedence, redact
from imgscan.match.by_path import ByPath
from imgscan.match.confirm import FINAL, Confirmer, Span, TimedOutError
from imgscan.match.engine import Engine
from imgscan.match.locate import Region, line_and_column, line_around
from imgscan.match.naming import Naming
from imgscan.model.values import Match, Notice, Secret, Where
from imgscan.rules.schema import GENERIC

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from imgscan.match.engine import Hit
    from imgscan.rules.load import RuleSet
    from imgscan.rules.schema import Rule

MAX_SPANS: Final = 1000
"""Of one rule in one text within one buffer: a list of a million passwords is one problem, not a million."""

CONTROL: Final = re.compile(rb"[\0-\x08\x0e-\x1a]")
"""What no text has; escape sequences of terminals it may have."""

BINARY_HEAD_BYTES: Final = 512
"""A NUL byte this early makes a text binary, as in git and grep (which look at more, at more cost)."""

Unowned = dict[tuple[int, int], Span]
"""What rules of no provider matched, whether or not something speaks against it, by the range of the secret."""


class Sighting(NamedTuple):
    """A confirmed span of a text, its rule, the secret there (decoded), and how it is shown."""

    span: Span
    rule: Rule
    secret: bytes
    shown: str
    parts: tuple[tuple[str, Secret], ...]
    decoded: tuple[str, ...] = ()


class Hidden(NamedTuple):
    """The secrets of a text in the order of their places, each with what is shown of it; the longest has ``widest``."""

    spans: list[tuple[int, int, str]]
    widest: int

    @classmethod
    def of(cls, sightings: Iterable[Sighting]) -> Self:
        """Those of all sightings."""
        spans = sorted((seen.span.secret_start, seen.span.secret_end, seen.shown) for seen in sightings)
        return cls(spans, max((end - start for start, end, _ in spans), default=0))

    def within(self, part: bytes, start: int) -> str:
        """A part of the text that begins at ``start``, without them: of thousands on a line, a few reach into it."""
        first = bisect_left(self.spans, (start - self.widest,))
        return redact.redact_within(
            part, start, self.spans[first : bisect_left(self.spans, (start + len(part),), first)]
        )


class Detector:
    """The rules at work. ``engine`` is the first stage for files, without the rules that are for the config alone."""

    def __init__(self, rules: RuleSet, *, use_cache: bool = True) -> None:
        self.rules = rules
        self.by_path = ByPath(rules.rules)
        in_files = [index for index, rule in enumerate(rules.rules) if not rule.where or Where.FILE in rule.where]
        everywhere = [index for index in in_files if index not in self.by_path.indexes]
        elsewhere = sorted(set(range(len(rules.rules))) - set(in_files))
        self.engine = Engine(rules, chosen=everywhere, use_cache=use_cache)
        self._config_engine = Engine(rules, chosen=elsewhere, use_cache=use_cache)
        self.texts_only = frozenset(index for index, rule in enumerate(rules.rules) if rule.texts_only)
        self._confirmer = lru_cache(maxsize=None)(lambda index: Confirmer(rules.rules[index]))
        self._naming = Naming(rules.rules, self._confirmer)
        self.reach = max(self._naming.reach, *map(_reach, rules.rules), 0)

    def text(self, data: bytes, where: Where, place: str) -> tuple[list[Match], list[Notice]]:
        """The matches that stand in a whole text; ``place`` names it in notices."""
        region = Region(0, len(data), binary=b"\0" in data[:BINARY_HEAD_BYTES])
        hits = self.engine.scan(data)
        if where is Where.FILE:
            hits += self.by_path.hits(place.encode(), data)
        else:
            hits += [hit for hit in self._config_engine.scan(data) if hit[1] >= 0]
        matches, notices = self.examine(data, region, hits, where, place)
        return precedence.resolve(matches, self.rules.by_id), notices

    def examine(
        self, buffer: bytes | bytearray, region: Region, hits: Iterable[Hit], where: Where, place: str
    ) -> tuple[list[Match], list[Notice]]:
        """Confirm first-stage hits that end within ``region`` of ``buffer``; hits elsewhere must not be passed in."""
        notices: list[Notice] = []
        text = memoryview(buffer)[region.start : region.end]
        left_out = self.texts_only if region.binary else frozenset()
        inside = [(end - region.start, owner) for end, owner in hits if owner not in left_out]
        sightings, unowned = self._sightings(text, inside, where, place, notices)
        if len(unowned) >= MAX_SPANS:
            message = (
                f"rules of no provider match {MAX_SPANS} values or more here; whose the rest are was not looked for"
            )
            notices.append(Notice("too-many-matches", place, message))
        sightings += self._owned(text, _without_owner(unowned, sightings), where, place, notices)
        hidden = None if notices else Hidden.of(sightings)  # what was not looked for may stand beside what was found
        return [_match(buffer, region, sighting, hidden) for sighting in sightings], notices

    def _sightings(
        self, text: memoryview, hits: Iterable[Hit], where: Where, place: str, notices: list[Notice]
    ) -> tuple[list[Sighting], Unowned]:
        """What the rules that hit see in a text by themselves."""
        ends: dict[int, list[int]] = defaultdict(list)
        for end, owner in sorted(hits):
            ends[owner].append(end)
        sightings: list[Sighting] = []
        unowned: Unowned = {}
        for owner, owner_ends in ends.items():
            rule = self.rules.rules[owner if owner >= 0 else self.engine.encoded[~owner][0]]
            found = (
                self._plain(owner, text, owner_ends, where, place, unowned)
                if owner >= 0
                else self._coded(owner, text, owner_ends, where, place)
            )
            sightings += _collect(found, rule, place, notices)
        return sightings, unowned

    def _plain(
        self, index: int, text: memoryview, ends: Sequence[int], where: Where, place: str, unowned: Unowned
    ) -> Iterator[Sighting]:
        """What stands in the text as it is; values that a rule of no provider matches go to ``unowned`` as well."""
        rule = self.rules.rules[index]
        confirmer = self._confirmer(index)
        spans = confirmer.spans(text, ends, where, place)
        if rule.provider == GENERIC:
            spans = _noting(confirmer.judged(text, ends, where, place), unowned)
        for span in spans:
            secret = bytes(text[span.secret_start : span.secret_end])
            yield Sighting(span, rule, secret, redact.redact(secret, rule.pattern), _parts(text, span))

    def _owned(
        self, text: memoryview, spans: Iterable[Span], where: Where, place: str, notices: list[Notice]
    ) -> list[Sighting]:
        """What rules of providers see in values of none, once they know what these stand in or say."""
        sightings: list[Sighting] = []
        told = len(notices)
        for span in spans:
            if len(notices) > told:
                break  # what took too long once would do so again
            try:
                sightings += self._named(text, span, where, place)
            except TimedOutError:
                message = "finding out whose a value is took too long here, so a match may be missing"
                notices.append(Notice("match-timeout", place, message, incomplete=True))
            else:
                sightings += self._in_base64(text, span, where, place, notices)
        return sightings

    def _named(self, text: memoryview, span: Span, where: Where, place: str) -> Iterator[Sighting]:
        """A value, as contextual rules see it that know a name of what it stands in."""
        owners = self._naming.owners(text, span.secret_start, span.secret_end, where, place)
        secret = bytes(text[span.secret_start : span.secret_end])
        for rule in map(self.rules.rules.__getitem__, owners):
            yield Sighting(span._replace(parts=()), rule, secret, redact.redact(secret, rule.pattern), ())

    def _in_base64(
        self, text: memoryview, span: Span, where: Where, place: str, notices: list[Notice]
    ) -> Iterator[Sighting]:
        """What a value says in base64, as in secrets of Kubernetes, under the same name."""
        value = encoded.text_of(bytes(text[span.secret_start : span.secret_end]))
        if not value:
            return
        before = bytes(text[max(0, span.secret_start - enclosing.HEAD_BYTES) : span.secret_start])
        plain = b'%s = "%s"' % (enclosing.key(before), value)
        base = plain.index(b'"') + 1
        seen, _ = self._sightings(memoryview(plain), self.engine.scan(plain), where, place, notices)
        for inner in seen:
            first, last = inner.span.secret_start - base, inner.span.secret_end - base
            if inner.rule.provider != GENERIC and 0 <= first < last <= len(value) and not inner.decoded:
                start = encoded.place(span.secret_start, first)
                end = encoded.place(span.secret_start, last) if last < len(value) else span.secret_end
                placed = span._replace(secret_start=start, secret_end=end, parts=())
                yield inner._replace(span=placed, decoded=("base64",))

    def _coded(self, owner: int, text: memoryview, ends: Sequence[int], where: Where, place: str) -> Iterator[Sighting]:
        """What stands in it in base64; a position in the decoded bytes is the character that holds its first bit."""
        index, form = self.engine.encoded[~owner]
        rule = self.rules.rules[index]
        for end in ends:
            start = end - form.width - form.lead
            if start < 0:
                continue  # not skipped: its group would begin before the text, so the form is there by chance
            decoded = encoded.decode(text, start, rule.window)
            ends_there = [form.lead + len(form.literal)]
            for span in self._confirmer(index).spans(memoryview(decoded), ends_there, where, place):
                secret = decoded[span.secret_start : span.secret_end]
                first, last, from_, to = (encoded.place(start, offset) for offset in span[:4])
                placed = Span(first, last, from_, to)
                shown = redact.redact(secret, rule.pattern)
                yield Sighting(placed, rule, secret, shown, _parts(decoded, span), ("base64",))


def _reach(rule: Rule) -> int:
    """How far around a secret a rule looks, in bytes; a keyword may be a window away from the match.

    In UTF-16 twice as far, which matters for keywords only: windows overlap by more than a match needs there.
    """
    return rule.window * (2 if rule.keywords and rule.context == "near" else 1)


def _noting(judged: Iterator[tuple[Span, str | None]], unowned: Unowned) -> Iterator[Span]:
    """The spans that nothing speaks against; others are noted too, up to a bound: they may have an owner after all."""
    for span, objection in judged:
        if len(unowned) < MAX_SPANS and objection not in FINAL:
            unowned.setdefault((span.secret_start, span.secret_end), span)
        if objection is None:
            yield span


def _without_owner(unowned: Unowned, sightings: Iterable[Sighting]) -> list[Span]:
    taken = {s.span[2:4] for s in sightings if s.rule.provider != GENERIC}
    return [span for secret, span in unowned.items() if secret not in taken]


def _parts(text: bytes | memoryview, span: Span) -> tuple[tuple[str, Secret], ...]:
    return tuple((name, Secret(bytes(text[start:end]))) for name, start, end in span.parts)


def _collect(found: Iterator[Sighting], rule: Rule, place: str, notices: list[Notice]) -> list[Sighting]:
    """The sightings of one rule, up to a bound; what could not be told goes to ``notices``."""
    seen: list[Sighting] = []
    try:
        for sighting in islice(found, MAX_SPANS):
            seen.append(sighting)  # noqa: PERF402 - what came before a timeout is kept
    except TimedOutError:
        message = f"rule {rule.id} took too long here, so a match of it may be missing"
        notices.append(Notice("match-timeout", place, message, incomplete=True))
    if len(seen) >= MAX_SPANS:
        message = f"rule {rule.id} matches {MAX_SPANS} times or more here; the rest was left out"
        notices.append(Notice("too-many-matches", place, message))
    return seen


def _match(buffer: bytes | bytearray, region: Region, sighting: Sighting, hidden: Hidden | None) -> Match:
    """The match as others see it; around it nothing is shown if it is not known what is hidden there."""
    base, span = region.start, sighting.span
    start, end = base + span.secret_start, base + span.secret_end
    if CONTROL.search(buffer, start, end):
        region = replace(region, binary=True)  # what is no text by itself stands on no line
    line, column = line_and_column(buffer, region, start)
    end_line, end_column = line_and_column(buffer, region, end)
    first, stop = line_around(buffer, region, start, end)
    return Match(
        rule_id=sighting.rule.id,
        secret=Secret(sighting.secret),
        written=Secret(bytes(buffer[start:end])),
        start=region.offset(start),
        end=region.offset(end),
        whole_start=region.offset(base + span.start),
        whole_end=region.offset(base + span.end),
        line=line,
        column=column,
        end_line=end_line,
        end_column=end_column,
        redacted=sighting.shown,
        snippet=hidden.within(bytes(buffer[first:stop]), first - base) if hidden else sighting.shown,
        decoded=sighting.decoded,
        parts=sighting.parts,
    )
