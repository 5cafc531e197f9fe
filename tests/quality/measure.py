"""What the rules make of the corpus: secrets found, by whose rule, and false alarms.

A secret counts as found when a match covers most of it, and as named when the rule is that of its owner. Everything
else that matches is a false alarm. Knows nothing of how texts are made or tables printed.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from imgscan.match.detector import Detector
    from imgscan.model.values import Match
    from tests.quality.texts import Text, Wanted


OWN: Final = "rules"
"""The part of the corpus that cannot tell what the rules do not know."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one text: the rule that found each secret, if any, and the matches where none is."""

    text: Text
    finders: tuple[str | None, ...]
    alarms: tuple[Match, ...]


@dataclass(slots=True)
class Tally:
    """Counts of secrets and false alarms."""

    secrets: int = 0
    found: int = 0
    named: int = 0
    alarms: int = 0
    texts: int = 0

    @property
    def recall(self) -> float:
        """Of the secrets, how many were found."""
        return self.found / self.secrets if self.secrets else 1.0

    @property
    def precision(self) -> float:
        """Of what was found, how much is a secret."""
        return self.found / (self.found + self.alarms) if self.found + self.alarms else 1.0

    def add(self, other: Tally) -> None:
        """Count what another counted."""
        self.secrets += other.secrets
        self.found += other.found
        self.named += other.named
        self.alarms += other.alarms
        self.texts += other.texts


class Measurement:
    """The outcomes of many texts, counted in the ways they are looked at."""

    def __init__(self, detector: Detector, texts: Iterable[Text]) -> None:
        self._rules = detector.rules.by_id
        self.outcomes = [examine(detector, text) for text in texts]

    def total(self) -> Tally:
        """Everything together."""
        return self._sum(self.by_source().values())

    def by_source(self) -> dict[str, Tally]:
        """By part of the corpus."""
        return self._by(lambda text: text.source, self.outcomes)

    def by_format(self) -> dict[str, Tally]:
        """By format of the file, without what was made from the rules' own examples."""
        return self._by(lambda text: text.format, [one for one in self.outcomes if one.text.source != OWN])

    def by_provider(self) -> dict[str, Tally]:
        """By owner of the secret; false alarms by the owner of the rule that raised them."""
        tallies: dict[str, Tally] = defaultdict(Tally)
        for outcome in self.outcomes:
            for wanted, finder in zip(outcome.text.wanted, outcome.finders, strict=True):
                tallies[wanted.provider].add(self._tally_of(wanted, finder))
            for match in outcome.alarms:
                tallies[self._rules[match.rule_id].provider].alarms += 1
        return dict(tallies)

    def missed(self) -> Counter[tuple[str, str, str]]:
        """Secrets that nothing found: part of the corpus, subject and format."""
        return Counter(
            (outcome.text.source, outcome.text.subject, outcome.text.format)
            for outcome in self.outcomes
            for finder in outcome.finders
            if finder is None
        )

    def confused(self) -> dict[tuple[str, str], Counter[str]]:
        """The rules that won over the owner's, by subject and owner, most often first."""
        winners: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        for outcome in self.outcomes:
            for wanted, finder in zip(outcome.text.wanted, outcome.finders, strict=True):
                if finder is not None and not self._is_named(wanted, finder):
                    winners[outcome.text.subject, wanted.provider][finder] += 1
        return dict(sorted(winners.items(), key=lambda item: (-item[1].total(), item[0])))

    def alarms(self) -> dict[str, list[tuple[Text, Match]]]:
        """False alarms by the rule that raised them, most first."""
        by_rule: dict[str, list[tuple[Text, Match]]] = defaultdict(list)
        for outcome in self.outcomes:
            for match in outcome.alarms:
                by_rule[match.rule_id].append((outcome.text, match))
        return dict(sorted(by_rule.items(), key=lambda item: (-len(item[1]), item[0])))

    def _by(self, key: Callable[[Text], str], outcomes: Iterable[Outcome]) -> dict[str, Tally]:
        tallies: dict[str, Tally] = defaultdict(Tally)
        for outcome in outcomes:
            tally = self._sum(
                self._tally_of(wanted, finder)
                for wanted, finder in zip(outcome.text.wanted, outcome.finders, strict=True)
            )
            tally.alarms, tally.texts = len(outcome.alarms), 1
            tallies[key(outcome.text)].add(tally)
        return dict(tallies)

    def _sum(self, tallies: Iterable[Tally]) -> Tally:
        whole = Tally()
        for tally in tallies:
            whole.add(tally)
        return whole

    def _tally_of(self, wanted: Wanted, finder: str | None) -> Tally:
        named = finder is not None and self._is_named(wanted, finder)
        return Tally(secrets=1, found=int(finder is not None), named=int(named))

    def _is_named(self, wanted: Wanted, finder: str) -> bool:
        return self._rules[finder].provider == wanted.provider


def examine(detector: Detector, text: Text) -> Outcome:
    """Run the rules over one text."""
    matches, _ = detector.text(text.content, text.where, text.path)
    finders = tuple(_finder(matches, wanted, detector) for wanted in text.wanted)
    alarms = (match for match in matches if not any(_touches(match, wanted) for wanted in text.wanted))
    return Outcome(text, finders, tuple(alarms))


def _finder(matches: Sequence[Match], wanted: Wanted, detector: Detector) -> str | None:
    """The rule that found a secret; the first half of a credential counts as found with the other."""
    for match in matches:
        if _covers(match, wanted):
            return match.rule_id
    rules = detector.rules.by_id
    with_it = (m.rule_id for m in matches if m.whole_start <= wanted.start and wanted.end <= m.whole_end)
    return next((rule for rule in with_it if rules[rule].provider == wanted.provider), None)


def _covers(match: Match, wanted: Wanted) -> bool:
    overlap = min(match.end, wanted.end) - max(match.start, wanted.start)
    return overlap * 2 > wanted.end - wanted.start


def _touches(match: Match, wanted: Wanted) -> bool:
    return match.start < wanted.end and wanted.start < match.end


def worst(tallies: dict[str, Tally]) -> Iterator[tuple[str, Tally]]:
    """Named tallies, those with most to do first."""
    return iter(sorted(tallies.items(), key=lambda item: (item[1].recall, item[1].precision, item[0])))
