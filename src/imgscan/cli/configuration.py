"""The configuration file: ``imgscan.toml``, or ``[tool.imgscan]`` in ``pyproject.toml``.

Without ``--config`` it is looked for in the current directory and upwards to the root of the repository, and outside of
a repository in the current directory only: above may be anybody's. Its keys are the options of the command line
without dashes in front, so this module knows none by name. A file that was found and not named cannot lower the
protection of secrets, nor write reports outside of its own directory.
"""

from __future__ import annotations

import difflib
import tomllib
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import click

from imgscan.cli.options import Target
from imgscan.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from imgscan.cli.options import Setting

STANDARD_OUTPUT: Final = "-"

OWN_NAME: Final = "imgscan.toml"
SHARED_NAME: Final = "pyproject.toml"
MAX_BYTES: Final = 1024 * 1024
"""Nobody writes more than a few kilobytes by hand."""


def find(start: Path) -> Path | None:
    """The nearest configuration file from ``start`` upwards."""
    for directory in _searched(start):
        if (own := directory / OWN_NAME).is_file():
            return own
        if (shared := directory / SHARED_NAME).is_file() and _table(shared) is not None:
            return shared
    return None


def defaults(path: Path, settings: Iterable[Setting], ctx: click.Context, *, trusted: bool) -> dict[str, Any]:
    """The values of the file, by parameter name, checked as if they had come from the command line.

    ``trusted`` says that somebody named the file.

    Raises:
        UsageError: names the file and the key.
    """
    known = {str(setting.name): setting for setting in settings}
    values = {}
    for key, value in (_table(path) or {}).items():
        setting = _setting(key, known, path)
        values[str(setting.name)] = made = _converted(key, value, setting, ctx, path)
        if not trusted:
            _refuse_danger(key, made, setting, path)
    return values


def _searched(start: Path) -> list[Path]:
    for root in (start, *start.parents):
        if (root / ".git").exists():
            return [directory for directory in (start, *start.parents) if directory.is_relative_to(root)]
    return [start]


def _table(path: Path) -> dict[str, Any] | None:
    """The table of imgscan in this file, if it has one."""
    try:
        with path.open("rb") as file:
            text = file.read(MAX_BYTES + 1)
        if len(text) > MAX_BYTES:
            raise UsageError(f"larger than {MAX_BYTES} bytes", where=str(path))
        content = tomllib.loads(text.decode())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise UsageError(f"cannot be read as TOML: {reason}", where=str(path)) from error
    if path.name != SHARED_NAME:
        return content
    tools = content.get("tool")
    table = tools.get("imgscan") if isinstance(tools, dict) else None
    return table if isinstance(table, dict) else None


def _setting(key: str, known: Mapping[str, Setting], path: Path) -> Setting:
    if found := known.get(key.replace("-", "_")):
        return found
    near = difflib.get_close_matches(key.replace("-", "_"), known, n=1)
    hint = f"did you mean {near[0].replace('_', '-')!r}?" if near else "the keys are the options of `imgscan --help`"
    raise UsageError(f"unknown key {key!r}", where=str(path), hint=hint)


def _converted(key: str, value: Any, setting: Setting, ctx: click.Context, path: Path) -> Any:
    """The value as the option would have made it, with paths relative to the file."""
    expected = _expected(setting)
    items = value if setting.multiple and isinstance(value, list) else [value]
    if setting.multiple != isinstance(value, list) or any(type(item) is not expected for item in items):
        kind = {bool: "true or false", int: "a whole number", str: "a string"}[expected]
        raise UsageError(f"{key!r} must be {'a list, each ' if setting.multiple else ''}{kind}", where=str(path))
    try:
        made = [_made(item, setting, ctx, path.parent) for item in items]
    except click.UsageError as error:
        raise UsageError(f"{key!r}: {error.message.rstrip('.')}", where=str(path)) from None
    return made if setting.multiple else made[0]


def _expected(setting: Setting) -> type[bool | int | str]:
    if setting.is_flag:
        return bool
    return int if isinstance(setting.type, type(click.INT)) else str


def _made(item: Any, setting: Setting, ctx: click.Context, home: Path) -> Any:
    if isinstance(setting.type, click.Path) and item != STANDARD_OUTPUT:
        item = str(home / item)
    made = setting.type.convert(item, setting, ctx)
    return replace(made, path=home / made.path) if isinstance(made, Target) else made


def _refuse_danger(key: str, made: Any, setting: Setting, path: Path) -> None:
    """A repository that is merely scanned or built in must not decide what happens outside of it."""
    hint = f"name the file with --config, or use {setting.opts[-1]} or {setting.envvar}"
    if setting.guarded and made:
        raise UsageError(f"{key!r} is not taken from a file that was merely found", where=str(path), hint=hint)
    for item in made if setting.multiple else [made]:
        target = item.path if isinstance(item, Target) else item
        if setting.writes and not target.resolve().is_relative_to(path.parent.resolve()):
            raise UsageError(f"{key!r} writes outside of the directory of this file", where=str(path), hint=hint)
