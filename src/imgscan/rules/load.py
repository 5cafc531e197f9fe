"""Read packs of rules: the packaged ones and files a user brings, in our own format or in that of other tools.

Gives a ``RuleSet``: rules in a fixed order with a fingerprint over all they say. Checks shape, ids and names, and asks
a ``vet`` from above; whether a rule keeps its promises is the business of ``imgscan.scan.check``.
"""

from __future__ import annotations

import difflib
import hashlib
import tomllib
from dataclasses import dataclass, field
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

import msgspec

from imgscan.errors import RuleError, UsageError
from imgscan.model.values import Confidence, Notice, Severity
from imgscan.rules import cache, fragments, gitleaks, trivy
from imgscan.rules.contribution import Contribution, Entry, is_name
from imgscan.rules.problems import Problem, complain
from imgscan.rules.schema import MAX_WINDOW, Pack, Rule
from imgscan.rules.shape import shaped
from imgscan.rules.source import Source
from imgscan.rules.vetting import Vetting

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from imgscan.rules import places
    from imgscan.rules.problems import Vet

FORMAT: Final = "1"
"""Goes into every fingerprint; to be raised when the meaning of a field changes."""

MAX_RULES: Final = 20_000
"""In one file; ten times the packaged ones."""

STAND_INS: Final = {
    "title": "",
    "provider": "",
    "severity": Severity.LOW,
    "confidence": Confidence.LOW,
    "examples": (),
}
"""For fields that are wrong or missing, so that the others are looked at all the same."""

