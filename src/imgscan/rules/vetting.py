"""Asking the matcher, which this room does not know, about rules that come from files."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import msgspec

from imgscan._version import __version__
from imgscan.rules import cache
from imgscan.rules.problems import Flaw

if TYPE_CHECKING:
    from imgscan.rules.contribution import Contribution, Entry
    from imgscan.rules.problems import Problem, Vet


class Vetting:
    """Asks a ``vet`` about the rules of a file, and remembers between runs that all was well."""

    def __init__(self, vet: Vet | None, *, use_cache: bool) -> None:
        self._vet = vet
        self._use_cache = use_cache

    def problems(self, made: Contribution) -> list[Problem]:
        """What is wrong with the rules, and ids that stand there twice."""
        found: list[Problem] = []
        seen: set[str] = set()
        for entry in made.entries:
            if entry.rule.id in seen:
                _note(found, entry, Flaw(("id",), f"there is another rule {entry.rule.id} in this file"))
            seen.add(entry.rule.id)
        if self._vet and not self._known_good(made):
            for entry in made.entries:
                for flaw in self._vet(entry.rule):
                    _note(found, entry, flaw)
            if self._use_cache and not found:
                cache.write(_entry_name(made), b"")
        return found

    def _known_good(self, made: Contribution) -> bool:
        return self._use_cache and cache.read(_entry_name(made)) is not None


def _note(found: list[Problem], entry: Entry, flaw: Flaw) -> None:
    before = len(entry.source.problems)
    if translated := entry.keys.get(str(flaw.at[0])):
        entry.source.problem((*entry.at, translated), flaw.message)
    else:
        entry.source.problem((*entry.at, *flaw.at), flaw.message, offset=flaw.offset)
    found += entry.source.problems[before:]
    del entry.source.problems[before:]


def _entry_name(made: Contribution) -> str:
    content = msgspec.msgpack.encode([[entry.rule for entry in made.entries], [allow for allow, _ in made.allow]])
    return f"rules-{hashlib.sha256(f'vetted {__version__}'.encode() + content).hexdigest()[:32]}.msgpack"
