"""Elements of BER and DER (X.690), lengths of either kind, as far as the outside of keystores asks for it.

Made for data that is hostile or cut off: what reaches beyond the end is shortened to it, what does not hold together
ends the list, and the number of elements is bounded. Knows no types; nothing here raises.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

INTEGER, OCTETS, OID, SEQUENCE, EXPLICIT = 0x02, 0x04, 0x06, 0x30, 0xA0
CONSTRUCTED_OCTETS: Final = 0x24
"""A string in pieces, as those write it who do not know its length before."""

MAX_ELEMENTS: Final = 64
"""Side by side and, where lengths are left open, below: a keystore of 16 KiB holds some dozens of keys at the most."""

MAX_DEPTH: Final = 12
_OPEN: Final = 0x80
_END: Final = b"\0\0"


class Element(NamedTuple):
    """One element; ``content`` is shorter than it says where the data ends before."""

    tag: int
    content: bytes


def elements(data: bytes) -> list[Element]:
    """The elements that stand one after the other in ``data``."""
    found: list[Element] = []
    lengths = _Lengths(data)
    at = 0
    while at < len(data) and lengths.left:
        start, stop, after = lengths.of(at, MAX_DEPTH)
        found.append(Element(data[at], data[start:stop]))
        at = after
    return found


def inner(element: Element) -> list[Element]:
    """The elements within ``element``, whatever it is."""
    return elements(element.content)


def octets(element: Element) -> bytes:
    """The content of a string, put together where it stands in pieces; empty for anything else."""
    if element.tag == CONSTRUCTED_OCTETS:
        return b"".join(piece.content for piece in inner(element) if piece.tag == OCTETS)
    return element.content if element.tag == OCTETS else b""


def integer(element: Element) -> int:
    """The value of an INTEGER; 0 for anything else, which no caller takes for a count."""
    return int.from_bytes(element.content, "big", signed=True) if element.tag == INTEGER else 0


@dataclass(slots=True, repr=False)
class _Lengths:
    """Finds where elements end; ``left`` is how many more may be looked at."""

    data: bytes
    left: int = MAX_ELEMENTS

    def of(self, at: int, depth: int) -> tuple[int, int, int]:
        """Where the content of the element at ``at`` starts and stops, and where the next begins."""
        self.left -= 1
        first = self.data[at + 1] if at + 1 < len(self.data) else 0
        start = at + 2
        if first == _OPEN:
            return self._until_end(start, depth)
        if first < _OPEN:
            return start, start + first, start + first
        size = int.from_bytes(self.data[start : start + first - _OPEN], "big")
        start += first - _OPEN
        return start, start + size, start + size

    def _until_end(self, start: int, depth: int) -> tuple[int, int, int]:
        stop = start
        while depth and self.left and stop < len(self.data) and not self.data.startswith(_END, stop):
            stop = self.of(stop, depth - 1)[2]
        return start, stop, stop + len(_END)
