"""Where each key and value of a TOML document stands; ``tomllib`` tells that for syntax errors only.

Goes over text that ``tomllib`` has accepted already, so it need not doubt what it sees. Knows nothing of rules.
"""

from __future__ import annotations

import ast
import re
from typing import Final, NamedTuple

Path = tuple[str | int, ...]
"""The way to a value: keys of tables and indexes of arrays."""


class Mark(NamedTuple):
    """Offsets of a key and of its value; of a table, both are its header."""

    key: int
    value: int


_BASIC: Final = r'"(?:[^"\\\n]|\\.)*"'
_LITERAL: Final = r"'[^'\n]*'"
_PART: Final = rf"(?:{_BASIC}|{_LITERAL}|[A-Za-z0-9_-]+)"
_KEY: Final = rf"{_PART}(?:[ \t]*\.[ \t]*{_PART})*"
_BLANK: Final = re.compile(r"(?:[\s,]|#[^\n]*)*+")
_HEADER: Final = re.compile(rf"\[(\[?)[ \t]*({_KEY})[ \t]*\]{{1,2}}")
_ASSIGNED: Final = re.compile(rf"({_KEY})[ \t]*=[ \t]*")
_STRING: Final = re.compile(
    rf"""\"\"\"(?:[^"\\]|\\.|"{{1,2}}(?!"))*+"{{3,5}}|'''(?:[^']|'{{1,2}}(?!'))*+'{{3,5}}|{_BASIC}|{_LITERAL}""",
    re.DOTALL,
)
_PLAIN: Final = re.compile(r"[^\s,\]}#][^,\]}#\n]*")


def places(text: str) -> dict[Path, Mark]:
    """The mark of everything that has a name or an index."""
    scanner = _Scanner(text)
    scanner.document()
    return scanner.found


class _Scanner:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._counts: dict[Path, int] = {}
        self.found: dict[Path, Mark] = {}

    def document(self) -> None:
        table: Path = ()
        while self._skip_blank() < len(self._text):
            if header := _HEADER.match(self._text, self._at):
                table = self._header(_split(header[2]), repeated=bool(header[1]))
                self._at = header.end()
            elif not self._assignment(table):
                return

    def _header(self, keys: Path, *, repeated: bool) -> Path:
        path: Path = ()
        for number, key in enumerate(keys, 1):
            path = (*path, key)
            self.found.setdefault(path, Mark(self._at, self._at))
            if number == len(keys) and repeated:
                self._counts[path] = self._counts.get(path, 0) + 1
            if path in self._counts:
                path = (*path, self._counts[path] - 1)
        self.found[path] = Mark(self._at, self._at)
        return path

    def _assignment(self, table: Path) -> bool:
        assigned = _ASSIGNED.match(self._text, self._at)
        if not assigned:
            return False
        path = table
        for key in _split(assigned[1]):
            path = (*path, key)
            self.found.setdefault(path, Mark(assigned.start(), assigned.end()))
        self._at = assigned.end()
        self._value(path)
        return True

    def _value(self, path: Path) -> None:
        opening = self._text[self._at : self._at + 1]
        if opening in "[{" and opening:
            self._at += 1
            self._inside(path, "]" if opening == "[" else "}")
        elif found := _STRING.match(self._text, self._at) or _PLAIN.match(self._text, self._at):
            self._at = found.end()

    def _inside(self, path: Path, closing: str) -> None:
        """The elements of an array or of an inline table."""
        index = 0
        while self._skip_blank() < len(self._text) and self._text[self._at] != closing:
            if closing == "}":
                if not self._assignment(path):
                    return
            else:
                self.found[*path, index] = Mark(self._at, self._at)
                self._value((*path, index))
            index += 1
        self._at += 1

    def _skip_blank(self) -> int:
        found = _BLANK.match(self._text, self._at)
        self._at = found.end() if found else self._at
        return self._at


def _split(key: str) -> Path:
    return tuple(_unquoted(part) for part in re.findall(_PART, key))


def _unquoted(part: str) -> str:
    if part.startswith("'"):
        return part[1:-1]
    return str(ast.literal_eval(part)) if part.startswith('"') and "\\" in part else part.strip('"')
