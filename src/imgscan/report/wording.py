"""What a finding, an image and a verdict are called in words that a person understands. Plain strings, no layout.

Steps and layers are counted from 1 here, as ``2 of 5``; the fields of the JSON report count from 0.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, assert_never

from imgscan.model.values import EventKind, LayerStatus, Severity, State, Where
from imgscan.report.escape import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imgscan.model.report import DockerfileLines, Event, Finding, Image, Instruction, Layer, Report

SHORT_DIGEST: Final = len("sha256:") + 12
"""Twelve hex digits, as engines show them."""

KILO: Final = 1000
UNITS: Final = ("bytes", "kB", "MB", "GB", "TB")
RUN_TIME: Final = frozenset({Where.ENV, Where.CMD, Where.ENTRYPOINT, Where.HEALTHCHECK})
BUILD: Final = frozenset({Where.ARG, Where.HISTORY})
UNREAD: Final = frozenset({LayerStatus.UNREADABLE, LayerStatus.ABSENT})
UNORDERED: Final = "no-manifest"
"""Code of the notice that the order of the layers is not known."""
LIVENESS: Final = {"live": "live", "dead": "dead", "unknown": "unknown whether live"}


def count(number: int, noun: str) -> str:
    """``1 layer``, ``1,234 files``."""
    return f"{number:,} {noun if number == 1 else noun + 's'}"


def size(number: int) -> str:
    """``512 bytes``, ``1.5 kB``, ``80 MB``."""
    value, unit = float(number), UNITS[0]
    for unit in UNITS:
        if value < KILO or unit == UNITS[-1]:
            break
        value /= KILO
    return f"{value:.1f} {unit}" if 0 < value < 10 and unit != UNITS[0] else f"{value:.0f} {unit}"  # noqa: PLR2004 - two digits tell enough


def short(digest: str | None) -> str:
    """The digest as engines abbreviate it; nothing if unknown."""
    return printable(digest[:SHORT_DIGEST]) if digest else ""


def step(index: int, image: Image) -> str:
    """``step 4/9``."""
    return f"step {index + 1}/{len(image.instructions)}"


def layer(index: int, image: Image) -> str:
    """``layer 2/5 sha256:4f2a9c01d3e5``, by the digest of the blob or, without one, of its content."""
    found: Layer | None = next((item for item in image.layers if item.index == index), None)
    digest = short((found.digest or found.diff_id) if found else None)
    return f"layer {index + 1}/{len(image.layers)} {digest}".rstrip()


def lines(instruction: Instruction) -> str:
    """``Dockerfile:3-4``; nothing if the Dockerfile is not known."""
    return span(instruction.dockerfile) if instruction.dockerfile else ""


def span(found: DockerfileLines) -> str:
    """``Dockerfile:3-4``."""
    numbers = f"{found.start_line}" if found.start_line == found.end_line else f"{found.start_line}-{found.end_line}"
    return f"{printable(found.path)}:{numbers}"


def place(finding: Finding) -> str:
    """``/app/.env:3:18``, ``/srv/a.zip > conf.py:1:5``, ``/bin/tool at byte 4,096`` or ``config.Env[TOKEN]``."""
    name = " > ".join(printable(part) for part in (finding.path or finding.key or finding.where, *finding.chain))
    if finding.line is not None:
        position = f":{finding.line}:{finding.column}" if finding.path or finding.chain else ""
    else:
        position = f" at byte {finding.offset:,}" if finding.path and finding.offset is not None else ""
    decoded = f" ({', '.join(finding.decoded)} decoded)" if finding.decoded else ""
    return f"{name}{position}{printable(decoded)}"


def fate(finding: Finding, image: Image) -> str:
    """What became of the place, and who can still read it."""
    still = f", still in {layer(finding.layer.index, image)} for whoever can pull the image" if finding.layer else ""
    match finding.state:
        case State.DELETED:
            return f"deleted{_by(_last(finding, EventKind.DELETED), image)}{still}"
        case State.OVERWRITTEN:
            return f"overwritten{_by(_last(finding, EventKind.CHANGED), image)}{still}"
        case State.PRESENT:
            return _unsettled(finding, image) or "visible at run time, in the final file system"
        case State.CONFIG:
            return _exposure(finding.where)
        case _:  # pragma: no cover
            assert_never(finding.state)


def remarks(finding: Finding) -> list[str]:
    """What else a reader should know: whether it is live, doubt, origin, owner, why it does not count."""
    found = []
    if finding.verification.status in LIVENESS:
        detail = f" ({finding.verification.detail})" if finding.verification.detail else ""
        found.append(LIVENESS[finding.verification.status] + detail)
    if finding.confidence != "high":
        found.append(f"confidence {finding.confidence}")
    if finding.base:
        found.append("from the base image")
    if finding.copied_from:
        found.append(f"copied from an earlier stage, {span(finding.copied_from)}")
    if finding.owner:
        state = "unmodified" if finding.owner.unmodified else "modified since"
        found.append(f"installed by {finding.owner.manager} package {finding.owner.package}, {state}")
    if finding.suppressed:
        until = f" until {finding.suppressed.expires}" if finding.suppressed.expires else ""
        found.append(f"does not count ({finding.suppressed.by}: {finding.suppressed.reason}){until}")
    return [printable(remark) for remark in found]


def secrets(findings: Sequence[Finding]) -> str:
    """``3 secrets (1 critical, 2 high)``, or ``no secrets``; one at several places counts once for each."""
    if not findings:
        return "no secrets"
    counts = Counter(finding.severity for finding in findings)
    return (
        f"{count(len(findings), 'secret')} ({', '.join(f'{counts[kind]} {kind}' for kind in Severity if counts[kind])})"
    )


def whereabouts(findings: Sequence[Finding], image: Image) -> str:
    """``in 2 layers and the configuration of myimage:tag``."""
    layers = {finding.layer.index for finding in findings if finding.layer}
    parts = [count(len(layers), "layer")] if layers else []
    if any(finding.layer is None for finding in findings):
        parts.append("the configuration")
    return f"in {' and '.join(parts)} of {printable(image.reference)}" if parts else f"in {printable(image.reference)}"


def gate(report: Report) -> str:
    """``gate: passed`` or ``gate: failed``, and why behind a comma."""
    reasons = "; ".join(printable(reason) for reason in report.verdict.reasons)
    if not report.verdict.passed:
        return f"gate: failed, {reasons}" if reasons else "gate: failed"
    return "gate: passed, what was found does not fail it" if report.summary.findings else "gate: passed"


def scanned(image: Image) -> str:
    """``scanned 5 layers, 1,234 files, 80 MB``; with ``4 of 5`` where something is missing."""
    seen = image.coverage
    return "scanned " + ", ".join(
        (
            _part(
                f"{seen.layers_scanned:,}", count(seen.layers_total, "layer"), seen.layers_scanned == seen.layers_total
            ),
            _part(f"{seen.files_scanned:,}", count(seen.files_total, "file"), seen.files_scanned == seen.files_total),
            _part(size(seen.bytes_scanned), size(seen.bytes_total), seen.bytes_scanned == seen.bytes_total),
        )
    )


def _part(seen: str, total: str, whole: bool) -> str:  # noqa: FBT001 - three facts of one phrase
    return total if whole or seen == total else f"{seen} of {total}"


def _last(finding: Finding, kind: EventKind) -> Event | None:
    return next((event for event in reversed(finding.story) if event.event == kind), None)


def _unsettled(finding: Finding, image: Image) -> str | None:
    """Why nobody knows whether a place that nothing was seen to delete is still there in the end."""
    if finding.layer is None:
        return None
    where = f"in {layer(finding.layer.index, image)} for whoever can pull the image"
    if any(notice.code == UNORDERED for notice in image.notices):
        return f"{where}; the order of layers is not known, so another one may delete it"
    if any(item.index > finding.layer.index and item.status in UNREAD for item in image.layers):
        return f"{where}; a later layer that was not read may delete it"
    return None


def _by(event: Event | None, image: Image) -> str:
    if event is None:
        return ""
    return f" in {layer(event.layer, image) if event.instruction is None else f'step {event.instruction + 1}'}"


def _exposure(where: Where) -> str:
    if where in RUN_TIME:
        return "visible at run time, and to whoever can pull the image"
    if where in BUILD:
        return "kept in the build history, for whoever can pull the image"
    if where is Where.ATTESTATION:
        return "kept in a build attestation, for whoever can pull the image"
    return "visible to whoever can pull the image"
