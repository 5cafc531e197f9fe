"""What a report has to say of the planted image, and what a report does say, in one shape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from imgscan.model.values import EventKind, State, Where
from tests.integration.planted.files import FILES, File
from tests.integration.planted.markers import secret
from tests.integration.planted.steps import FIELDS, LAYERS, NUMBERS, Field

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imgscan.model.report import Finding
    from tests.integration.planted.markers import Mark

IN_HEADER: Final = "tar header"
IN_NAMES: Final = {
    "shopify-access-token:workdir": ("/srv/shpat_…", "workdir"),
    "square-access-token:name": ("/odd/sq0atp-….txt", "odd"),
}
"""Marks in the names of a file and of the directory that ``WORKDIR`` makes: the path as told, and who made it."""


class Plant(NamedTuple):
    """A finding without what differs between registries, tars and engines. Instructions and layers by number."""

    rule: str
    where: Where
    path: str | None
    key: str | None
    line: int | None
    offset: int | None
    length: int
    decoded: tuple[str, ...]
    layer: int | None
    instruction: int | None
    state: State
    story: tuple[tuple[EventKind, int, int | None], ...]


def plants() -> tuple[Plant, ...]:
    """Everything that has to be found."""
    in_files = (_of_file(file, *where) for file in FILES if not file.repeats for where in file.marks())
    return (*in_files, *map(_of_field, FIELDS), *(_in_name(*place) for place in IN_NAMES.items()))


def of_finding(finding: Finding) -> Plant:
    """The same of what was found."""
    return Plant(
        finding.rule.id,
        finding.where,
        finding.path,
        finding.key,
        finding.line,
        finding.offset,
        finding.secret.length,
        finding.decoded,
        finding.layer.index if finding.layer else None,
        finding.instruction,
        finding.state,
        tuple((event.event, event.layer, event.instruction) for event in finding.story),
    )


def values() -> Iterator[str]:
    """The secret of each plant."""
    yield from (mark.value for file in FILES if not file.repeats for mark, _, _ in file.marks())
    yield from (secret(field.mark) for field in FIELDS)
    yield from map(secret, IN_NAMES)


def _of_file(file: File, mark: Mark, offset: int, line: int | None) -> Plant:
    events = ((EventKind.ADDED, file.step), *file.later)
    return Plant(
        mark.rule,
        Where.FILE,
        file.shown_path,
        IN_HEADER if file.link else None,
        None if file.link else line,
        None if file.link else offset,
        len(mark.value.encode()),
        (file.decoded,) if file.decoded else (),
        LAYERS[file.step],
        NUMBERS[file.step],
        file.state,
        tuple((kind, LAYERS[step], NUMBERS[step]) for kind, step in events),
    )


def _of_field(field: Field) -> Plant:
    rule, length = field.mark.partition(":")[0], len(secret(field.mark).encode())
    number = None if field.step is None else NUMBERS[field.step]
    return Plant(rule, field.where, None, field.named_key, None, None, length, (), None, number, State.CONFIG, ())


def _in_name(mark: str, place: tuple[str, str]) -> Plant:
    """A secret in a name, which is nowhere but in a header of the tar."""
    path, step = place
    rule, length, layer, number = mark.partition(":")[0], len(secret(mark)), LAYERS[step], NUMBERS[step]
    story = ((EventKind.ADDED, layer, number),)
    return Plant(rule, Where.FILE, path, IN_HEADER, None, None, length, (), layer, number, State.PRESENT, story)
