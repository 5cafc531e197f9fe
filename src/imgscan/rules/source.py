"""A file of rules as it stands on disk: its text, what it says as plain values, and where it says what.

Reads TOML, and YAML if PyYAML is there. Knows nothing of the meaning of what it reads, and collects what readers have
to say about it.
"""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Any, Final

from imgscan.errors import RuleError
from imgscan.rules.places import Mark, places
from imgscan.rules.problems import Problem
from imgscan.streams.limits import MIB

if TYPE_CHECKING:
    import pathlib

    from imgscan.rules.places import Path

MAX_BYTES: Final = 4 * MIB
"""More than all the rules that imgscan brings."""

MAX_NODES: Final = 500_000
"""Values in one YAML file; aliases let a short one say any number of them."""

MAX_DEPTH: Final = 50
"""Rules have five levels."""

_YAML: Final = re.compile(
    r"^(?:rules|allow-rules|enable-builtin-rules|disable-rules|disable-allow-rules|exclude-block)[ \t]*:", re.MULTILINE
)
_TOML: Final = re.compile(r"^[ \t]*\[{1,2}[ \t]*(?:rules|extend|allowlists?)\b", re.MULTILINE)
_TOML_PLACE: Final = re.compile(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", re.DOTALL)


class Source:
    """One file, with the problems and the notices about it."""

    def __init__(self, name: str, content: bytes) -> None:
        self.name = name
        self.problems: list[Problem] = []
        self.notices: list[Problem] = []
        self.is_yaml = False
        self._text = ""
        self._marks: dict[Path, Mark] = {}
        self.data = self._parsed(content)

    @classmethod
    def read(cls, path: pathlib.Path) -> Source:
        """Read a file.

        Raises:
            RuleError: it cannot be read, or needs a library that is not there.
        """
        try:
            with path.open("rb") as file:
                content = file.read(MAX_BYTES + 1)
        except OSError as error:
            raise RuleError(f"cannot be read: {error.strerror}", where=str(path)) from None
        return cls(str(path), content)

    def problem(self, at: Path, message: str, *, offset: int | None = None, of_key: bool = False) -> None:
        """Something that is wrong at a value, or at a character of it."""
        self.problems.append(self._told(at, message, offset, of_key=of_key))

    def notice(self, at: Path, message: str, *, of_key: bool = False) -> None:
        """Something that is right, but not done as the file says."""
        self.notices.append(self._told(at, message, None, of_key=of_key))

    def _told(self, at: Path, message: str, offset: int | None, *, of_key: bool) -> Problem:
        known = at
        while known and known not in self._marks:
            known = known[:-1]
        if known not in self._marks:
            return Problem(self.name, message)
        mark = self._marks[known]
        place = mark.key if of_key else mark.value
        if offset is not None and known == at:
            place = self._within(mark.value, offset)
        return Problem(self.name, message, self._text, min(place, len(self._text)))

    def _within(self, start: int, offset: int) -> int:
        """The place of a character of a string that begins at ``start``; its beginning if escapes hide the place."""
        quote = re.compile(r"(\"{3}|'{3}|[\"'])?(?:(?<=\"{3}|'{3})\r?\n)?").match(self._text, start)
        first = quote.end() if quote else start
        escaped = self._text[start : start + 1] == '"' and "\\" in self._text[first : first + offset]
        return start if escaped else first + offset

    def _parsed(self, content: bytes) -> dict[str, Any]:
        if len(content) > MAX_BYTES:
            self.problem((), f"is larger than {MAX_BYTES // MIB} MiB")
            return {}
        try:
            self._text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            self.problem((), "is not UTF-8 text")
            return {}
        self.is_yaml = bool(_YAML.search(self._text)) and not _TOML.search(self._text)
        try:
            data = self._yaml() if self.is_yaml else self._toml()
        except RecursionError:
            self.problem((), "is nested too deeply")
            return {}
        if not isinstance(data, dict):
            self.problem((), "is not a table of rules")
            return {}
        return data

    def _toml(self) -> Any:
        text = self._text = self._text.replace("\r\n", "\n")
        try:
            data = tomllib.loads(text)
        except ValueError as error:  # of tomllib, and of numbers with too many digits
            self._syntax_error(str(error))
            return {}
        self._marks = places(text)
        return data

    def _syntax_error(self, message: str) -> None:
        """Without an excerpt if the file does not look like rules: it may be anything, also a file of secrets."""
        text = self._text if _TOML.search(self._text) else ""
        if not text:
            self.problem((), "is neither TOML nor YAML with rules in it")
            return
        found = _TOML_PLACE.fullmatch(message)
        offset = None
        if found:
            offset = len(text) if found[2] is None else _offset(text, int(found[2]), int(found[3]))
        reason = found[1] if found else message
        self.problems.append(Problem(self.name, f"is not valid TOML: {_lowered(reason)}", text, offset))

    def _yaml(self) -> Any:
        try:
            import yaml  # noqa: PLC0415 - an extra of the package, for those who bring such files
        except ImportError:
            raise RuleError(
                "is YAML, for which PyYAML is needed", where=self.name, hint="pip install 'imgscan[yaml]'"
            ) from None
        try:
            loader = yaml.SafeLoader(self._text)
            return self._built(loader, loader.get_single_node(), ())
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark
            offset = mark.index if mark else None
            message = f"is not valid YAML: {_lowered(error.problem or 'unknown')}"
            self.problems.append(Problem(self.name, message, self._text, offset))
        except yaml.YAMLError:
            self.problem((), "is not valid YAML")
        return {}

    def _built(self, loader: Any, node: Any, path: Path) -> Any:
        """The values of a node; aliases are followed, up to a bound, as many times as they stand there."""
        if len(self._marks) > MAX_NODES or len(path) > MAX_DEPTH:
            raise RecursionError
        if node is None:
            return {}
        self._marks.setdefault(path, Mark(node.start_mark.index, node.start_mark.index))
        if node.id == "mapping":
            made = {}
            for key_node, value_node in node.value:
                key = str(key_node.value)
                self._marks[*path, key] = Mark(key_node.start_mark.index, value_node.start_mark.index)
                made[key] = self._built(loader, value_node, (*path, key))
            return made
        if node.id == "sequence":
            return [self._built(loader, item, (*path, index)) for index, item in enumerate(node.value)]
        try:
            return loader.construct_object(node)
        except (ValueError, LookupError, AttributeError):  # PyYAML's words for a date that there is not, or !!int ''
            self.problem(path, "is not a value of YAML")
            return None


def _offset(text: str, line: int, column: int) -> int:
    return sum(len(one) + 1 for one in text.split("\n")[: line - 1]) + column - 1


def _lowered(message: str) -> str:
    return message[:1].lower() + message[1:].rstrip(".")
