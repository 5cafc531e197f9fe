"""The plug-in point for places images come from.

A source is opened once and then hands out two things: every layer blob it holds, in the order in which the source can
read them, and afterwards the images that say what those blobs are. That order serves a pipe, where ``manifest.json``
comes last, as well as a registry, where it comes first. A source knows nothing of rules, findings or reports.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from imgscan.image.image import Image
    from imgscan.model.values import Digest, Platform


class ByteReader(Protocol):
    """A stream of bytes as stored; ``read`` gives at most ``size`` bytes and nothing at the end."""

    def read(self, size: int, /) -> bytes:
        """Raise an ``ImgscanError`` when the bytes cannot be had."""
        ...

    def close(self) -> None:
        """Free what the stream holds; may be called early and twice."""
        ...


@dataclass(frozen=True, slots=True)
class LayerBlob:
    """A layer as stored, ready to be read once.

    ``key`` is the one in ``LayerRef``; ``digest`` is the digest the bytes must have, if the source knows it before
    reading. The reader of the blob (``imgscan.scan``) hashes and compares; a source does not need to.
    """

    key: str
    size_bytes: int | None
    digest: Digest | None
    open: Callable[[], ByteReader]


class OpenSource(Protocol):
    """A source in use."""

    @property
    def parallel(self) -> bool:
        """Whether several layers may be read at the same time, and in any order.

        If false, a blob must be read (or closed) before the next one is asked for.
        """
        ...

    def layers(self) -> Iterator[LayerBlob]:
        """Every layer blob of the chosen images, each key once.

        Raises:
            ImgscanError: the source broke; blobs delivered so far stay good.
        """
        ...

    def images(self) -> tuple[Image, ...]:
        """The images, one per platform; to be called when ``layers`` is exhausted or has failed.

        Raises:
            ImgscanError: there is no image here.
        """
        ...


class Source(Protocol):
    """One place that has the image that was asked for."""

    @property
    def kind(self) -> str:
        """``docker``, ``podman``, ``containerd``, ``registry``, ``docker-archive``, ``oci-archive`` or ``oci-dir``.

        Known at the latest when the source is open.
        """
        ...

    def open(self) -> AbstractContextManager[OpenSource]:
        """Begin reading.

        Raises:
            SourceError: and its kinds, told apart.
            ImageFormatError: what is there is no image.
        """
        ...


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which images of a multi-platform source: one platform, the platform of this machine (``None``), or all."""

    platform: Platform | None = None
    all_platforms: bool = False


@dataclass(frozen=True, slots=True)
class Access:
    """How sources may be reached.

    ``offline`` refuses every registry. ``plain_http`` allows unencrypted registries beyond loopback; ``ca_file`` adds
    certificates to trust. ``username`` and ``password`` win over every credential file, for ``registry`` alone if it is
    given: a scan may ask others too, for further images or a base.
    """

    offline: bool = False
    plain_http: bool = False
    ca_file: Path | None = None
    registry: str | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
