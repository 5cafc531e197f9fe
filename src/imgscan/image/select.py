"""From the root of an image to its manifests: walk indexes, choose platforms, pair attestations with their image.

Shared by every source that holds manifests (archive, layout, registry). Reads through functions it is given and knows
nothing of where those lead.
"""

from __future__ import annotations

import platform as host
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from imgscan.errors import BlobAbsentError, ImageFormatError, ImageNotFoundError, LimitExceededError
from imgscan.image import wire
from imgscan.model.values import Notice, Platform
from imgscan.streams.limits import MAX_INDEX_DEPTH, MAX_INDEX_ENTRIES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    Fetch = Callable[[wire.Descriptor], bytes]
    """Content of a descriptor, verified. Raises ``BlobAbsentError`` if it is not there."""

    Inspect = Callable[[wire.Descriptor], "Standing"]
    """Looks at the image behind a manifest. Raises ``BlobAbsentError`` if the manifest itself is not there."""

ATTESTATION_TYPE: Final = "vnd.docker.reference.type"
ATTESTATION_SUBJECT: Final = "vnd.docker.reference.digest"
CONTAINERD_NAME: Final = "io.containerd.image.name"
REF_NAME: Final = "org.opencontainers.image.ref.name"
UNKNOWN: Final = "unknown"
MAX_QUOTED: Final = 200
"""Characters of a foreign name in a message."""

