"""An OCI image layout: a directory with ``index.json``, ``oci-layout`` and blobs by digest.

Reads nothing but those files, and follows no link out of the directory. What the manifests mean is known to
``imgscan.sources.manifests``.
"""

from __future__ import annotations

import os
from contextlib import ExitStack, closing, contextmanager
from dataclasses import KW_ONLY, dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from imgscan.errors import BlobAbsentError, ImageFormatError
from imgscan.sources.base import LayerBlob, Wanted
from imgscan.sources.files import Prepared, Slice, check_size, opened, translated
from imgscan.sources.manifests import DOCKER_MANIFEST, INDEX, Stored, digest_in, key_of, read_images
from imgscan.streams.compress import read_exactly

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imgscan.image.image import LayerRef
    from imgscan.sources.base import OpenSource

KIND: Final = "oci-dir"


@dataclass(slots=True)
class LayoutSource:
    """A layout directory: all its images, or the one to which its index gives ``name``."""

    path: Path
    _: KW_ONLY
    wanted: Wanted = field(default_factory=Wanted)
    name: str | None = None
    kind: str = field(default=KIND, init=False)

    @contextmanager
    def open(self) -> Iterator[OpenSource]:
        """Read the manifests.

        Raises:
            SourceError: the directory is not there, may not be read, or has no image of that name or platform.
            ImageFormatError: it holds no image.
        """
        with translated(str(self.path)):
            os.scandir(self.path).close()
        directory = _Directory(Path(os.path.realpath(self.path)))
        if directory.locate(INDEX) is None:
            hint = "a layout has a file index.json; docker-archive: and oci-archive: read files"
            raise ImageFormatError("not an image layout: there is no index.json", where=str(self.path), hint=hint)
        name = directory.root.name
        images = read_images(directory, wanted=self.wanted, source=KIND, name=name, only=self.name)
        yield Prepared(images, directory.blob)


@dataclass(frozen=True, slots=True)
class _Directory:
    """The files of a layout. ``root`` has no links in it."""

    root: Path

    def locate(self, path: str) -> Stored | None:
        real = self._real(path)
        return Stored(key_of(path), real.stat().st_size, digest_in(path)) if real else None

    def read(self, path: str, limit: int) -> bytes:
        with closing(self._open(path)) as content:
            check_size(content.size_bytes, limit)
            return read_exactly(content, content.size_bytes)

    def blob(self, ref: LayerRef) -> LayerBlob:
        path = "blobs/" + ref.key.replace(":", "/")
        stored = self.locate(path)
        return LayerBlob(ref.key, stored.size_bytes if stored else None, ref.digest, partial(self._open, path))

    def _open(self, path: str) -> Slice:
        real = self._real(path)
        if real is None:
            raise BlobAbsentError("a blob is not in the layout")
        with ExitStack() as stack:
            file = stack.enter_context(opened(real))
            return Slice(file, 0, os.fstat(file.fileno()).st_size, stack.pop_all().close)

    def _real(self, path: str) -> Path | None:
        """Where the file is, if it is a file of a layout and lies within the directory."""
        if path not in (INDEX, DOCKER_MANIFEST) and digest_in(path) is None:
            return None
        real = Path(os.path.realpath(self.root / path))
        with translated(str(self.root)):
            return real if real.is_relative_to(self.root) and real.is_file() else None
