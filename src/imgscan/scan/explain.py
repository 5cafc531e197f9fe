"""Why rules find something in a text, or nothing: what each stage saw, and what spoke against it.

Goes the way of ``probe`` once more, rule by rule and slowly. Shows no secret.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final

from imgscan.decode import text as wide_text
from imgscan.match import confirm, precedence, redact
from imgscan.match.by_path import MAX_BYTES, MAX_WORDS
from imgscan.match.confirm import Confirmer, TimedOutError
from imgscan.match.detector import BINARY_HEAD_BYTES, Detector
from imgscan.match.locate import Region, line_and_column
from imgscan.model.values import Where

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from imgscan.match.confirm import Span
    from imgscan.model.values import Match
    from imgscan.rules.load import RuleSet
    from imgscan.rules.schema import Rule

MAX_TOLD: Final = 20
"""Places told of one rule; more of the same explain no more."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """What happened to one rule, in lines of plain words."""

    rule_id: str
    lines: tuple[str, ...]


def explain(data: bytes, rules: RuleSet, wanted: Sequence[str] = (), name: str = "input") -> tuple[Explanation, ...]:
    """Of the rules that are ``wanted``, or of every rule that the first stage saw something for, what became of it."""
    wide = wide_text.detect(data[: wide_text.HEAD_BYTES])
    telling = _Telling(data if wide is None else data[wide::2], rules, f"/{name.lstrip('/')}")
    chosen = [
        index for index, rule in enumerate(rules.rules) if rule.id in wanted or (not wanted and telling.saw(index))
    ]
    return tuple(Explanation(rules.rules[index].id, tuple(telling.lines(index))) for index in chosen)


class _Telling:
    """One text, and what all rules together find in it."""

    def __init__(self, data: bytes, rules: RuleSet, path: str) -> None:
        self._data = data
        self._rules = rules
        self._path = path
        self._region = Region(0, len(data))
        detector = Detector(rules)
        self._left_out = detector.texts_only if b"\0" in data[:BINARY_HEAD_BYTES] else frozenset()
        self._by_path = detector.by_path.indexes
        seen = [*detector.engine.scan(data), *detector.by_path.hits(path.encode(), data)]
        hits = [hit for hit in seen if hit[1] not in self._left_out]
        self._matches, _ = detector.examine(data, self._region, hits, Where.FILE, path)
        self._standing = precedence.resolve(self._matches, rules.by_id)
        self._ends: dict[int, list[int]] = defaultdict(list)
        for end, index in sorted(hits):
            self._ends[index].append(end)
        self._decoded: dict[str, list[Match]] = defaultdict(list)
        for match in self._matches:
            if match.decoded:
                self._decoded[match.rule_id].append(match)

    def saw(self, index: int) -> bool:
        """Whether the first stage saw anything for a rule."""
        return index in self._ends or any(match.rule_id == self._rules.rules[index].id for match in self._matches)

    def lines(self, index: int) -> Iterator[str]:
        """What became of a rule."""
        rule, ends = self._rules.rules[index], self._ends.get(index, [])
        confirmer = Confirmer(rule)
        named = self._named(confirmer, rule, ends)
        if index in self._left_out:
            yield "not tried: it is for texts only, and this is binary"
        elif confirmer.is_elsewhere(Where.FILE, self._path):
            yield f"not tried: {_elsewhere(rule)}"
        elif index in self._by_path:
            yield from self._by_path_alone(confirmer, rule, ends)
        elif ends:
            told = ", ".join(map(self._place, ends[:MAX_TOLD]))
            more = f" and {len(ends) - MAX_TOLD} more" if len(ends) > MAX_TOLD else ""
            yield f"stage 1: saw what is distinctive, ending at {told}{more}"
            yield from self._judged(confirmer, rule, ends)
        elif rule.id not in self._decoded and not named:
            yield from self._unseen(rule)
        for match in named[:MAX_TOLD]:
            shown = f"{self._place(match.start)} ({match.redacted}, {len(match.secret.value)} bytes)"
            yield f"takes the value at {shown} that a generic rule matches, for what it stands in: {self._fate(match)}"
        for match in self._decoded[rule.id][:MAX_TOLD]:
            place = self._place(match.start)
            yield f"in {', '.join(match.decoded)} at {place} ({match.redacted}): {self._fate(match)}"

    def _named(self, confirmer: Confirmer, rule: Rule, ends: Sequence[int]) -> list[Match]:
        """The matches that come from no hit of the rule itself, but from a name that stands further out."""
        own = [match for match in self._matches if match.rule_id == rule.id and not match.decoded]
        try:
            hit = confirmer.spans(memoryview(self._data), ends, Where.FILE, self._path) if own and ends else ()
            seen = {span.secret_start for span in hit}
        except TimedOutError:
            return []
        return [match for match in own if match.start not in seen]

    def _by_path_alone(self, confirmer: Confirmer, rule: Rule, ends: Sequence[int]) -> Iterator[str]:
        if ends:
            yield "stage 1: none, it goes by the path"
            yield from self._judged(confirmer, rule, ends)
        else:
            yield f"not tried: it is for texts of at most {MAX_WORDS} words and {MAX_BYTES} bytes"

    def _judged(self, confirmer: Confirmer, rule: Rule, ends: Sequence[int]) -> Iterator[str]:
        seen = False
        judged = confirmer.judged(memoryview(self._data), ends, Where.FILE, self._path)
        try:
            for span, objection in islice(judged, MAX_TOLD):
                seen = True
                yield f"stage 2: matches at {self._shown(rule, span)}: {objection or self._fate_of(rule, span)}"
        except TimedOutError:
            yield "stage 2: the pattern took too long, and was given up"
        else:
            if not seen:
                yield f"stage 2: the pattern does not match within {rule.window} bytes of there"

    def _unseen(self, rule: Rule) -> Iterator[str]:
        """A first stage that sees nothing where the second would is a fault of the rule: its anchor is too narrow."""
        yield "stage 1: saw nothing"
        pattern = confirm.compile_pattern(rule)
        try:
            found = pattern.search(self._data, timeout=confirm.TIMEOUT_SECONDS)
        except TimeoutError:
            yield "stage 2: the pattern alone took too long, and was given up"
            return
        if found is None:
            yield "stage 2: the pattern does not match anywhere"
        else:
            yield f"stage 2: the pattern would match at {self._place(found.start())}, so the anchor is wrong"

    def _fate_of(self, rule: Rule, span: Span) -> str:
        own = (match for match in self._matches if match.rule_id == rule.id and not match.decoded)
        found = next((match for match in own if match.start == span.secret_start), None)
        return self._fate(found) if found else "one of too many"

    def _fate(self, match: Match) -> str:
        """Whether it stands, or which rule won."""
        if match in self._standing:
            return "found"
        winner = next(one for one in self._standing if precedence.covers(one, match, self._rules.by_id))
        return f"gives way to {winner.rule_id} at {self._place(winner.start)}"

    def _shown(self, rule: Rule, span: Span) -> str:
        secret = self._data[span.secret_start : span.secret_end]
        return f"{self._place(span.secret_start)} ({redact.redact(secret, rule.pattern)}, {len(secret)} bytes)"

    def _place(self, offset: int) -> str:
        line, column = line_and_column(self._data, self._region, offset)
        return f"{line}:{column}"


def _elsewhere(rule: Rule) -> str:
    if rule.path is not None and (not rule.where or Where.FILE in rule.where):
        return f"it is for paths that match {rule.path}"
    return f"it is for {', '.join(rule.where)} only"
