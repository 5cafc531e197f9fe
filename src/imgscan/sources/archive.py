"""Image archives: what ``docker save``, ``podman save``, ``skopeo``, ``ctr`` and ``buildx`` write, of every generation.

A file that is not compressed is read by offsets: one pass over its headers, then manifests, then layers in any order. A
pipe or compressed file is read in one pass: layers are handed out as they come by, manifests are understood at the end.
Nothing is written to disk. Knows nothing of what is in a layer.
"""

from __future__ import annotations

import io
import os
from contextlib import closing, contextmanager
from dataclasses import KW_ONLY, dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Final

from imgscan.errors import BlobAbsentError, DigestMismatchError, ImageFormatError, ImgscanError, LimitExceededError
from imgscan.image.image import Image, LayerRef
from imgscan.model.values import Notice
from imgscan.sources.base import LayerBlob, Wanted
from imgscan.sources.files import Prepared, Slice, check_size, opened, translated
from imgscan.sources.manifests import DOCKER_MANIFEST, INDEX, Stored, read_images
from imgscan.sources.members import HEAD_BYTES, Members, is_json, is_layer, is_of_image, is_tar, no_image, no_tar
from imgscan.sources.tape import Passage, Tape, walk
from imgscan.streams import compress
from imgscan.streams.compress import PrefixedReader, read_exactly
from imgscan.streams.limits import KIB, MAX_LAYERS, MAX_RATIO, MIB, RATIO_GRACE_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path
    from tarfile import TarInfo
    from typing import BinaryIO

    from imgscan.sources.base import ByteReader, OpenSource
    from imgscan.sources.manifests import Store

DOCKER_ARCHIVE: Final = "docker-archive"
OCI_ARCHIVE: Final = "oci-archive"

SMALL_BYTES: Final = 64 * KIB
"""Members of a pipe up to this size are kept though nothing shows what they are: ``VERSION``, an empty layer."""

MAX_DOCUMENT_BYTES: Final = 48 * MIB
"""All members of a pipe that may be manifests, configs or attestations, until it is known which of them are."""

RESERVED_BYTES: Final = 16 * MIB
"""The part of it that documents above ``LARGE_BYTES`` may not use, so that SBOMs never push out a manifest."""

LARGE_BYTES: Final = MIB


@dataclass(slots=True)
class ArchiveSource:
    """An archive in a file. ``kind`` is right once it is open: only content tells the two kinds apart."""

    path: Path
    _: KW_ONLY
    wanted: Wanted = field(default_factory=Wanted)
    kind: str = field(default=DOCKER_ARCHIVE, init=False)

    @contextmanager
    def open(self) -> Iterator[OpenSource]:
        """Read headers and manifests; a compressed file has to be read in one pass instead.

        Raises:
            SourceError: the file is not there, may not be read, or has no image of the wanted platform.
            ImageFormatError: it holds no image.
        """
        with opened(self.path) as file:
            whole = partial(Slice, file, 0, os.fstat(file.fileno()).st_size)
            head = read_exactly(whole(), HEAD_BYTES)
            if compress.detect(head):
                passing = StreamSource(whole, kind=self.kind, reference=self.path.name, wanted=self.wanted)
                with passing.open() as stream:
                    yield stream
                return
            _check_is_tar(head, str(self.path))
            archive = _Indexed(file, _Contents(self.path.name, self.kind, self.wanted))
            self.kind = archive.contents.source
            yield archive.prepared()


@dataclass(slots=True)
class StreamSource:
    """An archive that can be read once: standard input, the answer of an engine. The whole may be compressed.

    ``reference`` names images that have no name of their own.
    """

    open_stream: Callable[[], ByteReader]
    _: KW_ONLY
    kind: str
    reference: str
    wanted: Wanted = field(default_factory=Wanted)

    @contextmanager
    def open(self) -> Iterator[OpenSource]:
        """Begin to read.

        Raises:
            SourceError: the stream cannot be had.
            ImageFormatError: it does not begin as an archive does.
        """
        with translated(self.reference):
            stored = self.open_stream()
        with closing(stored):
            stream = _Plain(stored)
            head = self._head(stream)
            _check_is_tar(head, self.reference)
            tape = Tape(PrefixedReader(head, stream))
            yield _Passing(tape, _Contents(self.reference, self.kind, self.wanted))

    def _head(self, stream: _Plain) -> bytes:
        try:
            return read_exactly(stream, HEAD_BYTES)
        except ImgscanError as error:
            error.where = error.where or self.reference
            raise


