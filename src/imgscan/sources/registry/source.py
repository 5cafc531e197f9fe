"""The registry as a source: which manifests make the image, and its layers as streams, several at a time.

Nothing is stored on disk. Knows nothing of HTTP; manifests and configs are verified on the way here, layers where they
are read.
"""

from __future__ import annotations

from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from imgscan.errors import (
    AccessDeniedError,
    BlobAbsentError,
    ImageFormatError,
    ImageNotFoundError,
    ImgscanError,
    UnreachableError,
)
from imgscan.image import select, wire
from imgscan.image.image import Image, LayerRef
from imgscan.model.values import Notice
from imgscan.sources.assemble import Assembler
from imgscan.sources.base import LayerBlob
from imgscan.sources.registry import schema1
from imgscan.sources.registry.client import Client, Document
from imgscan.sources.registry.patience import Patience
from imgscan.streams import digest as digests
from imgscan.streams.limits import MAX_JSON_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imgscan.image.reference import Reference
    from imgscan.sources.base import Access, OpenSource, Wanted

FOREIGN: Final = (
    "application/vnd.docker.image.rootfs.foreign.",
    "application/vnd.oci.image.layer.nondistributable.",
)
"""Media types of layers that their makers keep on servers of their own. Those are never asked: anybody can name any."""


class RegistrySource:
    """An image of a registry."""

    kind = "registry"

    def __init__(
        self, reference: Reference, *, wanted: Wanted, access: Access, patience: Patience | None = None
    ) -> None:
        self._reference = reference
        self._wanted = wanted
        self._access = access
        self._patience = patience or Patience()

    @contextmanager
    def open(self) -> Iterator[OpenSource]:
        """Read manifests, configs and attestations.

        Raises:
            ImageNotFoundError: the registry has no such image, or not of the wanted platform.
            AccessDeniedError: it does not let us.
            RateLimitedError: it wants us to come back later than we may wait.
            UnreachableError: it cannot be reached, or may not be.
            ImageFormatError: it has something else than an image there.
        """
        if self._access.offline:
            message = "registries are not asked while offline"
            raise UnreachableError(message, where=self._reference.registry, hint="leave out --offline")
        with closing(Client(self._reference, self._access, self._patience)) as client:
            try:
                images = _Reading(client, self._reference, self._wanted).images()
            except ImgscanError as error:
                error.where = error.where or str(self._reference)
                if isinstance(error, AccessDeniedError):
                    unusable = (f"{notice.where} {notice.message}" for notice in client.notices)
                    error.hint = "; ".join(filter(None, (error.hint, *unusable)))
                raise
            yield OpenRegistry(client, images)


class OpenRegistry:
    """The images that were found; their layers are asked for when they are opened."""

    parallel = True

    def __init__(self, client: Client, images: tuple[Image, ...]) -> None:
        self._client = client
        self._images = images

    def layers(self) -> Iterator[LayerBlob]:
        """Every layer that can be had, each digest once."""
        seen: set[str] = set()
        for layer in (layer for image in self._images for layer in image.layers):
            if layer.digest is not None and layer.absent is None and layer.key not in seen:
                seen.add(layer.key)
                opening = partial(self._client.blob, layer.digest, layer.size_bytes)
                yield LayerBlob(layer.key, layer.size_bytes, layer.digest, opening)

    def images(self) -> tuple[Image, ...]:
        """The images, one per platform."""
        return self._images


class _Reading:
    """One walk from a name to its images."""

    def __init__(self, client: Client, reference: Reference, wanted: Wanted) -> None:
        self._client = client
        self._reference = reference
        self._wanted = wanted
        self._manifests: set[str] = set()
        self._root: Document | None = None
        self._assembler = Assembler("registry", self._fetch, self._missing)

    def images(self) -> tuple[Image, ...]:
        self._client.connect()
        name = self._reference.digest or self._reference.tag
        self._root = root = self._client.manifest(name or "latest")
        if root.kind is wire.Index:
            first, *others = self._of_index(wire.decode(root.body, wire.Index, what="the image index"))
        else:
            first, others = self._lone(root), []
        return replace(first, notices=(*self._client.notices, *first.notices)), *others

    def _of_index(self, index: wire.Index) -> list[Image]:
        every = self._wanted.all_platforms
        fetch = partial(self._manifest_body, limit_bytes=MAX_JSON_BYTES)
        chosen, notices = select.choose(index, fetch, wanted=self._wanted.platform, every=every)
        images: list[Image] = []
        failures: list[ImageFormatError] = []
        lost: list[Notice] = []
        for item in chosen:
            try:
                images.append(self._image(item))
            except ImageFormatError as error:  # of this platform; what concerns all of them goes on its way
                failures.append(error)
                lost.append(
                    Notice("bad-image", str(item.platform or item.descriptor.digest), str(error), incomplete=True)
                )
        if not images:
            raise failures[0] if failures else ImageNotFoundError("the index holds no image")
        images[0] = replace(images[0], notices=(*notices, *lost, *images[0].notices))
        return images

    def _image(self, chosen: select.Chosen) -> Image:
        self._manifests |= {chosen.descriptor.digest, *(entry.digest for entry in chosen.attestations)}
        return self._assembler.image(chosen, self._reference.familiar)

    def _lone(self, root: Document) -> Image:
        """The image of a manifest without an index. Raises ``ImageNotFoundError`` if it is of another platform."""
        if root.kind is schema1.Schema1:
            image = self._old_image(root)
        else:
            image = self._image(select.Chosen(wire.Descriptor(root.digest), None))
        if not select.fits(image.platform, self._wanted.platform):
            message = f"no image for platform {self._wanted.platform}"
            raise ImageNotFoundError(message, hint=f"the only platform here is {image.platform}")
        return image

    def _old_image(self, root: Document) -> Image:
        converted = schema1.convert(root.body)
        config = self._assembler.config(lambda _: converted.config_json, where=root.digest)
        return Image(
            reference=self._reference.familiar,
            source="registry",
            platform=config.platform,
            manifest_digest=root.digest,
            config_digest=None,
            config_json=config.content,
            config=config.parsed,
            layers=tuple(
                LayerRef(index, digest, digests.parse(digest), None) for index, digest in enumerate(converted.layers)
            ),
            notices=config.notices,
        )

    def _fetch(self, entry: wire.Descriptor, limit_bytes: int) -> bytes:
        if entry.digest in self._manifests:
            return self._manifest_body(entry, limit_bytes)
        return self._client.small_blob(entry, limit_bytes)

    def _manifest_body(self, entry: wire.Descriptor, limit_bytes: int) -> bytes:
        """A manifest by digest; the one that we began with is not asked for again."""
        if self._root is not None and entry.digest == self._root.digest:
            return self._root.body
        body = self._client.manifest(digests.parse(entry.digest), missing=BlobAbsentError).body
        if len(body) > limit_bytes or entry.size not in (None, len(body)):
            raise ImageFormatError(f"manifest {entry.digest} has another size than its index says")
        return body

    def _missing(self, entry: wire.Descriptor) -> str | None:
        """Foreign layers are missing, unless their image was pushed with them. Addresses in ``urls`` are not asked."""
        if not (entry.media_type or "").startswith(FOREIGN):
            return None
        try:
            return None if self._client.has_blob(entry.digest) else "a foreign layer, which is kept elsewhere"
        except ImageFormatError as error:
            return error.message
