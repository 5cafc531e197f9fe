"""Every text of an image that is not in a file: the config down to its last string, history, annotations, attestations.

Each becomes a ``Field`` with the key it is reported under, the instruction that set it, and a *place*: a name for it
that survives a rebuild, on which fingerprints stand. The text of a pair is ``NAME=value``, so that names count as
context. Knows nothing of secrets.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import msgspec

from imgscan.image.attested import texts
from imgscan.image.history import setters
from imgscan.model.values import Notice, Where

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from imgscan.image.history import Instruction
    from imgscan.image.image import Image

    Json = dict[str, "Json"] | list["Json"] | str | int | float | bool | None

MAX_FIELDS: Final = 200_000
"""Strings of one config; real ones have some hundreds."""

MAX_DEPTH: Final = 64
"""Nesting of a config; real ones have 5 levels."""

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
        document = _document(image.config_json)
        found += _config_fields(document, instructions)
        if len(found) >= MAX_FIELDS:
            notices.append(Notice("config-cut", "config", f"only {MAX_FIELDS} fields were scanned", incomplete=True))
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


def _document(config_json: bytes) -> Mapping[str, Json]:
    """The config as plain values; that it is an object with the right types, the source has made sure of."""
    document = msgspec.json.decode(config_json)
    return document if isinstance(document, dict) else {}


def _config_fields(document: Mapping[str, Json], instructions: Sequence[Instruction]) -> list[Field]:
    set_by = setters(instructions)
    found: list[Field] = []
    for section in RUN_CONFIGS:
        body = document.get(section)
        for key, value in body.items() if isinstance(body, dict) else ():
            found += _run_config(section, key, value, set_by)
    for key, value in document.items():
        if key in RUN_CONFIGS or key in ("history", "rootfs"):
            continue  # not skipped: history and run configurations have fields of their own, rootfs holds digests
        where = Where.AUTHOR if key == "author" else Where.ANNOTATION
        setter = _index(set_by, "MAINTAINER") if key == "author" else None
        found += [Field(where, path, f"config:{path}", text.encode(), setter) for path, text in _leaves(key, value)]
    return found[:MAX_FIELDS]


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
        for place, text in _leaves(path, value):
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


def _leaves(path: str, value: Json, depth: int = 0) -> Iterator[tuple[str, str]]:
    """Every string below a value, keys of objects included, with the path that leads to it."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict) and depth < MAX_DEPTH:
        for key, item in value.items():
            if isinstance(item, str):
                yield f"{path}.{key}", _pair(key, item)
            else:
                yield f"{path}.{key}", key
                yield from _leaves(f"{path}.{key}", item, depth + 1)
    elif isinstance(value, list) and depth < MAX_DEPTH:
        if all(isinstance(item, str) for item in value):
            yield path, " ".join(map(str, value))  # a command: an option and its value are neighbours in the list
            return
        for number, item in enumerate(value):
            yield from _leaves(f"{path}[{number}]", item, depth + 1)


def _pair(name: str, value: str) -> str:
    return f"{name}={value}"


def _name(key: str) -> str:
    """The name in the last brackets of a key."""
    found = _PAIRS.search(key)
    return found[1] if found else key
