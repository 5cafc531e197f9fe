"""What a source gives: every layer read to its end, the images, and what went wrong on the way."""

from __future__ import annotations

import io
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from imgscan.errors import ImgscanError

if TYPE_CHECKING:
    from imgscan.image.image import Image
    from imgscan.sources.base import ByteReader, Source


@dataclass(frozen=True)
class Got:
    """``layers`` holds the blobs that could be read whole, by key; ``error`` is the last one."""

    layers: dict[str, bytes]
    images: tuple[Image, ...]
    error: ImgscanError | None

    @property
    def image(self) -> Image:
        (only,) = self.images
        return only

    @property
    def notices(self) -> dict[str, bool]:
        """Whether it makes the scan incomplete, by code."""
        return {notice.code: notice.incomplete for image in self.images for notice in image.notices}

    def content(self, image: Image) -> list[bytes | None]:
        """The stored layers of an image, in its order."""
        return [None if ref.absent else self.layers.get(ref.key) for ref in image.layers]


def got(source: Source) -> Got:
    """Read a source as a scan does."""
    layers: dict[str, bytes] = {}
    error = None
    with source.open() as opened:
        try:
            for blob in opened.layers():
                assert blob.key not in layers
                try:
                    with closing(blob.open()) as reader:
                        layers[blob.key] = read_all(reader)
                except ImgscanError as problem:
                    error = problem
        except ImgscanError as problem:
            error = problem
        return Got(layers, opened.images(), error)


def read_all(reader: ByteReader) -> bytes:
    """Everything, in pieces of no round size."""
    return b"".join(iter(lambda: reader.read(1000), b""))


class Trickle(io.BytesIO):
    """A pipe that never gives what was asked for."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(min(size or 0, 700))
