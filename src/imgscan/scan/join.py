"""Join what was found in layers and config to the images they belong to: the report of one image."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import msgspec

from imgscan.findings.assemble import HEADER, TRAILING, Layers, Place, Policy, Sighting, assemble, text_of
from imgscan.findings.hide import Hider
from imgscan.image import dockerfile_match, dockerfile_paths, overlay, provenance
from imgscan.image.history import DockerfileSpan, align
from imgscan.match import precedence
from imgscan.model import report
from imgscan.model.values import LayerStatus, Notice, Where
from imgscan.scan import base as bases
from imgscan.scan.config import scan_config
from imgscan.scan.layer import LayerScan, compare_digests

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from imgscan.image.dockerfile import Dockerfile
    from imgscan.image.history import Instruction
    from imgscan.image.image import Image, LayerRef
    from imgscan.match.detector import Detector
    from imgscan.model.values import Match
    from imgscan.scan.config import FieldMatch
    from imgscan.scan.window import FileMatch


@dataclass(frozen=True, slots=True)
class Context:
    """What all images of a run share."""

    detector: Detector
    policy: Policy
    dockerfile: Dockerfile | None = None
    base_reference: str | None = None
    base_images: tuple[Image, ...] = ()


def report_on(
    image: Image, scans: Mapping[str, LayerScan], context: Context, source_notices: Sequence[Notice]
) -> tuple[report.Image, list[Match]]:
    """Everything about one image, and the match behind each finding; ``scans`` are by the key of the layer."""
    alignment = align(image.config, len(image.layers))
    instructions, told = _with_lines(alignment.instructions, image, context.dockerfile)
    found = [_checked(layer, scans.get(layer.key)) for layer in image.layers]
    base, base_notices = _base(image, instructions, context)
    of_layer = {step.layer: step.index for step in instructions if step.layer is not None}
    layers = tuple(_layer(ref, scan, of_layer, base) for ref, scan in zip(image.layers, found, strict=True))
    config, config_notices = scan_config(image, instructions, context.detector)
    sightings = [*_in_config(config), *_in_layers(found, context.detector)]
    hide: Callable[[str], str] = str if context.policy.show_secrets else _hider(sightings)
    findings = assemble(
        sightings,
        Layers(
            [report.LayerInfo(layer.index, layer.digest, layer.diff_id) for layer in layers],
            [scan.paths for scan in found],
            of_layer,
            base.layers,
            base.instructions,
        ),
        context.detector.rules.by_id,
        context.policy,
        hide,
    )
    notices = [*context.detector.rules.notices, *source_notices, *image.notices, *alignment.notices]
    notices += [*told, *base_notices, *config_notices]
    notices += [notice for scan in found for notice in scan.notices]
    about = report.Image(
        reference=image.reference,
        source=image.source,
        platform=str(image.platform) if image.platform else None,
        manifest_digest=image.manifest_digest,
        config_digest=image.config_digest,
        base=base.info(hide),
        layers=layers,
        instructions=tuple(_instruction(step, hide(step.text)) for step in instructions),
        findings=tuple(_with_stage(finding, instructions, context.dockerfile) for finding, _ in findings),
        notices=tuple(
            report.NoticeInfo(n.code, hide(n.where), hide(n.message), n.incomplete) for n in dict.fromkeys(notices)
        ),
        coverage=_coverage(layers, notices),
    )
    return about, [match for _, match in findings]


def _hider(sightings: Sequence[Sighting]) -> Hider:
    return Hider(
        (text_of(secret.value), sighting.match.redacted)
        for sighting in sightings
        for secret in (sighting.match.secret, sighting.match.written)
    )


def _with_lines(
    instructions: tuple[Instruction, ...], image: Image, dockerfile: Dockerfile | None
) -> tuple[tuple[Instruction, ...], list[Notice]]:
    """Lines from provenance, which is exact, and for what it does not tell from the Dockerfile that was given."""
    notices: list[Notice] = []
    for attestation in image.attestations:
        instructions, told = provenance.attach_provenance(instructions, attestation, image)
        notices += told
    if dockerfile is not None:
        instructions, told = dockerfile_match.attach(instructions, dockerfile)
        notices += told
    return instructions, notices


def _checked(layer: LayerRef, scan: LayerScan | None) -> LayerScan:
    """The scan of a layer, its digests compared with those its image names."""
    if scan is None or scan.status is LayerStatus.ABSENT:
        reason = layer.absent or (scan.notices[0].message if scan else "the source did not deliver this layer")
        notice = Notice("absent-layer", layer.digest or layer.key, reason, incomplete=True)
        return LayerScan(layer.digest, layer.diff_id, 0, 0, 0, LayerStatus.ABSENT, notices=(notice,))
    where = layer.digest or layer.key
    told = compare_digests("layer", where, scan.digest, layer.digest)
    told += compare_digests("uncompressed layer", where, scan.diff_id, layer.diff_id)
    if not told:
        return scan
    status = LayerStatus.UNREADABLE if any(notice.incomplete for notice in told) else scan.status
    return replace(scan, status=status, notices=(*scan.notices, *told))


def _base(image: Image, instructions: Sequence[Instruction], context: Context) -> tuple[bases.Base, list[Notice]]:
    told: list[Notice] = []
    if context.base_reference is None:
        found = bases.recorded(image, instructions)
    else:
        found, told = bases.of_flag(context.base_reference, context.base_images, image)
    return replace(found, instructions=bases.instructions_of(found, instructions)), told


def _layer(ref: LayerRef, scan: LayerScan, of_layer: Mapping[int, int], base: bases.Base) -> report.Layer:
    absent = scan.status is LayerStatus.ABSENT
    return report.Layer(
        index=ref.index,
        digest=ref.digest or scan.digest,
        diff_id=ref.diff_id or scan.diff_id,
        media_type=ref.media_type,
        size_bytes=ref.size_bytes if absent or ref.size_bytes is not None else scan.size_bytes,
        uncompressed_bytes=None if absent else scan.uncompressed_bytes,
        files=None if absent else scan.files,
        instruction=of_layer.get(ref.index),
        base=ref.index < base.layers,
        status=scan.status,
    )


def _in_config(found: Sequence[FieldMatch]) -> Iterator[Sighting]:
    for item in found:
        field = item.field
        place = Place(field.where, None, field.key, field.place)
        yield Sighting(place, item.match, instruction=field.instruction, located=field.located)


def _in_layers(scans: Sequence[LayerScan], detector: Detector) -> Iterator[Sighting]:
    for index, scan in enumerate(scans):
        texts: dict[tuple[bytes, bool, int], list[FileMatch]] = defaultdict(list)
        for found in scan.matches:
            texts[found.name, found.in_header, found.start].append(found)
        for (name, in_header, _), members in texts.items():
            place = _place(name, in_header=in_header)
            for match in precedence.resolve((found.match for found in members), detector.rules.by_id):
                yield Sighting(place, match, layer=index, located=not in_header)


def _place(name: bytes, *, in_header: bool) -> Place:
    path = overlay.normalize(name)
    if not name:
        return Place(Where.FILE, None, TRAILING, f"layer:{TRAILING}")
    if in_header:
        return Place(Where.FILE, path, HEADER, f"header:{text_of(path)}")
    return Place(Where.FILE, path, None, f"file:{text_of(path)}")


def _instruction(step: Instruction, text: str) -> report.Instruction:
    span = step.dockerfile
    return report.Instruction(
        index=step.index,
        keyword=step.keyword,
        text=text,
        created=step.created,
        layer=step.layer,
        origin=step.origin,
        exact=step.exact,
        dockerfile=_lines(span) if span else None,
    )


def _with_stage(
    finding: report.Finding, instructions: Sequence[Instruction], dockerfile: Dockerfile | None
) -> report.Finding:
    """With the lines of the earlier stage that a file was copied from, if the Dockerfile tells."""
    if dockerfile is None or finding.path is None or finding.instruction is None:
        return finding
    span = instructions[finding.instruction].dockerfile
    for step in dockerfile.steps:
        if span and step.copied_from is not None and step.start_line == span.start_line:
            source = dockerfile_paths.source_of(dockerfile, step, finding.path) or _stage(dockerfile, step.copied_from)
            return msgspec.structs.replace(finding, copied_from=_lines(source))
    return finding


def _stage(dockerfile: Dockerfile, index: int) -> DockerfileSpan:
    """The line that begins a stage: all that is certain if it is not known which step brought the file."""
    first = next(step for step in dockerfile.steps if step.stage == index)
    return DockerfileSpan(dockerfile.path, first.start_line, first.end_line)


def _lines(span: DockerfileSpan) -> report.DockerfileLines:
    return report.DockerfileLines(span.path, span.start_line, span.end_line)


def _coverage(layers: Sequence[report.Layer], notices: Sequence[Notice]) -> report.Coverage:
    scanned = [layer for layer in layers if layer.status in (LayerStatus.SCANNED, LayerStatus.CACHED)]
    return report.Coverage(
        complete=len(scanned) == len(layers) and not any(notice.incomplete for notice in notices),
        layers_total=len(layers),
        layers_scanned=len(scanned),
        files_total=sum(layer.files or 0 for layer in layers),
        files_scanned=sum(layer.files or 0 for layer in scanned),
        bytes_total=sum(layer.uncompressed_bytes or layer.size_bytes or 0 for layer in layers),
        bytes_scanned=sum(layer.uncompressed_bytes or 0 for layer in layers),
    )
