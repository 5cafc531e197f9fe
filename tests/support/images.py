"""Images made by code, and every archive form that a real producer would write of them.

::

    image = ImageBuilder("acme/app:1")
    image.layer({"app/.env": b"TOKEN=x"}, created_by="COPY . /app # buildkit", codec="gzip")
    image.layer({"app/.wh..env": b"", "etc/": None, "bin/sh": Link("busybox")})
    image.step("ENV A=b").configure(Env=["A=b"])

    members = docker_25(image)               # {name: content}, in the order the producer writes
    del members["manifest.json"]             # break it as the test needs
    path.write_bytes(tar_of(members, prefix="./"))
    write_tree(oci_layout(image), directory)

Forms: ``docker_legacy`` (Docker ≤ 24), ``docker_25`` (graph driver store), ``containerd_store`` (Docker ≥ 25 with
containerd, ``ctr images export``), ``podman_docker``, ``crane``, ``oci_layout`` (podman, skopeo, buildx). The bytes
come from ``tarfile`` and the standard codecs, never from imgscan. One builder is one platform; forms take several.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Self

from tests.support.tars import Link, Members, pack, tar_of, write_tree

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "BuiltLayer",
    "ImageBuilder",
    "Link",
    "Members",
    "blob",
    "containerd_store",
    "crane",
    "descriptor",
    "docker_25",
    "docker_legacy",
    "dump",
    "image_index",
    "oci_layout",
    "pack",
    "podman_docker",
    "sha256",
    "tar_of",
    "write_tree",
]

OCI: Final = "application/vnd.oci.image."
DOCKER: Final = "application/vnd.docker."
SUFFIX: Final = {"plain": "", "gzip": "+gzip", "zstd": "+zstd", "xz": "+xz", "bzip2": "+bzip2"}
WHEN: Final = "2026-01-01T00:00:00Z"


def sha256(data: bytes) -> str:
    """The digest of ``data`` as images write it."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def dump(document: object) -> bytes:
    """JSON with stable bytes."""
    return json.dumps(document, separators=(",", ":")).encode()


def blob(digest: str) -> str:
    """The path of a blob in a layout."""
    return "blobs/" + digest.replace(":", "/")


@dataclass(frozen=True)
class BuiltLayer:
    """One layer: its tar, and how it is stored where layers are compressed."""

    tar: bytes
    codec: str = "gzip"
    annotations: Mapping[str, str] = field(default_factory=dict)

    @property
    def stored(self) -> bytes:
        return pack(self.tar, self.codec)

    @property
    def diff_id(self) -> str:
        return sha256(self.tar)

    @property
    def digest(self) -> str:
        return sha256(self.stored)


