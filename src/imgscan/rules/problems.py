"""What is wrong with a file of rules, and where: all of it at once, each with the line and a caret under the place.

Knows files as texts; what is right and wrong in them is for the readers of each format to say.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from imgscan.errors import RuleError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from imgscan.rules.schema import Rule

SHOWN_BEFORE: Final = 60
SHOWN_AFTER: Final = 40
"""Characters of a line that are shown around the place."""

MAX_SHOWN: Final = 50
"""Problems told at once; a file with more is of another kind, or broken at its root."""


class Flaw(NamedTuple):
    """What is wrong with a rule, the way there from the rule on, and in a pattern the character."""

    at: tuple[str | int, ...]
    message: str
    offset: int | None = None


if TYPE_CHECKING:
    Vet = Callable[[Rule], Iterable[Flaw]]
    """Tells what the matcher would refuse; comes from above, as this room does not know the matcher."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, or that is not done as the file says; ``offset`` is a place in ``text``."""

    file: str
    message: str
    text: str = ""
    offset: int | None = None

    @property
    def where(self) -> str:
        """``rules.toml:3:9``, as editors and terminals know it."""
        if self.offset is None:
            return self.file
        return f"{self.file}:{self.text.count(chr(10), 0, self.offset) + 1}:{self.offset - self._line_start() + 1}"

    def __str__(self) -> str:
        if self.offset is None:
            return f"{self.where}: {self.message}"
        first = max(self._line_start(), self.offset - SHOWN_BEFORE)
        feed = self.text.find("\n", self.offset)
        last = min(len(self.text) if feed < 0 else feed, self.offset + SHOWN_AFTER)
        excerpt = "".join(char if char.isprintable() else " " for char in self.text[first:last])
        return f"{self.where}: {self.message}\n  {excerpt.rstrip()}\n  {' ' * (self.offset - first)}^"

    def _line_start(self) -> int:
        return self.text.rfind("\n", 0, self.offset) + 1


def complain(problems: Sequence[Problem], hint: str | None = None) -> None:
    """Tell of all problems, if there are any.

    Raises:
        RuleError: names each of them.
    """
    if not problems:
        return
    told = [str(problem) for problem in problems[:MAX_SHOWN]]
    if len(problems) > 1:
        told.insert(0, f"there are {len(problems)} problems with the rules")
    if len(problems) > MAX_SHOWN:
        told.append(f"and {len(problems) - MAX_SHOWN} more")
    raise RuleError("\n".join(told), hint=hint)
