"""Tars from names and contents, compressed or as a directory, by ``tarfile`` and the standard codecs."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import sys
import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True)
class Link:
    """A link member: symbolic, or hard if asked for."""

    target: str
    hard: bool = False


Members = dict[str, "bytes | Link | None"]
"""Name → content, in archive order; ``None`` is a directory."""


def pack(data: bytes, codec: str) -> bytes:
    """Compress: ``plain``, ``gzip``, ``zstd``, ``xz``, ``bzip2``. Stable bytes."""
    match codec:
        case "gzip":
            return gzip.compress(data, mtime=0)
        case "zstd":
            return zstd.compress(data)
        case "xz":
            return lzma.compress(data)
        case "bzip2":
            return bz2.compress(data)
        case _:
            return data


def tar_of(members: Mapping[str, bytes | Link | None], *, prefix: str = "", format: int = tarfile.PAX_FORMAT) -> bytes:  # noqa: A002 - tarfile's own word
    """A tar of ``members``, as layer or as archive; ``prefix="./"`` writes names as ``tar c .`` does."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=format) as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(prefix + name)
            info.mode = 0o755 if content is None else 0o644
            if content is None:
                info.type = tarfile.DIRTYPE
            elif isinstance(content, Link):
                info.type, info.linkname = (tarfile.LNKTYPE if content.hard else tarfile.SYMTYPE), content.target
            else:
                info.size = len(content)
            archive.addfile(info, io.BytesIO(content) if isinstance(content, bytes) else None)
    return out.getvalue()


def write_tree(members: Members, directory: Path) -> Path:
    """The members as files below ``directory``, which is returned."""
    for name, content in members.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        match content:
            case bytes():
                path.write_bytes(content)
            case Link(target, hard=False):
                path.symlink_to(target)
            case Link(target):
                path.hardlink_to(directory / target)
            case None:
                path.mkdir(exist_ok=True)
    return directory
