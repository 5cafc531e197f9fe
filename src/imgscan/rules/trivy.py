"""Secret configurations of Trivy, said in our own terms.

https://trivy.dev/latest/docs/scanner/secret/ describes the format. Its built-in rules are not here: what a file says of
them is done where imgscan has a rule of the same id, and is a notice where not. It has no built-in exceptions at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from imgscan.model.values import Confidence, Severity
from imgscan.rules.contribution import CUSTOM, Contribution, Entry, go_regex, go_regexes, is_name, window
from imgscan.rules.schema import Allow, Rule
from imgscan.rules.shape import shaped

if TYPE_CHECKING:
    from collections.abc import Mapping

    from imgscan.rules.places import Path
    from imgscan.rules.source import Source

KEYS: Final = {"pattern": "regex"}
"""Our names of fields to theirs."""


class _Config(msgspec.Struct, rename="kebab"):
    rules: list[Any] | None = None
    allow_rules: list[Any] | None = None
    exclude_block: Any = None
    enable_builtin_rules: tuple[str, ...] | None = None
    disable_rules: tuple[str, ...] | None = None
    disable_allow_rules: tuple[str, ...] | None = None


class _Rule(msgspec.Struct, rename="kebab"):
    id: str
    regex: str
    severity: str
    category: str = ""
    title: str = ""
    keywords: tuple[str, ...] | None = None
    path: str | tuple[str, ...] = ""
    secret_group_name: str = ""
    allow_rules: list[Any] | None = None
    exclude_block: Any = None
    examples: Any = None
    """Of no use here: ours are templates."""


class _AllowRule(msgspec.Struct, rename="kebab"):
    id: str = ""
    description: str = ""
    regex: str = ""
    path: str = ""


class _ExcludeBlock(msgspec.Struct, rename="kebab"):
    description: str = ""
    regexes: tuple[str, ...] = ()


def read(source: Source, known: Mapping[str, Rule]) -> Contribution:
    """What a configuration says; ``known`` are the rules that it may switch off."""
    made = Contribution()
    config = shaped(source.data, _Config, source, (), foreign=True)
    if config is not None:
        for index, table in enumerate(config.rules or []):
            _add_rule(table, source, ("rules", index), made)
        allow = _exceptions(config.allow_rules or [], config.exclude_block, source, ())
        made.allow += [(one, frozenset()) for one in allow]
        _select(config, source, known, made)
    made.problems += source.problems
    made.notices += source.notices
    return made


def _select(config: _Config, source: Source, known: Mapping[str, Rule], made: Contribution) -> None:
    """Switch rules of imgscan on and off, as far as they are the ones that are meant."""
    enabled = config.enable_builtin_rules or ()
    for index, name in enumerate(enabled):
        if name not in known:
            source.notice(("enable-builtin-rules", index), f"imgscan has no rule {name}, so all its rules stay in use")
    if all(name in known for name in enabled):
        made.only |= set(enabled)
    for index, name in enumerate(config.disable_rules or ()):
        if name in known:
            made.unwanted.add(name)
        else:
            source.notice(("disable-rules", index), f"imgscan has no rule {name} to disable")
    if config.disable_allow_rules:
        source.notice(("disable-allow-rules",), "imgscan has no built-in exceptions, so there is nothing to disable")


def _add_rule(table: Any, source: Source, at: Path, made: Contribution) -> None:
    given = shaped(table, _Rule, source, at, foreign=True, instead={"id": f"rule {int(at[-1]) + 1}", "severity": "LOW"})
    if given is None or not is_name(given.id, source, (*at, "id")):
        return
    severity = next((one for one in Severity if one == given.severity.lower()), None)
    if severity is None:
        source.problem((*at, "severity"), f"expected one of {', '.join(Severity).upper()}, got {given.severity!r}")
    pattern, path = _pattern(given, source, at), _path(given, source, at)
    keywords = tuple(word for word in given.keywords or () if word.strip())
    allow = _exceptions(given.allow_rules or [], given.exclude_block, source, at)
    if pattern is None or severity is None:
        return
    rule = Rule(
        id=given.id,
        title=given.title or given.id,
        provider="-".join(given.category.lower().split()) or CUSTOM,
        severity=severity,
        confidence=Confidence.MEDIUM,
        pattern=pattern,
        examples=(),
        window=window(pattern, keywords),
        keywords=keywords,
        path=path,
        allow=tuple(allow),
        origin="trivy",
    )
    made.entries.append(Entry(rule, source, at, KEYS))


def _pattern(given: _Rule, source: Source, at: Path) -> str | None:
    """With the group that is named as the secret, or with all of it."""
    made = go_regex(given.regex, source, (*at, "regex"))
    if made is None:
        return None
    if not given.secret_group_name:
        return made.whole()
    numbers = [number for number, name in enumerate(made.groups, 1) if name == given.secret_group_name]
    if not numbers:
        source.problem((*at, "secret-group-name"), f"the regex has no group named {given.secret_group_name!r}")
        return None
    return made.with_secret(*numbers)


def _path(given: _Rule, source: Source, at: Path) -> str | None:
    paths = (given.path,) if isinstance(given.path, str) else given.path
    made = go_regexes([path for path in paths if path], source, (*at, "path"))
    return "|".join(f"(?:{path})" for path in made) if len(made) > 1 else next(iter(made), None)


def _exceptions(tables: list[Any], block: Any, source: Source, at: Path) -> list[Allow]:
    made = [_allow(table, source, (*at, "allow-rules", index)) for index, table in enumerate(tables)]
    if block is not None:
        made.append(_block(block, source, (*at, "exclude-block")))
    return [one for one in made if one is not None]


def _allow(table: Any, source: Source, at: Path) -> Allow | None:
    given = shaped(table, _AllowRule, source, at, foreign=True)
    if given is None:
        return None
    if not given.regex and not given.path:
        source.problem(at, "allows nothing: it needs a regex or a path")
        return None
    regex = go_regex(given.regex, source, (*at, "regex")) if given.regex else None
    path = go_regex(given.path, source, (*at, "path")) if given.path else None
    return Allow(
        regexes=(regex.plain(),) if regex else (),
        paths=(path.plain(),) if path else (),
        reason=given.description or given.id,
    )


def _block(table: Any, source: Source, at: Path) -> Allow | None:
    given = shaped(table, _ExcludeBlock, source, at, foreign=True)
    if given is None or not given.regexes:
        return None
    source.notice(at, "blocks are left out as far as they begin and end near a match: within the window of its rule")
    return Allow(regexes=go_regexes(given.regexes, source, (*at, "regexes")), target="block", reason=given.description)
