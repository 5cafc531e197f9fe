"""The lines of a Dockerfile for the instructions of an image.

An instruction gets the lines of a step only if their texts agree, in order and from the end of the history on; what
is in front belongs to the base image. Where two steps would fit equally well, or none, there are no lines and a
notice: a wrong line is worse than none. What agreement is, ``imgscan.image.dockerfile_texts`` knows.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from imgscan.errors import UsageError
from imgscan.image import dockerfile_texts
from imgscan.image.history import DockerfileSpan
from imgscan.model.values import Notice

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from imgscan.image.dockerfile import Dockerfile, Stage, Step
    from imgscan.image.dockerfile_texts import Seen, Wanted
    from imgscan.image.history import Instruction

MAX_PAIRS: Final = 1_000_000
"""Comparisons of one alignment, about a second; images have some hundred instructions at most."""
MAX_COMPARED: Final = 200_000_000
"""Characters of all comparisons; both texts may come from whoever made the image. Real ones need some millions."""

MISMATCH: Final = "dockerfile-mismatch"
_SKIPPED_INSTRUCTION: Final = 3
"""Cost of an instruction that no step explains, once one behind the base image is explained."""
_SKIPPED_STEP: Final = 1
"""Cost of a step without instruction: kaniko records no metadata, and BuildKit no ONBUILD."""
_LAYERED: Final = frozenset({"RUN", "COPY", "ADD"})
_LISTED: Final = 10
"""Numbers that a notice lists before it stops."""
_VARIABLE: Final = re.compile(r"\$\{[^}]*\}|\$\w+")


def attach(
    instructions: Sequence[Instruction], dockerfile: Dockerfile, *, target: str | None = None
) -> tuple[tuple[Instruction, ...], tuple[Notice, ...]]:
    """Give instructions the lines of their step in ``target`` (the last stage if ``None``) and the stages behind it.

    Instructions that have lines keep them.

    Raises:
        UsageError: the file has no stage ``target``.
    """
    stage = _stage(dockerfile, target)
    steps = dockerfile.built(stage.index)
    wanted = dockerfile_texts.wanted(steps)
    seen = dockerfile_texts.seen(instructions, wanted)
    if _are_too_many(wanted, seen):
        message = f"too large to compare: {len(wanted)} steps with {len(seen)} instructions"
        return tuple(instructions), (Notice(MISMATCH, dockerfile.path, message),)
    found = _owners(_align(wanted, seen), wanted, seen)
    layered = [at for at, step in enumerate(steps) if step.keyword in _LAYERED]
    fitting = {at for places in found.values() for at in places}
    if 2 * len(fitting & set(layered)) < len(layered) or (wanted and not found):
        message = f"it does not fit this image: too few steps of {_name(stage)} are in the history"
        return tuple(instructions), (Notice(MISMATCH, dockerfile.path, message),)
    unused = [at for at in layered if at not in fitting]
    notices = (
        *_unexplained(instructions, found, dockerfile.path),
        *_unused([steps[at] for at in unused], dockerfile.path),
        *_doubtful_parent(dockerfile, stage),
    )
    return _with_doubts(_with_lines(instructions, found, steps, dockerfile.path), found, unused), notices


def _stage(dockerfile: Dockerfile, target: str | None) -> Stage:
    if target is None:
        return dockerfile.stages[-1]
    for stage in reversed(dockerfile.stages):
        if target.lower() == stage.name or target == str(stage.index):
            return stage
    known = ", ".join(stage.name for stage in dockerfile.stages if stage.name) or "none has a name"
    raise UsageError(f"there is no stage {target!r}", where=dockerfile.path, hint=f"its stages: {known}")


def _are_too_many(wanted: Sequence[Wanted], seen: Sequence[Seen]) -> bool:
    parts = sum(len(pattern) for step in wanted for pattern in step.patterns)
    characters = sum(len(item.text) for item in seen)
    pairs = len(wanted) * len(seen)
    return pairs > MAX_PAIRS or len(wanted) * characters + len(seen) * parts > MAX_COMPARED


def _name(stage: Stage) -> str:
    return f"stage {stage.name or stage.index}"


def _align(wanted: Sequence[Wanted], seen: Sequence[Seen]) -> set[tuple[int, int]]:
    """Pairs (step, instruction) that belong together in every best alignment, by place in the sequences."""
    agreement = {
        (row, column): score
        for row, item in enumerate(seen)
        for column, step in enumerate(wanted)
        if (score := dockerfile_texts.agreement(step, item))
    }
    best = _table(len(seen), len(wanted), agreement)
    return set(_trace(best, agreement, late=True)) & set(_trace(best, agreement, late=False))


def _table(rows: int, columns: int, agreement: dict[tuple[int, int], int]) -> list[list[int]]:
    """``best[i][j]``: value of the first ``i`` instructions with the first ``j`` steps; the base image is free."""
    best = [[-_SKIPPED_STEP * column for column in range(columns + 1)]]
    for row in range(rows):
        above, current = best[-1], [0]
        for column in range(columns):
            value = max(above[column + 1] - _SKIPPED_INSTRUCTION, current[column] - _SKIPPED_STEP)
            if score := agreement.get((row, column)):
                value = max(value, above[column] + score)
            current.append(value)
        best.append(current)
    return best


def _trace(
    best: Sequence[Sequence[int]], agreement: dict[tuple[int, int], int], *, late: bool
) -> Iterator[tuple[int, int]]:
    """One best alignment: of several, the one with the latest or the earliest pairs."""
    row, column = len(best) - 1, len(best[0]) - 1
    while row and column:
        score = agreement.get((row - 1, column - 1))
        value = best[row][column]
        paired = score is not None and value == best[row - 1][column - 1] + score
        skips_step = value == best[row][column - 1] - _SKIPPED_STEP
        skips_instruction = value == best[row - 1][column] - _SKIPPED_INSTRUCTION
        if paired and (late or not (skips_step or skips_instruction)):
            yield column - 1, row - 1
            row, column = row - 1, column - 1
        elif skips_step:
            column -= 1
        else:
            row -= 1


def _owners(pairs: Iterable[tuple[int, int]], wanted: Sequence[Wanted], seen: Sequence[Seen]) -> dict[int, set[int]]:
    """Steps by instruction, for instructions of which every part found its place, side by side."""
    parts: defaultdict[int, int] = defaultdict(int)
    for item in seen:
        parts[item.owner] += 1
    found: defaultdict[int, list[int]] = defaultdict(list)
    for column, row in pairs:
        found[seen[row].owner].append(wanted[column].owner)
    return {
        owner: set(steps)
        for owner, steps in found.items()
        if len(steps) == parts[owner] and max(steps) - min(steps) < len(set(steps))
    }


def _with_lines(
    instructions: Sequence[Instruction], found: dict[int, set[int]], steps: Sequence[Step], path: str
) -> tuple[Instruction, ...]:
    def lines(at: int) -> DockerfileSpan:
        spans = [steps[place] for place in found[at]]
        return DockerfileSpan(path, min(step.start_line for step in spans), max(step.end_line for step in spans))

    return tuple(
        replace(item, dockerfile=lines(at)) if at in found and item.dockerfile is None else item
        for at, item in enumerate(instructions)
    )


def _with_doubts(
    instructions: Sequence[Instruction], found: dict[int, set[int]], unused: Sequence[int]
) -> tuple[Instruction, ...]:
    """As many layers in front of the first that a step explains may be ours as steps in front of it explain none."""
    first = min(found, default=0)
    steps = sum(at < min(found[first]) for at in unused) if found else 0
    layered = [at for at, item in enumerate(instructions[:first]) if item.layer is not None]
    doubtful = frozenset(layered[max(len(layered) - steps, 0) :])
    return tuple(replace(item, doubtful=True) if at in doubtful else item for at, item in enumerate(instructions))


def _unexplained(instructions: Sequence[Instruction], found: dict[int, set[int]], path: str) -> Iterator[Notice]:
    first = min(found, default=len(instructions))
    missing = [item.index for at, item in enumerate(instructions) if at > first and at not in found]
    if missing:
        yield Notice(MISMATCH, path, f"no step is certain to be that of instruction {_listed(missing)}")


def _unused(steps: Sequence[Step], path: str) -> Iterator[Notice]:
    if steps:
        lines = [step.start_line for step in steps]
        yield Notice(MISMATCH, path, f"no instruction is certain to be that of line {_listed(lines)}")


def _doubtful_parent(dockerfile: Dockerfile, stage: Stage) -> Iterator[Notice]:
    """A stage that starts ``FROM $MODE`` may start from another one; only the build knew."""
    oldest = dockerfile.lineage(stage.index)[0]
    rest = _VARIABLE.sub("", oldest.base)
    if rest != oldest.base and not {":", "/", "@"} & set(rest) and oldest.index:
        message = f"{_name(oldest)} starts FROM {oldest.base}: if that is an earlier stage, its lines are not known"
        yield Notice(MISMATCH, dockerfile.path, message)


def _listed(numbers: Sequence[int]) -> str:
    shown = ", ".join(map(str, numbers[:_LISTED]))
    return shown if len(numbers) <= _LISTED else f"{shown} and {len(numbers) - _LISTED} more"
