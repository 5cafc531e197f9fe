"""The gate: what a set of scanned images adds up to. Knows neither options nor reports as files.

Findings beat incompleteness: whoever must act on a secret should not first have to repair the scan. Both are named in
the reasons.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from imgscan.model.report import UNAVAILABLE, Summary, Verdict
from imgscan.model.values import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from imgscan.model.report import Finding, Image

CLEAN: Final = 0
FOUND: Final = 1
INCOMPLETE: Final = 3
"""Exit codes; 2 (usage) and 130 (interrupted) belong to the command line."""


def judge(
    images: Sequence[Image], *, unique_secrets: int, fail_on: Severity | None, allow_incomplete: bool
) -> tuple[Summary, Verdict]:
    """Count what counts, and say whether the gate is passed.

    ``fail_on`` is the mildest severity that fails; ``None`` never fails over findings. ``allow_incomplete`` forgives
    what was not looked at within an image, but not an image that could not be had at all.
    """
    findings = [finding for image in images for finding in image.findings]
    counting = [finding for finding in findings if finding.suppressed is None]
    failing = [finding for finding in counting if fail_on is not None and finding.severity.rank <= fail_on.rank]
    gaps = [gap for image in images if (gap := _gap(image, allow_incomplete=allow_incomplete))]
    reasons = [f"{tally(failing)} at {fail_on} or above", *gaps] if failing else gaps
    code = FOUND if failing else INCOMPLETE if gaps else CLEAN
    summary = _summary(counting, len(findings) - len(counting), unique_secrets)
    return summary, Verdict(passed=code == CLEAN, exit_code=code, reasons=tuple(reasons))


def tally(findings: Sequence[Finding]) -> str:
    """``3 findings (1 critical, 2 high)``."""
    counts = by_severity(findings)
    noun = "finding" if len(findings) == 1 else "findings"
    return f"{len(findings)} {noun} ({', '.join(f'{count} {severity}' for severity, count in counts.items() if count)})"


def by_severity(findings: Iterable[Finding]) -> dict[Severity, int]:
    """How many of each severity, zeros included, worst first."""
    counts = Counter(finding.severity for finding in findings)
    return {severity: counts[severity] for severity in Severity}


def _gap(image: Image, *, allow_incomplete: bool) -> str | None:
    if any(notice.code == UNAVAILABLE for notice in image.notices):
        return f"{image.reference} could not be scanned"
    return None if image.coverage.complete or allow_incomplete else f"{image.reference} was not looked at completely"


def _summary(counting: Sequence[Finding], suppressed: int, unique_secrets: int) -> Summary:
    return Summary(
        findings=len(counting),
        suppressed=suppressed,
        unique_secrets=unique_secrets,
        by_severity=by_severity(counting),
    )
