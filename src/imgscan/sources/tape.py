"""The outer tar of an image archive, on a tape: forward only, header by header, in bounded memory.

``tarfile`` understands the headers, as the archive is hostile but has few members; layers go through
``imgscan.streams.tar``. Knows nothing of images.
"""

from __future__ import annotations

import re
import tarfile
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Final, cast

from imgscan.errors import ImageFormatError, ImgscanError, LimitExceededError
from imgscan.sources.files import translated
from imgscan.streams.limits import KIB, MAX_LAYER_BYTES, MIB

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from imgscan.streams.compress import Reader

MAX_HEADERS_BYTES: Final = 8 * KIB
"""All headers of one member; those of image archives stay below 3 KiB. Time that hostile ones cost is quadratic."""

_LONG_NUMBER: Final = re.compile(rb"\d{100}")
"""``tarfile`` of Python before 3.11.10 backtracks over each digit of it (CVE-2024-6232)."""

SKIP_BYTES: Final = MIB
"""What is read at a time of a member that nobody wants."""


def walk(tape: Tape) -> Iterator[tarfile.TarInfo]:
    """The headers of an archive. Nobody but the consumer reads content, and only before the next header.

    Raises:
        ImageFormatError: the archive is damaged, or no image needs what is in it.
        SourceError: it cannot be read.
    """
    with _understood():
        archive = tarfile.TarFile(fileobj=cast("IO[bytes]", tape))
    while True:
        with _understood():
            info = archive.next()
        if info is None:
            break
        archive.members.clear()  # type: ignore[attr-defined] # or tarfile would keep them all
        archive.pax_headers = {}  # so that global ones do not pile up
        if info.issparse() or not 0 <= info.size <= MAX_LAYER_BYTES:
            raise ImageFormatError("a member of the archive is sparse, or has an absurd size")
        yield info
        tape.begin_member()
    if tape.last.strip(b"\0"):  # tarfile takes any damage for the end
        raise ImageFormatError("the archive is damaged: a header is not readable")


@contextmanager
def _understood() -> Iterator[None]:
    """Turn whatever ``tarfile`` meets in a hostile header into our error."""
    try:
        yield
    except ImgscanError:
        raise
    except tarfile.TarError as error:
        early = "unexpected end" in str(error)
        raise ImageFormatError("the archive ends early" if early else "the archive is damaged") from None
    except Exception:  # noqa: BLE001 - ValueError, KeyError, RecursionError, … from fields that are not what they should be
        raise ImageFormatError("the archive is damaged: a header is not readable") from None


class Tape:
    """A file for ``tarfile`` that only goes forward, and does not let headers grow beyond a budget."""

    def __init__(self, reader: Reader, skip: Callable[[int], object] | None = None) -> None:
        self.last = b""
        self._reader = reader
        self._position = 0
        self._skip = skip
        self.begin_member()

    def begin_member(self) -> None:
        """Grant the budget for the headers of one member."""
        self._left = MAX_HEADERS_BYTES

    def tell(self) -> int:
        """Where the tape is."""
        return self._position

    def seek(self, offset: int) -> None:
        """Pass over everything in front of ``offset``."""
        if offset < self._position:
            raise ImageFormatError("a member of the archive has a negative size")
        if self._skip:
            self._skip(offset - self._position)
            self._position = offset
        while offset > self._position and self.pull(min(SKIP_BYTES, offset - self._position)):
            pass

    def read(self, size: int) -> bytes:
        """Give ``size`` bytes of headers; fewer only at the end."""
        self._left -= size
        if size < 0 or self._left < 0:
            raise LimitExceededError(f"the headers of a member have more than {MAX_HEADERS_BYTES} bytes")
        self.last = b""
        while len(self.last) < size and (part := self.pull(size - len(self.last))):
            self.last += part
        if _LONG_NUMBER.search(self.last):
            raise ImageFormatError("a header of the archive holds an absurd number")
        return self.last

    def pull(self, size: int) -> bytes:
        """Give at most ``size`` bytes of whatever comes next."""
        with translated("the archive"):
            part = self._reader.read(size)
        self._position += len(part)
        return part


class Passage:
    """The content of the member that is passing. Once the tape has gone on, there is none."""

    def __init__(self, tape: Tape, size_bytes: int) -> None:
        self._tape = tape
        self._end = tape.tell() + size_bytes

    def read(self, size: int, /) -> bytes:
        """Give at most ``size`` bytes."""
        size = min(size, self._end - self._tape.tell())
        if size <= 0:
            return b""
        if part := self._tape.pull(size):
            return part
        raise ImageFormatError("the archive ends in the middle of a member")

    def close(self) -> None:
        """Give nothing more."""
        self._end = 0
