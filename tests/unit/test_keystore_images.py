"""Keystores in an image: found by what they hold, whatever they are called, and never printed."""

from __future__ import annotations

import base64
import random

import pytest

from imgscan.model.values import Severity, Where
from imgscan.report import Look, text
from imgscan.report import json as json_report
from imgscan.rules import sample_keystores
from imgscan.scan import scan
from tests.support.images import ImageBuilder, docker_25, tar_of


def made(kind: str, seed: int = 0) -> bytes:
    return sample_keystores.keystore(kind, random.Random(f"{kind} {seed}"))


def without_zeros(kind: str) -> bytes:
    """A store that looks like text for its first bytes, as one in five does."""
    return next(store for seed in range(100) if 0 not in (store := made(kind, seed))[:512])


@pytest.fixture
def scanned(tmp_path):
    def scan_of(files: dict[str, bytes], env: str = ""):
        image = ImageBuilder("acme/app:1").layer(files, created_by="COPY . /app # buildkit")
        path = tmp_path / "image.tar"
        path.write_bytes(tar_of(docker_25(image.configure(Env=[env]) if env else image)))
        return scan([str(path)])

    return scan_of


def found(report):
    return {finding.path: (finding.rule.id, finding.severity) for finding in report.images[0].findings}


def test_stores_with_keys_are_found_and_stores_of_certificates_are_not(scanned):
    report = scanned({f"app/{kind}": made(kind) for kind in sample_keystores.KINDS})
    assert found(report) == {
        "/app/pkcs12": ("keystore-pkcs12", Severity.LOW),
        "/app/pkcs12-open": ("keystore-pkcs12-open", Severity.CRITICAL),
        "/app/pkcs12-empty": ("keystore-pkcs12-open", Severity.CRITICAL),
        "/app/pkcs12-large": ("keystore-untested", Severity.LOW),
        "/app/jks": ("keystore-java", Severity.LOW),
        "/app/jks-open": ("keystore-java-open", Severity.CRITICAL),
        "/app/jceks": ("keystore-java", Severity.LOW),
        "/app/jceks-open": ("keystore-java-open", Severity.CRITICAL),
        "/app/jceks-large": ("keystore-untested", Severity.LOW),
        "/app/jks-late": ("keystore-java-late", Severity.LOW),
        "/app/jks-late-open": ("keystore-java-late-open", Severity.CRITICAL),
        "/app/jceks-late": ("keystore-java-late", Severity.LOW),
    }
    assert report.images[0].coverage.complete


@pytest.mark.parametrize("kind", ["pkcs12-open", "jks-open"])
def test_what_stands_behind_a_store_is_found_as_well(scanned, kind):
    stores = made(kind, 1) + b"\0" * 40 + made(kind, 2)
    findings = scanned({"bundle": stores}).images[0].findings
    assert [finding.offset for finding in findings] == [0, len(made(kind, 1)) + 40]


def test_nothing_of_a_store_is_printed(scanned):
    store = without_zeros("pkcs12-open")
    report = scanned({"a.p12": store, "b.p12": made("pkcs12"), "c.jks": made("jks-open")})
    for finding in report.images[0].findings:
        assert (finding.snippet, finding.secret.redacted, finding.secret.value) == ("…", "…", None)
        assert (finding.line, finding.column, finding.offset) == (None, None, 0)
    for shown in (text.render(report, Look()), json_report.render(report, Look())):
        assert b"\x82" not in shown
        assert b"\\x82" not in shown
    assert b"/a.p12 at byte 0" in text.render(report, Look())


def test_base64_of_a_store_is_found_in_variables_and_manifests(scanned):
    encoded = {kind: base64.b64encode(made(kind)).decode() for kind in ("jceks-open", "pkcs12-open", "jks")}
    manifest = f"data:\n  a.p12: {encoded['pkcs12-open']}\n  b.jks: {encoded['jks']}\n"
    report = scanned({"secret.yaml": manifest.encode()}, env=f"KEYSTORE={encoded['jceks-open']}")
    findings = report.images[0].findings
    assert [(finding.rule.id, finding.where, finding.line) for finding in findings] == [
        ("keystore-java-open", Where.ENV, None),
        ("keystore-pkcs12-open", Where.FILE, 2),
        ("keystore-java", Where.FILE, 3),
    ]
    assert [finding.snippet for finding in findings] == [
        "KEYSTORE=zs7OzgAAAA…",
        "  a.p12: MII…",
        "  b.jks: /u3+7QAAAA…",
    ]


def test_wrapped_base64_is_hidden_as_a_whole_and_what_follows_is_not_part_of_it(scanned):
    encoded = base64.encodebytes(made("pkcs12-open"))
    (finding,) = (
        scanned({"store.b64": b"# store\n" + encoded + b"and more text, which is none of it\n"}).images[0].findings
    )
    assert finding.rule.id == "keystore-pkcs12-open"
    assert (finding.line, finding.end_line) == (2, 1 + encoded.count(b"\n"))
    assert finding.secret.length >= len(encoded) - 76