class ImageBuilder:
    """One image of one platform; change the public attributes before the first form is written."""

    def __init__(self, *tags: str, platform: str = "linux/amd64", docker_types: bool = False) -> None:
        self.tags = list(tags)
        self.os, self.architecture, *rest = platform.split("/")
        self.variant = rest[0] if rest else None
        self.docker_types = docker_types
        self.layers: list[BuiltLayer] = []
        self.history: list[dict[str, Any]] | None = []
        self.run_config: dict[str, Any] = {}
        self.extra: dict[str, Any] = {}  # further top-level fields of the config
        self.annotations: dict[str, str] = {}  # of the manifest
        self.statements: list[tuple[str, bytes]] = []  # (predicate type, in-toto statement)

    def layer(
        self,
        content: Mapping[str, bytes | Link | None] | bytes,
        *,
        created_by: str = "COPY . / # buildkit",
        codec: str = "gzip",
        annotations: Mapping[str, str] | None = None,
        **fields: object,
    ) -> Self:
        """Add a layer (files, or a ready tar) and its history entry."""
        tar = content if isinstance(content, bytes) else tar_of(content)
        self.layers.append(BuiltLayer(tar, codec, annotations or {}))
        return self._record(created_by, **fields)

    def step(self, created_by: str, **fields: object) -> Self:
        """Add a history entry that made no layer."""
        return self._record(created_by, empty_layer=True, **fields)

    def configure(self, **fields: object) -> Self:
        """Set fields of ``config``: ``Env``, ``Labels``, ``Cmd``, …."""
        self.run_config.update(fields)
        return self

    def attest(self, statement: object, predicate_type: str = "https://slsa.dev/provenance/v0.2") -> Self:
        """Add an attestation; only forms with a nested index hold it."""
        self.statements.append((predicate_type, statement if isinstance(statement, bytes) else dump(statement)))
        return self

    def _record(self, created_by: str, **fields: object) -> Self:
        if self.history is not None:
            self.history.append({"created": WHEN, "created_by": created_by, **fields})
        return self

    @property
    def platform(self) -> dict[str, str]:
        variant = {"variant": self.variant} if self.variant else {}
        return {"architecture": self.architecture, "os": self.os, **variant}

    @property
    def config(self) -> bytes:
        rootfs = {"type": "layers", "diff_ids": [layer.diff_id for layer in self.layers]}
        history = {} if self.history is None else {"history": self.history}
        return dump(
            {**self.platform, "created": WHEN, "config": self.run_config, **self.extra, "rootfs": rootfs, **history}
        )

    def manifest(self, *, plain: bool = False) -> bytes:
        """The image manifest; ``plain`` for stores that keep layers uncompressed."""
        kind = DOCKER + "distribution.manifest.v2+json" if self.docker_types else OCI + "manifest.v1+json"
        config = DOCKER + "container.image.v1+json" if self.docker_types else OCI + "config.v1+json"
        layers = [self._layer_descriptor(layer, plain=plain) for layer in self.layers]
        annotations = {"annotations": self.annotations} if self.annotations else {}
        return dump(
            {
                "schemaVersion": 2,
                "mediaType": kind,
                "config": descriptor(self.config, config),
                "layers": layers,
                **annotations,
            }
        )

    def _layer_descriptor(self, layer: BuiltLayer, *, plain: bool) -> dict[str, Any]:
        codec = "plain" if plain else layer.codec
        kind = DOCKER + "image.rootfs.diff.tar.gzip" if self.docker_types else OCI + "layer.v1.tar" + SUFFIX[codec]
        annotations = {"annotations": dict(layer.annotations)} if layer.annotations else {}
        return {**descriptor(layer.tar if plain else layer.stored, kind), **annotations}

    def blobs(self, *, plain: bool = False) -> dict[str, bytes]:
        """Manifest, config and layers by digest: what a registry would hold."""
        layers = [layer.tar if plain else layer.stored for layer in self.layers]
        return {sha256(data): data for data in (self.manifest(plain=plain), self.config, *layers)}

    def attestation_blobs(self) -> tuple[bytes, dict[str, bytes]]:
        """The attestation manifest, image-like as BuildKit writes it, and its blobs by digest."""
        diff_ids = [sha256(data) for _, data in self.statements]
        rootfs = {"type": "layers", "diff_ids": diff_ids}
        config = dump({"architecture": "unknown", "os": "unknown", "config": {}, "rootfs": rootfs})
        layers = [
            {
                **descriptor(data, "application/vnd.in-toto+json"),
                "annotations": {"in-toto.io/predicate-type": predicate},
            }
            for predicate, data in self.statements
        ]
        manifest = dump(
            {
                "schemaVersion": 2,
                "mediaType": OCI + "manifest.v1+json",
                "config": descriptor(config, OCI + "config.v1+json"),
                "layers": layers,
            }
        )
        return manifest, {sha256(data): data for data in (config, *(data for _, data in self.statements))}


def descriptor(data: bytes, media_type: str, **fields: object) -> dict[str, Any]:
    """The descriptor of ``data``."""
    return {"mediaType": media_type, "digest": sha256(data), "size": len(data), **fields}


