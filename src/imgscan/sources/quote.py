"""Words of others - engines, programs, registries - made fit to stand in a message. Knows nothing of what they mean."""

from __future__ import annotations

import re
from typing import Final

MAX_QUOTED: Final = 300
"""Characters that one message quotes; enough for the longest answer of an engine that says something."""

_USERINFO: Final = re.compile(r"(?<=//)[^/\s]*@")


def quoted(text: str) -> str:
    """One line of printable characters, cut at ``MAX_QUOTED``, without user and password in URLs."""
    printable = "".join(character if character.isprintable() else " " for character in text[: 4 * MAX_QUOTED])
    line = " ".join(_USERINFO.sub("", printable).split())
    return line if len(line) <= MAX_QUOTED else line[:MAX_QUOTED] + "…"
