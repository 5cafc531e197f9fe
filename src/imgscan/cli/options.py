"""The kinds of options that imgscan has. Knows none by name; the table of them is ``imgscan.cli.settings``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from click.core import ParameterSource

from imgscan.model.values import Platform
from imgscan.report import RENDERERS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from click.types import OptionHelpExtra

HELP: Final = {"help_option_names": ["-h", "--help"]}
"""Context settings of every command."""


class Setting(click.Option):
    """An option that is also a variable and a key of the configuration file.

    ``section`` is its heading in ``--help``. A ``guarded`` one lowers the protection of secrets, and one that
    ``writes`` names a file to write; ``imgscan.cli.configuration`` is careful with both.
    """

    def __init__(
        self, *flags: str, section: str, guarded: bool = False, writes: bool = False, **attributes: Any
    ) -> None:
        super().__init__(flags, **attributes)
        self.section = section
        self.guarded = guarded
        self.writes = writes
        self.envvar = f"IMGSCAN_{(self.name or '').upper()}"

    def get_help_extra(self, ctx: click.Context) -> OptionHelpExtra:
        """Keep the bounds of a number to the message for one that is beyond them."""
        extra = super().get_help_extra(ctx)
        extra.pop("range", None)
        return extra

    def get_error_hint(self, ctx: click.Context | None) -> str:
        """Name the variable when it is the one that is wrong."""
        if ctx and self.name and ctx.get_parameter_source(self.name) is ParameterSource.ENVIRONMENT:
            return str(self.envvar)
        return super().get_error_hint(ctx)


@dataclass(frozen=True, slots=True)
class Target:
    """A file that is to hold the report in one format."""

    format: str
    path: Path


class TargetType(click.ParamType[Target]):
    """``FORMAT=PATH``."""

    name = "format=path"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Target:
        """Split at the first ``=``."""
        if isinstance(value, Target):
            return value
        name, _, path = str(value).partition("=")
        if name not in RENDERERS or not path:
            self.fail(f"{value!r} is not FORMAT=PATH with a format of {', '.join(RENDERERS)}", param, ctx)
        return Target(name, Path(path))


class PlatformType(click.ParamType[Platform]):
    """``linux/amd64`` or ``linux/arm64/v8``."""

    name = "platform"
    shape: Final = re.compile(r"([a-z0-9]+)/([a-z0-9_]+)(?:/([a-z0-9._]+))?")

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Platform:
        """Split at the slashes."""
        if isinstance(value, Platform):
            return value
        if not (found := self.shape.fullmatch(str(value).lower())):
            self.fail(f"{value!r} is not OS/ARCHITECTURE, as in linux/amd64 or linux/arm64/v8", param, ctx)
        return Platform(*found.groups())


class CountType(click.IntRange):
    """A whole number within bounds, called so where it is none."""

    name = "whole number"


class Sectioned(click.Command):
    """A command that lists its options under the headings of their sections."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write one list for each section, all in the same columns."""
        write_sections(self.get_params(ctx), ctx, formatter)


def write_sections(params: Iterable[click.Parameter], ctx: click.Context, formatter: click.HelpFormatter) -> None:
    """List options by their ``section``; those without one come last."""
    sections: dict[str, list[tuple[str, str]]] = {}
    for param in params:
        if isinstance(param, click.Option) and (record := param.get_help_record(ctx)):
            sections.setdefault(getattr(param, "section", "Other"), []).append(record)
    width = max(len(flags) for records in sections.values() for flags, _ in records)
    for title, records in sections.items():
        with formatter.section(title):
            formatter.write_dl([(flags.ljust(width), text) for flags, text in records])
