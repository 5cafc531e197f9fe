"""Which instruction made which layer: ``history`` of the config, aligned with the layers or not at all.

An alignment is exact when as many entries claim a layer as there are layers; otherwise no entry has one, as a guess
would blame the wrong instruction. Knows nothing of Dockerfiles and provenance, which fill in the same ``Instruction``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from imgscan.image import go_syntax
from imgscan.image.created_by import MAX_CREATED_BY, Reader
from imgscan.model.values import Notice

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from imgscan.image.wire import HistoryEntry, ImageConfig

MAX_ENTRIES: Final = 16 * 1024
"""Entries of one history; real images have up to some hundreds, and only 1,024 can have a layer we accept."""

_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)", re.ASCII)
_WORD: Final = re.compile(r"""(?:[^\s"'\\]|\\.|"(?:[^"\\]|\\.)*+"|'[^']*+')++""", re.DOTALL)
_NAMING: Final = frozenset({"ARG", "ENV", "LABEL"})
_ADDING: Final = frozenset({"ONBUILD", "VOLUME"})


@dataclass(frozen=True, slots=True)
class DockerfileSpan:
    """Lines of a Dockerfile, from 1, both ends included."""

    path: str
    start_line: int
    end_line: int


@dataclass(frozen=True, slots=True)
class Instruction:
    """One step of the build.

    ``keyword`` is one of a Dockerfile, or ``COMMIT``, ``IMPORT``, ``SQUASH`` or ``STEP`` of ``created_by.py``.
    ``text`` and ``arguments`` (build args that the builder recorded with a ``RUN``) are **not redacted**. ``exact`` is
    false when it is not certain which layer, if any, is its own. ``history`` is its index there. ``doubtful`` says that
    it may be a step of the Dockerfile although it has no lines.
    """

    index: int
    keyword: str
    text: str = field(repr=False)
    created: str | None = None
    layer: int | None = None
    history: int | None = None
    origin: Literal["history", "dockerfile", "provenance"] = "history"
    exact: bool = False
    dockerfile: DockerfileSpan | None = None
    doubtful: bool = False
    arguments: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Alignment:
    """The instructions of an image, one per history entry, and what could not be told."""

    instructions: tuple[Instruction, ...] = ()
    notices: tuple[Notice, ...] = ()


def align(config: ImageConfig | None, layer_count: int) -> Alignment:
    """The history as instructions, each with its layer if that is certain."""
    history = (config.history if config else None) or ()
    if not config or not history:
        return Alignment(notices=(_notice("no-history", "no instruction is known: the image has no history"),))
    if len(history) > MAX_ENTRIES:
        message = f"no instruction is known: the history has {len(history)} entries, more than {MAX_ENTRIES}"
        return Alignment(notices=(_notice("history-too-long", message),))
    claims = sum(not entry.empty_layer for entry in history)
    reader = Reader.of(config)
    layers = _layers(history) if claims == layer_count else None
    instructions = tuple(_instruction(index, entry, reader, layers) for index, entry in enumerate(history))
    return Alignment(instructions, tuple(_doubts(history, claims, layer_count)))


def setters(instructions: Iterable[Instruction]) -> dict[tuple[str, str | None], Instruction]:
    """The last instruction of each keyword (name ``None``), and the last of each name, trigger or path that it sets.

    Names are those of ``ENV``, ``LABEL`` and ``ARG``; the triggers of ``ONBUILD`` and the paths of ``VOLUME`` add up.
    """
    return {key: instruction for instruction in instructions for key in _keys(instruction)}


def _keys(instruction: Instruction) -> Iterator[tuple[str, str | None]]:
    keyword = instruction.keyword
    body = instruction.text.removeprefix(keyword)
    names: Iterable[str] = ()
    if keyword in _NAMING:
        names = _names(body, legacy=keyword != "ARG")
    elif keyword in _ADDING:
        names = [body.strip()] if keyword == "ONBUILD" else go_syntax.words(body.strip())
    for name in (None, *names):
        yield keyword, name


def _names(text: str, *, legacy: bool) -> Iterator[str]:
    """Names before ``=``; in the ``legacy`` form ``NAME value with a=b`` it is the first word alone."""
    text = text.replace("\\\n", " ")
    words = _WORD.findall(text) if not _WORD.sub("", text).strip() else text.split()  # BuildKit removes quotes: it's
    if legacy and words and "=" not in words[0]:
        words = words[:1]
    for position, word in enumerate(words):
        name, assigned, _ = word.partition("=")
        if assigned or not legacy or position == 0:
            yield name.strip("\"'")


def _layers(history: Iterable[HistoryEntry]) -> list[int | None]:
    """The layer of each entry."""
    count = 0
    layers: list[int | None] = []
    for entry in history:
        layers.append(None if entry.empty_layer else count)
        count += not entry.empty_layer
    return layers


def _instruction(index: int, entry: HistoryEntry, reader: Reader, layers: list[int | None] | None) -> Instruction:
    step = reader.read(entry)
    return Instruction(
        index,
        step.keyword,
        step.text,
        created=entry.created if entry.created and _TIME.fullmatch(entry.created) else None,
        layer=layers[index] if layers else None,
        history=index,
        exact=layers is not None,
        arguments=step.arguments,
    )


def _doubts(history: Iterable[HistoryEntry], claims: int, layer_count: int) -> Iterator[Notice]:
    if claims != layer_count:
        message = f"no layer has a known instruction: the history tells of {claims} layers, the image has {layer_count}"
        yield _notice("history-mismatch", message)
    for index, entry in enumerate(history):
        if len(entry.created_by or "") > MAX_CREATED_BY:
            message = f"the text of the instruction is cut at {MAX_CREATED_BY} characters; it is scanned as a whole"
            yield Notice("history-cut", f"history[{index}].created_by", message)


def _notice(code: str, message: str) -> Notice:
    return Notice(code, "history", message)
