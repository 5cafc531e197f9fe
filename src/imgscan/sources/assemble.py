"""From a manifest to an image: what every source shares once it can fetch JSON by descriptor.

Digests of JSON are verified by the fetching, those of layers where they are read. Knows nothing of where blobs are.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from imgscan.errors import BlobAbsentError, DigestMismatchError, ImageFormatError, LimitExceededError
from imgscan.image import wire
from imgscan.image.image import Attestation, Image, LayerRef
from imgscan.model.values import Digest, Notice, Platform
from imgscan.streams import digest as digests
from imgscan.streams.limits import MAX_ATTESTATION_BYTES, MAX_JSON_BYTES, MAX_LAYERS, MIB

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from imgscan.image.select import Chosen

    Fetch = Callable[[wire.Descriptor, int], bytes]
    """Content of a descriptor, at most so many bytes, verified. Raises ``ImageFormatError`` and its kinds."""

    Missing = Callable[[wire.Descriptor], str | None]
    """Why the blob of a layer cannot be had, or ``None`` if it can."""

PREDICATE_TYPE: Final = "in-toto.io/predicate-type"

LAYER_COUNT: Final = "layer-count"
"""Code of the notice that manifest and config do not agree on how many layers there are."""

MAX_KEPT_BYTES: Final = 64 * MIB
"""Configs and attestations of all images of one source, which stay in memory."""


@dataclass(frozen=True, slots=True)
class Config:
    """A config as far as it could be read."""

    content: bytes | None
    parsed: wire.ImageConfig | None
    notices: tuple[Notice, ...] = ()

    @property
    def platform(self) -> Platform | None:
        """The platform, if the config names one."""
        if self.parsed is None or not self.parsed.os or not self.parsed.architecture:
            return None
        return Platform(self.parsed.os, self.parsed.architecture, self.parsed.variant or None)


@dataclass(slots=True)
class Assembler:
    """Makes images of manifests; one for all images of a source, as they share a budget."""

    source: str
    fetch: Fetch
    missing: Missing
    left_bytes: int = MAX_KEPT_BYTES

    def image(self, chosen: Chosen, reference: str) -> Image:
        """The image of a manifest, with everything but the bytes of its layers.

        Raises:
            BlobAbsentError: the manifest is not there.
            DigestMismatchError: the manifest or config is not the one that was named.
            ImageFormatError: the manifest is no manifest.
        """
        content = self.fetch(chosen.descriptor, MAX_JSON_BYTES)
        manifest = wire.decode(content, wire.Manifest, what="image manifest")
        config = self.config(lambda limit: self.fetch(manifest.config, limit), where=manifest.config.digest)
        layers = manifest.layers or ()
        diff_ids, notices = pair(len(layers), config.parsed, where=chosen.descriptor.digest)
        attestations, more = self._attestations(chosen.attestations)
        return Image(
            reference=reference,
            source=self.source,
            platform=chosen.platform or config.platform,
            manifest_digest=Digest(chosen.descriptor.digest),
            config_digest=Digest(manifest.config.digest),
            config_json=config.content,
            config=config.parsed,
            layers=tuple(
                _layer(index, layer, diff_id, self.missing(layer))
                for index, (layer, diff_id) in enumerate(zip(layers, diff_ids, strict=True))
            ),
            annotations=_annotations(chosen, manifest),
            attestations=attestations,
            notices=(*config.notices, *notices, *more),
        )

    def config(self, read: Callable[[int], bytes], *, where: str) -> Config:
        """Read a config; what is absent or unreadable becomes a notice, a wrong digest an error."""
        content = None
        try:
            content = self._keep(read(min(MAX_JSON_BYTES, self.left_bytes)))
            return Config(content, wire.decode(content, wire.ImageConfig, what="the config"))
        except BlobAbsentError as error:
            return Config(None, None, (Notice("no-config", where, error.message, incomplete=True),))
        except DigestMismatchError:
            raise
        except ImageFormatError as error:
            return Config(content, None, (Notice("bad-config", where, error.message, incomplete=True),))

    def _attestations(self, manifests: Iterable[wire.Descriptor]) -> tuple[tuple[Attestation, ...], tuple[Notice, ...]]:
        statements: dict[str, wire.Descriptor] = {}
        found: list[Attestation] = []
        notices: list[Notice] = []
        for manifest in manifests:
            with _noting(notices, manifest):
                statements |= {layer.digest: layer for layer in self._statements(manifest, notices)}
        for layer in statements.values():
            with _noting(notices, layer):
                found.append(self._attestation(layer))
        return tuple(found), tuple(notices)

    def _statements(self, descriptor: wire.Descriptor, notices: list[Notice]) -> Iterator[wire.Descriptor]:
        content = self.fetch(descriptor, MAX_JSON_BYTES)
        for layer in wire.decode(content, wire.Manifest, what="attestation manifest").layers or ():
            if layer.media_type == wire.IN_TOTO:
                yield layer
            else:
                notices.append(Notice("artifact-ignored", descriptor.digest, "not an in-toto statement"))

    def _attestation(self, layer: wire.Descriptor) -> Attestation:
        content = self._keep(self.fetch(layer, min(MAX_ATTESTATION_BYTES, self.left_bytes)))
        return Attestation(Digest(layer.digest), (layer.annotations or {}).get(PREDICATE_TYPE), content)

    def _keep(self, content: bytes) -> bytes:
        self.left_bytes -= len(content)
        return content


@contextmanager
def _noting(notices: list[Notice], descriptor: wire.Descriptor) -> Iterator[None]:
    """What is wrong with an attestation never keeps its image from being scanned."""
    try:
        yield
    except BlobAbsentError as error:  # usual: engines that pull one platform leave attestations behind
        notices.append(Notice("absent-attestation", descriptor.digest, error.message))
    except ImageFormatError as error:
        notices.append(Notice("bad-attestation", descriptor.digest, error.message, incomplete=True))


def pair(
    layers: int, config: wire.ImageConfig | None, *, where: str
) -> tuple[tuple[Digest | None, ...], tuple[Notice, ...]]:
    """The diff_id of each layer: all of them, or none when config and manifest do not agree.

    Raises:
        LimitExceededError: no engine could run so many layers.
    """
    if layers > MAX_LAYERS:
        raise LimitExceededError(f"the image has {layers} layers, more than {MAX_LAYERS}", where=where)
    unknown = (None,) * layers
    if config is None:
        return unknown, ()
    diff_ids = (config.rootfs.diff_ids if config.rootfs else None) or ()
    if len(diff_ids) != layers:
        message = f"the manifest has {layers} layers, the config {len(diff_ids)}: none can be verified by the config"
        return unknown, (Notice(LAYER_COUNT, where, message, incomplete=layers < len(diff_ids)),)
    try:
        return tuple(digests.parse(text) for text in diff_ids), ()
    except ImageFormatError as error:
        return unknown, (Notice("bad-diff-id", where, error.message),)


def _layer(index: int, descriptor: wire.Descriptor, diff_id: Digest | None, absent: str | None) -> LayerRef:
    try:
        digest = digests.parse(descriptor.digest)
    except ImageFormatError as error:
        digest, absent = None, error.message
    return LayerRef(
        index=index,
        key=descriptor.digest,
        digest=digest,
        diff_id=diff_id,
        media_type=descriptor.media_type,
        size_bytes=descriptor.size,
        annotations=descriptor.annotations or {},
        absent=absent,
    )


def _annotations(chosen: Chosen, manifest: wire.Manifest) -> dict[str, str]:
    named = {f"index.annotations[{key}]": value for key, value in chosen.index_annotations.items()}
    named |= {f"manifest.annotations[{key}]": value for key, value in (manifest.annotations or {}).items()}
    for index, layer in enumerate(manifest.layers or ()):
        named |= {f"layers[{index}].annotations[{key}]": value for key, value in (layer.annotations or {}).items()}
    return named
