"""One small image, every form of archive it may have, and every way an archive may come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from imgscan.sources.archive import ArchiveSource, StreamSource
from imgscan.sources.base import Wanted
from tests.support.images import (
    ImageBuilder,
    Members,
    blob,
    containerd_store,
    crane,
    docker_25,
    docker_legacy,
    dump,
    oci_layout,
    pack,
    podman_docker,
    sha256,
    tar_of,
)
from tests.support.reading import Trickle

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from imgscan.sources.base import Source

    Open = Callable[..., Source]

WAYS: Final = ("file", "zstd file", "pipe", "gzip pipe")


def as_source(way: str, directory: Path, archive: Members | bytes, wanted: Wanted | None = None) -> Source:
    """An archive as it may come; its name is ``image.tar`` whatever the way."""
    codec, _, last = way.rpartition(" ")
    data = pack(archive if isinstance(archive, bytes) else tar_of(archive), codec)
    if last == "file":
        return as_file(directory, data, wanted)
    return StreamSource(lambda: Trickle(data), kind="docker-archive", reference="image.tar", wanted=wanted or Wanted())


def as_file(directory: Path, data: bytes, wanted: Wanted | None = None) -> ArchiveSource:
    path = directory / "image.tar"
    path.write_bytes(data)
    return ArchiveSource(path, wanted=wanted or Wanted())


def app(*tags: str, platform: str = "linux/amd64", text: bytes = b"x") -> ImageBuilder:
    image = ImageBuilder(*tags, platform=platform)
    image.layer({"etc/": None, "etc/one": text + platform.encode()}, codec="gzip", annotations={"k": "layer"})
    image.layer({"app/two": text * 5000}, codec="zstd")
    image.layer(image.layers[0].tar)  # the same again
    image.annotations["k"] = "manifest"
    return image.step("ENV A=b").configure(Env=["A=b"])


FORMS: dict[str, tuple[Callable[..., Members], bool]] = {
    "docker ≤ 24": (docker_legacy, False),
    "docker 25": (docker_25, False),
    "containerd": (containerd_store, True),
    "podman": (podman_docker, False),
    "crane": (crane, True),
    "oci": (oci_layout, True),
    "oci, nested": (lambda image: oci_layout(image, nested=True), True),
    "oci, without media types": (lambda image: oci_layout(image, media_types=False), True),
}
"""How to write each form, and whether its layers are compressed."""


def without(members: Members, *names: str) -> Members:
    assert set(names) <= set(members)
    return {name: content for name, content in members.items() if name not in names}


def with_manifest(image: ImageBuilder, manifest: bytes) -> Members:
    """A layout of ``image`` with another manifest."""
    index = {"manifests": [{"digest": sha256(manifest), "mediaType": "application/vnd.oci.image.manifest.v1+json"}]}
    return {**oci_layout(image), blob(sha256(manifest)): manifest, "index.json": dump(index)}
