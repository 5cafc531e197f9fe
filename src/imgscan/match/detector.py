"""Both stages over one buffer: from bytes to matches with line, column and redacted context.

A detector is made once per rule set and used from any number of threads. It knows texts within a buffer (``Region``)
and nothing of layers or images; which rule wins where several match is for ``precedence`` to say, once all of a text
was seen.
"""

from __future__ import annotations

from collections import defaultdict
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple

from imgscan.match import precedence, redact
from imgscan.match.confirm import Confirmer, TimedOutError
from imgscan.match.engine import Engine
from imgscan.match.locate import Region, line_and_column, line_around
from imgscan.model.values import Match, Notice, Secret, Where

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from imgscan.match.confirm import Span
    from imgscan.match.engine import Hit
    from imgscan.rules.load import RuleSet

MAX_SPANS: Final = 1000
"""Of one rule in one text within one buffer: a list of a million passwords is one problem, not a million."""

BINARY_HEAD_BYTES: Final = 512
"""A NUL byte this early makes a text binary, as in git and grep (which look at more, at more cost)."""


class Sighting(NamedTuple):
    """A confirmed span, its rule by index, and how its secret is shown."""

    span: Span
    rule: int
    shown: str


class Detector:
    """The rules at work."""

    def __init__(self, rules: RuleSet, *, use_cache: bool = True) -> None:
        self.rules = rules
        self.reach = max((rule.window for rule in rules.rules), default=0)
        self.engine = Engine(rules, use_cache=use_cache)
        self._confirmer = lru_cache(maxsize=None)(lambda index: Confirmer(rules.rules[index]))

    def text(self, data: bytes, where: Where, place: str) -> tuple[list[Match], list[Notice]]:
        """The matches that stand in a whole text; ``place`` names it in notices."""
        region = Region(0, len(data), binary=b"\0" in data[:BINARY_HEAD_BYTES])
        matches, notices = self.examine(data, region, self.engine.scan(data), where, place)
        return precedence.resolve(matches, self.rules.by_id), notices

    def examine(
        self, buffer: bytes | bytearray, region: Region, hits: Iterable[Hit], where: Where, place: str
    ) -> tuple[list[Match], list[Notice]]:
        """Confirm first-stage hits that end within ``region`` of ``buffer``; hits elsewhere must not be passed in."""
        ends: dict[int, list[int]] = defaultdict(list)
        for end, rule in sorted(hits):
            ends[rule].append(end - region.start)
        sightings: list[Sighting] = []
        notices: list[Notice] = []
        text = memoryview(buffer)[region.start : region.end]
        for rule, rule_ends in ends.items():
            seen, notice = self._confirm(rule, text, rule_ends, where, place)
            sightings += seen
            notices += notice
        shown = [(s.span.secret_start, s.span.secret_end, s.shown) for s in sightings]
        return [self._match(buffer, region, sighting, shown) for sighting in sightings], notices

    def _confirm(
        self, index: int, text: memoryview, ends: Sequence[int], where: Where, place: str
    ) -> tuple[list[Sighting], list[Notice]]:
        rule = self.rules.rules[index]
        seen: list[Sighting] = []
        notices = []
        try:
            for span in islice(self._confirmer(index).spans(text, ends, where), MAX_SPANS):
                secret = bytes(text[span.secret_start : span.secret_end])
                seen.append(Sighting(span, index, redact.redact(secret, rule.pattern)))
        except TimedOutError:
            message = f"rule {rule.id} took too long here, so a match of it may be missing"
            notices.append(Notice("match-timeout", place, message, incomplete=True))
        if len(seen) >= MAX_SPANS:
            message = f"rule {rule.id} matches {MAX_SPANS} times or more here; the rest was left out"
            notices.append(Notice("too-many-matches", place, message))
        return seen, notices

    def _match(
        self,
        buffer: bytes | bytearray,
        region: Region,
        sighting: Sighting,
        shown: Sequence[tuple[int, int, str]],
    ) -> Match:
        base, span = region.start, sighting.span
        start, end = base + span.secret_start, base + span.secret_end
        line, column = line_and_column(buffer, region, start)
        end_line, end_column = line_and_column(buffer, region, end)
        first, stop = line_around(buffer, region, start, end)
        snippet = redact.redact_within(bytes(buffer[first:stop]), first - base, shown)
        return Match(
            rule_id=self.rules.rules[sighting.rule].id,
            secret=Secret(bytes(buffer[start:end])),
            start=region.offset(start),
            end=region.offset(end),
            whole_start=region.offset(base + span.start),
            whole_end=region.offset(base + span.end),
            line=line,
            column=column,
            end_line=end_line,
            end_column=end_column,
            redacted=sighting.shown,
            snippet=snippet,
        )
