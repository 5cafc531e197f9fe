"""Where several rules match overlapping text, the most specific one wins, and there is one finding."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict
from typing import TYPE_CHECKING, Final

from imgscan.match import redact
from imgscan.rules.contribution import CUSTOM
from imgscan.rules.schema import GENERIC

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from imgscan.model.values import Match
    from imgscan.rules.schema import Rule

UNRELATED: Final = frozenset({GENERIC, CUSTOM})
"""Providers whose secrets have nothing to do with each other."""


def resolve(matches: Iterable[Match], rules: Mapping[str, Rule]) -> list[Match]:
    """The matches of one text that stand, in the order of their place.

    A match gives way if its secret overlaps that of a stronger one, or lies within a stronger one of the same provider
    (a key id beside its secret). A known provider is stronger than none, then a surer rule, a longer secret, one with
    a longer prefix of its own, a longer match; id and place decide the rest, so the result does not depend on order.
    """

    def strength(match: Match) -> tuple[bool, int, int, int, int, str, int]:
        rule = rules[match.rule_id]
        length, whole = match.end - match.start, _width(match)
        prefix = redact.prefix_of(match.secret.value, rule.pattern)
        return (rule.provider == GENERIC, rule.confidence.rank, -length, -len(prefix), -whole, rule.id, match.start)

    ordered = sorted(_without_strangers(dict.fromkeys(matches), rules), key=strength)
    widest = max(map(_width, ordered), default=0)
    standing: list[Match] = []
    for match in ordered:  # compared with its neighbours only: of thousands in a text, a few
        first = bisect_left(standing, match.start - widest, key=_begin)
        near = standing[first : bisect_left(standing, match.end, first, key=_begin)]
        if not any(covers(winner, match, rules) for winner in near):
            insort(standing, match, key=_begin)
    return sorted(standing, key=lambda match: (match.start, match.end))


def _without_strangers(matches: Collection[Match], rules: Mapping[str, Rule]) -> list[Match]:
    """Leave out pairs of an id and a secret that has the name of somebody else, nearer to it than the id."""
    named: dict[tuple[int, int], dict[str, int]] = defaultdict(dict)
    for match in matches:
        rule = rules[match.rule_id]
        if rule.context == "assignment" and rule.provider not in UNRELATED:
            named[match.start, match.end][rule.provider] = _width(match)

    def is_of_a_stranger(pair: Match) -> bool:
        names = named.get((pair.start, pair.end), {})
        return rules[pair.rule_id].provider not in names and any(width < _width(pair) for width in names.values())

    return [match for match in matches if not (match.parts and is_of_a_stranger(match))]


def _begin(match: Match) -> int:
    return match.whole_start


def _width(match: Match) -> int:
    return match.whole_end - match.whole_start


def covers(winner: Match, match: Match, rules: Mapping[str, Rule]) -> bool:
    """Whether a match gives way to one that is stronger."""
    if winner.start < match.end and match.start < winner.end:
        return True
    rule, stronger = rules[match.rule_id], rules[winner.rule_id]
    one_credential = rule.provider == stronger.provider and rule.provider not in UNRELATED
    whole = stronger.context != "assignment"  # what stands between a name and its value is no part of either
    return one_credential and whole and winner.whole_start <= match.start and match.end <= winner.whole_end
