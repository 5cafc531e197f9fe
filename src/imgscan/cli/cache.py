"""``imgscan cache``: where it is, what it takes, and how to be rid of it."""

from __future__ import annotations

import click

from imgscan.cli.options import HELP
from imgscan.cli.output import write_standard
from imgscan.errors import ImgscanError
from imgscan.report.wording import count, size
from imgscan.rules import cache


@click.group("cache", context_settings=HELP)
def command() -> None:
    """Show or clear the cache."""


@command.command("info", context_settings=HELP)
def info() -> None:
    """Say where the cache is and what it takes."""
    sizes = [path.lstat().st_size for path in cache.entries()]
    write_standard(f"{cache.directory()}\n{count(len(sizes), 'file')}, {size(sum(sizes))}\n".encode())


@command.command("clear", context_settings=HELP)
def clear() -> None:
    """Delete the cache.

    The next scan takes a moment longer.
    """
    try:
        deleted = cache.clear()
    except OSError as error:
        raise ImgscanError(f"cannot be cleared: {error.strerror}", where=str(cache.directory())) from error
    write_standard(f"{count(deleted, 'file')} deleted\n".encode())
