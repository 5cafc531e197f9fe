"""What one scan is asked to do. Plain values; where they come from (flags, environment, file) is the CLI's business."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from imgscan.model.values import Confidence, Severity
from imgscan.sources.base import Access, Wanted

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Options:
    """All of it with defaults, so that ``scan(["myimage:tag"])`` does the usual thing.

    ``fail_on`` ``None`` never fails the gate over findings. ``jobs`` ``None`` uses every core this process may use.
    ``verify`` sends what was found to its providers, to ask whether it is live, and with ``verify_hosts`` also to hosts
    that the image names; never with ``access.offline``. ``fingerprint_key`` lets fingerprints of secrets that could be
    guessed stand on a keyed hash of them.
    """

    wanted: Wanted = field(default_factory=Wanted)
    access: Access = field(default_factory=Access)
    dockerfile: Path | None = None
    base: str | None = None
    fail_on: Severity | None = Severity.LOW
    min_confidence: Confidence = Confidence.LOW
    allow_incomplete: bool = False
    show_secrets: bool = False
    rules: tuple[Path, ...] = ()
    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    fingerprint_key: bytes | None = field(default=None, repr=False)
    verify: bool = False
    verify_hosts: bool = False
    jobs: int | None = None
    use_cache: bool = True
