"""Text that came out of an image, made safe for a terminal. The one place where that is done.

Paths, names, snippets and registry answers are hostile: they may hold escape sequences that recolour or rewrite the
screen, or direction marks that make one name look like another.
"""

from __future__ import annotations

import unicodedata
from typing import Final

HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories that move the cursor, change the direction, have no glyph, or are half a character."""


def printable(text: str) -> str:
    r"""``text`` with every character that does not print as itself spelled out: ``\x1b``, ``\n``, ``\u202e``."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_spelled(char) if unicodedata.category(char) in HIDDEN else char for char in text)


def _spelled(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")
