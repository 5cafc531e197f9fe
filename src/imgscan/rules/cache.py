"""A private cache of things that are slow to make from rules: parsed packs, compiled databases.

Entries are keyed by what they were made from and carry a checksum; one that is damaged, missing or not ours is simply
not there. Writing is atomic, so several processes may start at once, and a cache that cannot be written is no error.
Knows nothing of what it keeps. What it keeps is trusted (a database is run as code), so a directory that others may
write to is not used.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import tempfile
from pathlib import Path
from typing import Final

CHECKSUM_BYTES: Final = 32
MAX_ENTRIES: Final = 24
"""Old entries beyond this go: each rule set and each machine has its own, and they are a few MB each."""

_ENTRY: Final = re.compile(r"(?:rules|database)-[0-9a-f]{32}\.(?:msgpack|hs)|\.new-\w+")


def directory() -> Path:
    """Where the cache lives: ``$IMGSCAN_CACHE_DIR``, else ``imgscan`` in the cache directory of the user."""
    if named := os.environ.get("IMGSCAN_CACHE_DIR"):
        return Path(named)
    root = os.environ.get("XDG_CACHE_HOME")
    return (Path(root) if root else Path.home() / ".cache") / "imgscan"


def read(name: str) -> bytes | None:
    """An entry as it was written, or ``None``."""
    try:
        if not _is_private(directory()):
            return None
        stored = (directory() / name).read_bytes()
    except (OSError, RuntimeError):  # RuntimeError: no home directory
        return None
    checksum, content = stored[:CHECKSUM_BYTES], stored[CHECKSUM_BYTES:]
    return content if hashlib.sha256(content).digest() == checksum else None


def write(name: str, content: bytes) -> None:
    """Keep an entry if it can be kept."""
    try:
        home = directory()
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _is_private(home):
            return
        with tempfile.NamedTemporaryFile(dir=home, prefix=".new-", delete=False) as file:
            temporary = Path(file.name)
            try:
                file.write(hashlib.sha256(content).digest() + content)
                file.close()
                temporary.replace(home / name)
            finally:
                temporary.unlink(missing_ok=True)
        _forget_old()
    except (OSError, RuntimeError):  # a read-only or full disk costs time at the next start, nothing more
        return


def entries() -> tuple[Path, ...]:
    """The files of the cache; whatever else is in the directory is somebody else's."""
    try:
        return tuple(sorted(path for path in directory().iterdir() if _ENTRY.fullmatch(path.name)))
    except (OSError, RuntimeError):
        return ()


def clear() -> int:
    """Delete every entry; gives how many there were."""
    found = entries()
    for path in found:
        path.unlink(missing_ok=True)
    return len(found)


def _is_private(home: Path) -> bool:
    about = home.stat()
    return about.st_uid == os.geteuid() and not about.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _forget_old() -> None:
    files = sorted(entries(), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in files[MAX_ENTRIES:]:
        path.unlink(missing_ok=True)
