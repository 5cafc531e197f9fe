"""Configurations of gitleaks, version 8, said in our own terms.

https://github.com/gitleaks/gitleaks#configuration describes the format. What cannot be said becomes a notice:

* its own default rules are not here; ``useDefault`` means the rules of imgscan, and without it they stay in use too;
* ``keywords`` are looked for near a match, not in the whole file;
* commits mean nothing in an image, and rules that find files by their name alone or need another rule are left out or
  used without that condition.
"""

from __future__ import annotations

import math
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from imgscan.errors import RuleError
from imgscan.model.values import Confidence, Severity
from imgscan.rules.contribution import CUSTOM, Contribution, Entry, go_regex, go_regexes, is_name, window
from imgscan.rules.schema import Allow, Rule
from imgscan.rules.shape import shaped
from imgscan.rules.source import Source

if TYPE_CHECKING:
    from collections.abc import Mapping

    from imgscan.rules.places import Path

MAX_EXTENDS: Final = 2
"""How often one configuration may extend another, as in gitleaks."""

KEYS: Final = {"pattern": "regex", "filters": "entropy"}
"""Our names of fields to theirs."""

TARGETS: Final[Mapping[str, Literal["secret", "match", "line"]]] = {
    "": "secret",
    "secret": "secret",
    "match": "match",
    "line": "line",
}
CONDITIONS: Final[Mapping[str, Literal["any", "all"]]] = {
    "": "any",
    "or": "any",
    "||": "any",
    "and": "all",
    "&&": "all",
}
MAX_BITS: Final = 8.0


class _Extend(msgspec.Struct, rename="camel"):
    use_default: bool = False
    path: str = ""
    url: str = ""
    disabled_rules: tuple[str, ...] = ()


class _Config(msgspec.Struct, rename="camel"):
    title: str = ""
    description: str = ""
    min_version: str = ""
    extend: Any = None
    rules: list[Any] = []
    allowlist: Any = None
    allowlists: list[Any] = []


class _Rule(msgspec.Struct, rename="camel"):
    id: str
    description: str = ""
    regex: str = ""
    secret_group: int = 0
    entropy: float = 0.0
    path: str = ""
    keywords: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    allowlist: Any = None
    allowlists: list[Any] = []
    required: list[Any] = []
    skip_report: bool = False


class _Allowlist(msgspec.Struct, rename="camel"):
    description: str = ""
    condition: str = ""
    commits: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    regexes: tuple[str, ...] = ()
    regex_target: str = ""
    stopwords: tuple[str, ...] = ()
    target_rules: tuple[str, ...] = ()


def fits(data: Mapping[str, Any]) -> bool:
    """Whether a TOML document is such a configuration."""
    keys = {key.lower() for key in data}
    rules = next((value for key, value in data.items() if key.lower() == "rules"), None)
    tables = [rule for rule in rules if isinstance(rule, dict)] if isinstance(rules, list) else []
    if any("pattern" in rule for rule in tables):
        return False
    return bool(keys & {"extend", "allowlist", "allowlists", "minversion"}) or any("regex" in rule for rule in tables)


def read(source: Source, known: Mapping[str, Rule], *, depth: int = 0) -> Contribution:
    """What a configuration says; ``known`` are the rules it may extend."""
    made = Contribution()
    config = shaped(source.data, _Config, source, (), foreign=True)
    if config is not None:
        base = _extend(config.extend, source, made, known, depth)
        for index, table in enumerate(config.rules):
            _add_rule(table, source, ("rules", index), made, base)
        for allow, targets in _allowlists(config.allowlist, config.allowlists, source, ()):
            made.allow.append((allow, targets))
            for name in sorted(targets - base.keys() - known.keys()):
                source.notice(("allowlists",), f"there is no rule {name} to allow anything for")
    made.problems += source.problems
    made.notices += source.notices
    return made


