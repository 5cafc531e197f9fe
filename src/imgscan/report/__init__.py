"""Plug-in point: pure functions from a ``Report`` to bytes."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Final, Protocol, cast

if TYPE_CHECKING:
    from imgscan.model.report import Report


@dataclass(frozen=True, slots=True)
class Look:
    """How a report for people should look. ``width`` in columns; ``None`` breaks no line."""

    color: bool = False
    width: int | None = None
    verbose: bool = False


class Renderer(Protocol):
    """What a module of this table has to offer, by the name ``render``."""

    def __call__(self, report: Report, look: Look) -> bytes:
        """The whole report in one format, as UTF-8 that ends with a newline."""
        ...


RENDERERS: Final = {"text": "imgscan.report.text", "json": "imgscan.report.json"}
"""Formats by name. Modules, not functions: whoever wants JSON does not pay for the import of rich."""


def renderer(name: str) -> Renderer:
    """The function behind a format of ``RENDERERS``."""
    return cast("Renderer", import_module(RENDERERS[name]).render)
