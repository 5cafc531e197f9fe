"""Walk the members of a tar stream block by block, without reading their data.

``TarWalker`` is fed the stream in pieces and tells where each member lies; the bytes themselves go elsewhere. It
understands ustar, v7, pax (per file and global), GNU long names, base-256 sizes and GNU sparse files as ``tarfile``
does, which is the oracle in its property tests and costs ten times as much. It knows nothing of what members hold.

Format: POSIX.1-2017 pax, "ustar Interchange Format"; GNU tar manual, "Basic Tar Format".
"""

from __future__ import annotations

from enum import IntEnum
from struct import Struct
from typing import TYPE_CHECKING, Final, NamedTuple
from zlib import adler32

from imgscan.errors import LimitExceededError
from imgscan.streams.limits import MAX_HEADER_BYTES, MAX_MEMBERS, MAX_NAME_BYTES

if TYPE_CHECKING:
    from collections.abc import Buffer  # type: ignore[attr-defined,unused-ignore]  # named so from Python 3.12 on

RECORD: Final = 512
"""A tar header, and the unit that data is padded to."""

_FIELDS: Final = Struct("100s 24x 12s 12x 8s B 100s 8s 80x 155s 12x")
"""Name, size, checksum, type, link name, magic and version, prefix."""

_ZEROS: Final = bytes(RECORD)
_ADLER_MODULUS: Final = 65521
_SPACES_SUM: Final = 8 * ord(" ")
_BASE_256: Final = 0x80
_SPARSE_CONTINUES: Final = (482, 504)
"""Where an old GNU sparse header, and each of its extensions, say that another extension follows."""

_HEADER_ONLY: Final = frozenset(b"123456")
"""Links, devices, directories and pipes have no data, whatever their size field says."""

_LONG_NAME, _LONG_LINK = ord("L"), ord("K")
_GLOBAL_PAX: Final = ord("g")
_PAYLOADS: Final = frozenset(b"xXgLK")
_SPARSE: Final = ord("S")
_OLD_REGULAR: Final = 0
_LINKS: Final = frozenset(b"12")
_USTAR: Final = b"ustar\x0000"

_KEPT: Final = frozenset((b"path", b"linkpath", b"size", b"GNU.sparse.name"))
"""Keys of pax records that say where a member lies. No others are kept, as headers may pile up without end."""

_SIZE_DIGITS: Final = 20
"""Of a size in pax: more than any stream has."""


class Kind(IntEnum):
    """What a member is, as far as a scan cares."""

    FILE = 0
    DIRECTORY = 1
    HARD_LINK = 2
    OTHER = 3


_KINDS: Final = {ord("5"): Kind.DIRECTORY, ord("1"): Kind.HARD_LINK} | dict.fromkeys(b"2346", Kind.OTHER)


class Member(NamedTuple):
    """One member: raw name, kind, half-open range of its data in the stream, and the name it links to."""

    name: bytes
    kind: Kind
    start: int
    end: int
    link: bytes


class TarWalker:
    """Finds members in a stream that is fed to it in order; every piece but the last a multiple of 512 bytes.

    After ``close``, ``end`` is where the end marker (or the damage) begins, ``damage`` says what was wrong, if
    anything.
    """

    def __init__(self) -> None:
        self.end: int | None = None
        self.damage: str | None = None
        self.members = 0
        self._next = 0
        self._fed = 0
        self._payload = _Payload()
        self._patch: dict[bytes, bytes] = {}
        self._globals: dict[bytes, bytes] = {}
        self._owes_member = False
        self._sparse: Member | None = None

    def feed(self, block: Buffer, size: int) -> list[Member]:
        """The members whose headers are complete with the first ``size`` bytes of ``block``.

        Raises:
            LimitExceededError: too many members, or a header or name that is too long.
        """
        found: list[Member] = []
        base = self._fed
        self._fed += size
        view = memoryview(block)
        while self.end is None:
            if self._payload.left:
                self._next = self._payload.take(view, self._next - base, size) + base
                if self._payload.left:
                    break
                self._end_payload()
            at = self._next - base
            if at + RECORD > size:
                break
            self._step(view[at : at + RECORD], found)
        return found

    def close(self) -> None:
        """Take note that the stream has ended."""
        if self.end is not None:
            return
        if self._next != self._fed or self._owes_member or self._payload.left:
            self.damage = "the archive ends in the middle of a member"
        self.end = min(self._next, self._fed)

    def _step(self, record: memoryview, found: list[Member]) -> None:
        """Take in one 512-byte record where a header is due."""
        if self._sparse is not None:
            self._extend_sparse(record, found)
            return
        if record == _ZEROS:
            self.end = self._next
            return
        name, size_field, checksum, kind, link, magic, prefix = _FIELDS.unpack(record)
        size = _size(size_field)
        if size is None or not _sums_up(record, checksum):
            self.damage = "a header is damaged" if self.members else "this is not a tar archive"
            self.end = self._next
            return
        self.members += 1
        if self.members > MAX_MEMBERS:
            raise LimitExceededError(f"the archive has more than {MAX_MEMBERS} members")
        self._next += RECORD
        if kind in _PAYLOADS:
            self._owes_member |= kind != _GLOBAL_PAX
            self._payload.begin(kind, size)
            if not size:
                self._end_payload()
            return
        self._owes_member = False
        name = name.split(b"\0", 1)[0]
        if prefix[0] and magic == _USTAR:
            name = prefix.split(b"\0", 1)[0] + b"/" + name
        link = link.split(b"\0", 1)[0] if kind in _LINKS else b""
        if self._patch or self._globals:
            name, link, size = self._patched(name, link, size)
        self._place(name, kind, 0 if kind in _HEADER_ONLY else size, link, found)
        if kind == _SPARSE and record[_SPARSE_CONTINUES[0]]:
            self._sparse, self._next = found.pop(), self._next - _padded(size)

    def _place(self, name: bytes, kind: int, size: int, link: bytes, found: list[Member]) -> None:
        known = _KINDS.get(kind, Kind.FILE)
        if kind == _OLD_REGULAR and name.endswith(b"/"):
            known = Kind.DIRECTORY
        start = self._next
        self._next += _padded(size)
        found.append(Member(name, known, start, start + size, link))

    def _extend_sparse(self, extension: memoryview, found: list[Member]) -> None:
        """Step over one extension of an old GNU sparse header: its data begins only after the last one."""
        member = self._sparse
        assert member is not None  # noqa: S101 - the caller has looked
        self._next += RECORD
        if extension[_SPARSE_CONTINUES[1]]:
            return
        size = member.end - member.start
        found.append(member._replace(start=self._next, end=self._next + size))
        self._next += _padded(size)
        self._sparse = None

    def _end_payload(self) -> None:
        """Remember what a pax or GNU header says of the next member; the first one to say something wins."""
        kind, data = self._payload.end()
        if kind == _LONG_NAME:
            self._patch.setdefault(b"path", data.split(b"\0", 1)[0])
        elif kind == _LONG_LINK:
            self._patch.setdefault(b"linkpath", data.split(b"\0", 1)[0])
        else:
            records = _pax_records(data)
            if records is None:
                self.damage, self.end = "a pax header is damaged", self._next
            elif kind == _GLOBAL_PAX:
                self._globals.update(records)
            else:
                for key, value in records.items():
                    self._patch.setdefault(key, value)

    def _patched(self, name: bytes, link: bytes, size: int) -> tuple[bytes, bytes, int]:
        patch, self._patch = {**self._globals, **self._patch}, {}
        name = patch.get(b"GNU.sparse.name") or patch.get(b"path", name)
        if len(name) > MAX_NAME_BYTES:
            raise LimitExceededError(f"a member name is longer than {MAX_NAME_BYTES} bytes")
        if b"size" in patch and patch[b"size"].isdigit():
            size = int(patch[b"size"][:_SIZE_DIGITS])
        return name, patch.get(b"linkpath", link), size


