"""Fuzz target: whatever an archive's documents say, there is an image, or an error that quotes nothing.

The input is up to three documents, parted by ``\\x1e``: ``manifest.json``, ``index.json``, and a blob that they may
name by its digest, written ``@``.
"""

import io
import sys

from imgscan.errors import ImgscanError
from imgscan.image.fields import fields
from imgscan.image.history import align
from imgscan.image.image import Image
from imgscan.sources.archive import StreamSource
from imgscan.sources.base import OpenSource, Wanted
from tests.support.images import ImageBuilder, blob, docker_25, sha256, tar_of

IMAGE = ImageBuilder("a:1").layer({"f": b"1"})
MEMBERS = docker_25(IMAGE)


def check(data: bytes) -> None:
    packed, index, document = (*data.split(b"\x1e"), b"", b"")[:3]
    digest = sha256(document).encode()
    members = {**MEMBERS, blob(sha256(document)): document}
    members |= {"manifest.json": packed.replace(b"@", digest), "index.json": index.replace(b"@", digest)}
    stream = io.BytesIO(tar_of(members))

    with StreamSource(lambda: stream, kind="docker", reference="-", wanted=Wanted(all_platforms=True)).open() as source:
        keys = {layer.key for layer in source.layers()}
        images = _images(source)

    if isinstance(images, ImgscanError):
        assert str(images).isprintable()
    else:
        _check_images(images, keys)


def _images(source: OpenSource) -> tuple[Image, ...] | ImgscanError:
    try:
        return source.images()
    except ImgscanError as error:
        return error


def _check_images(images: tuple[Image, ...], keys: set[str]) -> None:
    assert images
    for image in images:
        assert [layer.index for layer in image.layers] == list(range(len(image.layers)))
        assert all(layer.absent or layer.key in keys for layer in image.layers)
        assert image.config is None or image.config_json is not None
        found, notices = fields(image, align(image.config, len(image.layers)).instructions)
        assert all(field.key and field.place for field in found)
        assert all(notice.code and notice.message.isprintable() for notice in (*image.notices, *notices))


def main() -> None:
    import atheris  # type: ignore[import-not-found,import-untyped,unused-ignore]  # noqa: PLC0415 - not there on every Python

    atheris.instrument_all()
    atheris.Setup(sys.argv, check)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
