"""SLSA provenance of BuildKit: the Dockerfile lines of layers and instructions, and the base image.

Provenance is unsigned data of the registry: it explains findings and never suppresses one. Both versions of SLSA are
read; what is absent or of another shape says nothing. What is to be scanned in it is in ``imgscan.image.attested``.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs, unquote

from imgscan.errors import ImageFormatError, UsageError
from imgscan.image import dockerfile_match
from imgscan.image.dockerfile import parse
from imgscan.image.history import DockerfileSpan
from imgscan.image.json_tree import Json, Path, at, items, number, read, table, text
from imgscan.model.values import Digest, Notice

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from imgscan.image.dockerfile import Dockerfile
    from imgscan.image.history import Instruction
    from imgscan.image.image import Attestation, Image

PREDICATES: Final = "https://slsa.dev/provenance/"
MAX_LINE: Final = 1_000_000
"""Lines of a Dockerfile; larger numbers are nonsense."""
_FRONTENDS: Final = ("docker/dockerfile", "docker/buildkit-")
"""Images that take part in a build and are the base of none."""
_PURL: Final = "pkg:docker/"
_IMAGE: Final = "docker-image://"
_LIBRARY: Final = ("docker.io/library/", "docker.io/")


@dataclass(frozen=True, slots=True)
class Layout:
    """Where one version of SLSA keeps what BuildKit tells."""

    request: Path
    steps: Path
    buildkit: Path
    materials: Path


V02: Final = Layout(
    request=("predicate", "invocation", "parameters"),
    steps=("predicate", "buildConfig", "llbDefinition"),
    buildkit=("predicate", "metadata", "https://mobyproject.org/buildkit@v1#metadata"),
    materials=("predicate", "materials"),
)
V1: Final = Layout(
    request=("predicate", "buildDefinition", "externalParameters", "request"),
    steps=("predicate", "buildDefinition", "internalParameters", "buildConfig", "llbDefinition"),
    buildkit=("predicate", "runDetails", "metadata", "buildkit_metadata"),
    materials=("predicate", "buildDefinition", "resolvedDependencies"),
)


def layout(document: Json) -> Layout:
    """The version a statement is of."""
    return V1 if at(document, "predicate", "buildDefinition") is not None else V02


def layer_lines(attestation: Attestation, image: Image) -> Mapping[int, tuple[DockerfileSpan, ...]]:
    """Dockerfile lines by layer index; empty for provenance of ``mode=min``, of another image, or not readable."""
    document = _read(attestation)
    return _layer_lines(document, image) if document and not _foreign(document, image) else {}


def attach_provenance(
    instructions: Sequence[Instruction], attestation: Attestation, image: Image
) -> tuple[tuple[Instruction, ...], tuple[Notice, ...]]:
    """Give instructions their lines: by layer, and for the others by the Dockerfile that provenance holds.

    Instructions that have lines keep them. A statement about another image is not used, and a notice says so.
    """
    document = _read(attestation)
    if not document:
        return tuple(instructions), ()
    if _foreign(document, image):
        message = "the statement is about another image, so it is not used to find lines"
        return tuple(instructions), (Notice("provenance-subject", attestation.digest, message),)
    lines = _layer_lines(document, image)
    placed = [_with_lines(item, lines.get(-1 if item.layer is None else item.layer, ())) for item in instructions]
    dockerfile = _dockerfile(document)
    if dockerfile is None:
        return tuple(placed), ()
    try:
        return dockerfile_match.attach(placed, dockerfile, target=_target(document))
    except UsageError as error:
        return tuple(placed), (Notice(dockerfile_match.MISMATCH, attestation.digest, error.message),)


def base(attestation: Attestation) -> tuple[str, Digest | None] | None:
    """Base image of the last stage and its digest: by the steps if they are there, else if only one image took part."""
    document = _read(attestation)
    if not document:
        return None
    form = layout(document)
    steps = items(document, *form.steps)
    if steps:
        return _image_of(_first_source(steps))
    found = {image for material in items(document, *form.materials) if (image := _material(material))}
    bases = [image for image in found if not image[0].startswith(_FRONTENDS)]
    return bases[0] if len(bases) == 1 else None


def is_provenance(predicate_type: str | None) -> bool:
    """Whether a predicate type is SLSA provenance of any version."""
    return (predicate_type or "").startswith(PREDICATES)


def decode_base64(encoded: str) -> bytes | None:
    """The bytes of a field that holds content, ``None`` if it is not base64."""
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return None


def _read(attestation: Attestation) -> dict[str, Json] | None:
    """The statement if it is provenance; that it cannot be read is told by ``imgscan.image.attested``."""
    try:
        document = read(attestation.content)
    except ImageFormatError:
        return None
    types = (attestation.predicate_type, text(document, "predicateType"))
    return document if any(map(is_provenance, types)) else None


def _foreign(document: Json, image: Image) -> bool:
    """Whether the statement is about other images only.

    BuildKit names no subject for an image without name (seen with 26.1.5); then the index that paired the two is right.
    """
    subjects = {f"sha256:{text(subject, 'digest', 'sha256').lower()}" for subject in items(document, "subject")}
    return bool(subjects) and image.manifest_digest is not None and image.manifest_digest not in subjects


def _layer_lines(document: Json, image: Image) -> dict[int, tuple[DockerfileSpan, ...]]:
    buildkit = table(document, *layout(document).buildkit)
    pulled = {text(step, "id") for step in items(document, *layout(document).steps) if at(step, "op", "Op", "source")}
    chains = [
        (step, chain)
        for output, found in table(buildkit, "layers").items()
        if (step := output.partition(":")[0]) not in pulled
        for chain in map(_digests, found if isinstance(found, list) else ())
        if chain
    ]
    layers = _known_layers(image, [chain for _, chain in chains])
    made = dict.fromkeys((_layer(chain, layers), step) for step, chain in chains)
    lines: dict[int, dict[DockerfileSpan, None]] = {}
    for layer, step in made:
        spans = dict.fromkeys(_spans(buildkit, step))
        if layer is not None and spans:
            lines.setdefault(layer, {}).update(spans)
    return {layer: tuple(spans) for layer, spans in lines.items()}


def _digests(chain: Json) -> list[str]:
    return [text(descriptor, "digest") for descriptor in (chain if isinstance(chain, list) else ())]


def _known_layers(image: Image, chains: Sequence[list[str]]) -> list[str]:
    """Layer digests of the image as its builder knew them.

    After a recompression none of them fits; then the position counts, if the longest chain has as many layers.
    """
    layers = [layer.digest or "" for layer in image.layers]
    if any(chain[-1] in layers for chain in chains):
        return layers
    longest = max(map(len, chains), default=0)
    whole = {tuple(chain) for chain in chains if len(chain) == longest}
    return list(whole.pop()) if len(whole) == 1 and longest == len(layers) else []


def _layer(chain: list[str], layers: list[str]) -> int | None:
    """The layer a chain ends with; its parents tell layers of one digest apart."""
    if layers[: len(chain)] == chain:
        return len(chain) - 1
    return layers.index(chain[-1]) if layers.count(chain[-1]) == 1 else None


def _spans(buildkit: Json, step: str) -> Iterator[DockerfileSpan]:
    infos = at(buildkit, "source", "infos")
    for location in items(buildkit, "source", "locations", step, "locations"):
        source = number(location, "sourceIndex") or 0
        path = text(infos, source, "filename")
        for span in items(location, "ranges"):
            start, end = number(span, "start", "line"), number(span, "end", "line")
            if path and start and end and start <= end <= MAX_LINE:
                yield DockerfileSpan(path, start, end)


def _with_lines(instruction: Instruction, spans: Iterable[DockerfileSpan]) -> Instruction:
    """With the range around all spans of the first file."""
    first = next(iter(spans), None)
    if first is None or instruction.dockerfile is not None:
        return instruction
    same = [span for span in spans if span.path == first.path]
    start, end = min(span.start_line for span in same), max(span.end_line for span in same)
    return replace(instruction, dockerfile=DockerfileSpan(first.path, start, end))


def _dockerfile(document: Json) -> Dockerfile | None:
    """The Dockerfile of the build, if it is there, is one, and can be read."""
    info = at(document, *layout(document).buildkit, "source", "infos", 0)
    content = decode_base64(text(info, "data"))
    try:
        return parse(content, text(info, "filename") or "Dockerfile") if content else None
    except ImageFormatError:
        return None  # not skipped: its text is scanned all the same


def _target(document: Json) -> str | None:
    return text(document, *layout(document).request, "args", "target") or None


def _first_source(steps: Sequence[Json]) -> str:
    """Where the root file system of the last step comes from, followed down to a source; empty for scratch."""
    by_id = {text(step, "id"): step for step in steps}
    step: Json = steps[-1]
    for _ in steps:
        identifier = text(step, "op", "Op", "source", "identifier")
        if identifier:
            return identifier
        step = by_id.get(_root_input(step))
    return ""


def _root_input(step: Json) -> str:
    """The step whose result this one starts from: the one behind its root mount or its first file action."""
    index = 0
    for root in (*items(step, "op", "Op", "exec", "mounts"), *items(step, "op", "Op", "file", "actions")[:1]):
        if at(root, "dest") in (None, "/") and at(root, "input") == -1:
            return ""
        if at(root, "dest") == "/" or at(root, "Action"):
            index = number(root, "input") or 0
    return text(step, "inputs", index).partition(":")[0]


def _image_of(identifier: str) -> tuple[str, Digest | None] | None:
    """Name and digest of ``docker-image://docker.io/library/NAME:TAG@sha256:…``."""
    if not identifier.startswith(_IMAGE):
        return None
    name, _, digest = identifier.removeprefix(_IMAGE).partition("@")
    for prefix in _LIBRARY:
        name = name.removeprefix(prefix)
    return (name, Digest(digest) if digest else None) if name else None


def _material(material: Json) -> tuple[str, Digest | None] | None:
    """Name and digest of ``pkg:docker/NAME@TAG?digest=…&platform=…``."""
    uri = text(material, "uri")
    if not uri.startswith(_PURL):
        return None
    place, _, query = uri.removeprefix(_PURL).partition("?")
    name, _, tag = place.partition("@")
    digest = text(material, "digest", "sha256")
    known = f"sha256:{digest}" if digest else parse_qs(query).get("digest", [""])[0]
    reference = f"{unquote(name)}:{unquote(tag)}" if tag else unquote(name)
    return reference, Digest(known) if known else None
