"""The tar walk sees what ``tarfile`` sees, however the stream is cut."""

from __future__ import annotations

import io
import os
import tarfile
import tracemalloc
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from imgscan.errors import ImgscanError, LimitExceededError
from imgscan.streams.tar import RECORD, Kind, TarWalker
from tests.fuzz import fuzz_tar

FORMATS = (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)
TYPES = (tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE)

names = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=40).map(
    lambda name: name.strip("/") or "x"
)
long_names = st.integers(90, 600).map(lambda size: "d/" * (size // 4) + "n" * (size // 2))


@st.composite
def archives(draw):
    form = draw(st.sampled_from(FORMATS))
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w", format=form, errors="surrogateescape") as archive:
        for _ in range(draw(st.integers(0, 5))):
            info = tarfile.TarInfo(draw(names if form == tarfile.USTAR_FORMAT else names | long_names))
            # The old regular type is a directory if its name ends in a slash; for tarfile that is the name in the
            # header, cut at 100 characters, for engines the long name that goes with it.
            short = len(info.name.encode()) < 100
            info.type = draw(st.sampled_from([*TYPES, tarfile.AREGTYPE] if short else TYPES))
            info.mtime = draw(st.integers(0, 2**31))
            if info.issym() or info.islnk():
                info.linkname = draw(names if form == tarfile.USTAR_FORMAT else names | long_names)
            content = draw(st.binary(max_size=1500)) if info.isreg() else b""
            info.size = len(content)
            if form == tarfile.PAX_FORMAT and draw(st.booleans()):
                info.pax_headers = {"SCHILY.xattr.user.note": draw(st.text(max_size=700)).replace("\0", "")}
            archive.addfile(info, io.BytesIO(content))
        end = archive.offset
    return output.getvalue()[: end + draw(st.sampled_from([512, 1024, 2048]))]  # tarfile pads to 10 KiB


def walk(data, cuts=()):
    walker = TarWalker()
    members = []
    edges = [0, *sorted(cuts), len(data)]
    for start, end in pairwise(edges):
        members += walker.feed(data[start:end], end - start)
    walker.close()
    return members, walker


def of_tarfile(data):
    with tarfile.open(fileobj=io.BytesIO(data), errors="surrogateescape") as archive:
        return [(os.fsencode(m.name), m.isdir(), m.islnk(), m.offset_data, m.size if m.isreg() else 0) for m in archive]


def as_tuples(members):
    return [
        (m.name.rstrip(b"/"), m.kind is Kind.DIRECTORY, m.kind is Kind.HARD_LINK, m.start, m.end - m.start)
        for m in members
    ]


@given(archives(), st.lists(st.integers(0, 60), max_size=5))
@settings(max_examples=300)
def test_the_walk_sees_the_members_that_tarfile_sees(data, cuts):
    places = {min(cut * RECORD, len(data)) for cut in cuts}
    members, walker = walk(data, places)
    assert walker.damage is None
    assert as_tuples(members) == [(name.rstrip(b"/"), *rest) for name, *rest in of_tarfile(data)]


@given(archives())
@example(bytes(1024))
def test_where_the_stream_is_cut_makes_no_difference(data):
    whole, _ = walk(data)
    every, _ = walk(data, range(RECORD, len(data), RECORD))
    assert every == whole


@given(st.binary(max_size=3000) | archives(), st.integers(0, 3000), st.integers(0, 255))
def test_hostile_bytes_never_raise_anything_unexpected(data, at, value):
    damaged = bytearray(data)
    if damaged:
        damaged[at % len(damaged)] = value
    fuzz_tar.check(bytes(damaged))


def test_a_truncated_member_is_told():
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w") as archive:
        info = tarfile.TarInfo("big")
        info.size = 5000
        archive.addfile(info, io.BytesIO(bytes(5000)))
    members, walker = walk(output.getvalue()[:2048])
    assert [member.name for member in members] == [b"big"]
    assert walker.damage == "the archive ends in the middle of a member"


def test_what_is_no_archive_is_told():
    _, walker = walk(b"not a tar archive" * 100)
    assert (walker.damage, walker.end) == ("this is not a tar archive", 0)


def header(name=b"f", size=b"00000000000\0", kind=b"0", magic=b"ustar\x0000"):
    record = bytearray(name.ljust(100, b"\0") + b"0000644\0" + b"0000000\0" * 2 + size + b"00000000000\0")
    record += b" " * 8 + kind + bytes(100) + magic
    record += bytes(512 - len(record))
    record[148:156] = b"%06o\0 " % sum(record)
    return bytes(record)


def test_a_base_256_size_is_understood():
    size = b"\x80" + (10 * 2**30).to_bytes(11, "big")
    members, _ = walk(header(size=size))
    assert members[0].end - members[0].start == 10 * 2**30


def test_a_negative_size_is_damage():
    _, walker = walk(header() + header(size=b"\xff" * 12))
    assert walker.damage == "a header is damaged"


def test_old_headers_without_magic_are_understood():
    members, walker = walk(header(magic=bytes(8)) + bytes(1024))
    assert [member.name for member in members] == [b"f"]
    assert walker.damage is None


def test_sums_of_signed_bytes_are_accepted():
    record = bytearray(header(name=b"\xe9"))
    record[148:156] = b" " * 8
    record[148:156] = b"%06o\0 " % (sum(record) - 256)
    members, _ = walk(bytes(record) + bytes(1024))
    assert [member.name for member in members] == [b"\xe9"]


def test_the_data_of_an_old_gnu_sparse_file_begins_behind_its_extensions():
    first = bytearray(header(kind=b"S", size=b"00000001000\0", magic=b"ustar  \0"))
    first[482] = 1
    first[148:156] = b" " * 8
    first[148:156] = b"%06o\0 " % sum(first)
    more, last = bytearray(512), bytes(512)
    more[504] = 1
    members, walker = walk(bytes(first) + bytes(more) + last + b"x" * 512 + bytes(1024))
    assert [(member.start, member.end) for member in members] == [(1536, 2048)]
    assert walker.damage is None


@pytest.mark.parametrize("size", [b"00100000000\0", b"77777777777\0"])
def test_a_header_larger_than_any_is_refused(size):
    with pytest.raises(ImgscanError, match="tar header"):
        walk(header(kind=b"x", size=size))


def pax(**records):
    """A pax header of these records, before the member that it is about."""
    content = b""
    for key, value in records.items():
        length = len(record := b" " + key.encode() + b"=" + value + b"\n")
        while length != len(str(length)) + len(record):
            length = len(str(length)) + len(record)
        content += str(length).encode() + record
    return header(kind=b"x", size=b"%011o\0" % len(content)) + content + bytes(-len(content) % RECORD)


@pytest.mark.parametrize("digits", [20, 5000])
def test_an_absurd_size_in_a_pax_header_is_damage(digits):
    _, walker = walk(pax(size=b"9" * digits) + header() + bytes(1024))
    assert walker.damage


def test_a_pax_header_without_its_member_is_damage_whatever_it_says():
    _, walker = walk(header() + pax(mtime=b"1"))
    assert walker.damage == "the archive ends in the middle of a member"


@pytest.mark.parametrize("kind", [b"x", b"g"])
def test_headers_that_pile_up_are_not_kept(kind):
    walker = TarWalker()
    tracemalloc.start()
    try:
        for number in range(50):
            data = pax(**{f"k{number}": bytes(500_000)})
            walker.feed(header(kind=kind, size=data[124:136]) + data[RECORD:], len(data))
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


def test_names_have_a_largest_size(monkeypatch):
    monkeypatch.setattr("imgscan.streams.tar.MAX_NAME_BYTES", 200)
    assert walk(pax(path=b"n" * 200) + header())[0][0].name == b"n" * 200
    with pytest.raises(LimitExceededError, match="name"):
        walk(pax(path=b"n" * 201) + header())


@pytest.mark.parametrize("record", [b"12 path=x\n", b"9 path=x", b"x path=x\n", b"9 =pathx\n", b"9 pathxx\n", b"path"])
def test_a_damaged_pax_header_is_told(record):
    _, walker = walk(header(kind=b"x", size=b"%011o\0" % len(record)) + record.ljust(512, b"\0") + header())
    assert walker.damage == "a pax header is damaged"


def test_an_old_member_whose_name_ends_in_a_slash_is_a_directory():
    members, _ = walk(header(name=b"d/", kind=b"\0") + header(name=b"f", kind=b"\0") + bytes(1024))
    assert [member.kind for member in members] == [Kind.DIRECTORY, Kind.FILE]
