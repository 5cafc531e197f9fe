"""Parse, call, print, exit; the only home of click."""

from __future__ import annotations

import sys


def main() -> None:
    """Run imgscan on the arguments of this process, and end it."""
    try:
        from imgscan.cli.app import app  # noqa: PLC0415 - an interrupt while importing must not show a traceback

        app(prog_name="imgscan")
    except KeyboardInterrupt:
        sys.exit(130)
