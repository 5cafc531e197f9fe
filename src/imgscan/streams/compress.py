"""Decompression by content: gzip of many members, zstd of many frames, xz, bzip2, or nothing at all.

The codec is told by its magic, never by a name or a media type. Knows nothing of what the bytes mean, and holds no more
than one output chunk.
"""

from __future__ import annotations

import bz2
import lzma
import sys
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, runtime_checkable

from isal import igzip_lib

from imgscan.errors import ImageFormatError, LimitExceededError
from imgscan.streams.limits import KIB, MAX_FRAMES, MIB

if TYPE_CHECKING:
    from collections.abc import Callable

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

INPUT_BYTES: Final = 128 * KIB
"""Compressed bytes taken at a time; more is slower, as they fall out of the second-level cache."""

PIECE_BYTES: Final = MIB
"""What is asked of a decompressor at a time: the output of one call stays in the second-level cache."""

XZ_MEMORY_BYTES: Final = 100 * MIB
"""``xz -9`` needs 65 MiB."""

ZSTD_WINDOW_LOG: Final = 26
"""64 MiB: the largest window that container engines accept, and all that the memory budget allows."""

MAX_MAGIC_BYTES: Final = 6
SKIPPABLE_HEADER_BYTES: Final = 8


class Reader(Protocol):
    """What is read from and what is given back: at most ``size`` bytes, nothing at the end."""

    def read(self, size: int, /) -> bytes:
        """Give the next bytes."""
        ...

    def close(self) -> None:
        """Free what the stream holds."""
        ...


@runtime_checkable
class DirectReader(Reader, Protocol):
    """A reader that can fill a buffer of the caller."""

    def readinto(self, target: memoryview, /) -> int:
        """Fill ``target`` as far as one call can; gives how many bytes."""
        ...


