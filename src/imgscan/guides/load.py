"""Find guides: by name, or for a rule. Every rule has one; where nobody wrote it, it is made from the rule itself.

The files are cut into guides without parsing them, and only what is asked for is parsed: there are more than a
thousand, and a report needs few.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import takewhile
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from imgscan.guides.schema import Guide, Guides, KindTexts, Shared

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imgscan.rules.schema import Rule

Extent = Literal["full", "short", "composed"]

SHORT: Final = "short-"
"""How files of short guides begin."""

UNDOCUMENTED: Final = "https://cheatsheetseries.owasp.org/cheatsheets/Secrets_Management_Cheat_Sheet.html"
"""For a rule that names no page at all: what holds for every secret."""

_START: Final = re.compile(r"^\[\[guides\]\]", re.MULTILINE)
_ID: Final = re.compile(r'^id = "([^"\\]+)"', re.MULTILINE)
_NAME: Final = re.compile(r'^name = "([^"\\]+)"', re.MULTILINE)
_COMMON: Final = frozenset({"API", "CLI", "OAuth", "REST", "SSH", "JWT", "URL"})
_NAMELESS: Final = frozenset({"Basic", "Encrypted", "Key", "NTLM", "Password", "Private", "Secret", "Token", "User"})
"""First words of titles that name no provider."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A guide that was found, but not parsed."""

    name: str
    extent: Extent
    source: str


@dataclass(frozen=True, slots=True)
class Found:
    """A guide, and how much of it somebody wrote."""

    guide: Guide
    extent: Extent


@cache
def index() -> dict[str, Entry]:
    """Every written guide by its id; a full one goes before a short one."""
    entries: dict[str, Entry] = {}
    for extent, text in sorted(_files(), key=lambda file: file[0]):  # "full" comes before "short"
        starts = [found.start() for found in _START.finditer(text)]
        for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
            source = text[start:end]
            if (known := _ID.search(source)) and (name := _NAME.search(source)):
                entries.setdefault(known[1], Entry(name[1], extent, source))
    return entries


def _files() -> Iterator[tuple[Extent, str]]:
    folder = resources.files("imgscan.guides") / "providers"
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        if file.name.endswith(".toml"):
            yield "short" if file.name.startswith(SHORT) else "full", file.read_text("utf-8")


@cache
def named(name: str) -> Found | None:
    """The guide that somebody wrote under this id, if there is one."""
    entry = index().get(name)
    return Found(parse(entry.source)[0], entry.extent) if entry else None


def parse(source: str) -> tuple[Guide, ...]:
    """The guides of one file, or of a part of one."""
    return msgspec.convert(tomllib.loads(source), Guides).guides


def for_rule(rule: Rule) -> Found:
    """The guide for what this rule finds: the one it names, that of its provider, or one made from the rule."""
    written = (named(rule.guide) if rule.guide else None) or named(rule.provider)
    return written or Found(_composed(rule), "composed")


def _composed(rule: Rule) -> Guide:
    variable = re.sub(r"[^A-Za-z0-9]+", "_", rule.id).upper()
    return Guide(
        id=rule.guide or rule.provider,
        name=_provider(rule.title),
        kind="credential",
        docs=rule.references[0] if rule.references else rule.revoke_url or UNDOCUMENTED,
        about=f"{rule.title}: whoever has it is let in as the one it was made for.",
        variable=variable if variable[0].isalpha() else f"KEY_{variable}",
        console=rule.revoke_url,
    )


def _provider(title: str) -> str:
    """The name that a title begins with: up to the first word that is a common noun."""
    first, *rest = title.split()
    if first in _NAMELESS:
        return "the system that accepts it"
    proper = takewhile(lambda word: not word[0].islower() and word[0] != "(" and word not in _COMMON, rest)
    return " ".join((first, *proper))


@cache
def kinds() -> dict[str, KindTexts]:
    """The texts of every kind."""
    return msgspec.convert(tomllib.loads(_own("kinds.toml")), dict[str, KindTexts])


@cache
def shared() -> Shared:
    """The texts that hold for every secret."""
    return msgspec.convert(tomllib.loads(_own("shared.toml")), Shared)


def _own(name: str) -> str:
    return (resources.files("imgscan.guides") / name).read_text("utf-8")
