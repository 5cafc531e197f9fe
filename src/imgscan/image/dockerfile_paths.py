"""Where the steps of a Dockerfile put files: working directories, destinations, and the origin of copied files.

Says nothing when a variable, a pattern or an unknown working directory of the base image leaves doubt. It sees no
file system, so it cannot tell a file from a directory.
"""

from __future__ import annotations

from dataclasses import dataclass
from posixpath import basename, join, normpath
from typing import TYPE_CHECKING, Final

from imgscan.image.dockerfile import exec_form, words
from imgscan.image.history import DockerfileSpan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imgscan.image.dockerfile import Dockerfile, Step

MAX_HOPS: Final = 16
"""Stages through which a copied file is followed; real builds have some three."""
_UNCERTAIN: Final = frozenset("$*?[\\")


@dataclass(frozen=True, slots=True)
class _Copy:
    """A COPY or ADD whose paths are known: ``target`` is absolute; ``into`` if it can only be a directory."""

    sources: tuple[str, ...]
    target: str
    into: bool


def directories(steps: Sequence[Step]) -> tuple[str | None, ...]:
    """The working directory after each step; ``None`` while it is the base image's own."""
    found: list[str | None] = []
    current: str | None = None
    for step in steps:
        if step.keyword == "WORKDIR":
            current = resolve(_bare(step.value), current)
        found.append(current)
    return tuple(found)


def resolve(path: str, directory: str | None) -> str | None:
    """``path`` as an absolute one; ``None`` if that depends on a variable or on an unknown directory."""
    if "$" in path or not (directory or path.startswith("/")):
        return None
    return "/" + normpath(join(directory or "/", path)).lstrip("/")


def arguments(step: Step) -> list[str]:
    """Sources and destination of a COPY or ADD, without quotes; heredocs stand among them as ``<<NAME``."""
    return exec_form(step.value) or [_bare(word) for word in words(step.value)]


def source_of(dockerfile: Dockerfile, step: Step, path: str) -> DockerfileSpan | None:
    """The lines that brought ``path`` into the stages from which ``step`` copied it; ``None`` if that is not certain.

    ``path`` is where the file lies after ``step``. Goes on through stages that copied it from yet another one.
    """
    found: Step | None = None
    place = resolve(path, "/")
    for _ in range(MAX_HOPS):
        if step.copied_from is None or place is None:
            break
        place = _before(dockerfile, step, place)
        bringer = _bringer(dockerfile, step.copied_from, place) if place else None
        if bringer is None:
            break
        found = step = bringer
    return DockerfileSpan(dockerfile.path, found.start_line, found.end_line) if found else None


def _before(dockerfile: Dockerfile, step: Step, path: str) -> str | None:
    """Where ``path`` lay in the stage or context that ``step`` copied it from."""
    if step.stage is None:
        return None
    steps = dockerfile.built(step.stage)
    copy = _copy(step, directories(steps)[steps.index(step)])
    if copy is None or any(_UNCERTAIN & set(source) for source in copy.sources):
        return None
    inside = _below(path, copy.target)
    named = [source for source in copy.sources if basename(normpath(source)) == inside]
    if copy.into and len(named) == 1:
        return resolve(named[0], "/")
    return resolve(join(copy.sources[0], inside), "/") if inside is not None and len(copy.sources) == 1 else None


def _bringer(dockerfile: Dockerfile, stage: int, path: str) -> Step | None:
    """The last step behind ``stage`` that put ``path`` there: by name, or by its directory if no RUN came after."""
    steps = dockerfile.built(stage)
    ran = False
    for step, directory in reversed(list(zip(steps, directories(steps), strict=True))):
        ran = ran or step.keyword == "RUN"
        if step.keyword in ("COPY", "ADD"):
            copy = _copy(step, directory)
            if copy is None or _names(copy, path):
                return step if copy else None
            if _below(path, copy.target) is not None:
                return None if ran else step
    return None


def _names(copy: _Copy, path: str) -> bool:
    """Whether ``path`` is the very file that was copied."""
    return path == copy.target or path in {join(copy.target, basename(normpath(source))) for source in copy.sources}


def _copy(step: Step, directory: str | None) -> _Copy | None:
    *sources, target = arguments(step) or [""]
    place = resolve(target, directory)
    if place is None or not sources:
        return None
    into = len(sources) > 1 or target.endswith(("/", "/.")) or target == "."
    return _Copy(tuple(sources), place, into)


def _below(path: str, directory: str) -> str | None:
    """``path`` relative to ``directory``, empty for itself; ``None`` if it is elsewhere."""
    if path == directory:
        return ""
    prefix = directory.rstrip("/") + "/"
    return path.removeprefix(prefix) if path.startswith(prefix) else None


def _bare(text: str) -> str:
    return text.strip().translate({ord('"'): None, ord("'"): None})