SUFFIXES: Final = (".toml", ".yaml", ".yml")
"""What is read of a directory; what each file is, its content tells."""


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Rules by id, in order. ``fingerprint`` changes whenever any rule does.

    ``notices`` tell what files say that could not be done.
    """

    rules: tuple[Rule, ...]
    fingerprint: str
    by_id: dict[str, Rule] = field(repr=False)
    notices: tuple[Notice, ...] = ()

    @classmethod
    def of(cls, rules: Iterable[Rule], notices: Iterable[Notice] = ()) -> RuleSet:
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
        return cls(ordered, hashlib.sha256(content).hexdigest()[:32], by_id, tuple(notices))


def load(
    paths: Sequence[Path] = (),
    *,
    only: Sequence[str] = (),
    skip: Sequence[str] = (),
    use_cache: bool = True,
    vet: Vet | None = None,
) -> RuleSet:
    """The packaged rules and those of ``paths``, narrowed to ``only`` and without ``skip``.

    A path is a file or a directory of them. A rule of a file replaces the packaged rule of the same id. ``vet`` looks
    at every rule of a file; without it, what the matcher refuses comes to light when it is used.

    Raises:
        RuleError: files cannot be read, or rules are not well formed; tells of all of them.
        UsageError: ``only`` or ``skip`` names a rule that does not exist.
    """
    rules = {rule.id: rule for rule in packaged(use_cache=use_cache)}
    notices = _add(paths, rules, Vetting(vet, use_cache=use_cache))
    for name in (*only, *skip):
        if name not in rules:
            raise UsageError(f"there is no rule {name}", hint=suggest(name, rules))
    kept = (rule for rule in rules.values() if (not only or rule.id in only) and rule.id not in skip)
    return RuleSet.of(kept, notices)


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
    """The rules of one file alone.

    Raises:
        RuleError: the file cannot be read, or rules are not well formed.
    """
    rules: dict[str, Rule] = {}
    _add([path], rules, Vetting(None, use_cache=False))
    return tuple(rules.values())


def parse(content: bytes, *, where: str) -> tuple[Rule, ...]:
    """The rules of one packaged pack, quickly; ``where`` names it in errors.

    Raises:
        RuleError: it is not TOML, or not a pack.
    """

    def refuse(at: places.Path, message: str) -> None:
        raise RuleError(f"{'.'.join(map(str, at))}: {message}", where=where)

    try:
        data = tomllib.loads(content.decode())
        return msgspec.convert({**data, "rules": fragments.filled(data, refuse)}, Pack).rules
    except UnicodeDecodeError:
        raise RuleError("is not UTF-8 text", where=where) from None
    except tomllib.TOMLDecodeError as error:
        raise RuleError(f"is not valid TOML: {error}", where=where) from None
    except msgspec.ValidationError as error:
        raise RuleError(f"is not a rule pack: {error}", where=where) from None


def _add(paths: Sequence[Path], rules: dict[str, Rule], vetting: Vetting) -> list[Notice]:
    """Do what the files say, in their order."""
    problems: list[Problem] = []
    notices: list[Problem] = []
    allow = []
    for path in _files(paths, problems):
        try:
            made = _read(Source.read(path), rules)
        except RuleError as error:
            if error.hint:
                raise
            problems.append(Problem(error.where or str(path), error.message))
            continue
        problems += sorted(made.problems + vetting.problems(made), key=_place)
        notices += sorted(made.notices, key=_place)
        allow += made.allow
        _apply(made, rules)
    complain(problems)
    for one, targets in allow:
        for name in targets & rules.keys() or (() if targets else rules.keys()):
            rules[name] = msgspec.structs.replace(rules[name], allow=(*rules[name].allow, one))
    return [Notice("rule-file", problem.where, problem.message) for problem in notices]


def _place(problem: Problem) -> tuple[str, int]:
    return problem.file, problem.offset or 0


def _files(paths: Sequence[Path], problems: list[Problem]) -> Iterator[Path]:
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        found = sorted(file for file in path.iterdir() if file.suffix in SUFFIXES)
        if not found:
            problems.append(Problem(str(path), f"has no file that ends in {' or '.join(SUFFIXES)}"))
        yield from found


def _read(source: Source, known: Mapping[str, Rule]) -> Contribution:
    """What a file says, whatever its format; its content tells which it is."""
    if source.problems:
        return Contribution(problems=source.problems)
    given = source.data.get("rules")
    if isinstance(given, list) and len(given) > MAX_RULES:
        source.problem(("rules",), f"more than {MAX_RULES} rules")
        return Contribution(problems=source.problems)
    if source.is_yaml:
        return trivy.read(source, known)
    if gitleaks.fits(source.data):
        return gitleaks.read(source, known)
    return _read_pack(source)


def _read_pack(source: Source) -> Contribution:
    """A pack of our own."""
    made = Contribution(problems=source.problems)
    given: Any = source.data.get("rules")
    if not isinstance(given, list):
        source.problem(("rules",), "is not a rule pack: there are no [[rules]]")
        return made
    for key in source.data.keys() - {"rules", "fragments"}:
        source.problem((key,), f"unknown key {key!r}", of_key=True)
    for index, table in enumerate(fragments.filled(source.data, source.problem)):
        at = ("rules", index)
        rule = shaped(table, Rule, source, at, instead={**STAND_INS, "id": f"rule {index + 1}"})
        if rule is None or not is_name(rule.id, source, (*at, "id")):
            continue
        if not 0 < rule.window <= MAX_WINDOW:
            source.problem((*at, "window"), f"expected 1 to {MAX_WINDOW} bytes, got {rule.window}")
        elsewhere = {key: key for key in fragments.EXPRESSIONS if fragments.uses(given[index].get(key))}
        made.entries.append(Entry(rule, source, at, elsewhere))
    return made


def _apply(made: Contribution, rules: dict[str, Rule]) -> None:
    for name in [name for name in rules if name in made.unwanted or (made.only and name not in made.only)]:
        del rules[name]
    rules.update({entry.rule.id: entry.rule for entry in made.entries})


def suggest(name: str, known: Iterable[str]) -> str:
    """A hint for a name that is not known."""
    close = difflib.get_close_matches(name, known, n=3)
    return f"did you mean {' or '.join(close)}?" if close else "`imgscan rules list` shows them all"
