"""The report as it crosses the border of the program: schema 1 of ``--format json``.

Pure data; ``imgscan schema`` prints the JSON Schema of ``Report``. Keys are always present, unknown is ``null``; times
are UTC ISO 8601 with ``Z``, sizes are bytes, lines and columns start at 1, offsets and indexes at 0.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from imgscan.model.values import Confidence, EventKind, LayerStatus, Severity, State, Where

SCHEMA_VERSION = "1.0"

UNAVAILABLE: Final = "unavailable"
"""Code of the notice of an image that could not be had at all, among others that could."""


class Rules(msgspec.Struct, frozen=True):
    """The rule set a scan used."""

    count: int
    fingerprint: str


class Tool(msgspec.Struct, frozen=True):
    """Who wrote the report."""

    name: str
    version: str
    rules: Rules


class Base(msgspec.Struct, frozen=True):
    """The base image, and how it came to be known."""

    reference: str | None
    layers: int
    how: Literal["flag", "label", "provenance", "unknown"]


class Layer(msgspec.Struct, frozen=True):
    """One layer: ``digest`` of the blob as stored or sent, ``diff_id`` of the uncompressed tar."""

    index: int
    digest: str | None
    diff_id: str | None
    media_type: str | None
    size_bytes: int | None
    uncompressed_bytes: int | None
    files: int | None
    instruction: int | None
    base: bool
    status: LayerStatus


class DockerfileLines(msgspec.Struct, frozen=True):
    """A range of lines, both ends included."""

    path: str
    start_line: int
    end_line: int


class Instruction(msgspec.Struct, frozen=True):
    """One step of the build. ``exact`` is false when its place among the layers is not certain."""

    index: int
    keyword: str
    text: str
    created: str | None
    layer: int | None
    origin: Literal["history", "dockerfile", "provenance"]
    exact: bool
    dockerfile: DockerfileLines | None


class RuleInfo(msgspec.Struct, frozen=True):
    """The rule behind a finding."""

    id: str
    title: str
    provider: str


class SecretInfo(msgspec.Struct, frozen=True):
    """What may be said about a secret; ``value`` only with ``--show-secrets``."""

    redacted: str
    length: int
    value: str | None


class LayerInfo(msgspec.Struct, frozen=True):
    """The layer that added a finding."""

    index: int
    digest: str | None
    diff_id: str | None


class Event(msgspec.Struct, frozen=True):
    """One step in the life of a path."""

    event: EventKind
    layer: int
    instruction: int | None


class Owner(msgspec.Struct, frozen=True):
    """The package that installed a file, and whether the file is still as installed."""

    manager: str
    package: str
    unmodified: bool


class Verification(msgspec.Struct, frozen=True):
    """Whether the secret is still accepted by its provider."""

    status: Literal["not_attempted", "live", "dead", "unknown", "unsupported"] = "not_attempted"
    checked_at: str | None = None
    detail: str | None = None


class Suppressed(msgspec.Struct, frozen=True):
    """Why a finding does not count for the gate."""

    by: Literal["owner", "baseline", "ignore", "inline", "policy"]
    reason: str
    expires: str | None


class Remediation(msgspec.Struct, frozen=True):
    """What to do next: one sentence, the name of the guide that says more, where to revoke, the first steps."""

    summary: str
    guide: str | None
    revoke_url: str | None
    steps: tuple[str, ...] = ()


class Finding(msgspec.Struct, frozen=True):
    """One secret at one place.

    ``copied_from`` are the lines of an earlier stage of the Dockerfile that brought a file ``COPY --from`` copied.
    """

    fingerprint: str
    rule: RuleInfo
    severity: Severity
    confidence: Confidence
    secret: SecretInfo
    where: Where
    path: str | None
    chain: tuple[str, ...]
    key: str | None
    decoded: tuple[str, ...]
    line: int | None
    column: int | None
    end_line: int | None
    end_column: int | None
    offset: int | None
    snippet: str
    layer: LayerInfo | None
    instruction: int | None
    copied_from: DockerfileLines | None
    state: State
    story: tuple[Event, ...]
    base: bool
    owner: Owner | None
    verification: Verification
    suppressed: Suppressed | None
    remediation: Remediation


class NoticeInfo(msgspec.Struct, frozen=True):
    """Something that was skipped, cut, unreadable or not confirmed."""

    code: str
    where: str
    message: str
    incomplete: bool


class Coverage(msgspec.Struct, frozen=True):
    """How much was there, and how much of it was looked at."""

    complete: bool
    layers_total: int
    layers_scanned: int
    files_total: int
    files_scanned: int
    bytes_total: int
    bytes_scanned: int


class Image(msgspec.Struct, frozen=True):
    """One image of one platform."""

    reference: str
    source: str
    platform: str | None
    manifest_digest: str | None
    config_digest: str | None
    base: Base
    layers: tuple[Layer, ...]
    instructions: tuple[Instruction, ...]
    findings: tuple[Finding, ...]
    notices: tuple[NoticeInfo, ...]
    coverage: Coverage


class Summary(msgspec.Struct, frozen=True):
    """Counts over all images; suppressed findings are not in ``findings`` and ``by_severity``."""

    findings: int
    suppressed: int
    unique_secrets: int
    by_severity: dict[Severity, int]


class Verdict(msgspec.Struct, frozen=True):
    """What the gate says."""

    passed: bool
    exit_code: int
    reasons: tuple[str, ...]


class Report(msgspec.Struct, frozen=True):
    """Everything one run of ``imgscan scan`` found out."""

    schema_version: str
    tool: Tool
    started_at: str
    finished_at: str
    images: tuple[Image, ...]
    summary: Summary
    verdict: Verdict
