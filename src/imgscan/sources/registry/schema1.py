"""Image manifests of schema 1, which old registries still serve: turned into layers and a config like any other.

The config is spread over JSON strings, one per layer, newest first. The newest becomes the config, all of them its
history; diff_ids are not known. Signatures are not checked, only taken off: they say who pushed, not what it is.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from imgscan.errors import ImageFormatError, LimitExceededError
from imgscan.image import wire
from imgscan.streams.limits import MAX_LAYERS

EMPTY_LAYER: Final = "sha256:a3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a7c22955b46d4"
"""The gzipped empty tar that stands for a step without a layer."""

STORAGE_FIELDS: Final = ("id", "parent", "parent_id", "layer_id", "throwaway", "Size")
"""Fields of a step that say how it was stored, not what it is."""


class FsLayer(msgspec.Struct, frozen=True):
    """One blob."""

    digest: str = msgspec.field(name="blobSum")


class Compatibility(msgspec.Struct, frozen=True):
    """One step, as JSON within JSON."""

    text: str = msgspec.field(name="v1Compatibility")


class Signature(msgspec.Struct, frozen=True):
    """What a signature covers, as base64url of JSON."""

    protected: str = ""


class Schema1(msgspec.Struct, frozen=True, rename="camel"):
    """The manifest; index 0 of both lists is the newest."""

    fs_layers: tuple[FsLayer, ...]
    history: tuple[Compatibility, ...]
    architecture: str = ""
    signatures: tuple[Signature, ...] | None = None


class _Protected(msgspec.Struct, frozen=True, rename="camel"):
    format_length: int
    format_tail: str


class _Command(msgspec.Struct, frozen=True, rename="pascal"):
    cmd: tuple[str, ...] | None = None


class _Step(msgspec.Struct, frozen=True):
    created: str | None = None
    author: str | None = None
    comment: str | None = None
    container_config: _Command | None = None


@dataclass(frozen=True, slots=True)
class Converted:
    """Digests of the layers, oldest first, and a config with history that fits them."""

    layers: tuple[str, ...]
    config_json: bytes = field(repr=False)


def payload(body: bytes) -> bytes:
    """What the digest is of: the manifest without its signatures.

    Raises:
        ImageFormatError: the signatures do not say where the manifest ends.
    """
    signatures = wire.decode(body, Schema1, what="the manifest").signatures or ()
    covered = {_protected(signature) for signature in signatures} or {_Protected(len(body), "")}
    if len(covered) != 1:
        raise ImageFormatError("the signatures of the manifest cover different content")
    (cut,) = covered
    if not 0 < cut.format_length <= len(body):
        raise ImageFormatError("a manifest signature is not well formed")
    return body[: cut.format_length] + _decode(cut.format_tail)


def _protected(signature: Signature) -> _Protected:
    return wire.decode(_decode(signature.protected), _Protected, what="a manifest signature")


def _decode(text: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        raise ImageFormatError("a manifest signature is not base64") from None


def convert(data: bytes) -> Converted:
    """Layers and config of a manifest (its payload).

    Raises:
        ImageFormatError: layers and history do not fit each other, or a step is not readable.
    """
    manifest = wire.decode(data, Schema1, what="the manifest")
    if len(manifest.fs_layers) > MAX_LAYERS:
        raise LimitExceededError(f"the manifest has more than {MAX_LAYERS} layers")
    if len(manifest.fs_layers) != len(manifest.history) or not manifest.history:
        raise ImageFormatError("the manifest has another number of layers than of steps")
    oldest_first = list(zip(reversed(manifest.fs_layers), reversed(manifest.history), strict=True))
    history = [_history(layer.digest, step.text) for layer, step in oldest_first]
    newest = wire.decode(manifest.history[0].text.encode(), dict[str, msgspec.Raw], what="a step of the manifest")
    kept: dict[str, Any] = {key: value for key, value in newest.items() if key not in STORAGE_FIELDS}
    config = {"architecture": manifest.architecture, "os": "linux", **kept, "history": history}
    layers = tuple(layer.digest for layer, _ in oldest_first if layer.digest != EMPTY_LAYER)
    return Converted(layers, msgspec.json.encode(config))


def _history(digest: str, text: str) -> dict[str, Any]:
    """A history entry. Only the digest says that a layer is empty: a step that says so of a real layer hides it."""
    step = wire.decode(text.encode(), _Step, what="a step of the manifest")
    command = step.container_config.cmd if step.container_config else None
    told = {
        "created": step.created,
        "created_by": " ".join(command) if command else None,
        "author": step.author,
        "comment": step.comment,
        "empty_layer": True if digest == EMPTY_LAYER else None,
    }
    return {key: value for key, value in told.items() if value is not None}
