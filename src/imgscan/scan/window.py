"""One window of a layer: a block of the tar stream with some of the block before it, and the files that lie there.

Windows overlap by more than the longest match needs on both sides, and each match belongs to the one window in whose
middle its secret ends: so windows can be examined in any order, on any thread, and the result does not depend on where
they were cut. A window knows files as ranges of the stream, and nothing of images.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING, Final, NamedTuple

from imgscan.decode import text
from imgscan.image import overlay
from imgscan.match import by_path
from imgscan.match.detector import BINARY_HEAD_BYTES
from imgscan.match.locate import Region
from imgscan.model.values import Where
from imgscan.streams.tar import RECORD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imgscan.match.detector import Detector
    from imgscan.match.engine import Hit
    from imgscan.model.values import Match, Notice
    from imgscan.streams.tar import Member

TAIL_BYTES: Final = 1024
"""Of a file that ends at a record of the tar, scanned once more; longer than any setting that ends with its file."""

TRAILING: Final = b""
"""The name of what follows the end of an archive; no member can have it."""


class FileMatch(NamedTuple):
    """A match in a layer: the raw name of the file, or of the file whose tar header it is in; where the file begins."""

    name: bytes
    in_header: bool
    start: int
    match: Match


class Continued(NamedTuple):
    """What is known of a file that began before a window: lines so far, where the current one began, what it holds."""

    lines: int
    line_start: int
    binary: bool
    wide: text.Wide | None


@dataclass(frozen=True, slots=True)
class Window:
    """A buffer of ``size`` bytes that begins at ``base`` of the stream, and the files that reach into it, in order.

    Matches whose secret ends in the half-open range ``(accept_from, accept_to]`` of the stream belong to it.
    """

    buffer: bytearray
    size: int
    base: int
    accept_from: float
    accept_to: float
    members: tuple[Member, ...]
    continued: Continued | None

    def examine(self, detector: Detector) -> tuple[list[FileMatch], list[Notice]]:
        """Both stages over the window."""
        hits = detector.engine.scan(memoryview(self.buffer)[: self.size])
        hits += chain(self._at_ends(detector), self._by_path(detector))
        matches: list[FileMatch] = []
        notices: list[Notice] = []
        for index, in_header, own in self._by_place(hits):
            member = self.members[index] if index < len(self.members) else None
            region = self._header(index) if in_header or member is None else self._region(index)
            name = member.name if member else TRAILING
            found, told = detector.examine(self.buffer, region, own, Where.FILE, _place(name))
            start = self.base + region.start if in_header or member is None else member.start
            matches += [FileMatch(name, in_header, start, match) for match in found]
            notices += told
        for index, wide in self._wide_members():
            found_in = self.members[index]
            found, told = self._examine_wide(index, wide, detector)
            matches += [FileMatch(found_in.name, False, found_in.start, match) for match in found]  # noqa: FBT003 - a tuple
            notices += told
        return [match for match in matches if self._accepts(match)], notices

    def _accepts(self, found: FileMatch) -> bool:
        return self.accept_from < found.start + found.match.end <= self.accept_to

    def _at_ends(self, detector: Detector) -> list[Hit]:
        """Hits that need the end of a file, where the header of the next one follows without padding between."""
        hits: list[Hit] = []
        for member in self.members:
            end = member.end - self.base
            if member.end % RECORD == 0 and member.start < member.end and 0 < end <= self.size:
                start = max(member.start - self.base, end - TAIL_BYTES, 0)
                found = detector.engine.scan(bytes(self.buffer[start:end]))
                hits += [(start + at, owner) for at, owner in found]
        return hits

    def _by_path(self, detector: Detector) -> Iterator[Hit]:
        """Hits in small files that their path may make secret."""
        for name, _, first, last, _ in self.members:
            if not 0 < last - first <= by_path.MAX_BYTES or first < self.base or last > self.base + self.size:
                continue  # not skipped: scanned as it is
            start, end = first - self.base, last - self.base
            if self.buffer.count(b"\n", start, end) <= by_path.MAX_WORDS:
                hits = detector.by_path.hits(name, bytes(self.buffer[start:end]))
                yield from ((start + at, owner) for at, owner in hits)

    def _by_place(self, hits: list[Hit]) -> list[tuple[int, bool, list[Hit]]]:
        """Hits by the file they end in, or by the file whose header they end in."""
        if not hits:
            return []
        starts = [member.start - self.base for member in self.members]
        places: dict[tuple[int, bool], list[Hit]] = defaultdict(list)
        for hit in hits:
            index = bisect_right(starts, hit[0] - 1) - 1
            inside = index >= 0 and hit[0] <= self.members[index].end - self.base
            places[index if inside else index + 1, not inside].append(hit)
        return [(index, in_header, own) for (index, in_header), own in places.items()]

    def _header(self, index: int) -> Region:
        """What lies before a file and after the one before it: padding and headers."""
        start = self.members[index - 1].end - self.base if index else 0
        end = self.members[index].start - self.base if index < len(self.members) else self.size
        return Region(max(start, 0), min(end, self.size), binary=True)

    def _region(self, index: int) -> Region:
        member = self.members[index]
        start, end = member.start - self.base, min(member.end - self.base, self.size)
        if start >= 0:
            head = self.buffer[start : min(start + BINARY_HEAD_BYTES, end)]
            return Region(start, end, binary=0 in head)
        known = self.continued
        assert known is not None  # noqa: S101 - made together with every window whose first file began before it
        return Region(0, end, -start, known.lines, known.line_start, known.binary)

    def _wide_members(self) -> list[tuple[int, text.Wide]]:
        found = []
        buffer, base = self.buffer, self.base
        for index, member in enumerate(self.members):
            at = member.start - base
            if at < 0:
                wide = self.continued.wide if self.continued else None
            elif 0 in (pair := bytes(buffer[at : at + 2])) or pair in text.BYTE_ORDER_MARKS:
                wide = text.detect(bytes(buffer[at : min(at + text.HEAD_BYTES, member.end - base)]))
            else:
                continue  # not skipped: scanned as it is
            if wide is not None:
                found.append((index, wide))
        return found

    def _examine_wide(self, index: int, wide: text.Wide, detector: Detector) -> tuple[list[Match], list[Notice]]:
        """Scan a UTF-16 file as its ASCII half."""
        member = self.members[index]
        start, end = max(member.start - self.base, 0), min(member.end - self.base, self.size)
        start += (self.base + start - member.start) & 1
        narrow = bytes(self.buffer[start + wide : end : 2])
        known = self.continued if member.start < self.base else None
        region = Region(
            0,
            len(narrow),
            origin=self.base + start - member.start,
            lines_before=known.lines if known else 0,
            line_start=known.line_start if known else 0,
            stride=2,
        )
        hits = detector.engine.scan(narrow)
        found, notices = detector.examine(narrow, region, hits, Where.FILE, _place(member.name))
        return [replace(match, decoded=(wide.codec, *match.decoded)) for match in found], notices

    def carry(self, next_base: int) -> Continued | None:
        """What the window that begins at ``next_base`` has to know of a file that lies across that place."""
        for index, member in enumerate(self.members):
            if member.start < next_base < member.end:
                return self._carry(index, next_base)
        return None

    def _carry(self, index: int, next_base: int) -> Continued:
        member = self.members[index]
        region = self._region(index)
        wide = self._wide_of(index)
        if region.binary and wide is None:
            return Continued(0, 0, binary=True, wide=None)
        step = 1 if wide is None else 2
        stop = next_base - self.base
        feed = self.buffer.rfind(b"\n", region.start, stop)
        lines = self.buffer.count(b"\n", region.start, stop)
        line_start = region.line_start if feed < 0 else self.base + feed - member.start + step - (wide or 0)
        return Continued(region.lines_before + lines, line_start, binary=False, wide=wide)

    def _wide_of(self, index: int) -> text.Wide | None:
        at = self.members[index].start - self.base
        if at < 0:
            return self.continued.wide if self.continued else None
        return text.detect(bytes(self.buffer[at : at + text.HEAD_BYTES]))


def _place(name: bytes) -> str:
    return "/" + overlay.normalize(name).decode("utf-8", "backslashreplace")
