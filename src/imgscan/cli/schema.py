"""``imgscan schema``."""

from __future__ import annotations

import json

import click

from imgscan.cli.options import HELP
from imgscan.cli.output import write_standard
from imgscan.report.json import schema


@click.command("schema", context_settings=HELP)
def command() -> None:
    """Print the JSON Schema (2020-12) of what `--format json` gives."""
    write_standard(json.dumps(schema(), indent=2).encode() + b"\n")