class _Decompressor(Protocol):
    """The interface that the decompressors of ``bz2``, ``lzma``, ``zstd`` and ``isal`` share; one member each."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    @property
    def needs_input(self) -> bool: ...
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class Codec(NamedTuple):
    """A compression format: its name and how to begin decoding one member of it."""

    name: str
    begin: Callable[[], _Decompressor]


GZIP: Final = Codec("gzip", lambda: igzip_lib.IgzipDecompressor(igzip_lib.DECOMP_GZIP))
ZSTD: Final = Codec(
    "zstd", lambda: zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: ZSTD_WINDOW_LOG})
)
XZ: Final = Codec("xz", lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=XZ_MEMORY_BYTES))
BZIP2: Final = Codec("bzip2", bz2.BZ2Decompressor)

_SKIPPABLE_NIBBLE: Final = 5
CORRUPT: Final[tuple[type[Exception], ...]] = (
    igzip_lib.error,  # type: ignore[assignment,unused-ignore]  # its stub says instance where it means class
    zstd.ZstdError,
    lzma.LZMAError,
    OSError,
    EOFError,
    ValueError,
)
ZSTD_MAGIC: Final = b"\x28\xb5\x2f\xfd"
MAGICS: Final = ((b"\x1f\x8b", GZIP), (ZSTD_MAGIC, ZSTD), (b"\xfd7zXZ\x00", XZ), (b"BZh", BZIP2))


def detect(head: bytes) -> Codec | None:
    """The codec of a stream that begins with ``head`` (6 bytes are enough), or ``None`` if it is not compressed."""
    if _is_skippable(head):
        return ZSTD
    return next((codec for magic, codec in MAGICS if head.startswith(magic)), None)


def _is_skippable(head: bytes) -> bool:
    """Skippable zstd frames have the magics 0x184D2A50 to 0x184D2A5F, little endian (RFC 8878, 3.1.2)."""
    return head[1:4] == b"\x2a\x4d\x18" and head[0] >> 4 == _SKIPPABLE_NIBBLE


def open_stream(stored: Reader) -> Reader | DecompressedReader:
    """Read ``stored`` decompressed.

    Raises:
        ImageFormatError: (from ``read``) the stream is corrupt or ends early.
    """
    head = read_exactly(stored, MAX_MAGIC_BYTES)
    whole = PrefixedReader(head, stored)
    codec = detect(head)
    return DecompressedReader(whole, codec) if codec else whole


def read_exactly(reader: Reader, size: int) -> bytes:
    """The next ``size`` bytes; fewer only at the end of the stream."""
    parts = []
    while size > 0 and (part := reader.read(size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def readinto(reader: Reader, target: memoryview) -> int:
    """Fill ``target`` as far as one call can; without a copy where the reader knows how."""
    if isinstance(reader, DirectReader):
        return reader.readinto(target)
    part = reader.read(min(len(target), PIECE_BYTES))
    target[: len(part)] = part
    return len(part)


class PrefixedReader:
    """Bytes that were read ahead, and then the rest."""

    def __init__(self, head: bytes, rest: Reader) -> None:
        self._head = head
        self._rest = rest

    def read(self, size: int, /) -> bytes:
        """Give at most ``size`` bytes."""
        if not self._head:
            return self._rest.read(size)
        part, self._head = self._head[:size], self._head[size:]
        return part

    def readinto(self, target: memoryview, /) -> int:
        """Fill ``target`` as far as one call can."""
        if self._head:
            part = self.read(len(target))
            target[: len(part)] = part
            return len(part)
        return readinto(self._rest, target)

    def close(self) -> None:
        """Close the rest."""
        self._rest.close()


class DecompressedReader:
    """Every member or frame of a compressed stream, one after the other.

    ``garbage_bytes`` counts what follows the last member and is neither a member nor zero padding.
    """

    def __init__(self, stored: Reader, codec: Codec) -> None:
        self.codec = codec
        self.garbage_bytes = 0
        self._stored = stored
        self._input = b""
        self._member: _Decompressor | None = None
        self._ended = False
        self._frames = 0

    def read(self, size: int, /) -> bytes:
        """Give at most ``size`` decompressed bytes.

        Raises:
            ImageFormatError: the stream is corrupt or ends early.
        """
        while not self._ended:
            if self._member is None and not self._next_member():
                break
            assert self._member is not None  # noqa: S101 - for the type checker; _next_member has just set it
            try:
                if part := self._advance(self._member, size):
                    return part
            except CORRUPT:
                raise ImageFormatError(f"corrupt {self.codec.name} data") from None
        return b""

    def _advance(self, member: _Decompressor, size: int) -> bytes:
        if not self._input and member.needs_input:
            self._input = self._stored.read(INPUT_BYTES)
            if not self._input:
                raise ImageFormatError(f"{self.codec.name} data ends early")
        part = member.decompress(self._input, size)
        self._input = b""
        if member.eof:
            self._input = member.unused_data
            self._member = None
        return part

    def _next_member(self) -> bool:
        """Step over padding and skippable frames to the next member, if there is one."""
        while True:
            self._count_frame()
            self._fill(MAX_MAGIC_BYTES)
            if self.codec is ZSTD and _is_skippable(self._input):
                self._skip_frame()
                continue
            if detect(self._input) is self.codec:
                self._member = self.codec.begin()
                return True
            self._input = self._input.lstrip(b"\0")
            if self._input or not self._fill(1):
                self._count_garbage()
                return False

    def _count_frame(self) -> None:
        """Frames of nothing cost time, and count towards no other budget."""
        self._frames += 1
        if self._frames > MAX_FRAMES:
            raise LimitExceededError(f"the {self.codec.name} data has more than {MAX_FRAMES} members or frames")

    def _fill(self, size: int) -> bool:
        """Have at least ``size`` input bytes at hand; false at the end of the stream."""
        while len(self._input) < size:
            more = self._stored.read(INPUT_BYTES)
            if not more:
                return False
            self._input += more
        return True

    def _skip_frame(self) -> None:
        self._fill(SKIPPABLE_HEADER_BYTES)
        left = SKIPPABLE_HEADER_BYTES + int.from_bytes(self._input[4:SKIPPABLE_HEADER_BYTES], "little")
        while left > len(self._input):
            left -= len(self._input)
            self._input = self._stored.read(INPUT_BYTES)
            if not self._input:
                raise ImageFormatError("zstd data ends early")
        self._input = self._input[left:]

    def _count_garbage(self) -> None:
        self._ended = True
        while self._input:
            self.garbage_bytes += len(self._input)
            self._input = self._stored.read(INPUT_BYTES)

    def close(self) -> None:
        """Close the stored stream."""
        self._stored.close()