def image_index(*images: ImageBuilder) -> tuple[bytes, dict[str, bytes]]:
    """A multi-platform index with attestations, and every blob below it (not itself) by digest."""
    entries, blobs = [], {}
    for image in images:
        manifest = image.manifest()
        kind = json.loads(manifest)["mediaType"]
        entries.append(descriptor(manifest, kind, platform=image.platform))
        blobs.update(image.blobs())
    for image in images:
        if image.statements:
            manifest, more = image.attestation_blobs()
            reference = {
                "vnd.docker.reference.type": "attestation-manifest",
                "vnd.docker.reference.digest": sha256(image.manifest()),
            }
            unknown = {"architecture": "unknown", "os": "unknown"}
            entries.append(descriptor(manifest, OCI + "manifest.v1+json", annotations=reference, platform=unknown))
            blobs.update({sha256(manifest): manifest, **more})
    kind = DOCKER + "distribution.manifest.list.v2+json" if images[0].docker_types else OCI + "index.v1+json"
    return dump({"schemaVersion": 2, "mediaType": kind, "manifests": entries}), blobs


def docker_legacy(*images: ImageBuilder) -> Members:
    """Docker ≤ 24: v1 ids, sorted by id; a repeated layer is a symlink, possibly before its target; metadata last."""
    trees: dict[str, Members] = {}
    tail: Members = {}
    items = []
    homes: dict[str, str] = {}
    for image in images:
        paths = []
        for number, layer in enumerate(image.layers):
            v1_id = hashlib.sha256(f"{image.tags}{number}{layer.diff_id}".encode()).hexdigest()
            home = homes.setdefault(layer.diff_id, v1_id)
            content = layer.tar if home == v1_id else Link(f"../{home}/layer.tar")
            trees[v1_id] = {
                f"{v1_id}/": None,
                f"{v1_id}/VERSION": b"1.0",
                f"{v1_id}/json": dump({"id": v1_id}),
                f"{v1_id}/layer.tar": content,
            }
            paths.append(f"{v1_id}/layer.tar")
        config = sha256(image.config).removeprefix("sha256:") + ".json"
        tail[config] = image.config
        items.append({"Config": config, "RepoTags": image.tags or None, "Layers": paths})
    head = {name: content for v1_id in sorted(trees) for name, content in trees[v1_id].items()}
    return {**head, **tail, "manifest.json": dump(items), "repositories": _repositories(images)}


def docker_25(*images: ImageBuilder) -> Members:
    """Docker 25-28, graph driver store: layout with plain layers, one index entry per tag, and ``manifest.json``."""
    blobs: dict[str, bytes] = {}
    entries, items = [], []
    for image in images:
        manifest = image.manifest(plain=True)
        blobs.update(image.blobs(plain=True))
        for tag in image.tags or [""]:
            names = _names(tag, tag.rpartition(":")[2])
            entries.append(descriptor(manifest, OCI + "manifest.v1+json", **names))
        sources = {layer.diff_id: descriptor(layer.tar, OCI + "layer.v1.tar") for layer in image.layers}
        layers = [blob(layer.diff_id) for layer in image.layers]
        items.append(
            {
                "Config": blob(sha256(image.config)),
                "RepoTags": image.tags or None,
                "Layers": layers,
                "LayerSources": sources,
            }
        )
    return {
        **_layout(blobs, entries),
        "manifest.json": dump(items),
        "oci-layout": LAYOUT,
        "repositories": _repositories(images),
    }


def containerd_store(*images: ImageBuilder) -> Members:
    """The containerd store, ``ctr images export``: all ``images`` are platforms below one nested index, first tag."""
    index, blobs = image_index(*images)
    tag = images[0].tags[0] if images[0].tags else ""
    names = _names(tag, tag.rpartition(":")[2])
    entries = [descriptor(index, json.loads(index)["mediaType"], **names)]
    items = [
        {
            "Config": blob(sha256(image.config)),
            "RepoTags": images[0].tags or None,
            "Layers": [blob(layer.digest) for layer in image.layers],
        }
        for image in images[:1]  # the engine lists the host's platform only
    ]
    return {
        **_layout({**blobs, sha256(index): index}, entries),
        "manifest.json": dump(items),
        "oci-layout": LAYOUT,
    }


