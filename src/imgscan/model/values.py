"""Values that travel between rooms while an image is being scanned. Never written to a file.

A ``Secret`` lives only here; what leaves the program is built in ``imgscan.model.report``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

Digest = NewType("Digest", str)
"""Algorithm and lower-case hex, as in ``sha256:2c26…``."""


class Severity(StrEnum):
    """What it costs if the secret is live."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"

    @property
    def rank(self) -> int:
        """0 is worst."""
        return list(Severity).index(self)


class Confidence(StrEnum):
    """How sure the shape is."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"

    @property
    def rank(self) -> int:
        """0 is surest."""
        return list(Confidence).index(self)


class Where(StrEnum):
    """The kind of place a finding stands in."""

    FILE = "file"
    ENV = "env"
    ARG = "arg"
    LABEL = "label"
    CMD = "cmd"
    ENTRYPOINT = "entrypoint"
    HEALTHCHECK = "healthcheck"
    ONBUILD = "onbuild"
    HISTORY = "history"
    AUTHOR = "author"
    ANNOTATION = "annotation"
    ATTESTATION = "attestation"


class State(StrEnum):
    """What became of the place by the last layer."""

    PRESENT = "present"
    DELETED = "deleted"
    OVERWRITTEN = "overwritten"
    CONFIG = "config"


class EventKind(StrEnum):
    """One step in the life of a path."""

    ADDED = "added"
    CHANGED = "changed"
    DELETED = "deleted"


class LayerStatus(StrEnum):
    """What could be done with a layer."""

    SCANNED = "scanned"
    CACHED = "cached"
    UNREADABLE = "unreadable"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Platform:
    """Operating system, architecture and variant, as in ``linux/arm64/v8``."""

    os: str
    architecture: str
    variant: str | None = None

    def __str__(self) -> str:
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that was skipped, cut, unreadable or not confirmed.

    ``code`` is stable kebab-case; ``incomplete`` says that bytes were not looked at, so the scan is not complete.
    """

    code: str
    where: str
    message: str
    incomplete: bool = False


@dataclass(frozen=True, slots=True, repr=False)
class Secret:
    """The bytes of a secret. Its repr shows the length only."""

    value: bytes

    def __repr__(self) -> str:
        return f"Secret({len(self.value)} bytes)"


@dataclass(frozen=True, slots=True)
class Match:
    """One confirmed secret in one text: a file of a layer or a field of the config.

    ``written`` is the secret as it stands there, which is another text if it had to be decoded.

    ``start`` and ``end`` are byte offsets into that text, half-open; ``whole_start`` and ``whole_end`` span the
    key, the quotes or the other half of a credential as well. Lines and columns start at 1 and are ``None`` in
    binary files. ``redacted`` and ``snippet`` hold no secret. ``chain`` is the way into nested archives, ``decoded``
    the encodings that were undone, outermost first. ``parts`` are the other named groups of the pattern, such as the
    id that belongs to a secret.
    """

    rule_id: str
    secret: Secret
    written: Secret
    start: int
    end: int
    whole_start: int
    whole_end: int
    line: int | None
    column: int | None
    end_line: int | None
    end_column: int | None
    redacted: str
    snippet: str
    chain: tuple[str, ...] = ()
    decoded: tuple[str, ...] = ()
    parts: tuple[tuple[str, Secret], ...] = ()
