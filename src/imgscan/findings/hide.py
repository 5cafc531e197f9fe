"""Hide every known secret in any text of a report, wherever it stands there."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

GRAM: Final = 4
"""Secrets are found by their first four characters; what is shorter is no secret that hiding could keep."""

REST: Final = "…"
"""What stands for the rest of a secret that begins within another."""


class Hider:
    """Replaces known secrets by what may be shown of them, in time that does not depend on how many there are."""

    def __init__(self, secrets: Iterable[tuple[str, str]]) -> None:
        """Take pairs of a secret and what may be shown of it."""
        self._shown = {value: shown for value, shown in sorted(set(secrets), reverse=True) if len(value) >= GRAM}
        lengths: dict[str, set[int]] = defaultdict(set)
        for value in self._shown:
            lengths[value[:GRAM]].add(len(value))
        self._lengths = {gram: sorted(known, reverse=True) for gram, known in lengths.items()}

    def __call__(self, text: str) -> str:
        """The text without secrets."""
        parts: list[str] = []
        position = done = 0
        while position < len(text):
            for length in self._lengths.get(text[position : position + GRAM], ()):
                shown = self._shown.get(text[position : position + length])
                if shown is not None and position + length > done:
                    parts += (text[done:position], shown if position >= done else REST)
                    done = position + length
                    break
            position += 1
        return "".join(parts) + text[done:]
