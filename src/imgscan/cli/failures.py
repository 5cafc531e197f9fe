"""What a failure looks like to a person, and the exit code it ends the program with. No traceback without ``-vv``."""

from __future__ import annotations

import errno
import os
import sys
import traceback
from pathlib import Path
from typing import Final

import click

from imgscan.errors import ImgscanError, InvalidReferenceError, RuleError, UsageError
from imgscan.report.escape import printable

USAGE: Final = 2
FAILED: Final = 3
INTERRUPTED: Final = 130
"""Exit codes; 0, 1 and 3 for an incomplete scan come from ``imgscan.findings.policy``."""

DEBUG: Final = 2
"""How many ``-v`` ask for a traceback."""


def explain(error: ImgscanError) -> int:
    """Write the error and its hint to standard error; give its exit code."""
    say(f"error: {error}")
    if error.hint:
        say(f"hint: {error.hint}")
    return USAGE if isinstance(error, (UsageError, RuleError, InvalidReferenceError)) else FAILED


def explain_bug(error: Exception, *, verbose: int) -> int:
    """The same for an error of imgscan itself. Its message is not shown: it may quote what was being scanned."""
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:  # which is nobody's bug, wherever it happens
        say(f"error: {error.strerror}")
        return FAILED
    last = traceback.extract_tb(error.__traceback__)[-1]
    say(f"error: {type(error).__name__} at {Path(last.filename).name}:{last.lineno}; this is a bug in imgscan")
    if verbose >= DEBUG:
        click.echo("".join(traceback.format_exception(error)), err=True)
    else:
        say("hint: please report it; -vv shows more, which may hold secrets")
    return FAILED


def explain_interrupt() -> int:
    """The same for Ctrl-C."""
    say("interrupted, there is no report")
    return INTERRUPTED


def say(message: str) -> None:
    """One message on standard error; further lines are indented, so that none can pass for a message of its own."""
    first, *rest = message.split("\n")
    lines = [f"imgscan: {printable(first)}", *(f"  {printable(line)}" for line in rest)]
    try:
        click.echo("\n".join(lines), err=True)
    except OSError:  # nobody can be told: the exit code still says it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
