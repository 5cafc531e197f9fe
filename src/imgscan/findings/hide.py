"""Hide every known secret in any text of a report, wherever it stands there."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

GRAM: Final = 4
"""Secrets are found by their first four characters; what is shorter is no secret that hiding could keep."""


class Hider:
    """Replaces known secrets by what may be shown of them, in time that does not depend on how many there are."""

    def __init__(self, secrets: Iterable[tuple[str, str]]) -> None:
        """Take pairs of a secret and what may be shown of it."""
        self._by_gram: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for value, shown in sorted(set(secrets), key=lambda pair: (-len(pair[0]), pair)):
            if len(value) >= GRAM:
                self._by_gram[value[:GRAM]].append((value, shown))

    def __call__(self, text: str) -> str:
        """The text without secrets."""
        parts: list[str] = []
        position = done = 0
        while position < len(text):
            for value, shown in self._by_gram.get(text[position : position + GRAM], ()):
                if text.startswith(value, position):
                    parts += (text[done:position], shown)
                    done = position = position + len(value)
                    break
            else:
                position += 1
        return "".join(parts) + text[done:]
