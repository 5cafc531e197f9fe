"""The images that ``index.json`` and ``manifest.json`` name, in a store whose members have paths: archive or layout.

Both files are read when both are there, as neither tells all: the one has attestations and annotations, the other full
names, and either may be damaged. Knows nothing of files and pipes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from imgscan.errors import (
    BlobAbsentError,
    DigestMismatchError,
    ImageFormatError,
    ImageNotFoundError,
    ImgscanError,
    LimitExceededError,
)
from imgscan.image import select, wire
from imgscan.image.image import Image, LayerRef
from imgscan.model.values import Digest, Notice, Platform
from imgscan.sources.assemble import LAYER_COUNT, Assembler, Config, pair
from imgscan.streams import digest as digests
from imgscan.streams.limits import MAX_JSON_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from imgscan.sources.base import Wanted

INDEX: Final = "index.json"
DOCKER_MANIFEST: Final = "manifest.json"

MAX_IMAGES: Final = 1024
"""Images of one ``manifest.json``; whole engines have some hundreds."""

_BLOB_PATH: Final = re.compile(r"blobs/(sha256|sha512)/([0-9a-f]+)")
_CONFIG_NAME: Final = re.compile(r"(?:sha256:)?([0-9a-f]{64})(?:\.json)?")


class Stored(NamedTuple):
    """A member behind a path: the key of its blob, its size, and the digest that its name promises."""

    key: str
    size_bytes: int
    digest: Digest | None


class Store(Protocol):
    """What an archive or a layout holds, by path."""

    def locate(self, path: str) -> Stored | None:
        """Find the member behind a path, links followed; ``None`` if there is none within the store."""
        ...

    def read(self, path: str, limit: int) -> bytes:
        """Give the content of a member.

        Raises:
            BlobAbsentError: there is none.
            LimitExceededError: it has more than ``limit`` bytes.
        """
        ...


def blob_path(digest: Digest) -> str:
    """Where a layout keeps a blob."""
    return "blobs/" + digest.replace(":", "/")


def digest_in(path: str) -> Digest | None:
    """The digest that a blob path promises."""
    found = _BLOB_PATH.fullmatch(path)
    if found is None or len(found[2]) != digests.HEX_LENGTHS[found[1]]:
        return None
    return Digest(f"{found[1]}:{found[2]}")


def key_of(path: str) -> str:
    """The key of the blob at a path: its digest where the path says it, and never the digest of another."""
    return digest_in(path) or (f"./{path}" if ":" in path else path)


def read_images(store: Store, *, wanted: Wanted, source: str, name: str, only: str | None = None) -> tuple[Image, ...]:
    """All images that ``index.json`` and ``manifest.json`` of a store name, each once; ``name`` serves untagged ones.

    ``only`` restricts them to those to which the index gives that name.

    Raises:
        BlobAbsentError: neither file is there.
        DigestMismatchError: a manifest or config is not the one that was named.
        ImageFormatError: what is there cannot be understood.
        ImageNotFoundError: there is no image of the wanted platform.
    """
    return _Reading(store, wanted, name, only, _assembler(store, source)).images()


def _assembler(store: Store, source: str) -> Assembler:
    def fetch(descriptor: wire.Descriptor, limit: int) -> bytes:
        digest = digests.parse(descriptor.digest)
        content = store.read(blob_path(digest), limit)
        digests.verify(content, digest, what="a blob")
        return content

    def missing(descriptor: wire.Descriptor) -> str | None:
        stored = store.locate(blob_path(Digest(descriptor.digest)))
        if stored is None:
            return "a foreign layer, which is kept elsewhere" if descriptor.urls else "the blob is not there"
        return None if stored.key == descriptor.digest else "in place of the blob there is a link to something else"

    return Assembler(source, fetch, missing)


@dataclass(slots=True)
class _Reading:
    """One reading of both roots of a store."""

    store: Store
    wanted: Wanted
    name: str
    only: str | None
    assembler: Assembler
    configs: dict[str, Platform | None] = field(default_factory=dict)
    """Platform by digest, of every config that the index leads to."""
    notices: list[Notice] = field(default_factory=list)
    miss: ImgscanError | None = None

    def images(self) -> tuple[Image, ...]:
        packed = self._packed()
        listed = self._listed(spare=bool(packed))
        images = [_merged(image, packed.pop(image.config_digest or "", None)) for image in listed]
        images += [image for image in packed.values() if self._takes(image)]
        if not images:
            raise self.miss or self._none_fits(packed.values())
        images[0] = replace(images[0], notices=(*images[0].notices, *self.notices))
        return tuple(images)

    def _none_fits(self, images: Iterable[Image]) -> ImageNotFoundError:
        there = ", ".join(sorted({str(image.platform) for image in images})) or "none"
        wanted = self.wanted.platform
        message = f"no image for platform {wanted}" if wanted else "no image of those that are named is here"
        return ImageNotFoundError(message, where=self.name, hint=f"platforms here: {there}")

    def _takes(self, image: Image) -> bool:
        """Whether an image of ``manifest.json`` alone is wanted; one that the index knows was passed over there."""
        if self.only is not None or image.config_digest in self.configs:
            return False
        if self.wanted.all_platforms or select.fits(image.platform, self.wanted.platform):
            return True
        self.notices.append(Notice("no-platform", image.reference, f"{image.platform} is not the wanted platform"))
        return False

    def _packed(self) -> dict[str, Image]:
        """The images of ``manifest.json``, by config."""
        if self.store.locate(DOCKER_MANIFEST) is None:
            return {}
        content = self.store.read(DOCKER_MANIFEST, MAX_JSON_BYTES)
        items = wire.decode(content, tuple[wire.ArchiveItem, ...], what=DOCKER_MANIFEST)
        if len(items) > MAX_IMAGES:
            raise LimitExceededError(f"{DOCKER_MANIFEST} names {len(items)} images, more than {MAX_IMAGES}")
        images: dict[str, Image] = {}
        for number, image in enumerate(map(self._packed_image, items)):
            images.setdefault(image.config_digest or str(number), image)  # the same again is another tag
        return images

    def _packed_image(self, item: wire.ArchiveItem) -> Image:
        promised = _promised(item.config)
        config = self.assembler.config(lambda limit: self.store.read(item.config, limit), where=DOCKER_MANIFEST)
        if config.content is not None and promised is not None:
            digests.verify(config.content, promised, what="the config")
        paths = item.layers or ()
        diff_ids, notices = pair(len(paths), config.parsed, where=DOCKER_MANIFEST)
        return Image(
            reference=next(iter(item.repo_tags or ()), self.name),
            source=self.assembler.source,
            platform=config.platform,
            manifest_digest=None,
            config_digest=promised or (digests.of(config.content) if config.content is not None else None),
            config_json=config.content,
            config=config.parsed,
            layers=tuple(
                self._packed_layer(index, path, diff_id)
                for index, (path, diff_id) in enumerate(zip(paths, diff_ids, strict=True))
            ),
            notices=(*config.notices, *notices),
        )

    def _packed_layer(self, index: int, path: str, diff_id: Digest | None) -> LayerRef:
        stored = self.store.locate(path)
        if stored is None:
            return LayerRef(index, key_of(path), digest_in(path), diff_id, absent="the blob is not there")
        return LayerRef(index, stored.key, stored.digest, diff_id, size_bytes=stored.size_bytes)

    def _listed(self, *, spare: bool) -> list[Image]:
        """The images of ``index.json``. With others to ``spare``, an index that is no good is a notice."""
        if self.store.locate(INDEX) is None:
            if not spare and self.store.locate(DOCKER_MANIFEST) is None:
                raise BlobAbsentError(f"neither {DOCKER_MANIFEST} nor {INDEX} is there", where=self.name)
            return []
        try:
            return list(self._listed_images())
        except ImageNotFoundError as error:
            self.miss = error
        except DigestMismatchError:
            raise
        except ImageFormatError as error:
            if not spare:
                raise
            self.configs.clear()  # or manifest.json's images would count as passed over
            self.notices.append(Notice("bad-index", INDEX, error.message, incomplete=True))
        return []

    def _listed_images(self) -> Iterator[Image]:
        root = self._named(wire.decode(self.store.read(INDEX, MAX_JSON_BYTES), wire.Index, what=INDEX))
        chosen, notices = select.choose_each(
            root, self._fetch, self._inspect, wanted=self.wanted.platform, every=self.wanted.all_platforms
        )
        self.notices += notices
        for item in chosen:
            try:
                yield self.assembler.image(item, self._reference(item))
            except BlobAbsentError as error:
                self.miss = error
                self.notices.append(Notice("absent-manifest", item.descriptor.digest, error.message, incomplete=True))

    def _named(self, root: wire.Index) -> wire.Index:
        if self.only is None:
            return root
        entries = [(select.names_of(entry.annotations or {}), entry) for entry in root.manifests]
        picked = tuple(entry for names, entry in entries if self.only in names)
        if not picked:
            there = ", ".join(sorted({name for names, _ in entries for name in names})) or "none"
            raise ImageNotFoundError("no image of that name", where=self.only, hint=f"names here: {there}")
        return wire.Index(picked, annotations=root.annotations)

    def _reference(self, chosen: select.Chosen) -> str:
        """Full names stand for themselves; a mere tag needs the name in front."""
        given = next(iter(select.names_of(chosen.index_annotations)), "")
        if not given:
            return self.name
        return given if "/" in given or ":" in given else f"{self.name}:{given}"

    def _fetch(self, descriptor: wire.Descriptor) -> bytes:
        return self.assembler.fetch(descriptor, MAX_JSON_BYTES)

    def _inspect(self, descriptor: wire.Descriptor) -> select.Standing:
        manifest = wire.decode(self._fetch(descriptor), wire.Manifest, what="image manifest")
        layers = manifest.layers or ()
        here = not layers or any(self.assembler.missing(layer) is None for layer in layers)
        if manifest.config.digest not in self.configs:
            self.configs[manifest.config.digest] = self._platform(manifest.config)
        return select.Standing(self.configs[manifest.config.digest], here)

    def _platform(self, config: wire.Descriptor) -> Platform | None:
        try:
            return Config(None, wire.decode(self._fetch(config), wire.ImageConfig, what="the config")).platform
        except DigestMismatchError:
            raise
        except ImageFormatError:  # told by a notice if the image is chosen
            return None


def _promised(path: str) -> Digest | None:
    """The digest that the name of a config promises."""
    if found := _CONFIG_NAME.fullmatch(path):
        return Digest(f"sha256:{found[1]}")
    return digest_in(path)


def _merged(listed: Image, packed: Image | None) -> Image:
    """One image named by both roots: names from ``manifest.json``, the rest from the index unless it lacks layers."""
    if packed is None:
        return listed
    better = len(packed.layers) != len(listed.layers) or _absent(packed) < _absent(listed)
    if not packed.layers or not better:
        return replace(listed, reference=packed.reference)
    told = [notice for notice in listed.notices if notice.code != LAYER_COUNT]
    told += [notice for notice in packed.notices if notice.code == LAYER_COUNT]
    return replace(listed, reference=packed.reference, layers=packed.layers, notices=tuple(told))


def _absent(image: Image) -> int:
    return sum(layer.absent is not None for layer in image.layers)
