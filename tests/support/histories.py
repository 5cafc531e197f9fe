"""Configs with a history, from the texts of its entries."""

import json
from collections.abc import Mapping

from imgscan.image import wire
from imgscan.image.history import Alignment, Instruction, align
from imgscan.rules.sample import expand

SUM = expand("{hex:64}")
Entry = str | Mapping[str, object]
NOP = "/bin/sh -c #(nop)"


def config(*entries: Entry, **run: object) -> wire.ImageConfig:
    """A config of entries, each ``created_by`` or a dictionary; a leading ``-`` marks an empty layer."""
    history = [given if isinstance(given, Mapping) else entry(given) for given in entries]
    document = {"config": run, "history": history, "rootfs": {"type": "layers", "diff_ids": []}}
    return wire.decode(json.dumps(document).encode(), wire.ImageConfig, what="config")


def entry(text: str) -> dict[str, object]:
    made: dict[str, object] = {"created": "2026-11-24T03:50:48.123456789Z", "created_by": text.removeprefix("-")}
    return {**made, "empty_layer": True} if text.startswith("-") else made


def buildkit(text: str) -> dict[str, object]:
    return {**entry(text), "comment": "buildkit.dockerfile.v0"}


def aligned(*entries: Entry, **run: object) -> Alignment:
    made = config(*entries, **run)
    return align(made, sum(not step.empty_layer for step in made.history or ()))


def texts(*entries: Entry, **run: object) -> list[str]:
    return [instruction.text for instruction in aligned(*entries, **run).instructions]


def last(*entries: Entry, **run: object) -> Instruction:
    return aligned(*entries, **run).instructions[-1]
