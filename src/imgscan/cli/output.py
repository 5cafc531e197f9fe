"""Bytes on their way from standard input, to standard output or to a file. Knows nothing of what they say.

Any of the three streams may be closed (``>&-``); Python then has ``None`` in its place.
"""

from __future__ import annotations

import os
import secrets
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from imgscan.errors import ImgscanError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO, TextIO

STANDARD_OUTPUT: Final = Path("-")

PUBLIC: Final = 0o666
PRIVATE: Final = 0o600
"""Modes of a new file, before the umask; private for one that holds secrets."""


def write_standard(content: bytes) -> None:
    """Write to standard output. A reader that has gone away has seen enough; that is no error.

    Raises:
        ImgscanError: it cannot be written.
    """
    require_standard()
    try:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        # Python flushes once more at the end, and would complain then.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        raise ImgscanError(f"cannot be written: {error.strerror}", where="standard output") from error


def require_standard() -> None:
    """Complain about standard output that is closed, which nothing can be written to.

    Raises:
        UsageError: it is.
    """
    if sys.stdout is None:
        raise UsageError("is closed", where="standard output")


def is_terminal(stream: TextIO | None) -> bool:
    """Whether somebody watches; ``None`` is a stream that was closed before the program began."""
    return stream is not None and stream.isatty()


def read_standard(size: int) -> bytes:
    """At most ``size`` bytes of standard input.

    Raises:
        UsageError: it is closed, or cannot be read.
    """
    with _readable() as stream:
        return stream.read(size)


def read_standard_line(size: int) -> bytes:
    """The next line of standard input, or ``size`` bytes of it; raises like ``read_standard``."""
    with _readable() as stream:
        return stream.readline(size)


@contextmanager
def _readable() -> Iterator[BinaryIO]:
    if sys.stdin is None:
        raise UsageError("is closed", where="standard input")
    try:
        yield sys.stdin.buffer
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror}", where="standard input") from None


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
        raise ImgscanError(f"cannot be written: {error.strerror}", where=str(path)) from error


def require_writable(path: Path) -> None:
    """Complain about a file that cannot be written before a scan takes its time.

    Raises:
        UsageError: says why.
    """
    if path.is_dir():
        raise UsageError("is a directory, and the report is one file", where=str(path))
    directory = path.resolve().parent
    if not directory.is_dir():
        raise UsageError("its directory does not exist", where=str(path))
    touched = ([path] if path.exists() else []) + ([directory] if path.is_file() or not path.exists() else [])
    if not all(os.access(place, os.W_OK) for place in touched):
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
