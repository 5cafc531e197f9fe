"""What stands in the config, the history, annotations and attestations of an image: scanned, and each secret told once.

The same value often stands in several of them (an ``ENV`` is in the history and in the config, a build arg in every
step after it); the first place in the order of ``image.fields`` names it.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass, replace
from itertools import accumulate, chain
from typing import TYPE_CHECKING, Final

from imgscan.image.fields import fields
from imgscan.match import precedence
from imgscan.match.enclosing import words
from imgscan.model.values import Where

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from imgscan.image.fields import Field
    from imgscan.image.history import Instruction
    from imgscan.image.image import Image
    from imgscan.match.detector import Detector
    from imgscan.model.values import Match, Notice

MAX_COMPARED: Final = 100
"""Secrets of one instruction, or places of one secret; more is a list made to be slow."""

HALVES: Final = re.compile(
    "access|account|api|app|auth|client|consumer|credentials?|id|key|login|pass|password|private|public|pw|secret|sid"
    "|token|user|username"
)
"""Words that say which half of a credential a variable has; what else is in its name says whose it is."""

BETWEEN: Final = b"\n"
"""What separates variables where they are looked at together, as in an ``.env`` file."""


@dataclass(frozen=True, slots=True)
class FieldMatch:
    """A match in a field."""

    field: Field
    match: Match


def scan_config(
    image: Image, instructions: Sequence[Instruction], detector: Detector
) -> tuple[tuple[FieldMatch, ...], tuple[Notice, ...]]:
    """The secrets of an image that are in no file, one match for each secret and kind of place."""
    found, notices = fields(image, instructions)
    told = list(notices)
    matches: list[FieldMatch] = []
    for field in found:
        own, more = detector.text(field.text, field.where, field.key)
        matches += [FieldMatch(field, match) for match in own]
        told += more
    return tuple(_once(_paired(matches, found, detector))), tuple(told)


def _once(matches: Iterable[FieldMatch]) -> Iterable[FieldMatch]:
    """Leave out what repeats an earlier match: the same value under the same place, or of the history again."""
    seen: dict[bytes, list[Field]] = defaultdict(list)
    wholes: dict[tuple[Where, int | None], list[bytes]] = defaultdict(list)
    for found in matches:
        field, value = found.field, found.match.secret.value
        instruction = wholes[field.where, field.instruction]
        repeats = any(_repeats(field, other) for other in seen[value][:MAX_COMPARED])
        if repeats or _is_part(field, value, instruction):
            continue  # not skipped: told already
        for known in (value, *(part.value for _, part in found.match.parts)):
            seen[known].append(field)
        instruction.append(value)
        yield found


def _paired(matches: Sequence[FieldMatch], found: Sequence[Field], detector: Detector) -> Iterator[FieldMatch]:
    """The same, with credentials whose halves are two variables as one: alone, neither half knows the other."""
    own: dict[Field, list[FieldMatch]] = defaultdict(list)
    for match in matches:
        own[match.field].append(match)
    by_owner: dict[frozenset[str], list[Field]] = defaultdict(list)
    for field in found:
        if field.key.startswith("config.Env["):
            by_owner[_owner(field)].append(field)
    for variables in by_owner.values():
        yield from _together(variables, [match for field in variables for match in own.pop(field, ())], detector)
    yield from chain.from_iterable(own.values())


def _owner(variable: Field) -> frozenset[str]:
    """What the name of a variable says but for which half it is: of ``DEV_AWS_ACCESS_KEY_ID`` ``dev`` and ``aws``."""
    name, _, _ = variable.text.partition(b"=")
    return frozenset(word for word in words(name) if not HALVES.fullmatch(word))


def _together(variables: Sequence[Field], own: list[FieldMatch], detector: Detector) -> list[FieldMatch]:
    """The matches of variables of one owner, given those in each of them alone.

    What notices this second look may have, the first had too.
    """
    if len(variables) == 1:
        return own
    starts = list(accumulate((len(field.text) + len(BETWEEN) for field in variables), initial=0))
    together, _ = detector.text(BETWEEN.join(field.text for field in variables), Where.ENV, "config.Env")
    pairs = [
        match
        for match in together
        if match.parts and bisect_right(starts, match.whole_start) < bisect_right(starts, match.whole_end - 1)
    ]
    if not pairs:
        return own
    offsets = dict(zip(variables, starts, strict=False))
    alone = [_moved(found.match, offsets[found.field]) for found in own]
    standing = precedence.resolve([*alone, *pairs], detector.rules.by_id)
    placed = [(bisect_right(starts, match.start) - 1, match) for match in standing]
    return [FieldMatch(variables[index], _moved(match, -starts[index])) for index, match in placed]


def _moved(match: Match, by: int) -> Match:
    """A match by its offsets in another text."""
    return replace(
        match,
        start=match.start + by,
        end=match.end + by,
        whole_start=match.whole_start + by,
        whole_end=match.whole_end + by,
    )


def _is_part(field: Field, value: bytes, wholes: list[bytes]) -> bool:
    """Whether the history shows only the beginning of a value that the config has whole, as quoting cuts it."""
    return _is_history(field) and any(value in whole for whole in wholes[:MAX_COMPARED])


def _repeats(field: Field, earlier: Field) -> bool:
    if field.place == earlier.place and field.where is not Where.HISTORY:
        return True
    if not _is_history(field):
        return False
    if field.key == earlier.key or field.key.startswith("container_config"):
        return True
    return field.where is earlier.where or (field.where is Where.HISTORY and earlier.where is Where.ARG)


def _is_history(field: Field) -> bool:
    return field.key.startswith(("history", "container_config"))
