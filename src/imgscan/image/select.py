"""From the root of an image to its manifests: walk indexes, choose platforms, pair attestations with their image.

Shared by every source that holds manifests (archive, layout, registry). Reads through a ``fetch`` function and knows
nothing of where that leads.
"""

from __future__ import annotations

import platform as host
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from imgscan.errors import BlobAbsentError, ImageFormatError, ImageNotFoundError, LimitExceededError
from imgscan.image import wire
from imgscan.model.values import Digest, Notice, Platform
from imgscan.streams.limits import MAX_INDEX_DEPTH, MAX_INDEX_ENTRIES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Fetch = Callable[[wire.Descriptor], bytes]
    """Content of a descriptor, verified. Raises ``BlobAbsentError`` if it is not there."""

ATTESTATION_TYPE: Final = "vnd.docker.reference.type"
ATTESTATION_SUBJECT: Final = "vnd.docker.reference.digest"
UNKNOWN: Final = "unknown"
ARCHITECTURES: Final = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "i686": "386"}
"""Names of ``uname -m`` as images spell them; the others are the same."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """A manifest that was chosen, with the descriptors of its attestation manifests and the annotations above it."""

    descriptor: wire.Descriptor
    platform: Platform | None
    index_annotations: dict[str, str] = field(default_factory=dict)
    attestations: tuple[wire.Descriptor, ...] = ()


@dataclass(slots=True)
class _Walk:
    """What a walk over nested indexes has seen."""

    manifests: dict[str, Chosen] = field(default_factory=dict)
    attestations: dict[str, list[wire.Descriptor]] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)
    notices: list[Notice] = field(default_factory=list)


def host_platform() -> Platform:
    """The platform of Linux images that this machine would run."""
    machine = host.machine().lower()
    return Platform("linux", ARCHITECTURES.get(machine, machine))


def choose(
    index: wire.Index, fetch: Fetch, *, wanted: Platform | None, every: bool = False
) -> tuple[tuple[Chosen, ...], tuple[Notice, ...]]:
    """The manifests of the wanted platform (of the host if ``None``; of all if ``every``), in index order.

    A lone manifest is taken whatever its platform unless another was asked for by name. Several manifests of the wanted
    platform (an archive with several images) are all taken. Manifests that say no platform count as fitting.

    Raises:
        ImageNotFoundError: no manifest has the platform; the hint lists what there is.
        LimitExceededError: the index is too deep or too large.
    """
    walk = _Walk()
    _visit(index, fetch, walk, depth=0)
    found = list(walk.manifests.values())
    picked = found if every else _of_platform(found, wanted)
    chosen = tuple(
        Chosen(
            item.descriptor,
            item.platform,
            item.index_annotations,
            tuple(walk.attestations.get(item.descriptor.digest, ())),
        )
        for item in picked
    )
    return chosen, tuple(walk.notices)


def _visit(index: wire.Index, fetch: Fetch, walk: _Walk, *, depth: int) -> None:
    if depth >= MAX_INDEX_DEPTH:
        raise LimitExceededError(f"image indexes are nested more than {MAX_INDEX_DEPTH} deep")
    for entry in index.manifests:
        if entry.digest in walk.seen:
            continue  # not skipped: the same content under another tag
        walk.seen.add(entry.digest)
        if len(walk.seen) > MAX_INDEX_ENTRIES:
            raise LimitExceededError(f"the image index reaches more than {MAX_INDEX_ENTRIES} manifests")
        annotations = entry.annotations or {}
        if annotations.get(ATTESTATION_TYPE):
            _attach(entry, annotations, walk)
        elif _is_index(entry, fetch, walk):
            try:
                nested = wire.decode(fetch(entry), wire.Index, what="image index")
            except BlobAbsentError as error:
                walk.notices.append(Notice("absent-index", entry.digest, error.message))
                continue
            _visit(nested, fetch, walk, depth=depth + 1)
        elif _is_image(entry):
            combined = {**(index.annotations or {}), **annotations}
            walk.manifests[entry.digest] = Chosen(entry, _platform(entry), combined)
        else:
            message = f"{entry.artifact_type or entry.media_type or 'an unknown artifact'} is not an image"
            walk.notices.append(Notice("artifact-ignored", entry.digest, message))


def _attach(entry: wire.Descriptor, annotations: dict[str, str], walk: _Walk) -> None:
    if annotations[ATTESTATION_TYPE] == "attestation-manifest":
        subject = annotations.get(ATTESTATION_SUBJECT, "")
        walk.attestations.setdefault(subject, []).append(entry)
    else:
        message = f"reference of type {annotations[ATTESTATION_TYPE]!r} is not known"
        walk.notices.append(Notice("artifact-ignored", entry.digest, message))


def _is_index(entry: wire.Descriptor, fetch: Fetch, walk: _Walk) -> bool:
    """Podman and skopeo may leave the media type out: then only the content can tell."""
    if entry.media_type is not None:
        return entry.media_type in wire.INDEX_TYPES
    try:
        wire.decode(fetch(entry), wire.Index, what="manifest")
    except BlobAbsentError as error:
        walk.notices.append(Notice("absent-manifest", entry.digest, error.message))
        return False
    except ImageFormatError:
        return False
    return True


def _is_image(entry: wire.Descriptor) -> bool:
    known = entry.media_type is None or entry.media_type in wire.MANIFEST_TYPES
    unknown = entry.platform is not None and entry.platform.architecture == UNKNOWN
    return known and not unknown and entry.artifact_type is None


def _platform(entry: wire.Descriptor) -> Platform | None:
    if entry.platform is None or not entry.platform.architecture:
        return None
    return Platform(entry.platform.os, entry.platform.architecture, entry.platform.variant)


def _of_platform(found: Sequence[Chosen], wanted: Platform | None) -> list[Chosen]:
    if wanted is None and len(found) == 1:
        return list(found)
    target = wanted or host_platform()
    fitting = [item for item in found if item.platform is None or _fits(item.platform, target)]
    exact = [item for item in fitting if item.platform == target]
    if exact and target.variant:
        return exact
    if not fitting:
        there = ", ".join(sorted({str(item.platform) for item in found})) or "none"
        raise ImageNotFoundError(
            f"no image for platform {target}", hint=f"platforms here: {there}; choose one with --platform"
        )
    return fitting


def _fits(have: Platform, target: Platform) -> bool:
    same = (have.os, have.architecture) == (target.os, target.architecture)
    return same and (target.variant is None or have.variant in (None, target.variant))


def subject_digest(entry: wire.Descriptor) -> Digest | None:
    """The image an attestation manifest says it describes."""
    digest = (entry.annotations or {}).get(ATTESTATION_SUBJECT)
    return Digest(digest) if digest else None
