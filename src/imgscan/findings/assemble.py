"""From matches to findings: one for each secret at each place, with its layer, instruction, life story and fingerprint.

Works on values only; where they come from is ``imgscan.scan``'s business.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from imgscan.findings.fingerprint import fingerprint, identity
from imgscan.image.overlay import Life, Overlay
from imgscan.model import report
from imgscan.model.values import Confidence, Match, State, Where

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from imgscan.image.overlay import PathIndex
    from imgscan.rules.schema import Rule

HEADER: Final = "tar header"
TRAILING: Final = "behind the end of the layer archive"


class Place(NamedTuple):
    """Where a match stands: a path in a layer, or a key of the config.

    ``stable`` is the name that goes into the fingerprint.
    """

    where: Where
    path: bytes | None
    key: str | None
    stable: str


@dataclass(frozen=True, slots=True)
class Sighting:
    """One match at one place; in a layer, or set by an instruction, or neither."""

    place: Place
    match: Match
    layer: int | None = None
    instruction: int | None = None
    located: bool = True


@dataclass(frozen=True, slots=True)
class Layers:
    """What findings need to know of the layers of an image, from bottom to top.

    ``instructions`` gives the instruction of a layer where it is known; the first ``base_layers`` layers and
    ``base_instructions`` instructions belong to the base image.
    """

    infos: Sequence[report.LayerInfo]
    paths: Sequence[PathIndex | None]
    instructions: Mapping[int, int]
    base_layers: int = 0
    base_instructions: int = 0


@dataclass(frozen=True, slots=True)
class Policy:
    """What is told: of which rules, from which confidence on, with or without values.

    ``rules`` of ``None`` are all; ``key`` is for the fingerprints of secrets that could be guessed; ``advise`` knows
    what to do about what a rule finds.
    """

    advise: Callable[[Rule], report.Remediation]
    rules: frozenset[str] | None = None
    min_confidence: Confidence = Confidence.LOW
    show_secrets: bool = False
    key: bytes | None = field(default=None, repr=False)

    def tells(self, rule: Rule) -> bool:
        """Whether what this rule finds is told."""
        chosen = self.rules is None or rule.id in self.rules
        return chosen and rule.confidence.rank <= self.min_confidence.rank


def assemble(
    sightings: Iterable[Sighting], layers: Layers, rules: Mapping[str, Rule], policy: Policy, hide: Callable[[str], str]
) -> list[tuple[report.Finding, Match]]:
    """Findings with their first matches, in the order of their layers, places and offsets, however the sightings come.

    ``hide`` takes secrets out of texts.
    """
    grouped = _grouped(sighting for sighting in sightings if policy.tells(rules[sighting.match.rule_id]))
    paths = {group[0].place.path for group in grouped if group[0].place.path is not None}
    life_of = cache(Overlay(layers.paths, paths).life)  # a file may hold thousands of secrets
    ordinals: Counter[tuple[str, str, bytes | None]] = Counter()
    findings = []
    for group in grouped:
        first = group[0]
        rule = rules[first.match.rule_id]
        known = identity(rule, first.match.secret.value, policy.key)
        same = (rule.id, first.place.stable, known)
        name = fingerprint(*same, ordinals[same])
        ordinals[same] += 1
        finding = _finding(name, group, rule, _life(group, life_of), layers, policy)
        hidden = msgspec.structs.replace(
            finding, path=_hidden(hide, finding.path), key=_hidden(hide, finding.key), snippet=hide(finding.snippet)
        )
        findings.append((hidden, first.match))
    return findings


def _hidden(hide: Callable[[str], str], text: str | None) -> str | None:
    return hide(text) if text is not None else None


def _grouped(sightings: Iterable[Sighting]) -> list[list[Sighting]]:
    """The sightings of each secret at each place, oldest layer first."""
    groups: dict[tuple[str, Place, bytes], list[Sighting]] = defaultdict(list)
    for sighting in sightings:
        groups[sighting.match.rule_id, sighting.place, sighting.match.secret.value].append(sighting)
    ordered = [sorted(group, key=_age) for group in groups.values()]
    return sorted(ordered, key=lambda group: (*_age(group[0]), group[0].match.rule_id))


def _age(sighting: Sighting) -> tuple[int, str, str, int]:
    """Config first, then layers from bottom to top; within them by place."""
    layer = -1 if sighting.layer is None else sighting.layer
    return layer, sighting.place.stable, sighting.place.key or "", sighting.match.start


def _life(group: Sequence[Sighting], life_of: Callable[[bytes, tuple[int, ...]], Life]) -> Life:
    path = group[0].place.path
    holders = tuple(sorted({sighting.layer for sighting in group if sighting.layer is not None}))
    if path is None or not holders:
        return Life((), State.CONFIG if not holders else State.PRESENT)
    return life_of(path, holders)


def _finding(
    name: str, group: Sequence[Sighting], rule: Rule, life: Life, layers: Layers, policy: Policy
) -> report.Finding:
    first = group[0]
    match, place, layer = first.match, first.place, first.layer
    instruction = first.instruction if layer is None else layers.instructions.get(layer)
    in_base = layer < layers.base_layers if layer is not None else _is_early(instruction, layers.base_instructions)
    value = text_of(match.secret.value) if policy.show_secrets else None
    lines = (match.line, match.column, match.end_line, match.end_column) if first.located else (None,) * 4
    return report.Finding(
        fingerprint=name,
        rule=report.RuleInfo(rule.id, rule.title, rule.provider),
        severity=rule.severity,
        confidence=rule.confidence,
        secret=report.SecretInfo(match.redacted, len(match.secret.value), value),
        where=place.where,
        path="/" + text_of(place.path) if place.path is not None else None,
        chain=match.chain,
        key=place.key,
        decoded=match.decoded,
        line=lines[0],
        column=lines[1],
        end_line=lines[2],
        end_column=lines[3],
        offset=match.start if first.located else None,
        snippet=match.snippet,
        layer=layers.infos[layer] if layer is not None else None,
        instruction=instruction,
        copied_from=None,
        state=life.state,
        story=tuple(report.Event(e.kind, e.layer, layers.instructions.get(e.layer)) for e in life.story),
        base=in_base,
        owner=None,
        verification=report.Verification(),
        suppressed=None,
        remediation=policy.advise(rule),
    )


def text_of(raw: bytes) -> str:
    """Bytes of an image as text that can be printed and undone."""
    return raw.decode("utf-8", "backslashreplace")


def _is_early(instruction: int | None, base_instructions: int) -> bool:
    return instruction is not None and instruction < base_instructions