def _extend(table: Any, source: Source, made: Contribution, known: Mapping[str, Rule], depth: int) -> dict[str, Rule]:
    """Do what ``[extend]`` says, and give the rules that those of this file stand on."""
    extend = shaped({} if table is None else table, _Extend, source, ("extend",), foreign=True) or _Extend()
    base = dict(known) if extend.use_default else {}
    if not extend.use_default and not depth:
        source.notice(
            ("extend",), "does not extend the default rules; those of imgscan stay in use, --only narrows them"
        )
    if extend.url:
        source.notice(("extend", "url"), "is not fetched")
    if extend.path:
        _extend_file(extend.path, source, made, known, depth)
        base.update({entry.rule.id: entry.rule for entry in made.entries})
    for index, name in enumerate(extend.disabled_rules):
        if name not in base and name not in known:
            source.notice(("extend", "disabledRules", index), f"imgscan has no rule {name} to disable")
        made.unwanted.add(name)
        made.entries = [entry for entry in made.entries if entry.rule.id != name]
        base.pop(name, None)
    return base


def _extend_file(path: str, source: Source, made: Contribution, known: Mapping[str, Rule], depth: int) -> None:
    """Take over another configuration; its path is relative to where we were started, or else to this file."""
    at: Path = ("extend", "path")
    candidates = [FilePath(path), FilePath(source.name).parent / path]
    found = next((one for one in candidates if one.is_file()), None)
    if depth >= MAX_EXTENDS:
        source.problem(at, f"extends more than {MAX_EXTENDS} levels deep")
    elif found is None:
        source.problem(at, "there is no such file, neither here nor beside this one")
    else:
        try:
            inner = read(Source.read(found), known, depth=depth + 1)
        except RuleError as error:
            source.problem(at, error.message)
            return
        made.entries += inner.entries
        made.allow += inner.allow
        made.unwanted |= inner.unwanted
        made.problems += inner.problems
        made.notices += inner.notices


def _add_rule(table: Any, source: Source, at: Path, made: Contribution, base: dict[str, Rule]) -> None:
    given = shaped(table, _Rule, source, at, foreign=True, instead={"id": f"rule {int(at[-1]) + 1}"})
    if given is None or not is_name(given.id, source, (*at, "id")):
        return
    _tell_unsupported(given, source, at)
    if given.skip_report:
        return
    allow = tuple(allow for allow, _ in _allowlists(given.allowlist, given.allowlists, source, at))
    before = base.get(given.id)
    rule = _rule(given, before, allow, source, at)
    if rule is not None:
        made.entries = [entry for entry in made.entries if entry.source is source or entry.rule.id != rule.id]
        made.entries.append(Entry(rule, source, at, KEYS))
        base[rule.id] = rule


def _tell_unsupported(given: _Rule, source: Source, at: Path) -> None:
    if given.skip_report:
        source.notice(at, f"rule {given.id} reports nothing by itself, and is left out")
    elif given.required:
        source.notice((*at, "required"), f"rule {given.id} is used without the rules it requires, so it finds more")


def _rule(given: _Rule, before: Rule | None, allow: tuple[Allow, ...], source: Source, at: Path) -> Rule | None:
    """The rule as given, on top of the one of the same id that it extends."""
    filters = _filters(given, before, source, at)
    pattern = _pattern(given, source, at) if given.regex else (before.pattern if before else None)
    path_regex = go_regex(given.path, source, (*at, "path")) if given.path else None
    path = path_regex.plain() if path_regex else (before.path if before else None)
    if pattern is None:
        if not given.regex and given.path:
            source.notice(
                at, f"rule {given.id} finds files by their name alone, which imgscan does not; it is left out"
            )
        elif not given.regex:
            source.problem(at, f"rule {given.id} has neither a regex nor a path, and extends no other")
        return None
    kept = before.keywords if before and (before.origin or not given.regex) else ()  # ours are for our pattern
    keywords = _merged(kept, tuple(word for word in given.keywords if word.strip()))
    made = before if before and not given.regex else _fresh(given, before, pattern, window(pattern, keywords))
    allow = _merged(before.allow if before else (), allow)
    title = given.description or made.title
    return msgspec.structs.replace(made, title=title, path=path, keywords=keywords, filters=filters, allow=allow)


