"""Codecs are told by content; every member and frame is decoded; what is broken says so."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import io
import lzma
import random
from typing import TYPE_CHECKING

import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from imgscan.errors import ImageFormatError, LimitExceededError
from imgscan.streams import compress

if TYPE_CHECKING:
    from collections.abc import Callable

PAYLOAD = b"".join(b"line %d of a layer\n" % number for number in range(20_000))
SKIPPABLE = b"\x50\x2a\x4d\x18" + (5).to_bytes(4, "little") + b"table"


def read_all(stored: bytes, step: int = 1000) -> bytes:
    reader = compress.open_stream(io.BytesIO(stored))
    return b"".join(iter(lambda: reader.read(step), b""))


ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "gzip": gzip.compress,
    "gzip-members": lambda data: b"".join(gzip.compress(data[at : at + 7000]) for at in range(0, len(data), 7000)),
    "zstd": zstd.compress,
    "zstd-frames": lambda data: zstd.compress(data[:9000]) + SKIPPABLE + zstd.compress(data[9000:]) + SKIPPABLE,
    "zstd-skippable-first": lambda data: SKIPPABLE + zstd.compress(data),
    "xz": lzma.compress,
    "bzip2": bz2.compress,
    "gzip-padded": lambda data: gzip.compress(data) + bytes(300_000),
    "zstd-padded": lambda data: zstd.compress(data) + bytes(700),
}


@pytest.mark.parametrize("name", ENCODERS)
@pytest.mark.parametrize("step", [1, 4096, 1 << 20])
def test_every_codec_gives_the_payload_back(name, step):
    payload = PAYLOAD[:2000] if step == 1 else PAYLOAD
    assert read_all(ENCODERS[name](payload), step) == payload


@pytest.mark.parametrize("name", ["gzip", "gzip-members", "zstd", "zstd-frames", "xz", "bzip2"])
def test_a_stream_that_ends_early_is_an_error(name):
    stored = ENCODERS[name](PAYLOAD)
    with pytest.raises(ImageFormatError, match=r"ends early|corrupt"):
        read_all(stored[: len(stored) // 2])


@pytest.mark.parametrize("name", ["gzip", "zstd", "xz", "bzip2"])
def test_a_flipped_byte_is_an_error_or_different_data(name):
    stored = bytearray(ENCODERS[name](PAYLOAD))
    stored[len(stored) // 2] ^= 0xFF
    with contextlib.suppress(ImageFormatError):
        assert read_all(bytes(stored)) != PAYLOAD


@pytest.mark.parametrize("name", ["gzip", "zstd", "xz", "bzip2"])
def test_garbage_after_the_last_member_is_counted(name):
    reader = compress.open_stream(io.BytesIO(ENCODERS[name](PAYLOAD) + bytes(10) + b"garbage" * 10))
    assert b"".join(iter(lambda: reader.read(1 << 20), b"")) == PAYLOAD
    assert isinstance(reader, compress.DecompressedReader)
    assert reader.garbage_bytes == 70


@given(st.binary(max_size=300), st.sampled_from(compress.MAGICS))
def test_hostile_bytes_end_in_a_clear_error_or_in_data(tail, magic):
    with contextlib.suppress(ImageFormatError):
        read_all(magic[0] + tail)


def test_compressed_bytes_that_look_like_a_skippable_frame_are_data_all_the_same():
    noise = bytearray(random.Random(0).randbytes(400_000))  # zstd stores it as it is
    start = zstd.compress(bytes(noise)).index(noise[:64])
    magic = compress.MAX_MAGIC_BYTES + 2 * compress.INPUT_BYTES  # where a piece of input begins
    at = magic - start - 3  # the header of the second block
    noise[at : at + 4] = SKIPPABLE[:4]
    stored = zstd.compress(bytes(noise))
    assert stored[magic : magic + 4] == SKIPPABLE[:4]
    assert read_all(stored, 1 << 20) == noise


def test_a_skippable_frame_may_be_longer_than_what_is_read_at_a_time():
    frame = SKIPPABLE[:4] + (2 * compress.INPUT_BYTES).to_bytes(4, "little") + bytes(2 * compress.INPUT_BYTES)
    assert read_all(frame + zstd.compress(PAYLOAD) + frame) == PAYLOAD
    with pytest.raises(ImageFormatError, match="ends early"):
        read_all(zstd.compress(PAYLOAD) + frame[:-1])


@pytest.mark.parametrize("frame", [gzip.compress(b""), zstd.compress(b""), SKIPPABLE, bz2.compress(b"")])
def test_frames_of_nothing_do_not_go_on_for_ever(monkeypatch, frame):
    monkeypatch.setattr(compress, "MAX_FRAMES", 100)
    assert read_all(frame * 99) == b""
    with pytest.raises(LimitExceededError, match="more than 100 members or frames"):
        read_all(frame * 101)
