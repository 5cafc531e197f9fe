"""Every text of an image that is not in a file: the config down to its last string, history, annotations, attestations.

Each becomes a ``Field`` with the key it is reported under, the instruction that set it, and a *place*: a name for it
that survives a rebuild, on which fingerprints stand. The text of a pair is ``NAME=value``, so that names count as
context. A config that is too large or not readable is one text. Knows nothing of secrets.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from imgscan.errors import ImageFormatError
from imgscan.image.attested import texts
from imgscan.image.history import setters
from imgscan.image.json_tree import read
from imgscan.model.values import Notice, Where

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from imgscan.image.history import Instruction
    from imgscan.image.image import Image
    from imgscan.image.json_tree import Json

MAX_KEY: Final = 256
"""Characters of a key made of many names: each text below a long name would repeat it."""

RUN_CONFIGS: Final = ("config", "container_config")

KINDS: Final[dict[str, tuple[Where, str]]] = {
    "Env": (Where.ENV, "ENV"),
    "Labels": (Where.LABEL, "LABEL"),
    "Cmd": (Where.CMD, "CMD"),
    "Entrypoint": (Where.ENTRYPOINT, "ENTRYPOINT"),
    "Healthcheck": (Where.HEALTHCHECK, "HEALTHCHECK"),
    "OnBuild": (Where.ONBUILD, "ONBUILD"),
    "User": (Where.CMD, "USER"),
    "WorkingDir": (Where.CMD, "WORKDIR"),
    "Volumes": (Where.CMD, "VOLUME"),
    "Shell": (Where.CMD, "SHELL"),
}
"""Where a key of ``config`` is reported, and the instruction that sets it."""

KEYWORDS: Final = {
    "ENV": Where.ENV,
    "ARG": Where.ARG,
    "LABEL": Where.LABEL,
    "CMD": Where.CMD,
    "ENTRYPOINT": Where.ENTRYPOINT,
    "HEALTHCHECK": Where.HEALTHCHECK,
    "ONBUILD": Where.ONBUILD,
    "MAINTAINER": Where.AUTHOR,
    "USER": Where.CMD,
    "WORKDIR": Where.CMD,
    "VOLUME": Where.CMD,
    "SHELL": Where.CMD,
}
"""Where a history entry is reported, by the keyword of its instruction."""

ADDING: Final = ("OnBuild", "Volumes")
"""Keys that every instruction adds to; the others say what the last one said."""

_STEP: Final = re.compile(r"\bstep\d+")
_PAIRS: Final = re.compile(r"\[([^\]]*)\]$")


@dataclass(frozen=True, slots=True)
class Field:
    """One text. ``located`` says that lines and columns in it mean something to a person."""

    where: Where
    key: str
    place: str
    text: bytes = field(repr=False)
    instruction: int | None = None
    located: bool = False


def fields(image: Image, instructions: Sequence[Instruction]) -> tuple[tuple[Field, ...], tuple[Notice, ...]]:
    """Every field of the image, the run configuration first, so that it names what stands elsewhere too."""
    found: list[Field] = []
    notices: list[Notice] = []
    if image.config_json is not None:
        try:
            found += _config_fields(read(image.config_json), instructions, understood=image.config is not None)
        except ImageFormatError as error:
            found.append(Field(Where.ANNOTATION, "config", "config", image.config_json))
            message = f"scanned as one text: {error.message}"
            notices.append(Notice("config-unreadable", "config", message, incomplete=True))
    found += _history_fields(image, instructions)
    found += [
        Field(Where.ANNOTATION, key, f"annotation:{key}", _pair(_name(key), value).encode())
        for key, value in image.annotations.items()
    ]
    for attestation in image.attestations:
        attested, told = texts(attestation)
        notices += told
        found += [
            Field(Where.ATTESTATION, text.key, _STEP.sub("step", f"attestation:{text.key}"), text.text, located=True)
            for text in attested
        ]
    return tuple(found), tuple(notices)


def _config_fields(
    document: Mapping[str, Json], instructions: Sequence[Instruction], *, understood: bool
) -> Iterator[Field]:
    """What the config says; its history only if that is not ``understood``, and so has no fields of its own."""
    set_by = setters(instructions)
    sections = {section: body for section in RUN_CONFIGS if isinstance(body := document.get(section), dict)}
    for section, body in sections.items():
        for key, value in body.items():
            yield from _run_config(section, key, value, set_by)
    for key, value in document.items():
        if key in sections or (understood and key in ("history", "rootfs")):
            continue  # not skipped: they have fields of their own, and rootfs holds digests
        where = Where.AUTHOR if key == "author" else Where.ANNOTATION
        setter = _index(set_by, "MAINTAINER") if key == "author" else None
        for path, text in _leaves(_below("", key), value):
            yield Field(where, path, f"config:{path}", text.encode(), setter)


def _run_config(
    section: str, key: str, value: Json, set_by: Mapping[tuple[str, str | None], Instruction]
) -> Iterator[Field]:
    where, keyword = KINDS.get(key, (Where.ANNOTATION, ""))
    path = f"{section}.{key}"
    stable = f"instruction:{keyword}" if keyword else f"config:{key}"  # some formats have the instruction alone
    if key == "Env" and isinstance(value, list):
        for pair in value:
            name = str(pair).partition("=")[0]
            yield Field(where, f"{path}[{name}]", f"env:{name}", str(pair).encode(), _index(set_by, keyword, name))
    elif key == "Labels" and isinstance(value, dict):
        for name, text in value.items():
            instruction = _index(set_by, keyword, name)
            yield Field(where, f"{path}[{name}]", f"label:{name}", _pair(name, str(text)).encode(), instruction)
    elif key == "OnBuild" and isinstance(value, list):
        for number, text in enumerate(map(str, value)):
            yield Field(where, f"{path}[{number}]", stable, text.encode(), _index(set_by, keyword, text))
    else:
        for place, text in _leaves(_below(section, f".{key}"), value):
            instruction = _index(set_by, keyword, text if key in ADDING else None)
            yield Field(where, place, stable, text.encode(), instruction)


def _history_fields(image: Image, instructions: Sequence[Instruction]) -> Iterator[Field]:
    by_history = {step.history: step for step in instructions if step.history is not None}
    set_by = setters(instructions)
    for number, entry in enumerate((image.config.history if image.config else None) or ()):
        step = by_history.get(number)
        where = KEYWORDS.get(step.keyword, Where.HISTORY) if step else Where.HISTORY
        index = step.index if step else None
        place = f"instruction:{step.keyword if step else ''}"
        for name, value in (step.arguments if step else {}).items():
            key, text = f"history[{number}].created_by", _pair(name, value)
            declared = _index(set_by, "ARG", name)
            yield Field(Where.ARG, key, f"arg:{name}", text.encode(), index if declared is None else declared)
        if entry.created_by:
            yield Field(where, f"history[{number}].created_by", place, entry.created_by.encode(), index)
        for kind, note in ((Where.HISTORY, entry.comment), (Where.AUTHOR, entry.author)):
            if note:
                name = "author" if kind is Where.AUTHOR else "comment"
                yield Field(kind, f"history[{number}].{name}", f"history:{name}", note.encode(), index)


def _index(set_by: Mapping[tuple[str, str | None], Instruction], keyword: str, name: str | None = None) -> int | None:
    step = set_by.get((keyword, name))
    return step.index if step else None


def _leaves(path: str, value: Json) -> Iterator[tuple[str, str]]:
    """Every string below a value, keys of objects included, with the path that leads to it."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            place = _below(path, f".{key}")
            if isinstance(item, str):
                yield place, _pair(key, item)
            else:
                yield place, key
                yield from _leaves(place, item)
    elif isinstance(value, list):
        if all(isinstance(item, str) for item in value):
            yield path, " ".join(map(str, value))  # a command: an option and its value are neighbours in the list
            return
        for number, item in enumerate(value):
            yield from _leaves(_below(path, f"[{number}]"), item)


def _below(path: str, step: str) -> str:
    place = path + step
    return place if len(place) <= MAX_KEY else f"{place[:MAX_KEY]}…"


def _pair(name: str, value: str) -> str:
    return f"{name}={value}"


def _name(key: str) -> str:
    """The name in the last brackets of a key."""
    found = _PAIRS.search(key)
    return found[1] if found else key
