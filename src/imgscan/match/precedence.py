"""Where several rules match overlapping text, the most specific one wins, and there is one finding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from imgscan.match import redact
from imgscan.rules.contribution import CUSTOM
from imgscan.rules.schema import GENERIC

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from imgscan.model.values import Match
    from imgscan.rules.schema import Rule

UNRELATED: Final = frozenset({GENERIC, CUSTOM})
"""Providers whose secrets have nothing to do with each other."""


def resolve(matches: Iterable[Match], rules: Mapping[str, Rule]) -> list[Match]:
    """The matches of one text that stand, in the order of their place.

    A match gives way if its secret overlaps that of a stronger one, or lies within a stronger one of the same provider
    (a key id beside its secret). A known provider is stronger than none, then a surer rule, a longer secret, one with
    a longer prefix of its own, a longer match; the id decides what is left, so the result does not depend on order.
    """

    def strength(match: Match) -> tuple[bool, int, int, int, int, str]:
        rule = rules[match.rule_id]
        length, whole = match.end - match.start, match.whole_end - match.whole_start
        prefix = redact.prefix_of(match.secret.value, rule.pattern)
        return (rule.provider == GENERIC, rule.confidence.rank, -length, -len(prefix), -whole, rule.id)

    ordered = sorted(set(matches), key=lambda match: (match.start, match.end))
    standing: list[Match] = []
    for group in _clusters(ordered):
        kept: list[Match] = []
        for match in sorted(group, key=strength):
            if not any(covers(winner, match, rules) for winner in kept):
                kept.append(match)
        standing += sorted(kept, key=lambda match: (match.start, match.end))
    return standing


def _clusters(ordered: list[Match]) -> Iterable[list[Match]]:
    """Runs of matches whose whole spans touch: only within one can there be a conflict."""
    cluster: list[Match] = []
    reach = -1
    for match in sorted(ordered, key=lambda match: match.whole_start):
        if match.whole_start >= reach and cluster:
            yield cluster
            cluster = []
        cluster.append(match)
        reach = max(reach, match.whole_end)
    if cluster:
        yield cluster


def covers(winner: Match, match: Match, rules: Mapping[str, Rule]) -> bool:
    """Whether a match gives way to one that is stronger."""
    if winner.start < match.end and match.start < winner.end:
        return True
    rule, stronger = rules[match.rule_id], rules[winner.rule_id]
    one_credential = rule.provider == stronger.provider and rule.provider not in UNRELATED
    whole = stronger.context != "assignment"  # what stands between a name and its value is no part of either
    return one_credential and whole and winner.whole_start <= match.start and match.end <= winner.whole_end
