"""Every option of a scan, as one table: its flag, its variable ``IMGSCAN_…``, its key in the configuration file.

Knows what a value may look like, and nothing of what a scan does with it. Imports nothing heavy: ``--help`` and shell
completion read this table too.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from click.core import ParameterSource

from imgscan.cli import configuration
from imgscan.cli.options import CountType, PlatformType, Setting, TargetType
from imgscan.errors import UsageError
from imgscan.model.values import Confidence, Severity
from imgscan.report import RENDERERS

if TYPE_CHECKING:
    from collections.abc import Sequence

NEVER: Final = "never"
EXISTING_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
RULES: Final = click.Path(exists=True, path_type=Path)
"""Files of rules, of imgscan, gitleaks or Trivy, or directories of them."""


def _choice(names: Sequence[str]) -> click.Choice[str]:
    return click.Choice(names, case_sensitive=False)


def _note_verbosity(ctx: click.Context, _param: click.Parameter, value: int) -> int:
    ctx.meta["imgscan.verbose"] = value  # whoever catches an error outside of the command asks for it
    return value


def _load(ctx: click.Context, _param: click.Parameter, named: Path | None) -> Path | None:
    """Make the values of the configuration file the defaults of the command."""
    path = named or configuration.find(Path.cwd())
    if path is not None and not ctx.resilient_parsing:
        known = [setting for setting in SETTINGS if setting.name != "config"]
        ctx.default_map = configuration.defaults(path, known, ctx, trusted=named is not None)
    return path


SETTINGS: Final = (
    Setting(
        "--platform",
        section="Image",
        type=PlatformType(),
        metavar="OS/ARCH",
        help="Scan this platform of a multi-platform image.  [default: of this machine]",
    ),
    Setting("--all-platforms", section="Image", is_flag=True, help="Scan every platform."),
    Setting(
        "--dockerfile",
        section="Image",
        type=EXISTING_FILE,
        metavar="FILE",
        help="Name file and lines of each instruction.",
    ),
    Setting("--base", section="Image", metavar="IMAGE", help="The base image; what it brought is marked as such."),
    Setting("--offline", section="Image", is_flag=True, help="Use no network: no registry, no provider."),
    Setting("--username", section="Image", metavar="NAME", help="User of the registry; else the docker credentials."),
    Setting(
        "--password-stdin",
        section="Image",
        is_flag=True,
        help="Read the password from standard input; or set IMGSCAN_PASSWORD.",
    ),
    Setting(
        "--ca-file",
        section="Image",
        type=EXISTING_FILE,
        metavar="FILE",
        guarded=True,
        help="Trust these certificates too.",
    ),
    Setting(
        "--plain-http", section="Image", is_flag=True, guarded=True, help="Speak to a registry without encryption."
    ),
    Setting(
        "--fail-on",
        section="Gate",
        type=_choice([*Severity, NEVER]),
        metavar="SEVERITY",
        default=Severity.LOW.value,
        show_default=True,
        help="Mildest severity that fails: critical, high, medium, low, info; or never.",
    ),
    Setting(
        "--min-confidence",
        section="Gate",
        type=_choice([*Confidence]),
        metavar="CONFIDENCE",
        default=Confidence.LOW.value,
        show_default=True,
        help="Leave out what is less sure: high, medium, low.",
    ),
    Setting("--allow-incomplete", section="Gate", is_flag=True, help="Pass though not everything could be looked at."),
    Setting(
        "--rules",
        section="Rules",
        multiple=True,
        type=RULES,
        metavar="PATH",
        help="Add the rules of this file or directory (repeatable).",
    ),
    Setting("--only", section="Rules", multiple=True, metavar="RULE", help="Use only this rule (repeatable)."),
    Setting("--skip", section="Rules", multiple=True, metavar="RULE", help="Do not use this rule (repeatable)."),
    Setting(
        "--verify",
        section="Verification",
        is_flag=True,
        guarded=True,
        help="Ask providers whether secrets are still live: sends each to its provider, once. Not with --offline.",
    ),
    Setting(
        "--verify-hosts",
        section="Verification",
        is_flag=True,
        guarded=True,
        help="The same, and call hosts that the image names too.",
    ),
    Setting(
        "-f",
        "--format",
        section="Report",
        type=_choice([*RENDERERS]),
        metavar="FORMAT",
        default="text",
        show_default=True,
        help=f"{' or '.join(RENDERERS)}.",
    ),
    Setting(
        "-o",
        "--output",
        section="Report",
        type=click.Path(path_type=Path),
        metavar="FILE",
        writes=True,
        help="Write the report here.  [default: standard output]",
    ),
    Setting(
        "--report",
        section="Report",
        multiple=True,
        type=TargetType(),
        metavar="FORMAT=FILE",
        writes=True,
        help="Write one more report (repeatable).",
    ),
    Setting("--show-secrets", section="Report", is_flag=True, guarded=True, help="Do not redact secrets in reports."),
    Setting(
        "-v",
        "--verbose",
        section="Report",
        count=True,
        type=click.IntRange(0, clamp=True),
        callback=_note_verbosity,
        help="Tell more: what is suppressed, every notice.",
    ),
    Setting("-q", "--quiet", section="Report", is_flag=True, help="No progress, only the report and errors."),
    Setting("--no-color", section="Report", is_flag=True, help="No colours; NO_COLOR does the same."),
    Setting("--no-progress", section="Report", is_flag=True, help="No progress bars."),
    Setting("--jobs", section="Running", type=CountType(1, 1024), metavar="N", help="Cores to use.  [default: all]"),
    Setting("--no-cache", section="Running", is_flag=True, help="Neither read nor write the cache."),
    Setting(
        "--config",
        section="Running",
        type=EXISTING_FILE,
        metavar="FILE",
        is_eager=True,
        callback=_load,
        help="Configuration file.  [default: the nearest imgscan.toml or pyproject.toml]",
    ),
)


def settings(*names: str) -> list[click.Parameter]:
    """The named settings, for commands that share some of them with a scan."""
    return [setting for setting in SETTINGS if setting.name in names]


def refuse_found_rules(ctx: click.Context, what: str) -> None:
    """Rules say where secrets are sent, so those of a repository that is merely scanned or built in must not.

    Raises:
        UsageError: rules come from a configuration file that nobody named.
    """
    named = ctx.get_parameter_source("config") in (ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT)
    if ctx.get_parameter_source("rules") is ParameterSource.DEFAULT_MAP and ctx.params.get("rules") and not named:
        hint = "name the file with --config, or the rules with --rules"
        raise UsageError("does not go with rules of a file that was merely found", where=what, hint=hint)
