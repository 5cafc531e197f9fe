"""What an image is, whatever source it came from: manifest, config, ordered layers, attestations.

The bytes of layers are not here; a source delivers them by the same ``key`` (see ``imgscan.sources.base``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from imgscan.image.wire import ImageConfig
    from imgscan.model.values import Digest, Notice, Platform


@dataclass(frozen=True, slots=True)
class LayerRef:
    """A layer as its image names it.

    ``key`` identifies the blob within the source; two layers with one key are the same bytes. ``digest`` is of the blob
    as stored, ``diff_id`` of the uncompressed tar; either may be unknown. ``absent`` says why the blob cannot be had.
    """

    index: int
    key: str
    digest: Digest | None
    diff_id: Digest | None
    media_type: str | None = None
    size_bytes: int | None = None
    annotations: Mapping[str, str] = field(default_factory=dict)
    absent: str | None = None


@dataclass(frozen=True, slots=True)
class Attestation:
    """An in-toto statement that an index keeps beside the image, as it was stored."""

    digest: Digest
    predicate_type: str | None
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Image:
    """One image of one platform.

    ``config_json`` is the config as stored and ``config`` what is understood of it; both ``None`` when the image has
    none that can be read. ``annotations`` holds manifest annotations by key as they are to be named in a report:
    ``manifest.annotations[K]``, ``index.annotations[K]``, ``layers[N].annotations[K]``.
    """

    reference: str
    source: str
    platform: Platform | None
    manifest_digest: Digest | None
    config_digest: Digest | None
    config_json: bytes | None = field(repr=False)
    config: ImageConfig | None = field(repr=False)
    layers: tuple[LayerRef, ...]
    annotations: Mapping[str, str] = field(default_factory=dict, repr=False)
    attestations: tuple[Attestation, ...] = ()
    notices: tuple[Notice, ...] = ()