def podman_docker(*images: ImageBuilder) -> Members:
    """``podman save --format docker-archive``: layers at the top, then symlinks by v1 id, manifest order."""
    members: Members = {}
    items = []
    for image in images:
        names = [layer.diff_id.removeprefix("sha256:") + ".tar" for layer in image.layers]
        members.update({name: layer.tar for name, layer in zip(names, image.layers, strict=True)})
        config = sha256(image.config).removeprefix("sha256:") + ".json"
        members[config] = image.config
        for number, name in enumerate(names):
            v1_id = hashlib.sha256(f"{number}{name}".encode()).hexdigest()
            members[f"{v1_id}/layer.tar"] = Link(f"../{name}")
            members[f"{v1_id}/VERSION"] = b"1.0"
            members[f"{v1_id}/json"] = dump({"id": v1_id})
        items.append({"Config": config, "RepoTags": image.tags or None, "Layers": names})
    return {**members, "manifest.json": dump(items), "repositories": _repositories(images)}


def crane(*images: ImageBuilder) -> Members:
    """crane and kaniko: config named by digest, layers compressed as ``<hash>.tar.gz``, manifest last."""
    members: Members = {}
    items = []
    for image in images:
        config = sha256(image.config)
        members[config] = image.config
        names = [layer.digest.removeprefix("sha256:") + ".tar.gz" for layer in image.layers]
        members.update({name: layer.stored for name, layer in zip(names, image.layers, strict=True)})
        items.append({"Config": config, "RepoTags": image.tags or None, "Layers": names})
    return {**members, "manifest.json": dump(items)}


def oci_layout(*images: ImageBuilder, nested: bool = False, media_types: bool = True) -> Members:
    """An OCI layout, for a tar or a directory: flat as podman and skopeo write it, or ``nested`` as buildx does.

    Without ``media_types`` neither index.json nor its entries say what they are.
    """
    blobs: dict[str, bytes] = {}
    entries = []
    if nested:
        index, blobs = image_index(*images)
        blobs[sha256(index)] = index
        entries.append(descriptor(index, json.loads(index)["mediaType"]))
    else:
        for image in images:
            blobs.update(image.blobs())
            manifest = image.manifest()
            names = {"annotations": {"org.opencontainers.image.ref.name": image.tags[0]}} if image.tags else {}
            platform = {"platform": image.platform} if len(images) > 1 else {}
            entries.append(descriptor(manifest, json.loads(manifest)["mediaType"], **platform, **names))
    if not media_types:
        entries = [{key: value for key, value in entry.items() if key != "mediaType"} for entry in entries]
    return {**_layout(blobs, entries, media_type=media_types), "oci-layout": LAYOUT}


LAYOUT: Final = dump({"imageLayoutVersion": "1.0.0"})


def _layout(blobs: Mapping[str, bytes], entries: list[dict[str, Any]], *, media_type: bool = True) -> Members:
    """Blobs in lexical order, as every producer writes them, and the index after them."""
    kind = {"mediaType": OCI + "index.v1+json"} if media_type else {}
    members: Members = {"blobs/": None, "blobs/sha256/": None}
    members.update({blob(digest): blobs[digest] for digest in sorted(blobs)})
    return {**members, "index.json": dump({"schemaVersion": 2, **kind, "manifests": entries})}


def _names(full: str, tag: str) -> dict[str, dict[str, str]]:
    if not full:
        return {}
    return {"annotations": {"io.containerd.image.name": full, "org.opencontainers.image.ref.name": tag}}


def _repositories(images: tuple[ImageBuilder, ...]) -> bytes:
    names: dict[str, dict[str, str]] = {}
    for image in images:
        for name, _, tag in (full.rpartition(":") for full in image.tags):
            names.setdefault(name, {})[tag] = "0" * 64
    return dump(names)
