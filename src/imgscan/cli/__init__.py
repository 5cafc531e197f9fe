"""Parse, call, print, exit; the only home of click."""

from __future__ import annotations

import gc
import sys
from typing import Final

ALLOCATIONS: Final = 100_000
"""Between two searches for cycles of garbage, of which a scan makes next to none: with Python's 700 a twentieth of the
start goes into them."""


def main() -> None:
    """Run imgscan on the arguments of this process, and end it."""
    gc.set_threshold(ALLOCATIONS)
    try:
        from imgscan.cli.app import app  # noqa: PLC0415 - an interrupt while importing must not show a traceback

        app(prog_name="imgscan")
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:  # noqa: BLE001 - what happens outside of any command, such as help on a full disk
        from imgscan.cli.failures import explain_bug  # noqa: PLC0415 - as above

        sys.exit(explain_bug(error, verbose=0))
