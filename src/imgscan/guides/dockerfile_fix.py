"""How the very instruction that leaked is written without the secret: in words, with the lines to take over.

Knows the instruction only as a report shows it; changing a Dockerfile is ``guides.dockerfile_patch``'s business.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final

import msgspec

from imgscan.guides.page import Code, Paragraph
from imgscan.model.values import Where

COPIES: Final = frozenset({"COPY", "ADD"})

_PLAIN_PATH: Final = re.compile(r"[\w@%+:,./-]+", re.ASCII)
"""Paths that mean nothing else in a shell or in a flag: what is shown here is made to be pasted."""


@dataclass(frozen=True, slots=True)
class Spot:
    """One place in the words of a report: ``keyword`` and ``step`` (``step 3/9``) of the instruction behind it.

    ``variable`` is what the secret is called there, or by the provider. ``from_stage`` says that the file was copied
    from an earlier stage; ``removed_by`` is the step that deleted it again.
    """

    where: Where
    keyword: str
    variable: str
    path: str | None = None
    step: str = "the instruction"
    from_stage: bool = False
    removed_by: str | None = None

    @property
    def is_plain(self) -> bool:
        """Whether the path can be pasted as it is."""
        return bool(self.path and _PLAIN_PATH.fullmatch(self.path))

    @property
    def file(self) -> str:
        """The name of the file without its directory."""
        return (self.path or "").rpartition("/")[2] if self.is_plain else "FILE"

    @property
    def secret_id(self) -> str:
        """The name of the secret in a build."""
        if self.where is Where.FILE:
            return re.sub(r"\W+", "_", self.file.lower()).strip("_") or "file"
        return self.variable.lower()


@dataclass(frozen=True, slots=True)
class Fix:
    """What to do about one instruction."""

    parts: tuple[Paragraph | Code, ...]


def fix(spot: Spot, patch: str | None = None, note: str | None = None) -> Fix:
    """The fix for one place, with the patch of the Dockerfile if there is one; ``note`` says what to know of it."""
    kinds = (_kind(spot), *(("deleted",) if spot.removed_by else ()))
    parts = [_filled(part, spot) for kind in kinds for part in _texts()[kind]]
    parts += [Paragraph(note)] if note else []
    parts += [Code("The patch", "diff", patch.rstrip("\n"))] if patch else []
    return Fix(tuple(parts))


def _kind(spot: Spot) -> str:
    """The table of ``fixes.toml`` for this place."""
    match spot.where:
        case Where.FILE if spot.from_stage:
            return "stage"
        case Where.FILE:
            return "copy" if spot.keyword in COPIES else "written"
        case Where.ARG | Where.ENV:
            return spot.where.value
        case _:
            return "literal" if spot.keyword == "RUN" else "setting"


def _filled(part: Paragraph | Code, spot: Spot) -> Paragraph | Code:
    known = {
        "step": spot.step,
        "keyword": spot.keyword,
        "variable": spot.variable,
        "id": spot.secret_id,
        "path": (spot.path or "") if spot.is_plain else "/PATH/TO/FILE",
        "file": spot.file,
        "removed_by": spot.removed_by or "",
    }
    text = re.sub(r"\{(\w+)\}", lambda found: known[found[1]], part.text)
    return msgspec.structs.replace(part, text=text)


@cache
def _texts() -> dict[str, tuple[Paragraph | Code, ...]]:
    content = (resources.files("imgscan.guides") / "fixes.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(content), dict[str, tuple[Paragraph | Code, ...]])
