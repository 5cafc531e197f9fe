"""Which layers come from the base image: by diff_id against the one named, else by what the image says of itself.

Marks layers, never skips them. An image that a label names is not looked up: a scanned image must not make us call
somewhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from imgscan.image import provenance
from imgscan.model import report
from imgscan.model.values import Notice

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from imgscan.image.history import Instruction
    from imgscan.image.image import Image

NAME: Final = "org.opencontainers.image.base.name"
"""OCI image specification, "Pre-Defined Annotation Keys"; builders write it as a label too."""

COMMENTED: Final = re.compile(r"FROM (?![0-9a-f]{12}\Z)(\S{1,512})")
"""What buildah notes at the first step behind the base; at the others the id of the step before."""


@dataclass(frozen=True, slots=True)
class Base:
    """The base image: its name, how it is known, how many layers and instructions of the image are its own."""

    reference: str | None = None
    how: Literal["flag", "label", "provenance", "unknown"] = "unknown"
    layers: int = 0
    instructions: int = 0

    def info(self, hide: Callable[[str], str]) -> report.Base:
        """As it stands in a report; ``hide`` takes secrets out of what an image says."""
        return report.Base(self.reference and hide(self.reference), self.layers, self.how)


def of_flag(reference: str, candidates: Sequence[Image], image: Image) -> tuple[Base, list[Notice]]:
    """The base that was named, given the images found under that name: the longest one whose layers begin ours."""
    ours = [layer.diff_id for layer in image.layers]
    theirs = [[layer.diff_id for layer in candidate.layers] for candidate in candidates]
    fitting = [
        diff_ids for diff_ids in theirs if diff_ids and None not in diff_ids and ours[: len(diff_ids)] == diff_ids
    ]
    if not fitting:
        message = "the image does not begin with the layers of this base, so no layer is marked as of the base"
        return Base(reference, "flag"), [Notice("base-mismatch", reference, message)]
    return Base(reference, "flag", max(map(len, fitting))), []


def recorded(image: Image, instructions: Sequence[Instruction]) -> Base:
    """The base that the image itself names, in provenance, by a label or in its history."""
    for attestation in image.attestations:
        if found := provenance.base(attestation):
            return Base(found[0], "provenance", _layers_before(instructions, None))
    labels = (image.config.config.labels if image.config and image.config.config else None) or {}
    annotated = {key.rpartition("[")[2].removesuffix("]"): value for key, value in image.annotations.items()}
    commented, behind = _commented(image)
    name = labels.get(NAME) or annotated.get(NAME) or commented
    return Base(name, "label", _layers_before(instructions, behind)) if name else Base()


def _commented(image: Image) -> tuple[str | None, int | None]:
    """The base as the history names it, and the first entry behind it; nothing if the last step is not buildah's."""
    history = (image.config.history if image.config else None) or ()
    comments = [entry.comment or "" for entry in history]
    if not comments or not comments[-1].startswith("FROM "):
        return None, None
    for index in reversed(range(len(comments))):
        if found := COMMENTED.fullmatch(comments[index]):
            return found[1], index
    return None, None


def _layers_before(instructions: Sequence[Instruction], behind: int | None) -> int:
    """Layers in front of the first instruction that may stand in the Dockerfile, or of a history entry; else none."""
    ours = (
        number
        for number, step in enumerate(instructions)
        if step.dockerfile is not None or step.doubtful or (step.history == behind and behind is not None)
    )
    first = next(ours, 0)
    return sum(step.layer is not None for step in instructions[:first])


def instructions_of(base: Base, instructions: Sequence[Instruction]) -> int:
    """How many instructions belong to the base: those up to its last layer, and what only sets the config behind it.

    Where a Dockerfile is known, its first instruction ends the base; else the next layer does, and metadata between the
    two counts as ours, so that nothing of ours is taken for the base's.
    """
    if not base.layers:
        return 0
    last = max(
        (n for n, step in enumerate(instructions) if step.layer is not None and step.layer < base.layers), default=-1
    )
    for number in range(last + 1, len(instructions)):
        if instructions[number].dockerfile is not None:
            return number
    return last + 1
