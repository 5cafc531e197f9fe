"""Sample reports: one image with everything a report can say, and builders to change any part of it."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from imgscan.findings.policy import judge
from imgscan.model import report as r
from imgscan.model.values import Confidence, EventKind, LayerStatus, Severity, State, Where

DIGESTS = tuple(f"sha256:{index:064x}" for index in range(0xABC1, 0xABC6))
TEXTS = (
    ("ADD", "ADD rootfs.tar.xz /"),
    ("ENV", "ENV GITHUB_TOKEN=ghp_…"),
    ("COPY", "COPY .env /app/"),
    ("RUN", "RUN pip install -r requirements.txt"),
    ("RUN", "RUN rm /app/.env"),
    ("COPY", "COPY . /app"),
)
LAYER_OF_STEP = (0, None, 1, 2, 3, 4)


def layers() -> tuple[r.Layer, ...]:
    return tuple(
        r.Layer(
            index=index,
            digest=digest,
            diff_id=digest.replace("0000", "1111", 1),
            media_type="application/vnd.oci.image.layer.v1.tar+gzip",
            size_bytes=1000,
            uncompressed_bytes=16_000_000,
            files=246,
            instruction=LAYER_OF_STEP.index(index),
            base=index == 0,
            status=LayerStatus.SCANNED,
        )
        for index, digest in enumerate(DIGESTS)
    )


def instructions() -> tuple[r.Instruction, ...]:
    return tuple(
        r.Instruction(
            index=index,
            keyword=keyword,
            text=text,
            created="2026-11-01T10:00:00Z",
            layer=LAYER_OF_STEP[index],
            origin="history",
            exact=True,
            dockerfile=r.DockerfileLines("Dockerfile", index, index + index % 2) if index else None,
        )
        for index, (keyword, text) in enumerate(TEXTS)
    )


def finding(**changes: Any) -> r.Finding:
    """A key in ``/app/.env``, added in step 3 (index 2), deleted in step 5."""
    sample = r.Finding(
        fingerprint="f" * 32,
        rule=r.RuleInfo("pinecone-api-key", "Pinecone API key", "pinecone"),
        severity=Severity.CRITICAL,
        confidence=Confidence.HIGH,
        secret=r.SecretInfo("pcsk_…", 75, None),
        where=Where.FILE,
        path="/app/.env",
        chain=(),
        key=None,
        decoded=(),
        line=3,
        column=18,
        end_line=3,
        end_column=93,
        offset=60,
        snippet="PINECONE_API_KEY=pcsk_…",
        layer=r.LayerInfo(1, DIGESTS[1], None),
        instruction=2,
        copied_from=None,
        state=State.DELETED,
        story=(r.Event(EventKind.ADDED, 1, 2), r.Event(EventKind.DELETED, 3, 4)),
        base=False,
        owner=None,
        verification=r.Verification(),
        suppressed=None,
        remediation=r.Remediation(
            "revoke the key, create a new one, and hand it to the container at run time",
            "pinecone",
            "https://app.pinecone.io/organizations/-/keys",
        ),
    )
    return replace(sample, **changes)


def config_finding(**changes: Any) -> r.Finding:
    """A token in the environment of the image, set by step 2."""
    return finding(
        **{
            "fingerprint": "e" * 32,
            "rule": r.RuleInfo("github-pat-classic", "GitHub personal access token (classic)", "github"),
            "severity": Severity.HIGH,
            "secret": r.SecretInfo("ghp_…", 40, None),
            "where": Where.ENV,
            "path": None,
            "key": "config.Env[GITHUB_TOKEN]",
            "line": 1,
            "column": 1,
            "snippet": "GITHUB_TOKEN=ghp_…",
            "layer": None,
            "instruction": 1,
            "state": State.CONFIG,
            "story": (),
            "remediation": r.Remediation("revoke the token", None, None),
        }
        | changes
    )


def suppressed(**changes: Any) -> r.Finding:
    """A finding that does not count."""
    reason = r.Suppressed("owner", "as the package installed it", None)
    return finding(**{"suppressed": reason, "owner": r.Owner("dpkg", "perl-modules-5.36", True)} | changes)


def notice(**changes: Any) -> r.NoticeInfo:
    return replace(r.NoticeInfo("unreadable-layer", "layer 3", "gzip data ends early", incomplete=True), **changes)


def image(*findings: r.Finding, **changes: Any) -> r.Image:
    """An image of five layers; incomplete if one of its notices is."""
    notices = changes.get("notices", ())
    complete = not any(item.incomplete for item in notices)
    scanned = 5 if complete else 4
    sample = r.Image(
        reference="myimage:tag",
        source="docker",
        platform="linux/amd64",
        manifest_digest=None,
        config_digest=DIGESTS[4],
        base=r.Base("debian:12", 1, "label"),
        layers=layers(),
        instructions=instructions(),
        findings=findings,
        notices=(),
        coverage=r.Coverage(complete, 5, scanned, 1234, scanned * 246 + 4, 80_000_000, scanned * 16_000_000),
    )
    return replace(sample, **changes)


def unavailable(reference: str = "absent:1") -> r.Image:
    """An image that could not be had."""
    missing = notice(code=r.UNAVAILABLE, where=reference, message="no engine and no registry has it")
    nothing = r.Coverage(False, 0, 0, 0, 0, 0, 0)
    return image(reference=reference, source="unknown", layers=(), notices=(missing,), coverage=nothing)


def report(
    *images: r.Image, fail_on: Severity | None = Severity.LOW, allow_incomplete: bool = False, **changes: Any
) -> r.Report:
    unique = len({finding.snippet for about in images for finding in about.findings})
    summary, verdict = judge(images, unique_secrets=unique, fail_on=fail_on, allow_incomplete=allow_incomplete)
    sample = r.Report(
        schema_version=r.SCHEMA_VERSION,
        tool=r.Tool("imgscan", "0.1.0", r.Rules(150, "c0ffee")),
        started_at="2026-11-24T10:00:00Z",
        finished_at="2026-11-24T10:00:01Z",
        images=images,
        summary=summary,
        verdict=verdict,
    )
    return replace(sample, **changes)


def everything() -> r.Report:
    """One of each: files, configuration, unknown steps, base image, suppressed, incomplete, verbose notices."""
    return report(
        image(
            finding(),
            finding(
                fingerprint="d" * 32,
                path="/app/settings.py",
                severity=Severity.MEDIUM,
                confidence=Confidence.LOW,
                state=State.OVERWRITTEN,
                story=(r.Event(EventKind.ADDED, 1, 2), r.Event(EventKind.CHANGED, 4, 5)),
            ),
            config_finding(),
            finding(
                fingerprint="c" * 32, path="/srv/a.zip", chain=("inner/conf.py",), state=State.PRESENT, instruction=None
            ),
            finding(
                fingerprint="b" * 32,
                path="/usr/bin/tool",
                line=None,
                column=None,
                base=True,
                instruction=0,
                layer=r.LayerInfo(0, DIGESTS[0], None),
                state=State.PRESENT,
                decoded=("base64",),
            ),
            config_finding(fingerprint="a" * 32, where=Where.LABEL, key="config.Labels[token]", instruction=None),
            suppressed(),
            notices=(notice(), notice(code="absent-platform", message="not in this archive", incomplete=False)),
        )
    )
