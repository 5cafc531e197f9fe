"""Whether a report gives secrets away, in any format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from imgscan.report import RENDERERS, Look, renderer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from imgscan.model.report import Report

TELLING: Final = 12
"""Characters; a shorter last line of a key can be anywhere by chance."""


def leaked(report: Report, secrets: Iterable[str]) -> list[str]:
    """Secrets that are printed: whole, or for those with several lines any line of theirs."""
    texts = [renderer(name)(report, Look(verbose=True)).decode() for name in RENDERERS]
    return [line for secret in secrets for line in _lines(secret) if any(line in text for text in texts)]


def _lines(secret: str) -> list[str]:
    lines = secret.replace(r"\n", "\n").split("\n")
    return [line for line in lines if len(line) >= TELLING and not line.startswith("-----")]
