"""Bytes on their way to standard output or to a file. Knows nothing of what they say."""

from __future__ import annotations

import os
import secrets
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

from imgscan.errors import ImgscanError, UsageError

STANDARD_OUTPUT: Final = Path("-")

PUBLIC: Final = 0o666
PRIVATE: Final = 0o600
"""Modes of a new file, before the umask; private for one that holds secrets."""


def write_standard(content: bytes) -> None:
    """Write to standard output. A reader that has gone away has seen enough; that is no error.

    Raises:
        ImgscanError: it cannot be written.
    """
    try:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        # Python flushes once more at the end, and would complain then.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        raise ImgscanError(f"cannot be written: {error.strerror}", where="standard output") from error


def write_file(path: Path, content: bytes, *, mode: int = PUBLIC) -> None:
    """Write the whole file or leave the old one: to a new one beside it, which then takes its name.

    Raises:
        ImgscanError: it cannot be written.
    """
    try:
        if path.exists() and not path.is_file():
            path.write_bytes(content)  # a device or a named pipe, which nothing may replace
        else:
            _replace(path.resolve(), content, mode)
    except OSError as error:
        raise ImgscanError(f"cannot write the report: {error.strerror}", where=str(path)) from error


def require_writable(path: Path) -> None:
    """Complain about a file that cannot be written before a scan takes its time.

    Raises:
        UsageError: says why.
    """
    if path.is_dir():
        raise UsageError("is a directory, and the report is one file", where=str(path))
    if not path.parent.is_dir():
        raise UsageError("its directory does not exist", where=str(path))
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise UsageError("cannot be written", where=str(path))


def _replace(path: Path, content: bytes, mode: int) -> None:
    beside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    file = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    try:
        with os.fdopen(file, "wb") as stream:
            stream.write(content)
        beside.replace(path)
    except BaseException:
        with suppress(OSError):
            beside.unlink()
        raise
