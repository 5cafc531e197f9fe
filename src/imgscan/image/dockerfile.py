"""A Dockerfile as steps and stages, with the lines each step stands on.

Reads the syntax and nothing else: it does not know what a step does, expands no variable, and takes keywords it has
never heard of as they come. What history made of the steps is the business of ``imgscan.image.dockerfile_match``.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import msgspec

from imgscan.errors import ImageFormatError, LimitExceededError
from imgscan.streams.limits import MIB

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

MAX_DOCKERFILE_BYTES: Final = 1 * MIB
"""The longest generated Dockerfiles stay below 200 KiB."""

_DIRECTIVE: Final = re.compile(r"\s*#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(\S.*)")
_WORD: Final = re.compile(r"""(?:[^\s"'\\]|\\.|"(?:\\.|[^"\\])*"|'[^']*'|["'\\])+""", re.DOTALL)
_HEREDOC: Final = re.compile(r"""\d*<<(-?)(["']?)([^<"']+)\2""")
_HOLDS_HEREDOC: Final = re.compile(r"(?:ONBUILD\s+)?(?:RUN|COPY|ADD)\s", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Heredoc:
    """A document that follows a step: its delimiter, and its lines as they stand."""

    name: str
    body: str


@dataclass(frozen=True, slots=True)
class Step:
    """One instruction. Lines start at 1 and both ends are included, heredocs too.

    ``text`` is the instruction with its continued lines joined, ``value`` what follows keyword and flags in it.
    ``stage`` is ``None`` in front of the first FROM; ``copied_from`` is the stage that ``--from`` of a COPY names.
    """

    keyword: str
    flags: tuple[str, ...]
    text: str
    value: str
    start_line: int
    end_line: int
    stage: int | None = None
    heredocs: tuple[Heredoc, ...] = ()
    copied_from: int | None = None


@dataclass(frozen=True, slots=True)
class Stage:
    """What one FROM begins. ``base`` is as written; ``parent`` is the earlier stage it names, if it names one."""

    index: int
    name: str | None
    base: str
    parent: int | None


@dataclass(frozen=True, slots=True)
class Dockerfile:
    """All steps and stages of one file, in its order."""

    path: str
    steps: tuple[Step, ...]
    stages: tuple[Stage, ...]

    def lineage(self, stage: int) -> tuple[Stage, ...]:
        """``stage`` and the stages it starts from, oldest first."""
        found: list[Stage] = []
        at: int | None = stage
        while at is not None:
            found.append(self.stages[at])
            at = self.stages[at].parent
        return tuple(reversed(found))

    def built(self, stage: int) -> tuple[Step, ...]:
        """Every step behind ``stage`` that acts on its file system or config, in the order in which they ran."""
        order = {member.index: place for place, member in enumerate(self.lineage(stage))}
        steps = [step for step in self.steps if step.stage in order and step.keyword != "FROM"]
        return tuple(sorted(steps, key=lambda step: order[step.stage or 0]))


def parse(text: bytes | str, path: str) -> Dockerfile:
    """Read a Dockerfile; ``path`` names it in spans and errors. An unterminated heredoc counts as none.

    Raises:
        LimitExceededError: it is larger than ``MAX_DOCKERFILE_BYTES``.
        ImageFormatError: it has no FROM.
    """
    if len(text) > MAX_DOCKERFILE_BYTES:
        raise LimitExceededError(f"a Dockerfile has no more than {MAX_DOCKERFILE_BYTES} bytes", where=path)
    whole = text.decode(errors="replace") if isinstance(text, bytes) else text
    # Not splitlines(): form feeds and Unicode separators end no line for a builder.
    lines = [line.removesuffix("\r") for line in whole.removeprefix("\ufeff").split("\n")]
    dockerfile = _assemble(path, list(_steps(lines)))
    if not dockerfile.stages:
        line = dockerfile.steps[0].start_line if dockerfile.steps else 1
        raise ImageFormatError("no FROM instruction", where=f"{path}:{line}", hint="is this file a Dockerfile?")
    return dockerfile


def exec_form(value: str) -> list[str] | None:
    """The words of a value in exec form, ``["a", "b"]``; ``None`` if it is not in that form."""
    if not value.startswith("["):
        return None
    try:
        return msgspec.json.decode(value, type=list[str])
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None


def words(value: str) -> list[str]:
    """The words of a value, quotes and escapes left in place."""
    return _WORD.findall(value)


def _steps(lines: Sequence[str]) -> Iterator[Step]:
    escape = _escape(lines)
    ends = _Terminators(lines)
    at = 0
    while at < len(lines):
        text, end = _joined(lines, at, escape)
        if text:
            step = _with_heredocs(_step(text, at + 1, end), lines, ends)
            yield step
            end = step.end_line
        at = end


def _escape(lines: Sequence[str]) -> str:
    r"""The escape character: ``\`` unless a directive at the very top says so."""
    for line in lines:
        found = _DIRECTIVE.match(line)
        if not found:
            break
        if found[1].lower() == "escape" and found[2].strip() in ("\\", "`"):
            return found[2].strip()
    return "\\"


def _joined(lines: Sequence[str], start: int, escape: str) -> tuple[str, int]:
    """The instruction that begins at ``start`` without the comments and empty lines inside, and the index after it."""
    pieces: list[str] = []
    end = start + 1
    for at in range(start, len(lines)):
        line = lines[at].rstrip(" \t")
        if line.lstrip().startswith("#") or not line.strip():
            if pieces:
                continue
            break
        continued = line.endswith(escape) and not line.endswith(escape * 2)
        pieces.append(line[:-1] if continued else line)
        end = at + 1
        if not continued:
            break
    return "".join(pieces).strip(), end


class _Terminators:
    """Where each line stands, so that finding the end of a heredoc costs no second reading of the file."""

    def __init__(self, lines: Sequence[str]) -> None:
        self._plain: defaultdict[str, list[int]] = defaultdict(list)
        self._chomped: defaultdict[str, list[int]] = defaultdict(list)
        for at, line in enumerate(lines):
            self._plain[line].append(at)
            self._chomped[line.lstrip("\t")].append(at)

    def after(self, at: int, name: str, *, chomp: bool) -> int | None:
        """Index of the first line from ``at`` on that ends the heredoc ``name``."""
        places = (self._chomped if chomp else self._plain).get(name, [])
        found = bisect_left(places, at)
        return places[found] if found < len(places) else None


def _step(text: str, start_line: int, end_line: int) -> Step:
    keyword = text.split(maxsplit=1)[0]
    flags, value = _split_flags(text[len(keyword) :].lstrip())
    return Step(keyword.upper(), flags, text, value, start_line, end_line)


def _with_heredocs(step: Step, lines: Sequence[str], ends: _Terminators) -> Step:
    heredocs: list[Heredoc] = []
    end = step.end_line
    for name, chomp in _markers(step):
        stop = ends.after(end, name, chomp=chomp)
        if stop is None:
            break
        body = [line.lstrip("\t") if chomp else line for line in lines[end:stop]]
        heredocs.append(Heredoc(name, "\n".join(body)))
        end = stop + 1
    return replace(step, heredocs=tuple(heredocs), end_line=end)


def _markers(step: Step) -> Iterator[tuple[str, bool]]:
    """Delimiter, and whether leading tabs are dropped, of each heredoc that a step announces."""
    if "<<" not in step.value or not _HOLDS_HEREDOC.match(step.text) or exec_form(step.value) is not None:
        return
    for word in words(step.value):
        found = _HEREDOC.fullmatch(word)
        if found:
            yield found[3], bool(found[1])


def _split_flags(rest: str) -> tuple[tuple[str, ...], str]:
    flags: list[str] = []
    at = 0
    for word in _WORD.finditer(rest):
        at = word.start()
        if not word[0].startswith("--") or word[0] == "--":
            return tuple(flags), rest[at:]
        flags.append(word[0])
    return tuple(flags), ""


def _assemble(path: str, steps: Sequence[Step]) -> Dockerfile:
    """Give every step its stage, and every reference to a stage its index."""
    stages: list[Stage] = []
    named: dict[str, int] = {}
    placed: list[Step] = []
    for step in steps:
        if step.keyword == "FROM":
            stage = _stage(step, len(stages), named)
            stages.append(stage)
            if stage.name:
                named[stage.name] = stage.index
        current = len(stages) - 1 if stages else None
        source = _copied_from(step, current, named) if step.keyword == "COPY" else None
        placed.append(replace(step, stage=current, copied_from=source))
    return Dockerfile(path, tuple(placed), tuple(stages))


def _stage(step: Step, index: int, named: Mapping[str, int]) -> Stage:
    base, *rest = step.value.split() or [""]
    match rest:
        case [word, name, *_] if word.lower() == "as":
            return Stage(index, name.lower(), base, named.get(base.lower()))
        case _:
            return Stage(index, None, base, named.get(base.lower()))


def _copied_from(step: Step, stage: int | None, named: Mapping[str, int]) -> int | None:
    for flag in step.flags:
        option, _, source = flag.partition("=")
        if option == "--from":
            source = source.strip("\"'").lower()
            index = int(source) if source.isdecimal() and len(source) < 8 else named.get(source)  # noqa: PLR2004 - a bound
            return index if index is not None and index < (stage or 0) else None
    return None
