"""Offsets to lines and columns, and the line around a secret, in a text of which only a part is at hand.

Lines end with a line feed; columns count bytes from 1, as most editors and all SARIF viewers show ASCII text. Knows
nothing of rules.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

CONTEXT_BYTES: Final = 60
"""How much of a line is kept before and after a secret: enough for a name and a call, little enough for a terminal."""

_EDGE: Final = re.compile(rb"[\s\"'`,;:=&|<>(){}\[\]]")
_WORDS: Final = re.compile(rb".*" + _EDGE.pattern, re.DOTALL)
"""What ends a word, and as many words as there are whole."""


@dataclass(frozen=True, slots=True)
class Region:
    """The part of one text that lies in a buffer, from ``start`` to ``end``.

    ``origin`` is the offset of ``start`` within its text; ``lines_before`` counts the line feeds before it, and
    ``line_start`` is the offset within the text at which the line of ``start`` begins. ``binary`` texts have no lines.
    ``stride`` is 2 for UTF-16 of which the buffer holds every second byte.
    """

    start: int
    end: int
    origin: int = 0
    lines_before: int = 0
    line_start: int = 0
    binary: bool = False
    stride: int = 1

    def offset(self, position: int) -> int:
        """The offset within the text of a position in the buffer."""
        return self.origin + (position - self.start) * self.stride


def line_and_column(buffer: bytes | bytearray, region: Region, position: int) -> tuple[int, int] | tuple[None, None]:
    """Where ``position`` of the buffer is, counted from 1; nowhere in a binary text."""
    if region.binary:
        return None, None
    line = region.lines_before + buffer.count(b"\n", region.start, position) + 1
    last_feed = buffer.rfind(b"\n", region.start, position)
    if last_feed >= 0:
        return line, position - last_feed
    return line, (region.offset(position) - region.line_start) // region.stride + 1


def line_around(buffer: bytes | bytearray, region: Region, start: int, end: int) -> tuple[int, int]:
    """The half-open range of what to show around a match: its line, or as many whole words of it as are useful.

    In a binary text nothing: what stands around is no line, and may be half of another secret, as may half a word.
    """
    if region.binary:
        return start, end
    first = max(region.start, buffer.rfind(b"\n", region.start, start) + 1)
    if start - first > CONTEXT_BYTES:
        edge = _EDGE.search(buffer, start - CONTEXT_BYTES, start)
        first = edge.end() if edge else start
    stop = min(region.end, end + CONTEXT_BYTES)
    if (feed := buffer.find(b"\n", start, stop)) >= 0:
        stop = feed
    elif stop < region.end:
        words = _WORDS.match(buffer, end, stop)
        stop = words.end() - 1 if words else end
    return first, stop
