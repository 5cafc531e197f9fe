"""Images in files that can be read at any place: byte ranges as streams, layers in any order.

Knows the file system and its errors, and nothing of archives or layouts.
"""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from imgscan.errors import (
    AccessDeniedError,
    ImageFormatError,
    ImageNotFoundError,
    ImgscanError,
    LimitExceededError,
    SourceError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from imgscan.image.image import Image, LayerRef
    from imgscan.sources.base import LayerBlob


class Slice:
    """Part of a file as a ``ByteReader`` with a position of its own, so that several threads can share the file.

    ``release`` is called on closing; without it the file belongs to somebody else.
    """

    def __init__(
        self, file: BinaryIO, start: int, size_bytes: int, release: Callable[[], object] | None = None
    ) -> None:
        self._file = file
        self._release = release
        self._position = start
        self._end = start + size_bytes
        self.size_bytes = size_bytes

    def read(self, size: int, /) -> bytes:
        """Give at most ``size`` bytes.

        Raises:
            ImageFormatError: the file ends before the range does.
            SourceError: the file cannot be read.
        """
        size = min(size, self._end - self._position)
        if size <= 0:
            return b""
        with translated("the file"):
            part = os.pread(self._file.fileno(), size, self._position)
        if not part:
            raise ImageFormatError("the file ends in the middle of a blob")
        self._position += len(part)
        return part

    def readinto(self, target: memoryview, /) -> int:
        """Fill ``target`` as far as one call can; see ``read``."""
        target = target[: self._end - self._position]
        if not target:
            return 0
        with translated("the file"):
            size = os.preadv(self._file.fileno(), [target], self._position)
        if not size:
            raise ImageFormatError("the file ends in the middle of a blob")
        self._position += size
        return size

    def close(self) -> None:
        """Give nothing more."""
        self._end = self._position
        if self._release:
            self._release()


@dataclass(slots=True)
class Prepared:
    """A source that knows its images before anybody asks for layers. ``failure`` is what kept it from knowing more."""

    found: tuple[Image, ...]
    blob: Callable[[LayerRef], LayerBlob]
    failure: ImgscanError | None = None
    parallel: bool = True

    def layers(self) -> Iterator[LayerBlob]:
        """Every layer that is there, in the order of the images.

        Raises:
            ImgscanError: the source is damaged; what was given is all that can be had.
        """
        refs = {ref.key: ref for image in self.found for ref in image.layers if ref.absent is None}
        yield from map(self.blob, refs.values())
        if self.failure is not None:
            raise self.failure

    def images(self) -> tuple[Image, ...]:
        """The images."""
        return self.found


def check_size(size_bytes: int, limit: int) -> None:
    """Refuse a document that is too large to be read into memory.

    Raises:
        LimitExceededError: it is.
    """
    if size_bytes > limit:
        raise LimitExceededError(f"a document has {size_bytes} bytes, more than {limit}")


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Open a regular file, and no device or pipe that could block for ever.

    Raises:
        SourceError: and its kinds: it is not there, or may not be read.
        ImageFormatError: it is no regular file.
    """
    with translated(str(path)):
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        hint = "oci-dir: reads an image layout" if stat.S_ISDIR(mode) else None
        raise ImageFormatError("not a regular file", where=str(path), hint=hint)
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        yield file


@contextmanager
def translated(where: str) -> Iterator[None]:
    """Turn errors of the operating system into ours."""
    try:
        yield
    except FileNotFoundError:
        raise ImageNotFoundError("no such file or directory", where=where) from None
    except PermissionError:
        raise AccessDeniedError("permission denied", where=where) from None
    except OSError as error:
        raise SourceError(f"cannot be read: {error.strerror or 'input error'}", where=where) from None
