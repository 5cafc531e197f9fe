"""A guide for a terminal: the texts without their Markdown, folded and coloured. Code is never folded, words are whole.

Half a link leads nowhere, so one that is too long for a line stands out.
"""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Final, assert_never

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from imgscan.guides.page import Code, Paragraph, Points, Steps
from imgscan.guides.render import INLINE
from imgscan.report.escape import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imgscan.guides.page import Page, Part
    from imgscan.guides.schema import Step

NARROWEST: Final = 40
"""Columns; below that, lines are longer than the terminal is wide."""
INDENT: Final = "    "
_WORD: Final = re.compile(r"\S+\s*")
Line = tuple[str, Text, bool]
"""What stands in front of the first line, the text, and whether it may be folded."""


def render(page: Page, *, color: bool, width: int | None) -> str:
    """The page as text."""
    console = Console(
        file=io.StringIO(),
        width=max(width or NARROWEST, NARROWEST),
        force_terminal=color,
        color_system="standard" if color else None,
        legacy_windows=False,
        _environ={},
    )
    folded = Text("\n").join(piece for line in _lines(page) for piece in _folded(line, console))
    with console.capture() as capture:
        console.print(folded, soft_wrap=True)
    return "\n".join(line.rstrip() for line in capture.get().split("\n"))


def _folded(line: Line, console: Console) -> Iterator[Text]:
    lead, text, folds = line
    for at, piece in enumerate(text.divide(_breaks(text.plain, console.width - len(lead))) if folds else [text]):
        piece.rstrip()
        yield Text.assemble(lead if at == 0 else " " * len(lead), piece)


def _breaks(text: str, room: int) -> Iterator[int]:
    """Where the lines begin after the first one."""
    column = 0
    for word in _WORD.finditer(text):
        if column and column + cell_len(word[0].rstrip()) > room:
            yield word.start()
            column = 0
        column += cell_len(word[0])


def _lines(page: Page) -> Iterator[Line]:
    yield "", Text(printable(page.title), "bold"), True
    yield "", Text(page.docs, "dim"), False
    for section in page.sections:
        yield "", Text(), False
        yield "", Text(section.title.upper(), "bold blue"), True
        for part in section.parts:
            yield "", Text(), False
            yield from _part(part)


def _part(part: Part) -> Iterator[Line]:
    if not isinstance(part, Paragraph) and part.title:
        yield "", Text(part.title, "bold"), True
    match part:
        case Paragraph():
            yield "", styled(part.text), True
        case Points():
            yield from (("  * ", styled(point), True) for point in part.points)
        case Steps():
            for number, step in enumerate(part.steps, 1):
                yield from _step(number, step)
        case Code():
            yield from ((INDENT, Text(printable(line), "cyan"), False) for line in part.text.expandtabs(4).split("\n"))
        case _:  # pragma: no cover
            assert_never(part)


def _step(number: int, step: Step) -> Iterator[Line]:
    yield f"{number:3} ", styled(step.text), True
    for line in (step.command or "").splitlines():
        yield INDENT * 2, Text(printable(line), "cyan"), False
    if step.link and step.link not in step.text:
        yield INDENT, Text(step.link, "dim"), False


def styled(text: str) -> Text:
    """One text with its Markdown as styles; a label keeps its link behind it."""
    whole, at = Text(), 0
    for found in INLINE.finditer(text):
        whole.append(printable(text[at : found.start()]))
        whole.append_text(_mark(found))
        at = found.end()
    whole.append(printable(text[at:]))
    return whole


def _mark(found: re.Match[str]) -> Text:
    if code := found["code"]:
        return Text(printable(code), "cyan")
    if strong := found["strong"]:
        inner = styled(strong)
        inner.stylize("bold")
        return inner
    if label := found["label"]:
        return Text(printable(f"{label} ({found['target']})"))
    return Text(found["link"], "underline")