class _Payload:
    """The data of a pax or GNU header, which may lie across several blocks."""

    def __init__(self) -> None:
        self.left = 0
        self._kind = 0
        self._size = 0
        self._data = bytearray()

    def begin(self, kind: int, size: int) -> None:
        if size > MAX_HEADER_BYTES:
            raise LimitExceededError(f"a tar header has {size} bytes, more than {MAX_HEADER_BYTES}")
        self._kind, self._size = kind, size
        self.left = _padded(size)

    def take(self, view: memoryview, start: int, end: int) -> int:
        """Take what there is between ``start`` and ``end``; gives where it stopped."""
        stop = min(start + self.left, end)
        self._data += view[start:stop]
        self.left -= stop - start
        return stop

    def end(self) -> tuple[int, bytes]:
        data, self._data = bytes(self._data[: self._size]), bytearray()
        return self._kind, data


def _padded(size: int) -> int:
    return (size + RECORD - 1) // RECORD * RECORD


def _size(field: bytes) -> int | None:
    """The size field, or ``None`` if it is no number."""
    try:
        size = int(field.rstrip(b"\0 ") or b"0", 8) if field[0] < _BASE_256 else _number(field)
    except ValueError:
        return None
    return size if size >= 0 else None


def _sums_up(record: memoryview, field: bytes) -> bool:
    """Whether the checksum fits: the sum of all bytes, with its own field taken as spaces.

    The low half of an Adler-32 is one plus the sum of the bytes, modulo 65521, at a fiftieth of the cost of adding up
    in Python. Old writers summed signed bytes; that is tried, slowly, before a header counts as damaged.
    """
    try:
        want = int(field.split(b"\0", 1)[0].strip() or b"0", 8)
    except ValueError:
        return False
    total = (adler32(record[156:], adler32(record[:148])) & 0xFFFF) - 1 + _SPACES_SUM
    return not (total - want) % _ADLER_MODULUS or want == _signed_sum(record)


def _signed_sum(record: memoryview) -> int:
    return sum(record[:148].cast("b")) + sum(record[156:].cast("b")) + _SPACES_SUM


def _number(field: bytes) -> int:
    """A base-256 number: big endian, the first byte a flag (0x80) or the sign of a negative one (0xff)."""
    if field[0] != _BASE_256:
        raise ValueError
    return int.from_bytes(field[1:], "big")


def _pax_records(data: bytes) -> dict[bytes, bytes] | None:
    r"""What is kept of records of the form ``LENGTH KEY=VALUE\n``; ``None`` if they are not of that form."""
    records = {}
    position = 0
    while position < len(data) and data[position]:
        digits, space, _ = data[position : position + 20].partition(b" ")
        if not space or not digits.isdigit():
            return None
        end = position + int(digits)
        key, equals, value = data[position + len(digits) + 1 : end].partition(b"=")
        if not equals or not key or end > len(data) or not value.endswith(b"\n"):
            return None
        if key in _KEPT:
            records[key] = value[:-1]
        position = end
    return records