def _fresh(given: _Rule, before: Rule | None, pattern: str, reach: int) -> Rule:
    """A rule with a pattern of its own; what it is about, it has from the one that it extends."""
    return Rule(
        id=given.id,
        title=before.title if before else given.id,
        provider=before.provider if before else CUSTOM,
        severity=before.severity if before else Severity.HIGH,
        confidence=before.confidence if before else Confidence.MEDIUM,
        pattern=pattern,
        examples=(),
        window=reach,
        guide=before.guide if before else None,
        revoke_url=before.revoke_url if before else None,
        origin="gitleaks",
    )


def _pattern(given: _Rule, source: Source, at: Path) -> str | None:
    """With the group that holds the secret: the one named by number, else the first that is not empty, else all."""
    made = go_regex(given.regex, source, (*at, "regex"))
    if made is None:
        return None
    count = len(made.groups)
    if not 0 <= given.secret_group <= count:
        source.problem((*at, "secretGroup"), f"the regex has no group {given.secret_group}, only {count}")
        return None
    if given.secret_group:
        return made.with_secret(given.secret_group)
    return made.with_secret(*range(1, count + 1)) if count else made.whole()


def _filters(given: _Rule, before: Rule | None, source: Source, at: Path) -> tuple[str, ...]:
    kept = before.filters if before and not given.regex else ()
    if not given.entropy:
        return kept
    if not 0 < given.entropy < MAX_BITS:
        source.problem((*at, "entropy"), f"entropy is in bits per character, more than 0 and less than {MAX_BITS:g}")
        return kept
    more_than = math.nextafter(given.entropy, MAX_BITS)  # gitleaks wants more than this, our filter at least that
    return (*(name for name in kept if not name.startswith("entropy:")), f"entropy:{more_than!r}")


def _allowlists(one: Any, several: list[Any], source: Source, at: Path) -> list[tuple[Allow, frozenset[str]]]:
    """From the old form, one table, and the new, a list of them."""
    tables = [((*at, "allowlists", index), table) for index, table in enumerate(several)]
    if one is not None:
        ones = one if isinstance(one, list) else [one]
        tables += [((*at, "allowlist"), table) for table in ones]
    made = ((_allow(table, source, place)) for place, table in tables)
    return [allow for allow in made if allow is not None]


def _allow(table: Any, source: Source, at: Path) -> tuple[Allow, frozenset[str]] | None:
    given = shaped(table, _Allowlist, source, at, foreign=True)
    if given is None:
        return None
    target, condition = TARGETS.get(given.regex_target.lower()), CONDITIONS.get(given.condition.lower())
    if target is None:
        source.problem((*at, "regexTarget"), f"expected secret, match or line, got {given.regex_target!r}")
    if condition is None:
        source.problem((*at, "condition"), f"expected AND or OR, got {given.condition!r}")
    if given.commits:
        source.notice((*at, "commits"), "commits mean nothing in an image, so nothing is allowed by them")
    made = Allow(
        regexes=go_regexes(given.regexes, source, (*at, "regexes")),
        target=target or "secret",
        stopwords=tuple(word for word in given.stopwords if word),
        paths=go_regexes(given.paths, source, (*at, "paths")),
        condition=condition or "any",
        reason=given.description,
    )
    if not (given.commits or made.regexes or made.stopwords or made.paths):
        source.problem(at, "allows nothing: it needs one of paths, regexes and stopwords")
    if (given.commits and condition == "all") or not (made.regexes or made.stopwords or made.paths):
        return None
    return made, frozenset(given.target_rules)


def _merged(first: tuple[Any, ...], second: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(dict.fromkeys((*first, *second)))
