"""Clean trees: an image of software that holds nobody's secrets, built once and kept.

A Debian root file system, Python and npm packages, by the ordinary clients as this machine has them set up; three
layers of an OCI layout. Knows nothing of rules.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tests.support.images import OCI, descriptor, dump

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

HERE: Final = Path(__file__).parent
WORK: Final = HERE / "work"
SOURCES: Final = (Path("/etc/apt/sources.list.d/debian.sources"), Path("/etc/apt/sources.list"))


def build() -> Path:
    """The layout, built if it is not there yet."""
    layout = WORK / "layout"
    if not (layout / "index.json").exists():
        plan = tomllib.loads((HERE / "trees.toml").read_text())
        WORK.mkdir(exist_ok=True)
        layers = {name: _layer(name, make, plan[name]) for name, make in MAKERS.items()}
        _write_layout(layout, layers)
    return layout


def tars() -> dict[str, Path]:
    """The layers by name."""
    build()
    return {name: WORK / f"{name}.tar" for name in MAKERS}


def _layer(name: str, make: Callable[[Path, Sequence[str]], None], packages: Sequence[str]) -> Path:
    target = WORK / f"{name}.tar"
    if not target.exists():
        sys.stderr.write(f"building {name}\n")
        unfinished = WORK / f"{name}.part"
        make(unfinished, packages)
        unfinished.rename(target)
    return target


def _debian(target: Path, packages: Sequence[str]) -> None:
    sources = next(path for path in SOURCES if path.exists())
    command = ["mmdebstrap", "--quiet", "--variant=minbase", "--format=tar", f"--include={','.join(packages)}"]
    subprocess.run([*command, "", str(target), str(sources)], check=True)


def _python(target: Path, packages: Sequence[str]) -> None:
    root = WORK / "python"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--only-binary=:all:", "--target"]
    subprocess.run([*command, str(root), *packages], check=True)
    _pack(root, target, "usr/local/lib/python3/site-packages")


def _npm(target: Path, packages: Sequence[str]) -> None:
    root = WORK / "npm"
    root.mkdir(exist_ok=True)
    command = [
        "npm",
        "install",
        "--loglevel=error",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--legacy-peer-deps",
    ]
    subprocess.run([*command, "--prefix", str(root), *packages], check=True)
    _pack(root, target, "app")


def _pack(root: Path, target: Path, name: str) -> None:
    with tarfile.open(target, "w") as archive:
        archive.add(root, name)
    shutil.rmtree(root)


MAKERS: Final[dict[str, Callable[[Path, Sequence[str]], None]]] = {"debian": _debian, "python": _python, "npm": _npm}


def _write_layout(layout: Path, layers: dict[str, Path]) -> None:
    blobs = layout / "blobs" / "sha256"
    blobs.mkdir(parents=True, exist_ok=True)
    described = [_link(blobs, path) for path in layers.values()]
    history = [{"created_by": f"RUN install {name} packages"} for name in layers]
    rootfs = {"type": "layers", "diff_ids": [layer["digest"] for layer in described]}
    config = dump({"os": "linux", "architecture": "amd64", "config": {}, "rootfs": rootfs, "history": history})
    of_config = descriptor(config, OCI + "config.v1+json")
    manifest = dump({"schemaVersion": 2, "config": of_config, "layers": described})
    of_manifest = descriptor(manifest, OCI + "manifest.v1+json")
    for data in (config, manifest):
        (blobs / hashlib.sha256(data).hexdigest()).write_bytes(data)
    (layout / "oci-layout").write_text(json.dumps({"imageLayoutVersion": "1.0.0"}))
    (layout / "index.json").write_bytes(dump({"schemaVersion": 2, "manifests": [of_manifest]}))


def _link(blobs: Path, tar: Path) -> dict[str, object]:
    with tar.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    blob = blobs / digest
    blob.unlink(missing_ok=True)
    blob.hardlink_to(tar)
    return {"mediaType": OCI + "layer.v1.tar", "digest": f"sha256:{digest}", "size": tar.stat().st_size}


@dataclass(frozen=True, slots=True)
class Found:
    """A finding of a scan of the trees, as a person judges it."""

    confidence: str
    rule: str
    place: str
    line: int | None
    snippet: str


def scan() -> tuple[list[Found], int, float]:
    """Scan the layout at default settings: findings, bytes of the layers, seconds."""
    report = WORK / "report.json"
    command = [
        sys.executable,
        "-m",
        "imgscan",
        "scan",
        "--fail-on=never",
        "--no-cache",
        "--no-progress",
        "--format=json",
    ]
    started = time.perf_counter()
    subprocess.run([*command, f"--output={report}", f"oci-dir:{build()}"], check=True)
    seconds = time.perf_counter() - started
    findings = [finding for image in json.loads(report.read_bytes())["images"] for finding in image["findings"]]
    return (
        sorted(map(_found, findings), key=_surest_first),
        sum(path.stat().st_size for path in tars().values()),
        seconds,
    )


def _found(finding: dict[str, Any]) -> Found:
    where = (finding["confidence"], finding["rule"]["id"], finding["path"] or finding["where"])
    return Found(*where, finding["line"], finding["snippet"])


def _surest_first(finding: Found) -> tuple[int, str, str]:
    return ["high", "medium", "low"].index(finding.confidence), finding.rule, finding.place