def _check_is_tar(head: bytes, where: str) -> None:
    empty_tar = bool(head) and not any(head)  # nothing but the end marker
    if not is_tar(head) and not empty_tar:
        raise no_tar(head, where)


@dataclass(slots=True)
class _Contents:
    """What is in an archive, as far as it is known, and what it is to be called."""

    name: str
    kind: str
    wanted: Wanted
    members: Members = field(default_factory=Members)
    failure: ImgscanError | None = None

    @property
    def source(self) -> str:
        """The kind of source; for plain archives ``manifest.json`` decides, or how blobs are named if it is lost."""
        if self.kind not in (DOCKER_ARCHIVE, OCI_ARCHIVE):
            return self.kind
        layout = any(path == INDEX or path.startswith("blobs/") for path in self.members.files)
        return OCI_ARCHIVE if layout and not self.members.find(DOCKER_MANIFEST) else DOCKER_ARCHIVE

    def images(self, store: Store, layers: Iterable[Stored], *, begun: bool) -> tuple[Image, ...]:
        """The images of the archive. Where no manifest can be used, one image without a name of ``layers``.

        A wrong digest is an error unless the layers have already been handed out: their findings are to be kept.

        Raises:
            SourceError: it has no image of the wanted platform.
            ImageFormatError: it holds no image.
        """
        try:
            images = read_images(store, wanted=self.wanted, source=self.source, name=self.name)
        except ImageFormatError as error:
            refused = isinstance(error, DigestMismatchError) and not begun
            found = list(layers)
            if refused or not found or not any(map(is_of_image, self.members.files)):
                raise self.failure or self._refusal(error) from None
            images = (self._unnamed(found, error),)
        first, *rest = images
        return replace(first, notices=(*first.notices, *self.members.notices())), *rest

    def _refusal(self, error: ImageFormatError) -> ImageFormatError:
        named = self.members.find(DOCKER_MANIFEST) or self.members.find(INDEX)
        return error if named else no_image(self.members.files, self.name)

    def _unnamed(self, layers: Sequence[Stored], error: ImageFormatError) -> Image:
        message = f"{error.message}; the layers are read without order, config and history"
        return Image(
            reference=self.name,
            source=self.source,
            platform=None,
            manifest_digest=None,
            config_digest=None,
            config_json=None,
            config=None,
            layers=tuple(
                LayerRef(index, layer.key, layer.digest, None, size_bytes=layer.size_bytes)
                for index, layer in enumerate(layers[:MAX_LAYERS])
            ),
            notices=(Notice("no-manifest", self.name, message, incomplete=True),),
        )


class _Indexed:
    """An archive whose headers have been read: every member is found by its offset."""

    def __init__(self, file: BinaryIO, contents: _Contents) -> None:
        self.contents = contents
        self._file = file
        self._places: dict[str, tuple[int, int]] = {}
        tape = Tape(file, lambda count: file.seek(count, os.SEEK_CUR))
        try:
            for info in walk(tape):
                if stored := _enter(info, contents.members):
                    self._places[stored.key] = (info.offset_data, info.size)
        except ImgscanError as error:
            contents.failure = error

    def locate(self, path: str) -> Stored | None:
        return self.contents.members.find(path)

    def read(self, path: str, limit: int) -> bytes:
        stored = _found(self.locate(path))
        check_size(stored.size_bytes, limit)
        return read_exactly(self._open(stored.key), stored.size_bytes)

    def prepared(self) -> Prepared:
        layers = filter(self._is_layer, self.contents.members.files.values())
        images = self.contents.images(self, layers, begun=False)
        return Prepared(images, self._blob, self.contents.failure)

    def _blob(self, ref: LayerRef) -> LayerBlob:
        return LayerBlob(ref.key, self._places[ref.key][1], ref.digest, partial(self._open, ref.key))

    def _open(self, key: str) -> Slice:
        return Slice(self._file, *self._places[key])

    def _is_layer(self, stored: Stored) -> bool:
        start, size = self._places[stored.key]
        with translated(self.contents.name):
            return is_layer(os.pread(self._file.fileno(), min(size, HEAD_BYTES), start))


