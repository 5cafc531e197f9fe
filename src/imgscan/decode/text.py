"""UTF-16 text, told by the first bytes of a file, with or without a byte order mark.

Secrets are ASCII: every second byte of UTF-16 holds them, the other one is zero. So wide text is scanned as the bytes
at even or at odd places, and offsets are doubled. Knows nothing of rules.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

HEAD_BYTES: Final = 32
"""Enough to tell: 16 characters of which the upper halves are all zero."""

BYTE_ORDER_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")
LEAST_CHARACTERS: Final = 4
_PRINTABLE: Final = frozenset(range(0x20, 0x7F)) | frozenset(b"\t\r\n")


class Wide(IntEnum):
    """UTF-16 by byte order: where in each pair of bytes an ASCII character stands."""

    LITTLE_ENDIAN = 0
    BIG_ENDIAN = 1

    @property
    def codec(self) -> str:
        """The name of the encoding, as reports give it."""
        return "utf-16-le" if self is Wide.LITTLE_ENDIAN else "utf-16-be"


def detect(head: bytes) -> Wide | None:
    """The byte order of a UTF-16 text that begins with ``head``; ``None`` for everything else."""
    if head.startswith(b"\xff\xfe") and head[2:4] != b"\0\0":
        return Wide.LITTLE_ENDIAN
    if head.startswith(b"\xfe\xff"):
        return Wide.BIG_ENDIAN
    if b"\0" not in head[:2]:
        return None
    head = head[: len(head[:HEAD_BYTES]) & ~1]
    for order in Wide:
        characters, zeros = head[order::2], head[1 - order :: 2]
        if len(characters) >= LEAST_CHARACTERS and not any(zeros) and _PRINTABLE.issuperset(characters):
            return order
    return None
