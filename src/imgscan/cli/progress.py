"""Bars on standard error: one for each layer that is being read, and one for all. Gone when the scan is over."""

from __future__ import annotations

import re
from threading import Lock
from typing import TYPE_CHECKING, Final, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn, TimeElapsedColumn, TransferSpeedColumn
from rich.table import Column
from rich.text import Text

from imgscan.report.escape import printable
from imgscan.report.wording import size

if TYPE_CHECKING:
    from types import TracebackType

    from rich.progress import Task, TaskID

MAX_LABEL: Final = 28
"""Characters of a layer or an image in front of its bar; leaves room for the bar on 80 columns."""

WIDE: Final = 80
"""Columns of a terminal that shows rate and time too."""

SHORT: Final = 12
"""Hex digits of a digest, as engines show them."""

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


class Bytes(ProgressColumn):
    """``11 MB of 30 MB``, or only how much was read when nobody knows how much there is."""

    def render(self, task: Task) -> Text:
        """Called by rich for each bar."""
        total = "" if task.total is None else f" of {size(int(task.total))}"
        return Text(f"{size(int(task.completed))}{total}")


class Bars:
    """A ``Progress`` that draws. Use it in a ``with`` statement."""

    def __init__(self, *, color: bool) -> None:
        console = Console(stderr=True, no_color=not color)
        wide = (TransferSpeedColumn(_one_line()), TimeElapsedColumn(_one_line())) if console.width >= WIDE else ()
        self._bars = Progress(
            TextColumn("{task.description}", markup=False, table_column=_one_line()),
            BarColumn(bar_width=None),
            Bytes(_one_line()),
            *wide,
            console=console,
            expand=True,
            transient=True,
        )
        self._total = self._bars.add_task("looking for the image", total=None)
        self._layers: dict[str, TaskID] = {}
        self._lock = Lock()

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def image(self, reference: str, source: str) -> None:
        """Name the image at the bar for all."""
        self._bars.update(self._total, description=_label(f"{source}: {reference}"))

    def layer_started(self, key: str, size_bytes: int | None) -> None:
        """Add a bar; one without a size only tells how much was read."""
        with self._lock:
            self._layers[key] = self._bars.add_task(_label(key), total=size_bytes)

    def layer_advanced(self, key: str, stored_bytes: int) -> None:
        """Move two bars."""
        if (task := self._layers.get(key)) is not None:
            self._bars.advance(task, stored_bytes)
        self._bars.advance(self._total, stored_bytes)

    def layer_finished(self, key: str) -> None:
        """Take the bar away, so that there are never more than layers in work."""
        with self._lock:
            task = self._layers.pop(key, None)
        if task is not None:
            self._bars.remove_task(task)


def _one_line() -> Column:
    return Column(no_wrap=True)


def _label(text: str) -> str:
    shown = printable(_DIGEST.sub(lambda found: found[0][:SHORT], text))
    return shown if len(shown) <= MAX_LABEL else f"{shown[: MAX_LABEL - 1]}…"