class _Passing:
    """An archive that comes by once: layers are handed out, what may be JSON is kept until the end tells what it is."""

    parallel = False

    def __init__(self, tape: Tape, contents: _Contents) -> None:
        self._tape = tape
        self._contents = contents
        self._documents: dict[str, bytes] = {}
        self._left_bytes = MAX_DOCUMENT_BYTES
        self._layers: dict[str, Stored] = {}
        self._images: tuple[Image, ...] | None = None

    def layers(self) -> Iterator[LayerBlob]:
        try:
            for info in walk(self._tape):
                if (stored := _enter(info, self._contents.members)) and (blob := self._take(stored)):
                    yield blob
        except ImgscanError as error:
            self._contents.failure = error
            raise
        yield from self._kept_layers()

    def images(self) -> tuple[Image, ...]:
        if self._images is None:
            self._images = self._contents.images(self, self._layers.values(), begun=bool(self._layers))
        return self._images

    def locate(self, path: str) -> Stored | None:
        stored = self._contents.members.find(path)
        return stored if stored and (stored.key in self._layers or stored.key in self._documents) else None

    def read(self, path: str, limit: int) -> bytes:
        stored = _found(self.locate(path))
        check_size(stored.size_bytes, limit)
        content = self._documents.get(stored.key)
        if content is None:
            raise LimitExceededError("a document is too large to be kept while the archive passes")
        return content

    def _take(self, stored: Stored) -> LayerBlob | None:
        """Keep a member, or hand it out, or let it pass."""
        member = Passage(self._tape, stored.size_bytes)
        head = read_exactly(member, HEAD_BYTES)
        whole = PrefixedReader(head, member)
        layer = is_layer(head)
        if not layer and self._may_keep(stored.size_bytes, head):
            self._left_bytes -= stored.size_bytes
            self._documents[stored.key] = read_exactly(whole, stored.size_bytes)
        elif layer or stored.digest:
            self._layers[stored.key] = stored
            return LayerBlob(stored.key, stored.size_bytes, stored.digest, lambda: whole)
        return None

    def _may_keep(self, size: int, head: bytes) -> bool:
        room = self._left_bytes - (RESERVED_BYTES if size > LARGE_BYTES else 0)
        return size <= room and (size <= SMALL_BYTES or is_json(head))

    def _kept_layers(self) -> Iterator[LayerBlob]:
        """Layers that did not look like any: empty ones, or what a hostile manifest calls a layer."""
        try:
            refs = {ref.key: ref for image in self.images() for ref in image.layers}
        except ImgscanError:
            return  # images() raises it again
        for key, ref in refs.items():
            if (content := self._documents.get(key)) is not None:
                yield LayerBlob(key, len(content), ref.digest, partial(io.BytesIO, content))


def _enter(info: TarInfo, members: Members) -> Stored | None:
    """Note a member of the archive; directories, devices and pipes are nothing an image consists of."""
    if info.issym() or info.islnk():
        members.link(info.name, info.linkname, hard=info.islnk())
    return members.add(info.name, info.size) if info.isreg() else None


def _found(stored: Stored | None) -> Stored:
    if stored is None:
        raise BlobAbsentError("a document is not in the archive")
    return stored


class _Plain:
    """A stream, decompressed if need be, as long as that is in proportion to what comes in."""

    def __init__(self, stored: ByteReader) -> None:
        self._stored = _Counter(stored)
        self._plain = _Counter(compress.open_stream(self._stored))

    def read(self, size: int, /) -> bytes:
        part = self._plain.read(size)
        if self._plain.count > max(RATIO_GRACE_BYTES, MAX_RATIO * self._stored.count):
            raise LimitExceededError(f"the archive unpacks to more than {MAX_RATIO} times its size")
        return part

    def close(self) -> None:
        self._plain.close()


class _Counter:
    """Counts what passes, and tells the system's errors apart from those of a codec."""

    def __init__(self, reader: ByteReader) -> None:
        self.count = 0
        self._reader = reader

    def read(self, size: int, /) -> bytes:
        with translated("the archive"):
            part = self._reader.read(size)
        self.count += len(part)
        return part

    def close(self) -> None:
        self._reader.close()
