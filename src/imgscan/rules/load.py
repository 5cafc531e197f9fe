"""Read packs of rules: the packaged ones and files a user brings.

Gives a ``RuleSet``: rules in a fixed order with a fingerprint over all they say. Checks shape, ids and names; whether a
rule keeps its promises is the business of ``imgscan.scan.check``.
"""

from __future__ import annotations

import difflib
import hashlib
import tomllib
from dataclasses import dataclass, field
from importlib import resources
from typing import TYPE_CHECKING, Final

import msgspec

from imgscan.errors import RuleError, UsageError
from imgscan.rules import cache
from imgscan.rules.schema import Pack, Rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

FORMAT: Final = "1"
"""Goes into every fingerprint; to be raised when the meaning of a field changes."""


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Rules by id, in order. ``fingerprint`` changes whenever any rule does."""

    rules: tuple[Rule, ...]
    fingerprint: str
    by_id: dict[str, Rule] = field(repr=False)

    @classmethod
    def of(cls, rules: Iterable[Rule]) -> RuleSet:
        """Make a set of rules.

        Raises:
            RuleError: two rules share an id.
        """
        ordered = tuple(rules)
        by_id = {rule.id: rule for rule in ordered}
        if len(by_id) != len(ordered):
            twice = sorted({rule.id for rule in ordered if by_id[rule.id] is not rule})
            raise RuleError(f"more than one rule has the id {', '.join(twice)}", hint="rule ids are unique")
        content = FORMAT.encode() + msgspec.msgpack.encode(ordered)
        return cls(ordered, hashlib.sha256(content).hexdigest()[:32], by_id)


def load(
    paths: Sequence[Path] = (), *, only: Sequence[str] = (), skip: Sequence[str] = (), use_cache: bool = True
) -> RuleSet:
    """The packaged rules and those of ``paths``, narrowed to ``only`` and without ``skip``.

    A rule of a file replaces the packaged rule of the same id.

    Raises:
        RuleError: a file cannot be read or a rule is not well formed.
        UsageError: ``only`` or ``skip`` names a rule that does not exist.
    """
    rules = {rule.id: rule for rule in packaged(use_cache=use_cache)}
    for path in paths:
        rules |= {rule.id: rule for rule in read_file(path)}
    for name in (*only, *skip):
        if name not in rules:
            raise UsageError(f"there is no rule {name}", hint=_suggest(name, rules))
    kept = (rule for rule in rules.values() if (not only or rule.id in only) and rule.id not in skip)
    return RuleSet.of(kept)


def packaged(*, use_cache: bool = True) -> tuple[Rule, ...]:
    """The rules that come with imgscan, parsed once per user and release."""
    packs = list(_packs())
    key = hashlib.sha256(FORMAT.encode() + b"".join(content for _, content in packs)).hexdigest()[:32]
    entry = f"rules-{key}.msgpack"
    if use_cache and (stored := cache.read(entry)) is not None:
        try:
            return msgspec.msgpack.decode(stored, type=tuple[Rule, ...])
        except msgspec.MsgspecError:
            pass  # written by another release: made anew below
    rules = tuple(rule for name, content in packs for rule in parse(content, where=name))
    if use_cache:
        cache.write(entry, msgspec.msgpack.encode(rules))
    return rules


def _packs() -> Iterator[tuple[str, bytes]]:
    folder = resources.files("imgscan.rules") / "packs"
    for pack in sorted(folder.iterdir(), key=lambda file: file.name):
        if pack.name.endswith(".toml"):
            yield pack.name, pack.read_bytes()


def read_file(path: Path) -> tuple[Rule, ...]:
    """The rules of one file.

    Raises:
        RuleError: the file cannot be read or is not a pack.
    """
    try:
        return parse(path.read_bytes(), where=str(path))
    except OSError as error:
        raise RuleError(f"cannot be read: {error.strerror}", where=str(path)) from None


def parse(content: bytes, *, where: str) -> tuple[Rule, ...]:
    """The rules of one pack; ``where`` names it in errors.

    Raises:
        RuleError: it is not TOML, or not a pack.
    """
    try:
        return msgspec.convert(tomllib.loads(content.decode()), Pack).rules
    except UnicodeDecodeError:
        raise RuleError("is not UTF-8 text", where=where) from None
    except tomllib.TOMLDecodeError as error:
        raise RuleError(f"is not valid TOML: {error}", where=where) from None
    except msgspec.ValidationError as error:
        raise RuleError(f"is not a rule pack: {error}", where=where) from None


def _suggest(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, known, n=3)
    return f"did you mean {' or '.join(close)}?" if close else "`imgscan rules list` shows them all"
