"""Rules that go by the path of a file: one of nothing but a password shows a first stage nothing distinctive.

Such a rule is asked about every file of a few words that lies where it says. Knows paths and contents, and nothing of
tar.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from imgscan.match.engine import Hit
    from imgscan.rules.schema import Rule

MAX_BYTES: Final = 1024
"""A file of that kind holds a line or two."""

MAX_WORDS: Final = 4
"""More are no password, nor one with its user. Looking at what is in a file takes a tenth of what its path takes."""

_CASELESS: Final = "(?i)"


class ByPath:
    """The rules of a set that go by the path of a file."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._rules = [(index, rule) for index, rule in enumerate(rules) if rule.by_path]
        self.indexes = frozenset(index for index, _ in self._rules)
        paths = "|".join(_embedded(rule.path or "") for _, rule in self._rules)
        self._path = re.compile(paths.encode() or rb"(?!)")

    def hits(self, path: bytes, content: bytes) -> Iterator[Hit]:
        """Hits in a whole text at ``path``: of every rule, if it may be for one of them."""
        if len(content) > MAX_BYTES or 0 in content or len(content.split(None, MAX_WORDS)) > MAX_WORDS:
            return
        if self._path.search(path):
            yield from ((min(len(content), rule.window), index) for index, rule in self._rules)


def _embedded(path: str) -> str:
    """An expression as part of another: what is said of case at its beginning is said of it alone."""
    return f"(?i:{path.removeprefix(_CASELESS)})" if path.startswith(_CASELESS) else f"(?:{path})"