ARCHITECTURES: Final = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "i686": "386"}
"""Names of ``uname -m`` as images spell them; the others are the same."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """A manifest that was chosen, with the descriptors of its attestation manifests and the annotations above it."""

    descriptor: wire.Descriptor
    platform: Platform | None
    index_annotations: dict[str, str] = field(default_factory=dict)
    attestations: tuple[wire.Descriptor, ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """The platform an image names itself, and whether any of its blobs are here."""

    platform: Platform | None
    here: bool


@dataclass(slots=True)
class _Walk:
    """What a walk over nested indexes has seen. ``manifests`` is of one image, the rest of the whole walk."""

    fetch: Fetch
    manifests: dict[str, Chosen] = field(default_factory=dict)
    attestations: dict[str, dict[str, wire.Descriptor]] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)
    visits: int = 0
    indexes: dict[str, bool] = field(default_factory=dict)
    """Whether a digest without a media type is that of an index."""
    notices: dict[Notice, None] = field(default_factory=dict)

    def begin_image(self) -> None:
        self.manifests, self.seen = {}, set()

    def note(self, code: str, where: str, message: str, *, incomplete: bool = False) -> None:
        self.notices[Notice(code, where, message, incomplete)] = None

    def with_attestations(self, items: Iterable[Chosen]) -> tuple[Chosen, ...]:
        """The items, each with what the walk found to describe it."""
        return tuple(
            Chosen(
                item.descriptor,
                item.platform,
                item.index_annotations,
                tuple(self.attestations.get(item.descriptor.digest, {}).values()),
            )
            for item in items
        )


def host_platform() -> Platform:
    """The platform of Linux images that this machine would run."""
    machine = host.machine().lower()
    return Platform("linux", ARCHITECTURES.get(machine, machine))


def choose(
    index: wire.Index, fetch: Fetch, *, wanted: Platform | None, every: bool = False
) -> tuple[tuple[Chosen, ...], tuple[Notice, ...]]:
    """The manifests of one image in the wanted platform (the host's if ``None``; all if ``every``), in index order.

    A lone manifest is taken whatever its platform unless another was asked for by name. Manifests that say no platform
    count as fitting.

    Raises:
        ImageNotFoundError: no manifest has the platform; the hint lists what there is.
        LimitExceededError: the index is too deep or too large.
    """
    walk = _Walk(fetch)
    _visit(index, walk, {}, depth=0)
    found = list(walk.manifests.values())
    picked = found if every else _of_platform(found, wanted)
    return walk.with_attestations(picked), tuple(walk.notices)


def choose_each(
    root: wire.Index, fetch: Fetch, inspect: Inspect, *, wanted: Platform | None, every: bool = False
) -> tuple[tuple[Chosen, ...], tuple[Notice, ...]]:
    """As ``choose``, for an ``index.json`` that may name several images, of which not all need be here.

    The platform is chosen within each image. Platforms of which nothing is here are passed over with a notice, unless
    one of them was asked for by name. A manifest under several names is taken once, under the first.

    Raises:
        ImageNotFoundError: no image has the platform.
        LimitExceededError: the index is too deep or too large.
    """
    walk = _Walk(fetch)
    chosen: dict[str, Chosen] = {}
    misses: list[ImageNotFoundError] = []
    for name, entries in _images_of(root, walk).items():
        walk.begin_image()
        _visit(wire.Index(tuple(entries), annotations=root.annotations), walk, {}, depth=0)
        here, gone = _inspected(walk, inspect)
        try:
            picked = here or gone if every else _nearest(here, gone, wanted)
        except ImageNotFoundError as error:
            misses.append(error)
            walk.note("no-platform", _short(name), f"{error.message}: this image of the index is not scanned")
            picked = []
        for item in picked:
            chosen.setdefault(item.descriptor.digest, item)
        _note_absent([item for item in gone if item not in picked], walk, incomplete=every)
    if misses and not chosen:
        raise misses[0]
    return walk.with_attestations(chosen.values()), tuple(walk.notices)


def names_of(annotations: Mapping[str, str]) -> tuple[str, ...]:
    """The names an index gives an image, the best first: full from engines and podman, only the tag from BuildKit."""
    return tuple(filter(None, (annotations.get(CONTAINERD_NAME), annotations.get(REF_NAME))))


def _images_of(root: wire.Index, walk: _Walk) -> dict[str, list[wire.Descriptor]]:
    """The entries by the image they belong to: an index is one image, and so are manifests under one name."""
    images: dict[str, list[wire.Descriptor]] = {}
    for entry in root.manifests:
        key = entry.digest if _is_index(entry, walk) else next(iter(names_of(entry.annotations or {})), "")
        images.setdefault(key, []).append(entry)
    return images


def _visit(index: wire.Index, walk: _Walk, inherited: dict[str, str], *, depth: int) -> None:
    if depth >= MAX_INDEX_DEPTH:
        raise LimitExceededError(f"image indexes are nested more than {MAX_INDEX_DEPTH} deep")
    above = {**inherited, **(index.annotations or {})}
    for entry in index.manifests:
        if entry.digest in walk.seen:
            continue  # not skipped: the same content under another tag
        walk.seen.add(entry.digest)
        walk.visits += 1
        if walk.visits > MAX_INDEX_ENTRIES:
            raise LimitExceededError(f"the image index reaches more than {MAX_INDEX_ENTRIES} manifests")
        _enter(entry, walk, {**above, **(entry.annotations or {})}, depth=depth)


def _enter(entry: wire.Descriptor, walk: _Walk, annotations: dict[str, str], *, depth: int) -> None:
    if (entry.annotations or {}).get(ATTESTATION_TYPE):
        _attach(entry, entry.annotations or {}, walk)
    elif _is_index(entry, walk):
        try:
            nested = wire.decode(walk.fetch(entry), wire.Index, what="image index")
        except BlobAbsentError as error:
            walk.note("absent-index", entry.digest, error.message, incomplete=True)
            return
        _visit(nested, walk, annotations, depth=depth + 1)
    elif _is_image(entry):
        walk.manifests[entry.digest] = Chosen(entry, _platform(entry), annotations)
    else:
        message = f"{_short(entry.artifact_type or entry.media_type or 'an unknown artifact')} is not an image"
        walk.note("artifact-ignored", entry.digest, message)


def _attach(entry: wire.Descriptor, annotations: dict[str, str], walk: _Walk) -> None:
    if annotations[ATTESTATION_TYPE] == "attestation-manifest":
        subject = annotations.get(ATTESTATION_SUBJECT, "")
        walk.attestations.setdefault(subject, {})[entry.digest] = entry
    else:
        message = f"a reference of type {_short(annotations[ATTESTATION_TYPE])} is not known"
        walk.note("artifact-ignored", entry.digest, message)


def _short(text: str) -> str:
    """Words of the index, fit for a message."""
    return ascii(text[:MAX_QUOTED])[1:-1]


def _is_index(entry: wire.Descriptor, walk: _Walk) -> bool:
    """Podman and skopeo may leave the media type out: then only the content can tell."""
    if entry.media_type:
        return entry.media_type in wire.INDEX_TYPES
    if entry.digest not in walk.indexes:
        try:
            wire.decode(walk.fetch(entry), wire.Index, what="manifest")
            walk.indexes[entry.digest] = True
        except ImageFormatError:  # absent content, too: whoever needs it will say so
            walk.indexes[entry.digest] = False
    return walk.indexes[entry.digest]


def _is_image(entry: wire.Descriptor) -> bool:
    known = not entry.media_type or entry.media_type in wire.MANIFEST_TYPES
    unknown = entry.platform is not None and entry.platform.architecture == UNKNOWN
    return known and not unknown and entry.artifact_type is None


def _platform(entry: wire.Descriptor) -> Platform | None:
    if entry.platform is None or not entry.platform.architecture:
        return None
    return Platform(entry.platform.os, entry.platform.architecture, entry.platform.variant or None)


def _inspected(walk: _Walk, inspect: Inspect) -> tuple[list[Chosen], list[Chosen]]:
    """The manifests of which something is here, and those of which nothing is; platforms filled in."""
    here: list[Chosen] = []
    gone: list[Chosen] = []
    for item in walk.manifests.values():
        try:
            standing = inspect(item.descriptor)
        except BlobAbsentError:
            standing = Standing(None, here=False)
        full = Chosen(item.descriptor, item.platform or standing.platform, item.index_annotations)
        (here if standing.here else gone).append(full)
    return here, gone


def _nearest(here: Sequence[Chosen], gone: Sequence[Chosen], wanted: Platform | None) -> list[Chosen]:
    """The fitting ones among those that are here; else what was asked for, though its blobs are not here."""
    if not here and not gone:
        return []  # only attestations and artifacts
    try:
        return _of_platform(here, wanted)
    except ImageNotFoundError:
        fitting = [item for item in gone if fits(item.platform, wanted)]
        if fitting and (wanted is not None or not here):
            return _of_platform(fitting, wanted)
        raise


def _note_absent(items: Iterable[Chosen], walk: _Walk, *, incomplete: bool) -> None:
    for item in items:
        where = str(item.platform or item.descriptor.digest)
        walk.note("absent-platform", where, "named by the index, but not here", incomplete=incomplete)


def _of_platform(found: Sequence[Chosen], wanted: Platform | None) -> list[Chosen]:
    if wanted is None and len(found) == 1:
        return list(found)
    target = wanted or host_platform()
    fitting = [item for item in found if fits(item.platform, target)]
    exact = [item for item in fitting if item.platform == target]
    if exact and target.variant:
        return exact
    if not fitting:
        there = ", ".join(sorted({str(item.platform) for item in found})) or "none"
        raise ImageNotFoundError(
            f"no image for platform {target}", hint=f"platforms here: {there}; choose one with --platform"
        )
    return fitting


def fits(have: Platform | None, target: Platform | None) -> bool:
    """Whether an image of platform ``have`` will do for ``target``; it does where either is unknown."""
    if have is None or target is None:
        return True
    same = (have.os, have.architecture) == (target.os, target.architecture)
    return same and (target.variant is None or have.variant in (None, target.variant))
