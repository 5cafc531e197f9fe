"""Layers made in memory and scanned without an image around them."""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING

from imgscan.match.detector import Detector
from imgscan.model.values import Confidence, Severity
from imgscan.rules.load import RuleSet
from imgscan.rules.schema import Rule
from imgscan.scan.layer import LayerScan, scan_layer
from imgscan.scan.workers import Workers
from imgscan.sources.base import LayerBlob

if TYPE_CHECKING:
    from collections.abc import Mapping

    from imgscan.model.values import Digest

TOKEN = Rule(
    id="token",
    title="Token",
    provider="acme",
    severity=Severity.HIGH,
    confidence=Confidence.HIGH,
    pattern=r"\b(?P<secret>tok_[0-9a-z]{16})\b",
    examples=("tok_{lower:16}",),
)
BLOCK = Rule(
    id="block",
    title="Block",
    provider="acme",
    severity=Severity.HIGH,
    confidence=Confidence.HIGH,
    pattern=r"(?P<secret>BEGIN-[\s\S]{10,900}?-END)",
    window=1024,
    examples=("BEGIN-{lower:20}-END",),
)
NEAR = Rule(
    id="near",
    title="Near",
    provider="acme",
    severity=Severity.LOW,
    confidence=Confidence.MEDIUM,
    pattern=r"(?<![0-9a-f])(?P<secret>[0-9a-f]{16})(?![0-9a-f])",
    keywords=("acme",),
    context="assignment",
    examples=("acme={hex:16}",),
)
RULES = RuleSet.of([TOKEN, BLOCK, NEAR])
DETECTOR = Detector(RULES, use_cache=False)


def tar(files: Mapping[str, bytes], form: int = tarfile.USTAR_FORMAT) -> bytes:
    """A tar archive of files; a name that ends in a slash is a directory."""
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w", format=form) as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.type = tarfile.DIRTYPE if name.endswith("/") else tarfile.REGTYPE
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        end = archive.offset
    return output.getvalue()[: end + 1024]


def scan_bytes(
    stored: bytes,
    *,
    detector: Detector = DETECTOR,
    block_bytes: int = 64 * 1024,
    jobs: int = 2,
    digest: Digest | None = None,
) -> LayerScan:
    """Scan one layer."""
    workers = Workers(detector, jobs=jobs, block_bytes=block_bytes)
    try:
        return scan_layer(LayerBlob("layer", len(stored), digest, lambda: io.BytesIO(stored)), workers, lambda _: None)
    finally:
        workers.close()
