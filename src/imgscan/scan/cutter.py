"""Cut the content of a layer into overlapping windows, and keep account of the files in them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

from imgscan.errors import ImgscanError
from imgscan.model.values import Notice
from imgscan.scan.window import TRAILING, Continued, Window
from imgscan.streams import compress
from imgscan.streams.tar import Kind, Member, TarWalker

if TYPE_CHECKING:
    from imgscan.scan.workers import Workers
    from imgscan.streams.compress import Reader

ENDLESS: Final = 1 << 62
"""The end of what follows an archive, as far as ranges go."""

STARGZ_TABLE: Final = b"stargz.index.json"
"""BuildKit writes the table of contents of eStargz behind the end of the archive."""


class Cut(NamedTuple):
    """A window, the bytes of it that no window had before, and the members whose headers are in them."""

    window: Window
    fresh: memoryview
    members: list[Member]


class Cutter:
    """Reads to the end of ``content`` or to the first failure, which is then in ``failure``."""

    def __init__(self, workers: Workers, content: Reader) -> None:
        self.failure: ImgscanError | None = None
        self._workers = workers
        self._content = content
        self._walker = TarWalker()
        self._files: list[Member] = []
        self._tail = b""
        self._base = 0
        self._accepted: float = -1
        self._continued: Continued | None = None
        self._ended = False
        self._trailing_seen = False
        self._trailing_bytes = 0

    def next(self) -> Cut | None:
        """The next window, or ``None`` when there is no more; its buffer is to be given back."""
        if self._ended:
            return None
        buffer = self._workers.buffer()
        kept = len(self._tail)
        buffer[:kept] = self._tail
        size = self._fill(buffer, kept)
        if not size:
            self._workers.give_back(buffer)
            return None
        members = self._walk(memoryview(buffer)[kept:size])
        window = self._window(buffer, size)
        self._prepare_next(window)
        return Cut(window, memoryview(buffer)[kept:size], members)

    def _fill(self, buffer: bytearray, size: int) -> int:
        """Read until the buffer is full or there is no more; gives how many bytes are in it."""
        try:
            view = memoryview(buffer)
            while size < len(buffer):
                filled = compress.readinto(self._content, view[size:])
                if not filled:
                    self._ended = True
                    break
                size += filled
        except ImgscanError as error:
            self.failure, self._ended = error, True
        return size

    def _walk(self, fresh: memoryview) -> list[Member]:
        members: list[Member] = []
        try:
            members = self._walker.feed(fresh, len(fresh))
        except ImgscanError as error:
            self.failure, self._ended = error, True
        if self._ended:
            self._walker.close()
        self._files += members  # those without data too: what is in their headers is theirs
        end = self._walker.end
        if end is not None:
            fed = self._base + len(self._tail) + len(fresh)
            self._watch_trailing(fresh, end - (fed - len(fresh)))
            if not self._trailing_seen:
                self._trailing_seen = True
                self._files.append(Member(TRAILING, Kind.FILE, end, ENDLESS, b""))
        return members

    def _watch_trailing(self, fresh: memoryview, start: int) -> None:
        """Count what is behind the end of the archive, but for zeros and the table of eStargz."""
        rest = bytes(fresh[max(start, 0) :]).strip(b"\0")
        if not rest.startswith(STARGZ_TABLE) or self._trailing_bytes:
            self._trailing_bytes += len(rest)

    def _window(self, buffer: bytearray, size: int) -> Window:
        stop = self._base + size
        accept_to = math.inf if self._ended else stop - self._workers.ahead
        members = tuple(member for member in self._files if member.start < stop)
        window = Window(buffer, size, self._base, self._accepted, accept_to, members, self._continued)
        self._accepted = accept_to
        return window

    def _prepare_next(self, window: Window) -> None:
        """Keep what the next window needs of this one, before its buffer goes to other threads."""
        self._tail = bytes(window.buffer[max(0, window.size - self._workers.overlap) : window.size])
        self._base = window.base + window.size - len(self._tail)
        self._continued = window.carry(self._base)
        self._files = [member for member in self._files if member.end > self._base]

    def notices(self, where: str) -> list[Notice]:
        """What was wrong with the archive, if anything; a failure to read it says enough by itself."""
        told: list[Notice] = []
        if self.failure:
            return told
        if self._walker.damage and self._walker.members:
            told.append(Notice("damaged-tar", where, self._walker.damage, incomplete=True))
        elif self._walker.damage:
            message = f"{self._walker.damage}; it was scanned as one file"
            told.append(Notice("not-a-tar", where, message))
        elif self._trailing_bytes:
            message = f"{self._trailing_bytes} bytes behind the end of the archive are in no file; they were scanned"
            told.append(Notice("trailing-bytes", where, message))
        return told
