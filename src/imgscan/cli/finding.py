"""One finding of a saved report, in the words that a guide needs.

A report may have been written by anybody: nothing of it is trusted, and nothing is passed on that does not print.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from imgscan.errors import ImgscanError, UsageError
from imgscan.guides.dockerfile_fix import Spot
from imgscan.guides.leak import Leak
from imgscan.guides.load import for_rule
from imgscan.image import reference
from imgscan.model.report import Finding, Image, Instruction, Report
from imgscan.model.values import Confidence, EventKind
from imgscan.report import wording
from imgscan.report.escape import printable
from imgscan.rules.schema import Rule
from imgscan.streams.limits import MIB

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from imgscan.rules.load import RuleSet

MAX_REPORT: Final = 256 * MIB
"""Bytes; a report with a hundred thousand findings has about that."""

MAX_NAMED: Final = 20
"""Findings that an error lists."""

SHORTEST: Final = 6
"""Characters of a fingerprint that may stand for the whole."""

_IN_BRACKETS: Final = re.compile(r"\[([A-Za-z_]\w{0,99})\]$", re.ASCII)
_ASSIGNED: Final = re.compile(r"([A-Za-z_]\w{0,99})=", re.ASCII)


class Case(NamedTuple):
    """A finding with its image and its rule."""

    image: Image
    finding: Finding
    rule: Rule

    @property
    def instruction(self) -> Instruction | None:
        """The instruction behind it, if the report knows it."""
        at = self.finding.instruction
        steps = self.image.instructions
        return steps[at] if at is not None and 0 <= at < len(steps) else None


def case(path: Path, name: str, rules: RuleSet) -> Case | None:
    """The finding of a report whose fingerprint is ``name`` or begins so, or the only one of that rule or provider.

    Raises:
        UsageError: it is no report, or several findings fit.
    """
    findings = [(image, finding) for image in _read(path).images for finding in image.findings]
    wanted = name.strip().lower()
    fits: tuple[Callable[[Finding], bool], ...] = (
        lambda finding: finding.fingerprint == wanted,
        lambda finding: len(wanted) >= SHORTEST and finding.fingerprint.startswith(wanted),
        lambda finding: finding.rule.id == wanted,
        lambda finding: wanted in (finding.rule.provider, finding.remediation.guide),
    )
    named = ({found.fingerprint: (image, found) for image, found in findings if fit(found)} for fit in fits)
    fitting = next(filter(None, named), {})
    if len(fitting) > 1:
        known = [f"{printable(key)}  {wording.place(found)}" for key, (_, found) in fitting.items()]
        hint = "\n".join(("name one of them:", *known[:MAX_NAMED]))
        raise UsageError(f"{len(fitting)} findings of the report fit", where=name, hint=hint)
    return next((Case(image, found, _rule(found, rules)) for image, found in fitting.values()), None)


def leak(about: Case) -> Leak:
    """Where the finding stands."""
    image, finding, _ = about
    made = about.instruction
    layer = next((item for item in image.layers if finding.layer and item.index == finding.layer.index), None)
    return Leak(
        fingerprint=printable(finding.fingerprint),
        place=wording.place(finding),
        fate=wording.fate(finding, image),
        reference=printable(image.reference),
        repository=_repository(image),
        manifest=printable(image.manifest_digest) if image.manifest_digest else None,
        layer=printable(layer.digest or layer.diff_id or "") if layer else None,
        step=wording.step(made.index, image) if made else None,
        instruction=printable(made.text) if made else None,
        lines=wording.lines(made) if made else None,
    )


def spot(about: Case) -> Spot:
    """What its instruction did."""
    image, finding, rule = about
    made = about.instruction
    removed = next((event for event in reversed(finding.story) if event.event is EventKind.DELETED), None)
    by = removed.instruction if removed else None
    return Spot(
        where=finding.where,
        keyword=printable(made.keyword).upper() if made else finding.where.upper(),
        variable=variable(finding) or for_rule(rule).guide.variable,
        path=finding.path,
        step=wording.step(made.index, image) if made else "an instruction that is not known",
        from_stage=finding.copied_from is not None or (made is not None and "--from=" in made.text),
        removed_by=wording.step(by, image) if by is not None else None,
    )


def variable(finding: Finding) -> str | None:
    """What the secret is called where it stands: in the key, or in front of it."""
    found = _IN_BRACKETS.search(finding.key or "") or (_ASSIGNED.match(finding.snippet) if finding.key else None)
    return found[1] if found else None


def _read(path: Path) -> Report:
    try:
        with path.open("rb") as file:
            stored = file.read(MAX_REPORT + 1)
        if len(stored) > MAX_REPORT:
            raise UsageError(f"larger than {MAX_REPORT // MIB} MiB", where=str(path))
        return msgspec.json.decode(stored, type=Report)
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror}", where=str(path)) from None
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        hint = "write one with `imgscan --report json=FILE IMAGE`"
        raise UsageError("is no JSON report of imgscan", where=str(path), hint=hint) from None


def _rule(finding: Finding, rules: RuleSet) -> Rule:
    """The rule, or what the report says of one that is not known here."""
    told = finding.rule
    return rules.by_id.get(told.id) or Rule(
        id=printable(told.id) or "unknown",
        title=printable(told.title).strip() or "Secret",
        provider=printable(told.provider),
        severity=finding.severity,
        confidence=Confidence.LOW,
        pattern="",
        examples=(),
        guide=finding.remediation.guide and printable(finding.remediation.guide),
    )


def _repository(image: Image) -> str | None:
    """Registry and name, if the image came from there or names one."""
    try:
        found = reference.parse(image.reference)
    except ImgscanError:
        return None
    return found.name if image.source == "registry" or found.registry != reference.DEFAULT_REGISTRY else None
