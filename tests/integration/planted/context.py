"""The planted files and instructions as what a builder takes: a base to import, a Dockerfile and its build context."""

from __future__ import annotations

import io
import shutil
import tarfile
from typing import TYPE_CHECKING

from tests.integration.planted.files import FILES, File
from tests.integration.planted.steps import STEPS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

SHELL = "/bin/busybox"


def write_base(path: Path) -> Path:
    """A root file system with a shell, as a tar."""
    with tarfile.open(path, "w") as archive:
        archive.add(shutil.which("busybox") or "busybox", SHELL)
        for name in ("sh", "mkdir", "chmod", "cp", "rm", "true"):
            link = tarfile.TarInfo(f"bin/{name}")
            link.type, link.linkname = tarfile.SYMTYPE, SHELL
            archive.addfile(link)
        folder = tarfile.TarInfo("tmp")
        folder.type, folder.mode = tarfile.DIRTYPE, 0o1777
        archive.addfile(folder)
        for file in _of("base"):
            _add(archive, file)
    return path


def write_context(directory: Path) -> Path:
    """The Dockerfile and everything that it copies."""
    (directory / "Dockerfile").write_text(dockerfile())
    for step in STEPS:
        if step.keyword == "ADD":
            _write_tar(directory / f"{step.name}.tar", _of(step.name))
        elif step.keyword == "COPY":
            _write_tree(directory / step.name, _of(step.name))
    return directory


def dockerfile() -> str:
    """One instruction after the other, an empty line between any two."""
    return "\n\n".join(step.filled for step in STEPS) + "\n"


def dockerfile_lines() -> list[tuple[int, int]]:
    """First and last line of each instruction."""
    lines, start = [], 1
    for step in STEPS:
        end = start + step.text.count("\n")
        lines.append((start, end))
        start = end + 2
    return lines


def _of(step: str) -> list[File]:
    return [file for file in FILES if file.step == step]


def _write_tree(directory: Path, files: Iterable[File]) -> None:
    for file in files:
        path = directory / file.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.content)


def _write_tar(path: Path, files: Iterable[File]) -> None:
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT, errors="surrogateescape") as archive:
        for file in files:
            _add(archive, file)


def _add(archive: tarfile.TarFile, file: File) -> None:
    info = tarfile.TarInfo(file.name)
    info.mode = file.mode
    content = file.content
    if file.link is None:
        info.size = len(content)
    else:
        info.type = tarfile.LNKTYPE if file.link == "hard" else tarfile.SYMTYPE
        info.linkname = content.decode()
    archive.addfile(info, io.BytesIO(content))
