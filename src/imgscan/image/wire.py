"""Untrusted JSON of images as types: indexes, manifests, configs and the manifest of ``docker save``.

Unknown fields are tolerated (these are foreign formats), wrong types are not. Knows nothing of where bytes come from;
see the OCI image specification and ``image-formats.md`` of the house facts for the shapes.
"""

from __future__ import annotations

from typing import Annotated, Final, TypeVar

import msgspec

from imgscan.errors import ImageFormatError, LimitExceededError
from imgscan.streams.limits import MAX_JSON_BYTES, MAX_JSON_VALUES

OCI_INDEX: Final = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"
DOCKER_INDEX: Final = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST: Final = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_SCHEMA1: Final = "application/vnd.docker.distribution.manifest.v1+json"
DOCKER_SCHEMA1_SIGNED: Final = "application/vnd.docker.distribution.manifest.v1+prettyjws"
IN_TOTO: Final = "application/vnd.in-toto+json"

INDEX_TYPES: Final = frozenset({OCI_INDEX, DOCKER_INDEX})
MANIFEST_TYPES: Final = frozenset({OCI_MANIFEST, DOCKER_MANIFEST})


SizeBytes = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
"""A size that a file can have."""


class WirePlatform(msgspec.Struct, frozen=True):
    """The platform of an index entry."""

    os: str = ""
    architecture: str = ""
    variant: str | None = None


class Descriptor(msgspec.Struct, frozen=True, rename="camel"):
    """A reference to content: media type, digest, size."""

    digest: str
    media_type: str | None = None
    size: SizeBytes | None = None
    annotations: dict[str, str] | None = None
    platform: WirePlatform | None = None
    artifact_type: str | None = None
    urls: tuple[str, ...] | None = None


class Index(msgspec.Struct, frozen=True, rename="camel"):
    """An image index or manifest list; ``index.json`` of a layout is one too."""

    manifests: tuple[Descriptor, ...]
    media_type: str | None = None
    annotations: dict[str, str] | None = None


class Manifest(msgspec.Struct, frozen=True, rename="camel"):
    """An image manifest. Docker 25.0 may leave the layers out (moby/moby#47065)."""

    config: Descriptor
    layers: tuple[Descriptor, ...] | None = None
    media_type: str | None = None
    annotations: dict[str, str] | None = None
    artifact_type: str | None = None
    subject: Descriptor | None = None


class ArchiveItem(msgspec.Struct, frozen=True, rename="pascal"):
    """One image of ``manifest.json`` in a ``docker save`` archive: paths of members."""

    config: str
    layers: tuple[str, ...] | None = None
    repo_tags: tuple[str, ...] | None = None


class Healthcheck(msgspec.Struct, frozen=True, rename="pascal"):
    """The health check of a config."""

    test: tuple[str, ...] | None = None


class RunConfig(msgspec.Struct, frozen=True, rename="pascal"):
    """``config`` and ``container_config``: what a container starts with. The parts that map to instructions."""

    env: tuple[str, ...] | None = None
    cmd: tuple[str, ...] | None = None
    entrypoint: tuple[str, ...] | None = None
    labels: dict[str, str] | None = None
    on_build: tuple[str, ...] | None = None
    healthcheck: Healthcheck | None = None
    shell: tuple[str, ...] | None = None


class RootFs(msgspec.Struct, frozen=True):
    """The layers of a config, by digest of the uncompressed tar."""

    diff_ids: tuple[str, ...] | None = None


class HistoryEntry(msgspec.Struct, frozen=True):
    """One step as the builder recorded it."""

    created: str | None = None
    created_by: str | None = None
    author: str | None = None
    comment: str | None = None
    empty_layer: bool | None = None


class ImageConfig(msgspec.Struct, frozen=True):
    """The image config: platform, run configuration, layers and history."""

    architecture: str | None = None
    os: str | None = None
    variant: str | None = None
    created: str | None = None
    author: str | None = None
    config: RunConfig | None = None
    container_config: RunConfig | None = None
    rootfs: RootFs | None = None
    history: tuple[HistoryEntry, ...] | None = None


Wire = TypeVar("Wire")


def decode(data: bytes, shape: type[Wire], *, what: str) -> Wire:
    """Decode untrusted JSON into ``shape``; ``what`` names the document in errors.

    Raises:
        LimitExceededError: the document is larger than ``MAX_JSON_BYTES``, or may have more than ``MAX_JSON_VALUES``.
        ImageFormatError: it is not JSON, or not of that shape. The message never quotes the document.
    """
    if len(data) > MAX_JSON_BYTES:
        raise LimitExceededError(f"{what} has {len(data)} bytes, more than {MAX_JSON_BYTES}")
    if most_values(data) > MAX_JSON_VALUES:
        raise LimitExceededError(f"{what} may have more than {MAX_JSON_VALUES} values")
    try:
        return msgspec.json.decode(data, type=shape)
    except msgspec.ValidationError as error:
        raise ImageFormatError(f"{what} is not well formed: {_place(error)}") from None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise ImageFormatError(f"{what} is not readable JSON") from None


def most_values(data: bytes) -> int:
    """As many values as a JSON document has at the most, told without decoding it."""
    return data.count(b",") + data.count(b"[") + data.count(b"{") + 1


def _place(error: msgspec.ValidationError) -> str:
    """The part of a validation error that names the place; keys of dictionaries are left out by msgspec itself."""
    return str(error).replace("Object ", "").replace("`", "'").lower()
